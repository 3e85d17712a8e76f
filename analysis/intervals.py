"""How far a mean over seeds may be from the mean over all seeds: a bootstrap interval, seeded and recorded."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]
FEWEST = 6  # values below which no interval is given: resamples of five reach 92 %, of four no 90 %
SEED = 20180101


@dataclass(frozen=True)
class Interval:
    """A confidence interval and what is needed to compute it again. low and high are NaN where no interval is given."""

    low: float
    high: float
    level: float
    resamples: int
    seed: int


def bootstrap(
    values: Array,
    statistic: Callable[..., Array] = np.mean,
    *,
    level: float = 0.95,
    resamples: int = 4000,
    seed: int = SEED,
) -> Interval:
    """The expanded percentile interval of a statistic of independent values (Hesterberg 2015, section 4).

    `statistic` takes axis=. The percentiles are those of a t interval, without which a bootstrap of few values is too
    narrow: simulated, a 95 % interval of the mean of 6 to 20 values holds it in 94 to 95 % of studies where they are
    normal and in 90 to 93 % where log-normal with sigma 0.5. No interval for fewer than FEWEST values. Equal values in
    any order give the equal interval. Raises ValueError for values that are not finite: a failed seed is counted, and
    has no place in a mean.
    """
    x = np.sort(np.asarray(values, dtype=float))
    if not np.isfinite(x).all():
        raise ValueError("a bootstrap needs finite values")
    if len(x) < FEWEST:
        return Interval(np.nan, np.nan, level, 0, seed)
    draws = x[np.random.default_rng(seed).integers(len(x), size=(resamples, len(x)))]
    reach = stats.t.ppf((1 + level) / 2, len(x) - 1) * np.sqrt(len(x) / (len(x) - 1))
    low, high = np.quantile(statistic(draws, axis=1), [stats.norm.sf(reach), stats.norm.cdf(reach)])
    return Interval(float(low), float(high), level, resamples, seed)


def bootstrap_deviation(
    values: Array, statistic: Callable[[Array], Array], *, resamples: int = 4000, seed: int = SEED
) -> float:
    """The standard error of a statistic of independent values: its standard deviation over bootstrap resamples.

    `statistic` maps [resamples, n] to [resamples]. NaN for fewer than FEWEST values, and where a value at infinity
    makes a resample's statistic infinite. Of a minimum it is too small: no resample goes below the least value.
    """
    x = np.sort(np.asarray(values, dtype=float))
    if len(x) < FEWEST:
        return float("nan")
    found = statistic(x[np.random.default_rng(seed).integers(len(x), size=(resamples, len(x)))])
    return float(np.std(found, ddof=1)) if np.isfinite(found).all() else float("nan")
