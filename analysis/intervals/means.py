"""How far a mean over few seeds may be from the mean over all: a t interval on the logarithm of the mean."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]
FEWEST = 13  # values; of fewer a second mode is seen too rarely


@dataclass(frozen=True)
class MeanInterval:
    """A confidence interval. low and high are NaN where none is given."""

    low: float
    high: float
    level: float


def mean_interval(values: Array, *, level: float = 0.95) -> MeanInterval:
    """The interval of the mean of independent values: mean exp(+-t h), with Student's t of n - 1 degrees.

    h, the standard error of the mean's logarithm, is the larger of s / (mean sqrt(n)), which is right for many values
    of any distribution, and of sqrt(v / n + v^2 / 2 (n - 1)), v the variance of the logarithms, which is right for few
    values that are log-normal (the modified Cox method, Olsson 2005). Where a value is not above 0 it is mean +- t
    s / sqrt(n).

    It assumes that what is rare weighs little. Simulated, a 95 % interval of 13 to 50 values holds the mean in 93 to
    97 % of studies where they are normal, log-normal with sigma to 1.5, uniform or Student's with 3 degrees, and in 90
    to 94 % where they are exponential. Where a fifth of them is twice as bad (collapse) in 92 to 94 %; where a tenth is
    four times as bad in 73 (13 values), 90 (37) and 93 % (50): a rare value far away that is not among the few spoils
    it. Of 6 values it holds the mean in 95 % of log-normal studies, too, but in 73 and 50 % of those two; so there is
    none for fewer than FEWEST. Raises ValueError for values that are not finite: a failed seed is counted, and has no
    place in a mean.
    """
    x = np.sort(np.asarray(values, dtype=float))
    if not np.isfinite(x).all():
        raise ValueError("an interval of a mean needs finite values")
    n = len(x)
    if n < FEWEST:
        return MeanInterval(float("nan"), float("nan"), level)
    mean, error, t = float(x.mean()), x.std(ddof=1) / np.sqrt(n), stats.t.ppf((1 + level) / 2, n - 1)
    if x[0] <= 0:
        return MeanInterval(float(mean - t * error), float(mean + t * error), level)
    v = np.log(x).var(ddof=1)
    reach = float(np.exp(t * max(error / mean, np.sqrt(v / n + v**2 / (2 * (n - 1))))))
    return MeanInterval(mean / reach, mean * reach, level)
