"""Bands for quantiles that hold for all of them at once, whatever the distribution.

Of n independent scores the number at or below the true p-quantile is Binomial(n, p) (at least that, and the number
below it at most that, where the distribution has atoms). Every p gets an equal-tailed interval of that number at one
local level, the greatest at which all intervals hold together with the level asked for: equal local levels (Aldor-
Noiman et al. 2013). The probability that they do is computed, not simulated: a Poisson process in place of the counts,
conditioned on its n points (Moscovich and Nadler 2017).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import gammaln

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
HALVINGS = 24  # of the range of local levels: a relative error of 1e-6


@dataclass(frozen=True)
class Band:
    """low and high: one per quantile; -infinity and +infinity where the scores say nothing.

    held: the probability that all of them hold, exact where the scores have a density; more where they have atoms.
    """

    low: Array
    high: Array
    level: float
    held: float


def quantile_band(values: Array, shares: Array, level: float = 0.95) -> Band:
    """The band of the quantiles at `shares` (each in (0, 1)) of the distribution that n independent values are from.

    Values may be +infinity. Of few values it says little, and says so by infinite ends: of 5 no quantile has both ends
    finite. A band of no values is -infinity to +infinity.
    """
    y = np.sort(np.asarray(values, dtype=float))
    if np.isnan(y).any():
        raise ValueError("values are numbers or infinite; leave what has not ended out")
    rising, back = np.unique(np.asarray(shares, dtype=float), return_inverse=True)
    low, high, held = _counts(len(y), tuple(rising.tolist()), level)
    bounded = np.concatenate([[-np.inf], y, [np.inf]])  # bounded[i] is y_(i)
    return Band(bounded[low][back], bounded[high + 1][back], level, held)


@lru_cache(maxsize=128)
def _counts(n: int, shares: tuple[float, ...], level: float) -> tuple[Counts, Counts, float]:
    """The least and greatest number of n values at or below every quantile, and P(all hold)."""
    p = np.array(shares)
    least, most = np.log((1 - level) / 2 / max(len(p), 1)), np.log((1 - level) / 2)  # Bonferroni's holds, one's may not
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        if _held(n, p, *_local(n, p, np.exp(middle))) >= level:
            least = middle
        else:
            most = middle
    low, high = _local(n, p, np.exp(least))
    return low, high, _held(n, p, low, high)


def _local(n: int, p: Array, tail: float) -> tuple[Counts, Counts]:
    low, high = stats.binom.ppf(tail, n, p), stats.binom.isf(tail, n, p)
    return np.maximum(low, 0).astype(int), np.maximum(high, 0).astype(int)


def _held(n: int, p: Array, low: Counts, high: Counts) -> float:
    """P(low_j <= number of n uniform values at or below p_j <= high_j for all j), p rising."""
    state, first, share = np.ones(1), 0, 0.0
    for j in range(len(p)):
        more = _poisson(np.arange(high[j] - first + 1), n * (p[j] - share))
        state = np.convolve(state, more)[max(low[j] - first, 0) : high[j] - first + 1]
        first, share = max(int(low[j]), first), float(p[j])
    rest = _poisson(n - first - np.arange(len(state)), n * (1 - share))
    return float(state @ rest / _poisson(np.array([n]), float(n))[0])


def _poisson(count: Counts, mean: float) -> Array:
    if mean == 0:
        return np.asarray((count == 0).astype(float))
    return np.asarray(np.exp(count * np.log(mean) - mean - gammaln(count + 1.0)))
