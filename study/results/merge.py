"""Several studies become one: equal trials once, nothing that was measured lost, and no disagreement hidden."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path

import pandas as pd
import pyarrow as pa

from study import durable
from study.errors import StudyError, unknown
from study.results import fingerprints, keepsakes, refill, schema
from study.results.attended import attended
from study.results.folder import Folder
from study.results.history import History, Try, unite
from study.results.markers import read_marker
from study.results.rowfile import Row
from study.results.stage import UNITED_PLAN, Conflict, Source, Stage
from study.results.store import write_plan_table

SHOWN = 20  # conflicts
UNITED = """
    CREATE VIEW united AS
    SELECT * EXCLUDE (origin) FROM rows ANTI JOIN shared USING (trial)
    UNION ALL BY NAME
    SELECT rows.* EXCLUDE (origin) REPLACE (kept.number AS attempt,
               replace(trace, '/trace-' || rows.attempt || '.', '/trace-' || kept.number || '.') AS trace)
    FROM rows JOIN kept ON rows.trial = kept.trial AND rows.origin = kept.origin AND rows.attempt = kept.attempt
"""
KEPT = pa.schema([("trial", pa.string()), ("origin", pa.int32()), ("attempt", pa.int64()), ("number", pa.int64())])


class Conflicts(Exception):
    """Studies disagree; nothing was written."""

    def __init__(self, found: Sequence[Conflict], total: int, *, searches: bool) -> None:
        """found: the first of them. searches: whether plans disagree, or else rows."""
        super().__init__(f"{total} conflicts")
        self.found, self.total, self.searches = found, total, searches


@dataclass(frozen=True)
class Ways:
    """What to do where studies do not agree."""

    prefer: str | None = None  # the source whose rows are taken of trials that have conflicts
    mixed: bool = False  # rows that were measured in different ways may stand side by side
    apart: bool = False  # every phase gets its study's name in front


@dataclass(frozen=True)
class Report:
    """What a merge did."""

    planned: Mapping[str, int]  # source -> trials of its plan
    trials: int  # of the united plan
    rows: int
    shared: int  # trials that several sources have been at
    agreeing: Mapping[str, int]  # source -> attempts left out, as another's ended the trial before with equal values
    preferred: int  # trials with conflicts, of which only the preferred source's rows were taken
    missing: Mapping[str, int]  # kind of file -> how many that should be there no source has


def merge(sources: Sequence[Source], target: Path, describe: Callable[[Sequence[Row]], str], ways: Ways) -> Report:
    """Makes a new study's folder out of several studies, whole or not at all; the sources stay as they are.

    describe: the text of study.yaml for the rows of a plan. Raises Conflicts; StudyError for rows that cannot be read,
    or were measured in different ways; FileExistsError where `target` is no empty folder.
    """
    if len({source.folder.folder.resolve() for source in sources}) < max(2, len(sources)):
        raise StudyError("a study cannot be united with itself; name two different ones, or more")
    names = [source.name for source in sources]
    if ways.prefer is not None and ways.prefer not in names:
        raise unknown("one of the studies to unite", ways.prefer, names)
    with durable.new_folder(target) as aside:
        work = aside / ".merge"
        with Stage(work, sources, apart=ways.apart) as stage:
            report = attended(stage.database, lambda: _merge(stage, Folder(aside), describe, ways))
        shutil.rmtree(work)
    return report


def _merge(stage: Stage, target: Folder, describe: Callable[[Sequence[Row]], str], ways: Ways) -> Report:
    _refuse(stage.searches(), searches=True)
    if not ways.mixed:
        fingerprints.check(pd.concat(stage.measured), " and ".join(source.name for source in stage.sources))
    conflicts = _conflicts(stage, ways.prefer)
    histories = _histories(stage, conflicts, ways.prefer)
    stage.database.register("kept", _kept(histories))
    stage.database.execute(UNITED)
    rows = refill.fill(target, stage.database, "united")
    keepsakes.bring([source.folder for source in stage.sources], target, histories)
    trials = _write_plan(stage, target, describe)
    agreeing = Counter(stage.sources[each.source].name for history in histories.values() for each in history.agreeing)
    return Report(
        planned=stage.planned(),
        trials=trials,
        rows=rows,
        shared=len(histories),
        agreeing=agreeing,
        preferred=len(conflicts),
        missing=keepsakes.missing(target, stage.database),
    )


def _refuse(found: Iterable[Conflict], *, searches: bool) -> None:
    """Raises Conflicts where there are any."""
    told = iter(found)
    first = list(islice(told, SHOWN))
    if first:
        raise Conflicts(first, len(first) + sum(1 for _ in told), searches=searches)


def _conflicts(stage: Stage, prefer: str | None) -> set[str]:
    """The trials of which the preferred source's rows are to be taken. Raises Conflicts where it has none."""
    settled = stage.trials_of(prefer) if prefer is not None else set()
    trials = set[str]()

    def unsettled() -> Iterable[Conflict]:
        for conflict in stage.rows():
            trials.add(conflict.where)
            if conflict.where not in settled:
                yield conflict

    _refuse(unsettled(), searches=False)
    return trials


def _histories(stage: Stage, conflicts: set[str], prefer: str | None) -> dict[str, History]:
    """Of every shared trial. What rows are told by is needed for one trial at a time."""
    marked: dict[str, dict[tuple[int, int], Try]] = {trial: {} for trial in stage.shared}
    for number, source in enumerate(stage.sources):
        for path in source.folder.markers():
            if path.parent.name in marked:
                each = _marked(number, read_marker(path))
                marked[path.parent.name][each.source, each.number] = each
    found = {}

    def unite_trial(trial: str, told: Mapping[tuple[int, int], Try]) -> None:
        taken = [each for _, each in sorted(told.items())]
        if trial in conflicts:
            taken = [each for each in taken if stage.sources[each.source].name == prefer]
        chains = [list(chain) for _, chain in groupby(taken, key=lambda each: each.source)]
        found[trial] = unite(chains).without_rows()

    for trial, tries in groupby(stage.tries(), key=lambda told: told[0]):
        unite_trial(trial, marked.pop(trial) | {(each.source, each.number): each for _, each in tries})
    for trial, told in marked.items():  # of which no study has a row
        unite_trial(trial, told)
    return found


def _marked(source: int, marker: Mapping[str, object]) -> Try:
    """An attempt of which no row is known."""
    began = datetime.fromisoformat(str(marker["started_at"]))
    return Try(source, int(str(marker["attempt"])), round(began.timestamp() * 1_000_000))


def _kept(histories: Mapping[str, History]) -> pa.Table:
    lines = [
        (trial, source, attempt, number)
        for trial, history in histories.items()
        for (source, attempt), number in history.numbers.items()
    ]
    columns = zip(*lines, strict=True) if lines else [[]] * len(KEPT)
    return pa.table([pa.array(column, each.type) for column, each in zip(columns, KEPT, strict=True)], KEPT)


def _write_plan(stage: Stage, target: Folder, describe: Callable[[Sequence[Row]], str]) -> int:
    """The plan, and what it is of. Returns the number of its trials."""
    names = list(schema.PLAN_COLUMNS)
    plan = stage.database.sql(UNITED_PLAN).to_arrow_table().select(names).cast(schema.schema(names))
    durable.write_bytes(target.study_file, describe(plan.to_pylist()).encode())
    write_plan_table(target.plan_file, plan)
    return len(plan["trial"].unique())
