"""The scores of many runs on several data sets as one number per loss, or as a profile (Agarwal et al. 2021).

Every function takes how often each run counts, one row per resample, so that an estimate is one row of ones and a
bootstrap is the same sum with more rows. Failures are at +infinity.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
CUT = 0.25  # of the runs, from either end


def medians(scores: Array, counts: Counts) -> Array:
    """[resamples]: the median of the finite ones of scores [runs], taken counts [resamples, runs] times; NaN of none.

    A scale, and no estimate: were failures among what it is the median of, half of them would leave no scale at all.
    """
    finite = np.isfinite(scores)
    if not finite.any():
        return np.full(len(counts), np.nan)
    order = np.argsort(scores[finite], kind="stable")
    y, reached = scores[finite][order], np.cumsum(counts[:, finite][:, order], axis=1)
    total = reached[:, -1:]
    lower, upper = (y[np.argmax(reached > place, axis=1)] for place in ((total - 1) // 2, total // 2))
    return np.where(total[:, 0] > 0, (lower + upper) / 2, np.nan)


def normalised(scores: Array, middle: Array) -> Array:
    """Scores over `medians` of all losses on their data set. +infinity is that on every scale, and without one.

    Finite scores are NaN where the scale is not above zero. Without one (NaN) no finite score is taken: +infinity.
    """
    usable = middle > 0
    found = np.where(usable, scores / np.where(usable, middle, 1.0), np.where(np.isnan(middle), np.inf, np.nan))
    return np.asarray(np.where(np.isinf(scores), np.inf, found))


def interquartile_means(values: Array, counts: Counts) -> Array:
    """[resamples]: the mean of values [resamples, runs] without the least and the greatest quarter of the runs.

    Taken counts [resamples, runs] times, as scipy.stats.trim_mean(..., 0.25): int(n / 4) runs are cut from either end.
    +infinity where more than that have failed; NaN of no runs, and where a value is NaN.
    """
    order = np.argsort(values, axis=1)
    y, times = (np.take_along_axis(array, order, axis=1) for array in (values, counts))
    reached = np.cumsum(times, axis=1)
    total = reached[:, -1:]
    cut = (CUT * total).astype(np.int64)
    kept = np.clip(np.minimum(reached, total - cut) - np.maximum(reached - times, cut), 0, None)
    with np.errstate(invalid="ignore"):
        sums = (kept * np.where(kept > 0, y, 0.0)).sum(axis=1)
    left = kept.sum(axis=1)
    known = (left > 0) & ~np.isnan(values).any(axis=1)
    return np.where(known, sums / np.maximum(left, 1), np.nan)


def profiles(values: Array, counts: Counts, at: Array) -> Array:
    """[resamples, at]: the share of runs with a value of at most each of `at`, which rises; NaN as above."""
    resamples, width = len(values), len(at) + 1
    places = np.searchsorted(at, values) + width * np.arange(resamples)[:, None]
    found = np.bincount(places.ravel(), counts.ravel().astype(float), minlength=resamples * width)
    reached = np.cumsum(found.reshape(resamples, width), axis=1)
    known = (reached[:, -1:] > 0) & ~np.isnan(values).any(axis=1, keepdims=True)
    return np.where(known, reached[:, :-1] / np.maximum(reached[:, -1:], 1.0), np.nan)
