"""The standard error of a statistic that is slow to compute: a jackknife that leaves out groups, seeded."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.intervals.bootstrap import SEED

Array = npt.NDArray[np.float64]
GROUPS = 10


def deviations(n: int, statistic: Callable[[npt.NDArray[np.bool_]], Array], *, seed: int = SEED) -> Array:
    """The standard errors of what `statistic` gives of n independent units, [...], from GROUPS random groups of them.

    `statistic` takes which units are kept. sqrt((G - 1) / G sum (t_g - mean)^2), t_g without group g (Efron and
    Tibshirani 1993, section 11.5).
    """
    group = np.random.default_rng(seed).permutation(n) % GROUPS
    found = np.array([statistic(group != g) for g in range(GROUPS)])
    return np.asarray(np.sqrt((GROUPS - 1) / GROUPS * np.square(found - found.mean(axis=0)).sum(axis=0)))


def quantile(level: float = 0.95) -> float:
    """How many of those errors an interval reaches to either side: Student's, of GROUPS - 1 degrees."""
    return float(stats.t.ppf((1 + level) / 2, GROUPS - 1))
