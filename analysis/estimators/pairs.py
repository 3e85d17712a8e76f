"""The probability that what one search reports is lower than what another reports, both of k settings.

Exact over all draws of k settings of each, without replacement: sum_ij P(first keeps i) P(second keeps j) [r_i < s_j],
ties one half; unbiased for independent settings. At k = 1 it is the Mann-Whitney U / (n m). Two failures tie.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.estimators.order import Array, means_without_each, order_weights, ordered, shared


@dataclass(frozen=True)
class Beats:
    """`probability` that the first is lower, and what it would be without each setting of the first, and the second."""

    probability: float
    without_first: Array
    without_second: Array


def beats(first: tuple[Array, Array], second: tuple[Array, Array], k: int) -> Beats:
    """first, second: choice and score of every setting of a search that has ended, [n] and [m].

    `without_first` [n] and `without_second` [m] are NaN where no k settings would be left. Raises ValueError for k
    below 1 or above n or m.
    """
    return along(first, second, [k])[0]


def along(first: tuple[Array, Array], second: tuple[Array, Array], ks: Sequence[int]) -> list[Beats]:
    """`beats` at several budgets."""
    (a, r), (b, s) = ordered(*first), ordered(*second)
    for k in ks:
        if not 1 <= k <= min(len(a), len(b)):
            raise ValueError(f"k = {k} is not from 1 to {min(len(a), len(b))}, the settings that were run of both")
    wins = np.less.outer(r, s) + 0.5 * np.equal.outer(r, s)
    one, other = _kept(a, ks), _kept(b, ks)
    against, by = other @ wins.T, one @ wins
    found = np.clip(np.sum(one * against, axis=1), 0.0, 1.0)  # rounding
    return [Beats(float(found[i]), _without(a, against[i], k), _without(b, by[i], k)) for i, k in enumerate(ks)]


def _kept(ranked: Array, ks: Sequence[int]) -> Array:
    return shared(order_weights(len(ranked))[np.array(ks, dtype=int) - 1], ranked)


def _without(ranked: Array, values: Array, k: int) -> Array:
    n = len(ranked)
    return means_without_each(ranked, values, k) if k < n else np.full(n, np.nan)
