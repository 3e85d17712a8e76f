"""One side of a comparison: what its table holds, cell by cell, and the facts that decide whether it is fair."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from analysis.comparison import facts
from analysis.comparison.facts import Facts
from analysis.estimators.seeds import quantiles
from analysis.frames import SEARCH, Study
from analysis.frames import settings as all_settings
from analysis.intervals.bootstrap import bootstrap_deviation
from analysis.tables import phases, searches

BEST = "best setting"
SHARES = {"minimum": 0.0, "first quartile": 0.25, "median": 0.5}
CELL = ["dataset", "loss", "quantity"]
NOTHING_ENDED = "nothing has ended"


@dataclass(frozen=True)
class Side:
    """`cells` has a row per data set, loss and quantity (BEST or one of SHARES): value, deviation, n and why.

    value: +infinity where failures reach it, NaN where there is none, and `why` says so. deviation: of BEST the sample
    standard deviation over n seeds; of the others the standard error over n settings; NaN where there is none.
    """

    name: str
    where: str  # in a sentence: "here", "published", "in mine"
    absent: str  # what a cell says of which this side has nothing: "not run", "not published"
    cells: pd.DataFrame
    facts: Mapping[str, Facts]  # data set ->
    warnings: Mapping[str, list[str]]  # data set -> sentences about this side alone
    remarks: list[str]  # about all of it
    places: int | None = None  # decimals of its numbers; None: as they need


def of_study(study: Study, phase: str | None, where: str) -> Side:
    """A study's side. Raises StudyError where it has no phase of that name.

    Seeds are those of `phase`, or of the last phase that repeats settings, or else single runs of the largest search;
    settings are those of `phase` where it has several, or else of the phase with the most settings of a loss.
    """
    found_phases = phases.of(study, phase)
    searched = found_phases.searched
    repeated = phase or found_phases.repeated or searched
    found = all_settings(study)
    best = searches.best(study)
    best, found = best[best["phase"] == repeated], found[found["phase"] == searched]
    cells = [_seeds(row) for _, row in best.iterrows()]
    if found.groupby(SEARCH).size().max() > 1:
        cells += [cell for _, group in found.groupby(SEARCH, sort=False) for cell in _settings(group)]
    trials = study.trials[study.trials["phase"].isin([repeated, searched])]
    datasets = list(dict.fromkeys(trials["dataset"]))
    return Side(
        name=study.name,
        where=where,
        absent="not run",
        cells=pd.DataFrame(cells),
        facts={name: facts.of(study, name, trials, (best, found)) for name in datasets},
        warnings={name: facts.warnings(name, trials, (best, found), where) for name in datasets},
        remarks=[f"{study.name}: best settings of phase {repeated}, spread of settings of phase {searched}."],
    )


def _seeds(row: pd.Series) -> dict[str, object]:
    done, ended = int(row["done"]), int(row["seeds"] - row["missing"])
    nothing = np.inf if ended else np.nan
    return {
        "dataset": row["dataset"], "loss": row["loss"], "quantity": BEST, "value": row["mean"] if done else nothing,
        "deviation": row["deviation"], "n": done, "why": "" if ended else NOTHING_ENDED,
    }  # fmt: skip


def _settings(group: pd.DataFrame) -> Iterable[dict[str, object]]:
    run = group["score"].dropna().to_numpy(dtype=float)
    for name, share in SHARES.items():
        found = float(quantiles(run, share)) if len(run) else np.nan
        error = bootstrap_deviation(run, partial(quantiles, share=share))
        yield {
            "dataset": group["dataset"].iloc[0], "loss": group["loss"].iloc[0], "quantity": name, "value": found,
            "deviation": error, "n": len(run), "why": "" if len(run) else NOTHING_ENDED,
        }  # fmt: skip
