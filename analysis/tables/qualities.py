"""What lies behind F1: runs at high and low precision and recall, and whether F1 orders settings as the score does."""

import numpy as np
import pandas as pd
from scipy import stats

from analysis.frames import SEARCH

CORNERS = {  # whether precision and recall are high
    "high precision, high recall": (True, True),
    "high precision, low recall": (True, False),
    "low precision, high recall": (False, True),
    "low precision, low recall": (False, False),
}
ALL = "all losses"  # the row over them
FEWEST = 3  # settings: of two, any order is a perfect one
CORNER = [*SEARCH, "sample", "seed", "trial", "step", "f1", "precision", "recall", "score", "corner"]
AGREEMENT = [*SEARCH, "correlation", "n", "failed"]


def corners(trials: pd.DataFrame) -> pd.DataFrame:
    """Up to four rows per phase and data set: of the runs that are done, that which is nearest to each of CORNERS.

    `trials` is `manifold.trials`. High: above the median of these runs; low: at most that; so a corner is missing
    where no run is on its sides. Nearest in precision and recall, the first of equal ones in the order of the plan.
    """
    parts = [_corners(group) for _, group in trials[trials["done"]].groupby(SEARCH[:2], sort=False)]
    return pd.concat(parts, ignore_index=True)[CORNER] if parts else pd.DataFrame(columns=CORNER)


def agreement(settings: pd.DataFrame) -> pd.DataFrame:
    """One row per search, and one for ALL losses of a phase and data set: Spearman's rank correlation of score and F1.

    `settings` is `manifold.settings`. n: settings of which all seeds are done, the default among them; failed: those
    with a failed seed, which are left out: tied at the worst of both they would look like agreement. The score is
    better when lower and F1 when higher, so -1 is one order. NaN of fewer than FEWEST settings, and of equal ones.
    """
    ended = settings[settings["missing"] == 0]
    parts = [ended.assign(loss=ALL), ended]
    found = [_agreed(group) for part in parts for _, group in part.groupby(SEARCH, sort=False)]
    return pd.DataFrame(found, columns=AGREEMENT)


def _corners(group: pd.DataFrame) -> pd.DataFrame:
    found = []
    high = {name: group[name] > group[name].median() for name in ("precision", "recall")}
    for corner, (precise, complete) in CORNERS.items():
        mine = group[(high["precision"] == precise) & (high["recall"] == complete)]
        away = (mine["precision"] - precise) ** 2 + (mine["recall"] - complete) ** 2
        found.append(mine.loc[away.nsmallest(1).index].assign(corner=corner))
    return pd.concat(found)


def _agreed(group: pd.DataFrame) -> dict[str, object]:
    done = group[np.isfinite(group["score"]) & (group["done"] == group["seeds"])]
    known = len(done) >= FEWEST and done["score"].nunique() > 1 and done["f1"].nunique() > 1
    correlation = float(stats.spearmanr(done["score"], done["f1"]).statistic) if known else np.nan
    where = {name: group[name].iloc[0] for name in SEARCH}
    return {**where, "correlation": correlation, "n": len(done), "failed": len(group) - len(done)}
