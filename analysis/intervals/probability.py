"""How sure the probability is that the best of k settings of one search beats the best of k of another.

It is known as well as tosses of a coin tell: as many as give the estimate the variance that the jackknife finds (k = 1:
DeLong et al. 1988). The limits are Clopper and Pearson's, of counts that need not be whole. Where one good or one bad
region of a space decides everything and k = 1, the tosses are the settings, and the limits exact.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]
SHARE = 7  # settings of each search per setting of the budget, below which there is no interval
MOST = 2  # tosses per draw of k settings that shares none with another, at most
EDGE = 1e-9  # of 0 and 1: nearer there is rounding only
NOTHING = 1e-12  # a variance: of a search none of whose settings matters, as when it met no setting of its good region


def probability_interval(
    probability: float, without_first: Array, without_second: Array, k: int, level: float = 0.95
) -> tuple[float, float]:
    """low and high of a probability that settings of two searches were compared by (`estimators.pairs.beats`).

    without_first, without_second: the estimate without each setting of the one and the other search. An estimate of 0
    or 1 is worth n / k tosses, the draws of the smaller search that share no setting, and so is one to which a search
    adds no variance. The limits err on the wide side. A 95 % interval holds the truth in 95 to 100 % of studies where
    one region of either space, or of both, decides (exact, 7 to 100 settings, k up to a seventh); simulated, in 94 to
    100 %: for normal, skewed and heavy-tailed scores, with ties and failures, with scores apart from what chose. Both
    are NaN for k above a seventh of the smaller search, of which too few draws share no setting, and so for fewer than
    seven settings.
    """
    n = min(len(without_first), len(without_second))
    if n < k * SHARE:
        return np.nan, np.nan
    tosses = n / k
    if EDGE < probability < 1 - EDGE:
        parts = _jackknife(without_first), _jackknife(without_second)
        tosses *= MOST if min(parts) > NOTHING else 1
        variance = sum(parts)
        if variance * tosses > probability * (1 - probability):
            tosses = probability * (1 - probability) / variance
    heads, tails, tail = tosses * probability, tosses * (1 - probability), (1 - level) / 2
    low = special.betaincinv(heads, tails + 1, tail) if probability > EDGE else 0.0
    high = special.betainccinv(heads + 1, tails, tail) if probability < 1 - EDGE else 1.0
    return float(low), float(high)


def _jackknife(without: Array) -> float:
    """The share of an estimate's variance that one sample has, by what it is without each of its n values.

    Of a mean of zeros and ones it is p (1 - p) / n, that of n tosses, so the usual factor n / (n - 1) is left out.
    """
    n = len(without)
    return float((n - 1) ** 2 / n * np.var(without))
