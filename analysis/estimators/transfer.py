"""What the setting that one data set chose is worth on another."""

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]


def chosen(choice: Array) -> int:
    """The position of the least `choice` of a data set's settings (+inf failed, NaN not run), the first of equals.

    -1 where nothing has worked.
    """
    usable = np.where(np.isfinite(choice), choice, np.inf)
    return int(np.argmin(usable)) if np.isfinite(usable).any() else -1


def ranks(choice: Array) -> Array:
    """1 is best; ties, and so all that failed, averaged; NaN where not run."""
    return np.asarray(stats.rankdata(choice, nan_policy="omit"))


def regret(score: float, best: float) -> float:
    """score / best: how many times the best setting's score one pays; +infinity where it failed. NaN if best <= 0.

    Below 1 where another setting than the one that selection kept reports better.
    """
    return score / best if best > 0 else float("nan")
