"""Which trials a verdict rests on, and the question that lists them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.claims.evidence import Evidence, Wanted, datasets, several
from analysis.frames import DEFAULT, ENDED

Until = dict[tuple[str, str], int]  # (data set, loss) ->
COLUMNS = "trial, dataset, loss, sample, seed, status, selection_score, score"


@dataclass(frozen=True)
class Rows:
    """The trials that a verdict rests on: how many, and the question to `gan-study query` that lists them."""

    trials: int
    sql: str


def of_settings(given: Evidence, wanted: Wanted = several) -> Rows:
    """The trials that count of the searched phase on the data sets that are wanted, without those of the defaults."""
    names = datasets(given, wanted)
    chosen = counted(given) & given.trials["dataset"].isin(names)
    return Rows(int(chosen.sum()), question(where(given.searched, among("dataset", names), *conditions(given))))


def counted(given: Evidence) -> pd.Series:
    """Which trials are of the searched phase and of no default, have ended, and wait for none before them."""
    trials = given.trials
    ended = (trials["phase"] == given.searched) & trials["status"].isin(ENDED) & (trials["sample"] != DEFAULT)
    return ended & _before(trials, _searched_until(given), "sample")


def conditions(given: Evidence) -> list[str]:
    """Those that trials of the searched phase which have ended are `counted` by."""
    return [f"sample <> {DEFAULT}", *_told(_searched_until(given), "sample")]


def of_seeds(given: Evidence) -> Rows:
    """The repeated trials that count."""
    return Rows(_repeated(given), question(where(given.repeated, *_seeds(given))))


def of_settings_and_seeds(given: Evidence, wanted: Wanted = several) -> Rows:
    """Those of `of_settings`, and those of `of_seeds`."""
    settings = of_settings(given, wanted)
    if not (seeds := _repeated(given)):
        return settings
    names = datasets(given, wanted)
    searched = where(given.searched, among("dataset", names), *conditions(given))
    return Rows(settings.trials + seeds, question(searched, where(given.repeated, *_seeds(given))))


def _repeated(given: Evidence) -> int:
    return int(given.repeats["outcome"].notna().sum())


def _seeds(given: Evidence) -> list[str]:
    """The conditions that trials of the repeated phase which have ended count by."""
    rows = given.repeats
    best = rows[["dataset", "loss", "sample"]].drop_duplicates().itertuples(index=False, name=None)
    tuples = [f"({quoted(dataset)}, {quoted(loss)}, {sample})" for dataset, loss, sample in best]
    chosen = f"(dataset, loss, sample) IN ({', '.join(tuples)})" if tuples else "false"
    return [chosen, *_told(_until(rows[rows["outcome"].isna()], "seed"), "seed")]


def _searched_until(given: Evidence) -> Until:
    return _until(given.settings[given.settings["missing"] > 0], "sample")


def _until(missing: pd.DataFrame, column: str) -> Until:
    """Of every search in which something is missing the first sample, or seed, that is."""
    found = missing.groupby(["dataset", "loss"], as_index=False)[column].min()
    return {(str(row["dataset"]), str(row["loss"])): int(row[column]) for _, row in found.iterrows()}


def _before(trials: pd.DataFrame, until: Until, column: str) -> pd.Series:
    searches = trials[["dataset", "loss"]].astype(str).itertuples(index=False, name=None)
    return trials[column] < np.array([until.get(search, np.inf) for search in searches])


def _told(until: Until, column: str) -> list[str]:
    """`_before` in SQL."""
    return [
        f"NOT (dataset = {quoted(dataset)} AND loss = {quoted(loss)} AND {column} >= {number})"
        for (dataset, loss), number in sorted(until.items())
    ]


def where(phase: str | None, *conditions: str) -> str:
    """The condition that a trial is of a phase, has ended, and meets the others."""
    return " AND ".join(["false" if phase is None else f"phase = {quoted(phase)}", *conditions, among("status", ENDED)])


def question(*either: str) -> str:
    """The question that lists the trials of which one of the conditions holds."""
    each = either if len(either) == 1 else tuple(f"({one})" for one in either)
    return f"SELECT {COLUMNS} FROM trials WHERE {' OR '.join(each)} ORDER BY phase, dataset, loss, sample, seed"


def quoted(text: object) -> str:
    """A text in SQL."""
    doubled = str(text).replace("'", "''")
    return f"'{doubled}'"


def among(column: str, values: Iterable[str]) -> str:
    """The condition that a column has one of these texts."""
    texts = ", ".join(map(quoted, values))
    return f"{column} IN ({texts})" if texts else "false"
