"""What the setting that one data set chose is worth on another: do good hyperparameters carry over?"""

import numpy as np
import pandas as pd

from analysis.estimators import transfer
from analysis.frames import HYPERPARAMETERS, SEARCH

COLUMNS = ["phase", "loss", "chosen_on", "used_on", "sample", "score", "best", "regret", "rank", "n"]


def transfers(settings: pd.DataFrame) -> pd.DataFrame:
    """One row per phase, loss and ordered pair of data sets: the best setting of `chosen_on`, run on `used_on`.

    score: what that setting (sample) reports on `used_on`; best: what the best setting of `used_on` itself reports
    there, chosen by its own selection; regret: score / best, 1 on the diagonal, +infinity where the setting failed,
    below 1 where selection missed a better one. The own choice is scored by the runs that it was chosen by, and the
    carried setting by others: of one seed of 100 settings that are all equal, with seeds of deviation 0.3, the median
    regret is 2.3, and less with more seeds. `claims.carried_over` chooses by one seed and compares by another.

    rank: its place among the n settings run on `used_on`, by what selects; 1 is best, ties and failures averaged. A
    setting is found again by its hyperparameters, which for one sample number are the same on every data set unless the
    sampler adapts: a pair of data sets that did not both run it has no row, nor has one on which nothing worked, nor
    one of which a search has run one setting only: of one there is no choice, and every regret is 1 by construction.
    """
    run = settings.dropna(subset="choice")
    chosen = run[run.groupby(SEARCH)["sample"].transform("nunique") > 1]
    rows = [row for _, group in chosen.groupby(["phase", "loss"]) for row in _rows(group)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(group: pd.DataFrame) -> list[tuple[object, ...]]:
    known = [name for name in HYPERPARAMETERS if name in group]
    searches = {str(name): rows.reset_index(drop=True) for name, rows in group.groupby("dataset", sort=False)}
    kept = {name: transfer.chosen(rows["choice"].to_numpy(dtype=float)) for name, rows in searches.items()}
    places = {name: transfer.ranks(rows["choice"].to_numpy(dtype=float)) for name, rows in searches.items()}
    found: list[tuple[object, ...]] = []
    for origin, target in ((a, b) for a in searches for b in searches if kept[a] >= 0 and kept[b] >= 0):
        setting, there = searches[origin].iloc[kept[origin]], searches[target]
        same = there["sample"].eq(setting["sample"])
        for name in known:
            same &= there[name].eq(setting[name]) | (there[name].isna() & pd.isna(setting[name]))
        if same.any():
            place = int(np.flatnonzero(same)[0])
            score, best = float(there["score"].iloc[place]), float(there["score"].iloc[kept[target]])
            told = score, best, transfer.regret(score, best), float(places[target][place]), len(there)
            found.append((setting["phase"], setting["loss"], origin, target, int(setting["sample"]), *told))
    return found
