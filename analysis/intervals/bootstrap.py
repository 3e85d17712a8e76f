"""How far a statistic of few values may be from that of all: a bootstrap, seeded and recorded."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
FEWEST = 6  # values below which no standard error is given
SEED = 20180101


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
