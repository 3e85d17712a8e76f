"""Which of n settings a search of k of them keeps: the probabilities of the order statistics, and ties.

Settings are in the order of `choice`, best first; a diverged or failed one is at +infinity. Of k settings drawn without
replacement the best is the i-th of n with probability C(n-i, k-1) / C(n, k).
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

Array = npt.NDArray[np.float64]


def ordered(choice: Array, score: Array) -> tuple[Array, Array]:
    """Both by choice; ties by score, so that the order of the settings changes no digit.

    Raises ValueError for what is no score, and for a failure that is at infinity in one of them only.
    """
    c, r = np.asarray(choice, dtype=float), np.asarray(score, dtype=float)
    for values in (c, r):
        if np.isnan(values).any() or np.isneginf(values).any():
            raise ValueError("scores are numbers or +infinity; leave settings that have not ended out")
    if (np.isinf(c) != np.isinf(r)).any():
        raise ValueError("a failure is at +infinity in what chooses and in what is reported")
    order = np.lexsort((r, c))
    return c[order], r[order]


@lru_cache(maxsize=32)
def order_weights(n: int) -> Array:
    """P(the best of k without replacement is the i-th best of n), as [k - 1, i - 1]; rows sum to one. Read-only."""
    k, i = np.mgrid[1 : n + 1, 1 : n + 1]
    possible = n - i >= k - 1
    log = _log_choose(np.where(possible, n - i, n), np.where(possible, k - 1, 0)) - _log_choose(np.full_like(k, n), k)
    weights = np.where(possible, np.exp(np.where(possible, log, 0.0)), 0.0)
    weights.setflags(write=False)
    return weights


def shared(weights: Array, ranked: Array) -> Array:
    """The weights [k, i] with those of settings that tie in choice shared equally among them."""
    starts = _starts(ranked)
    if len(starts) == len(ranked):
        return weights
    sizes = np.diff(starts, append=len(ranked))
    return np.asarray(np.repeat(np.add.reduceat(weights, starts, axis=1) / sizes, sizes, axis=1))


def weights_without_each(ranked: Array, k: int) -> Array:
    """Row i: P(the best of k is the j-th) where the i-th setting had not been run; [n, n], zero on the diagonal, k < n.

    Settings that tie in choice share, as in `shared`.
    """
    n = len(ranked)
    rest = order_weights(n - 1)[k - 1]
    j = np.arange(n)
    weights = np.where(j < j[:, None], np.append(rest, 0.0), np.append(0.0, rest))
    np.fill_diagonal(weights, 0.0)
    starts = _starts(ranked)
    if len(starts) == n:
        return weights
    sizes = np.diff(starts, append=n)
    group = np.repeat(np.arange(len(starts)), sizes)
    left = sizes - (group[:, None] == np.arange(len(starts)))
    sums = np.add.reduceat(weights, starts, axis=1)
    weights = np.asarray((sums / np.maximum(left, 1))[:, group])
    np.fill_diagonal(weights, 0.0)
    return weights


def means_without_each(ranked: Array, values: Array, k: int) -> Array:
    """[n]: the expectation of `values` [n] over the best of k where each setting had not been run, k < n.

    The same as `weights_without_each` times `values`, in n steps: those before a setting keep their places, those
    behind it move up, and those that tie with it share what is left.
    """
    n, starts = len(ranked), _starts(ranked)
    rest = order_weights(n - 1)[k - 1]
    sizes = np.diff(starts, append=n)
    group = np.repeat(np.arange(len(starts)), sizes)
    begin, size = starts[group], sizes[group]
    sums = np.add.reduceat(values, starts)[group]
    even = sums / size  # settings that tie are each as likely to be kept
    before = np.concatenate([[0.0], np.cumsum(rest * even[:-1])])[begin]
    behind = np.concatenate([[0.0], np.cumsum(rest * even[1:])])
    after = behind[-1] - behind[begin + size - 1]
    shares = np.concatenate([[0.0], np.cumsum(rest)])
    beside = (shares[begin + size - 1] - shares[begin]) * (sums - values) / np.maximum(size - 1, 1)
    return np.asarray(before + after + beside)


def _starts(ranked: Array) -> npt.NDArray[np.int64]:
    """Where a new value begins."""
    return np.flatnonzero(np.append(np.full(min(len(ranked), 1), True), ranked[1:] != ranked[:-1]))


def _log_choose(n: npt.NDArray[np.int64], k: npt.NDArray[np.int64]) -> Array:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
