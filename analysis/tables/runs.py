"""The runs of a study, one row each, on a scale that data sets share."""

import numpy as np
import pandas as pd

from analysis.estimators import pooled
from analysis.frames import SEARCH, SETTING, Study, settings
from analysis.tables import validity

COLUMNS = [*SETTING, "seed", "score", "normalised", "chosen", "given", "in_turn", "even", "sampler"]


def runs(study: Study, phase: str | None = None) -> pd.DataFrame:
    """One row per trial that has ended, of one phase or of all, in the order of the plan.

    score: what is reported, +infinity for one that diverged or failed. normalised: score over the median of the finite
    scores of all losses' runs on that data set in that phase, +infinity like the score; NaN where that median is not
    above zero. chosen: whether its setting is the one that its search keeps, see `frames.settings`. given: whether its
    search had one setting only (`validity.given`). in_turn, even: whether it counts while others are missing
    (`validity.trials_in_turn`, `validity.even`). sampler: what drew its setting; null where nothing did.
    """
    trials = study.trials
    counts = {
        "given": validity.given(trials),
        "in_turn": validity.trials_in_turn(trials),
        "even": validity.even(trials),
    }
    rows = trials[[*SETTING, "seed", "outcome", "sampler"]].assign(**counts)
    rows = rows.dropna(subset="outcome")
    if phase is not None:
        rows = rows[rows["phase"] == phase]
    rows = rows.rename(columns={"outcome": "score"}).reset_index(drop=True)
    middle = rows.groupby(SEARCH[:2])["score"].transform(_median)
    kept = settings(study).dropna(subset="choice").drop_duplicates(SEARCH)
    chosen = pd.MultiIndex.from_frame(rows[SETTING]).isin(pd.MultiIndex.from_frame(kept[SETTING]))
    values = pooled.normalised(rows["score"].to_numpy(dtype=float), middle.to_numpy(dtype=float))
    return rows.assign(normalised=values, chosen=chosen)[COLUMNS]


def _median(scores: pd.Series) -> float:
    values = scores.to_numpy(dtype=float)
    return float(pooled.medians(values, np.ones((1, len(values)), dtype=np.int64))[0])
