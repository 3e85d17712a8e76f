"""Which part of a table is shown, for pictures and for the words that stand beside them."""

import pandas as pd

from analysis.frames import HYPERPARAMETERS
from analysis.tables.practical import ALL


def varied(settings: pd.DataFrame) -> list[str]:
    """The hyperparameters that take more than one value in these settings."""
    return [name for name in HYPERPARAMETERS if name in settings and settings[name].nunique() > 1]


def phases(spread: pd.DataFrame) -> list[str]:
    """The phase with the most settings first: wide before narrow."""
    sizes = spread.groupby("phase", sort=False)["n"].max()
    return [str(phase) for phase in sizes.sort_values(ascending=False, kind="stable").index]


def equivalence(practical: pd.DataFrame) -> pd.DataFrame:
    """The rows over all data sets where there are any with numbers, or else those of each data set with numbers."""
    known = practical.dropna(subset="better")
    over_all = known[known["dataset"] == ALL]
    return known[known["dataset"] != ALL] if over_all.empty else over_all
