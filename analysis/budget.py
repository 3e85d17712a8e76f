"""What a search of k settings ends up reporting: expectation, spread and quantiles, exact and without resampling.

Scores are better when lower. Of k settings the one with the least `choice` is kept, and its `score` is what is
reported: r_(i) is the score of the i-th by choice, i = 1 .. n. A diverged or failed setting is at +infinity in both.
Settings that tie in choice are each as likely to be kept. Every function gives one number per budget k = 1 .. n. Where
choice and score are one number, r_(i) = y_(i) is sorted, and these are the usual estimators of the minimum.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import gammaln

from analysis.frames import SEARCH

Array = npt.NDArray[np.float64]
LOW, HIGH = 0.1, 0.9  # the quantiles of the best of k that a band spans


def curves(settings: pd.DataFrame) -> pd.DataFrame:
    """One row per search and budget k: mean, low, median, high, deviation, published, n (settings run), failed.

    mean: `expected_best`. low, median, high: the exact 10, 50 and 90 % quantiles of what is reported of the best of k
    of the settings that were run, drawn without replacement. It is the spread of what researchers with that budget
    would get out of these settings, and no confidence interval: it says nothing of other settings, and at k = n it has
    no width. published: `expected_best_with_replacement`. Settings without an ended seed are not in n.
    """
    names = [*SEARCH, "k", "mean", "low", "median", "high", "deviation", "published", "n", "failed"]
    parts = [_curve(group) for _, group in settings.dropna(subset="choice").groupby(SEARCH)]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def expected_best(choice: Array, score: Array) -> Array:
    """E[r of the best of k without replacement] = sum_i r_(i) C(n-i, k-1) / C(n, k).

    Unbiased for what a search of k settings reports (Tang et al. 2020, U-statistic). +infinity where a draw of k
    settings can hold failures only, that is for k up to the number of failures.
    """
    ranked, r = _ordered(choice, score)
    finite = np.isfinite(r)
    means = _shared(order_weights(len(r)), ranked)[:, finite] @ r[finite]
    return np.where(_budgets(r) > (~finite).sum(), means, np.inf)


def expected_best_with_replacement(choice: Array, score: Array) -> Array:
    """The published form: E[r of the best of k with replacement] (Dodge et al. 2019, V-statistic), biased upwards.

    sum_i r_(i) [((n-i+1)/n)^k - ((n-i)/n)^k]; what a bootstrap of the study's figure 3 converges to. One failure makes
    it +infinity at every k.
    """
    ranked, r = _ordered(choice, score)
    if not np.isfinite(r).all():
        return np.full(len(r), np.inf)
    above = np.arange(len(r), -1, -1) / max(len(r), 1)  # share of draws that are r_(i) or behind it
    survival = above[None, :] ** _budgets(r)[:, None]
    return np.asarray(_shared(survival[:, :-1] - survival[:, 1:], ranked) @ r)


def deviation_of_best(choice: Array, score: Array) -> Array:
    """Standard deviation of r of the best of k without replacement; NaN where its mean is infinite."""
    (ranked, r), mean = _ordered(choice, score), expected_best(choice, score)
    finite = np.isfinite(r)
    known = np.isfinite(mean)
    squares = np.subtract.outer(np.where(known, mean, 0.0), r[finite]) ** 2
    variance = np.sum(_shared(order_weights(len(r)), ranked)[:, finite] * squares, axis=1)
    return np.where(known, np.sqrt(variance), np.nan)


def quantile_of_best(choice: Array, score: Array, share: float) -> Array:
    """The smallest score that what is reported of the best of k meets with probability `share` (0 < share <= 1).

    P(best by choice is the i-th) = C(n-i, k-1) / C(n, k); r_(i) need not rise with i. +infinity where failures alone
    are likelier than 1 - share.
    """
    ranked, r = _ordered(choice, score)
    rising = np.argsort(r, kind="stable")
    weights = _shared(order_weights(len(r)), ranked)[:, rising]
    met = np.cumsum(weights, axis=1) >= share - 1e-9  # rounding must not skip a tie with share
    return np.asarray(r[rising][np.argmax(met, axis=1)]) if len(r) else r


def order_weights(n: int) -> Array:
    """P(the best of k without replacement is the i-th best of n), as [k - 1, i - 1]; rows sum to one."""
    k, i = np.mgrid[1 : n + 1, 1 : n + 1]
    possible = n - i >= k - 1
    log = _log_choose(np.where(possible, n - i, n), np.where(possible, k - 1, 0)) - _log_choose(np.full_like(k, n), k)
    return np.where(possible, np.exp(np.where(possible, log, 0.0)), 0.0)


def _curve(group: pd.DataFrame) -> pd.DataFrame:
    choice, score = (group[name].to_numpy(dtype=float) for name in ("choice", "score"))
    return pd.DataFrame(
        {
            **{name: group[name].iloc[0] for name in SEARCH},
            "k": _budgets(score),
            "mean": expected_best(choice, score),
            "low": quantile_of_best(choice, score, LOW),
            "median": quantile_of_best(choice, score, 0.5),
            "high": quantile_of_best(choice, score, HIGH),
            "deviation": deviation_of_best(choice, score),
            "published": expected_best_with_replacement(choice, score),
            "n": len(score),
            "failed": int(np.isinf(score).sum()),
        }
    )


def _ordered(choice: Array, score: Array) -> tuple[Array, Array]:
    """Both by choice; ties by score, so that the order of the settings changes no digit."""
    c, r = np.asarray(choice, dtype=float), np.asarray(score, dtype=float)
    for values in (c, r):
        if np.isnan(values).any() or np.isneginf(values).any():
            raise ValueError("scores are numbers or +infinity; leave settings that have not ended out")
    if (np.isinf(c) != np.isinf(r)).any():
        raise ValueError("a failure is at +infinity in what chooses and in what is reported")
    order = np.lexsort((r, c))
    return c[order], r[order]


def _shared(weights: Array, ranked: Array) -> Array:
    """The weights [k, i] with those of settings that tie in choice shared equally among them."""
    starts = np.flatnonzero(np.append(np.full(min(len(ranked), 1), True), ranked[1:] != ranked[:-1]))
    if len(starts) == len(ranked):
        return weights
    sizes = np.diff(starts, append=len(ranked))
    return np.asarray(np.repeat(np.add.reduceat(weights, starts, axis=1) / sizes, sizes, axis=1))


def _budgets(y: Array) -> npt.NDArray[np.int64]:
    return np.arange(1, len(y) + 1)


def _log_choose(n: npt.NDArray[np.int64], k: npt.NDArray[np.int64]) -> Array:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
