"""What a search of k settings ends up reporting: expectation, spread and quantiles, exact and without resampling.

Scores are better when lower. Of k settings the one with the least `choice` is kept, and its `score` is what is
reported: r_(i) is the score of the i-th by choice, i = 1 .. n. A diverged or failed setting is at +infinity in both.
Settings that tie in choice are each as likely to be kept. Every function gives one number per budget k = 1 .. n. Where
choice and score are one number, r_(i) = y_(i) is sorted, and these are the usual estimators of the minimum.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from analysis.estimators.order import Array, order_weights, ordered, shared


def expected_best(choice: Array, score: Array) -> Array:
    """E[r of the best of k without replacement] = sum_i r_(i) C(n-i, k-1) / C(n, k).

    Unbiased for what a search of k settings reports where no setting fails (Tang et al. 2020, U-statistic). +infinity
    where a draw of k settings can hold failures only, that is for k up to the number of failures. Where settings fail
    with a probability above 0 the true expectation is infinite at every k: then a finite value is that of these
    settings only, and where it begins depends on n. `quantile_of_best` has no such end.
    """
    ranked, r = ordered(choice, score)
    finite = np.isfinite(r)
    means = shared(order_weights(len(r)), ranked)[:, finite] @ r[finite]
    return np.where(_budgets(r) > (~finite).sum(), means, np.inf)


def expected_best_with_replacement(choice: Array, score: Array) -> Array:
    """The published form: E[r of the best of k with replacement] (Dodge et al. 2019, V-statistic), biased upwards.

    sum_i r_(i) [((n-i+1)/n)^k - ((n-i)/n)^k]; what a bootstrap of the study's figure 3 converges to. One failure makes
    it +infinity at every k.
    """
    ranked, r = ordered(choice, score)
    if not np.isfinite(r).all():
        return np.full(len(r), np.inf)
    return np.asarray(shared(_with_replacement(len(r)), ranked) @ r)


def deviation_of_best(choice: Array, score: Array) -> Array:
    """Standard deviation of r of the best of k without replacement; NaN where its mean is infinite."""
    ranked, r = ordered(choice, score)
    return _deviation(shared(order_weights(len(r)), ranked), r, expected_best(choice, score))


def deviation_with_replacement(choice: Array, score: Array) -> Array:
    """Standard deviation of r of the best of k with replacement, the band of the published figure 3.

    NaN where its mean is infinite: at every k, as soon as one setting failed.
    """
    ranked, r = ordered(choice, score)
    mean = expected_best_with_replacement(choice, score)
    return _deviation(shared(_with_replacement(len(r)), ranked), r, mean)


def quantile_of_best(choice: Array, score: Array, share: float) -> Array:
    """The smallest score that what is reported of the best of k meets with probability `share` (0 < share <= 1).

    P(best by choice is the i-th) = C(n-i, k-1) / C(n, k); r_(i) need not rise with i. +infinity where failures alone
    are likelier than 1 - share.
    """
    ranked, r = ordered(choice, score)
    rising = np.argsort(r, kind="stable")
    weights = shared(order_weights(len(r)), ranked)[:, rising]
    met = np.cumsum(weights, axis=1) >= share - 1e-9  # rounding must not skip a tie with share
    return np.asarray(r[rising][np.argmax(met, axis=1)]) if len(r) else r


def median_share(k: npt.NDArray[np.int64]) -> Array:
    """p with median(best of k independent draws) = the scores' quantile at p: 1 - (1 - p)^k = 1/2, so 1 - 2^(-1/k)."""
    return np.asarray(-np.expm1(-np.log(2) / k))


def median_of_best(choice: Array) -> Array:
    """The median of the least choice of k draws with replacement: the quantile of the n scores at `median_share`(k).

    The smallest score with at least that share of the n at or below it; +infinity where failures reach it. At k = 1
    and even n it is the lower of the two middle scores. opda 0.8, which agrees at every other k, gives the lower or the
    upper one there, as its sum of n shares is rounded.
    """
    y, _ = ordered(choice, choice)
    n = len(y)
    reached = np.ceil(n * median_share(_budgets(y)) - 1e-9).astype(int)  # rounding must not skip a tie with the share
    return np.asarray(y[np.maximum(reached, 1) - 1])


@lru_cache(maxsize=32)
def _with_replacement(n: int) -> Array:
    """P(the best of k with replacement is the i-th best of n), as [k - 1, i - 1]. Read-only."""
    behind = np.arange(n, -1, -1) / max(n, 1)  # share of draws that are r_(i) or behind it
    survival = behind[None, :] ** np.arange(1, n + 1)[:, None]
    weights = np.asarray(survival[:, :-1] - survival[:, 1:])
    weights.setflags(write=False)
    return weights


def _deviation(weights: Array, r: Array, mean: Array) -> Array:
    finite, known = np.isfinite(r), np.isfinite(mean)
    squares = np.subtract.outer(np.where(known, mean, 0.0), r[finite]) ** 2
    variance = np.sum(weights[:, finite] * squares, axis=1)
    return np.where(known, np.sqrt(variance), np.nan)


def _budgets(y: Array) -> npt.NDArray[np.int64]:
    return np.arange(1, len(y) + 1)
