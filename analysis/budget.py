"""The best score that a search of k settings finds: expectation, spread and quantiles, exact and without resampling.

Scores are better when lower; y_(1) <= ... <= y_(n) are the settings that were run, a diverged or failed one at
+infinity. Every function gives one number per budget k = 1 .. n.
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

    mean: `expected_best`. low, median, high: the exact 10, 50 and 90 % quantiles of the best of k of the settings that
    were run, drawn without replacement. It is the spread of what researchers with that budget would get out of these
    settings, and no confidence interval: it says nothing of other settings, and at k = n it has no width.
    published: `expected_best_with_replacement`. Settings without an ended seed are not in n.
    """
    names = [*SEARCH, "k", "mean", "low", "median", "high", "deviation", "published", "n", "failed"]
    parts = [_curve(group) for _, group in settings.dropna(subset="score").groupby(SEARCH)]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def expected_best(scores: Array) -> Array:
    """E[best of k without replacement] = sum_i y_(i) C(n-i, k-1) / C(n, k): unbiased (Tang et al. 2020, U-statistic).

    +infinity where a draw of k settings can hold failures only, that is for k up to the number of failures.
    """
    y = _ordered(scores)
    finite = np.isfinite(y)
    means = order_weights(len(y))[:, finite] @ y[finite]
    return np.where(_budgets(y) > (~finite).sum(), means, np.inf)


def expected_best_with_replacement(scores: Array) -> Array:
    """The published form: E[best of k with replacement] (Dodge et al. 2019, V-statistic), biased upwards.

    sum_i y_(i) [((n-i+1)/n)^k - ((n-i)/n)^k]; what a bootstrap of the study's figure 3 converges to. One failure makes
    it +infinity at every k.
    """
    y = _ordered(scores)
    if not np.isfinite(y).all():
        return np.full(len(y), np.inf)
    above = np.arange(len(y), -1, -1) / max(len(y), 1)  # share of draws that are y_(i) or worse
    survival = above[None, :] ** _budgets(y)[:, None]
    return np.asarray((survival[:, :-1] - survival[:, 1:]) @ y)


def deviation_of_best(scores: Array) -> Array:
    """Standard deviation of the best of k without replacement; NaN where its mean is infinite."""
    y, mean = _ordered(scores), expected_best(scores)
    finite = np.isfinite(y)
    known = np.isfinite(mean)
    squares = np.subtract.outer(np.where(known, mean, 0.0), y[finite]) ** 2
    variance = np.sum(order_weights(len(y))[:, finite] * squares, axis=1)
    return np.where(known, np.sqrt(variance), np.nan)


def quantile_of_best(scores: Array, share: float) -> Array:
    """The smallest score that the best of k without replacement meets with probability `share` (0 < share <= 1).

    P(best <= y_(i)) = 1 - C(n-i, k) / C(n, k). +infinity where failures alone are likelier than 1 - share.
    """
    y = _ordered(scores)
    met = np.cumsum(order_weights(len(y)), axis=1) >= share - 1e-9  # rounding must not skip a tie with share
    return np.asarray(y[np.argmax(met, axis=1)]) if len(y) else y


def order_weights(n: int) -> Array:
    """P(the best of k without replacement is the i-th best of n), as [k - 1, i - 1]; rows sum to one."""
    k, i = np.mgrid[1 : n + 1, 1 : n + 1]
    possible = n - i >= k - 1
    log = _log_choose(np.where(possible, n - i, n), np.where(possible, k - 1, 0)) - _log_choose(np.full_like(k, n), k)
    return np.where(possible, np.exp(np.where(possible, log, 0.0)), 0.0)


def _curve(group: pd.DataFrame) -> pd.DataFrame:
    y = _ordered(group["score"].to_numpy(dtype=float))
    return pd.DataFrame(
        {
            **{name: group[name].iloc[0] for name in SEARCH},
            "k": _budgets(y),
            "mean": expected_best(y),
            "low": quantile_of_best(y, LOW),
            "median": quantile_of_best(y, 0.5),
            "high": quantile_of_best(y, HIGH),
            "deviation": deviation_of_best(y),
            "published": expected_best_with_replacement(y),
            "n": len(y),
            "failed": int(np.isinf(y).sum()),
        }
    )


def _ordered(scores: Array) -> Array:
    y = np.sort(np.asarray(scores, dtype=float))
    if np.isnan(y).any() or np.isneginf(y).any():
        raise ValueError("scores are numbers or +infinity; leave settings that have not ended out")
    return y


def _budgets(y: Array) -> npt.NDArray[np.int64]:
    return np.arange(1, len(y) + 1)


def _log_choose(n: npt.NDArray[np.int64], k: npt.NDArray[np.int64]) -> Array:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
