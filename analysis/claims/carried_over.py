"""Claim H: the best settings do not carry over between data sets."""

from functools import cache
from itertools import permutations

import numpy as np
import pandas as pd

from analysis import style
from analysis.claims import draws, evidence, rows
from analysis.claims.base import Found, Question, Size, held
from analysis.claims.bounds import Array, AtBudget, Probability
from analysis.claims.carried import worse
from analysis.claims.evidence import Evidence, Undecided
from analysis.claims.rows import Rows
from analysis.frames import SETTING
from analysis.tables import validity

EVEN = 0.5
BUDGET = 14  # settings
SEEDS = 2  # of every setting: one chooses, another reports


def _definition(rope: float) -> str:
    return (
        "Of k settings of a loss the one that is best on one data set is, on another one, more often than not over "
        f"{1 + rope:g} times as bad as the one that is best there: the median regret is above {1 + rope:g}. Both are "
        "chosen by one seed and compared by another: by the seed that chose, the data set's own best would hold the "
        "luck of its run, and the other would not. Averaged over seeds, losses and ordered pairs of data sets; k is "
        f"{BUDGET}, or a quarter of the settings that some loss has on all of its data sets where that is less, but at "
        f"least {evidence.SEARCH_OF}. A setting that fails where it is carried to is worse."
    )


def _test(given: Evidence, rope: float) -> Found:
    tables = _tables(given)
    n = min(len(table) for table in tables.values())
    trials = given.seeds * sum(
        table["choice"].columns.get_level_values("dataset").nunique() for table in tables.values()
    )
    needed, why = evidence.OF_BEST
    evidence.check_size(n, needed, trials, why)
    budget = evidence.budget(n, BUDGET)

    @cache
    def worse_there(k: int) -> Probability:
        each = [_of_loss(loss, table, k, rope) for loss, table in tables.items()]
        variances = [draws.variance(without) / len(each) ** 2 for _, without in each]
        freedoms = [len(table) / k for table in tables.values()]
        return draws.probability(float(np.mean([share for share, _ in each])), variances, freedoms, sum(freedoms))

    size = Size(n, "settings", trials, budget)
    return held(AtBudget(worse_there, budget, n), EVEN, above=True, size=size, remark=f"k = {budget(1)}")


def _tables(given: Evidence) -> dict[str, pd.DataFrame]:
    """Per loss, of its settings with SEEDS seeds or more that count on all of its data sets, a row each.

    Columns: choice or outcome, data set, and the place of the seed among those that ended, as many as all have.
    """
    settings = given.settings
    settings = settings[settings.groupby("loss")["dataset"].transform("nunique") > 1]
    if settings.empty:
        raise Undecided("no loss was run on two data sets")
    evidence.check_draws(settings)
    if given.seeds < SEEDS:
        raise Undecided(
            f"it needs {SEEDS} seeds of every setting, one to choose it and another to compare it, and the settings of "
            f"{given.searched} have one; more settings would not decide it"
        )
    drawn, counted = validity.drawn(settings), validity.counted(settings)
    trials = given.trials.merge(counted[SETTING], on=SETTING)
    trials["place"] = trials.sort_values("seed").groupby(SETTING).cumcount()
    tables = {}
    for loss in style.ordered(map(str, settings["loss"])):
        rows = trials[trials["loss"] == loss]
        names = settings.loc[settings["loss"] == loss, "dataset"].unique()
        seeds = rows.groupby(["sample", "dataset"]).size().unstack().reindex(columns=names).min(axis=1, skipna=False)
        enough = seeds[seeds >= SEEDS]
        planned = drawn.loc[drawn["loss"] == loss, "sample"].nunique()
        evidence.enough(len(enough), planned, f"with {SEEDS} seeds of {loss} on all of its data sets")
        rows = rows[rows["sample"].isin(enough.index) & (rows["place"] < enough.min())]
        evidence.check_positive(rows["outcome"].to_numpy(dtype=float), f"of {loss}")
        table = rows.pivot(index="sample", columns=["dataset", "place"], values=["choice", "outcome"])
        tables[loss] = table.sort_index()
    return tables


def _of_loss(loss: str, table: pd.DataFrame, k: int, rope: float) -> tuple[float, Array]:
    """How often carrying over is worse, over seeds and ordered pairs of data sets, and the same without each setting.

    Every seed chooses once, and the next one compares.
    """
    names, seeds = (list(table.columns.unique(level)) for level in ("dataset", "place"))
    found = []
    for place, next_place in zip(seeds, [*seeds[1:], seeds[0]], strict=True):
        choice = {name: table["choice", name, place].to_numpy(dtype=float) for name in names}
        score = {name: table["outcome", name, next_place].to_numpy(dtype=float) for name in names}
        for name in names:
            if draws.draws(choice[name], choice[name], k).empty:
                raise Undecided(evidence.all_failed(k, loss, name))
        found += [worse(choice[here], choice[there], score[there], k, rope) for here, there in permutations(names, 2)]
    return float(np.mean([share for share, _ in found])), np.mean([without for _, without in found], axis=0)


def _rows(given: Evidence) -> Rows:
    """The trials that count of losses that have several data sets, whether or not a setting ended on all of them."""
    losses = given.settings.groupby("loss")["dataset"].nunique().loc[lambda number: number > 1].index
    chosen = rows.counted(given) & given.trials["loss"].isin(losses)
    return Rows(
        int(chosen.sum()),
        rows.question(rows.where(given.searched, rows.among("loss", losses), *rows.conditions(given))),
    )


QUESTION = Question(
    "H",
    "The best settings do not carry over between data sets.",
    "probability that a setting chosen on one data set is worse on another than the one chosen there",
    _definition,
    _test,
    _rows,
)
