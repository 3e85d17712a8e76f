"""Rows that are lost, as is known by what attempts left beside them."""

import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import duckdb
import pyarrow as pa

from study import durable
from study.results.findings import COPY, Findings
from study.results.folder import Folder
from study.results.names import PICTURE
from study.results.query import connect
from study.results.schema import COUNT, TEXT

PICTURES = pa.schema([("trial", TEXT), ("step", COUNT)])
PORTION = 100_000  # names that are held as Python's texts at a time
# An attempt writes sample grid, row, grid, row: one that was killed leaves one grid without its row, and never two.
UNKNOWN = """
    SELECT trial, list(step ORDER BY step)
    FROM (FROM pictures SEMI JOIN plan USING (trial)
          ANTI JOIN (SELECT trial, step FROM attempts WHERE status <> 'failed') USING (trial, step))
    GROUP BY trial HAVING count(*) > 1
"""
OPEN = """
    SELECT trial, max(attempt) FILTER (WHERE status = 'failed')
    FROM plan LEFT JOIN attempts USING (trial) GROUP BY trial
    HAVING NOT coalesce(bool_or(status = 'diverged' OR (status = 'ok' AND step = attempts.steps)), false)
"""
TRACES = "SELECT DISTINCT trace FROM attempts WHERE trace IS NOT NULL"


@dataclass(frozen=True)
class Beside:
    """What attempts left. Listed before rows are read, it has its rows then, whatever is written meanwhile."""

    pictures: pa.Table  # sample grids: of which trials and steps
    generators: frozenset[str]  # of which trials
    traces: tuple[str, ...]  # paths below the study's folder


def beside(folder: Folder) -> Beside:
    """What there is now."""
    found = (PICTURE.fullmatch(path.name) for path in folder.samples.glob("*.png"))
    generators = frozenset(path.stem for path in folder.generators.glob("*.safetensors"))
    traces = sorted(str(path.relative_to(folder.folder)) for path in folder.trial_folder("").glob("*/trace-*.txt"))
    grids = _table((each["trial"], int(each["step"])) for each in found if each and not each["metric"])
    return Beside(grids, generators, tuple(traces))


def _table(names: Iterator[tuple[str, int]]) -> pa.Table:
    tables = [PICTURES.empty_table()]
    while some := list(islice(names, PORTION)):
        columns = zip(*some, strict=True)
        tables.append(pa.table([pa.array(each, type_) for each, type_ in zip(columns, (TEXT, COUNT), strict=True)],
                               PICTURES))  # fmt: skip
    return pa.concat_tables(tables)


def look(folder: Folder, database: duckdb.DuckDBPyConnection, left: Beside, findings: Findings) -> None:
    """Names the trials whose rows are lost. left: listed before the database was opened."""
    found: dict[str, list[str]] = defaultdict(list)
    database.register("pictures", left.pictures)
    for trial, steps in database.execute(UNKNOWN).fetchall():
        found[trial].append(f"pictures of steps {', '.join(map(str, steps))}")
    for trial in _ended(folder, database, left.generators):
        found[trial].append("the weights of its end")
    for trial, told in sorted(found.items()):
        findings.fault(
            f"trial {trial}", f"its rows are lost: there are {' and '.join(told)}, of which there is no row",
            f"{COPY}: the file of its rows, or the folder {folder.compacted.name} where it was compacted; without one "
            "gan-study run measures it again",
        )  # fmt: skip
    known = {trace for (trace,) in database.execute(TRACES).fetchall()}
    for trace in left.traces:
        if trace not in known:
            findings.tell(
                folder.folder / trace, "the traceback of an attempt without a row of its failure",
                "none where its process was killed as it failed; else bring the file of its rows back from a copy",
            )  # fmt: skip


def _ended(folder: Folder, database: duckdb.DuckDBPyConnection, generators: frozenset[str]) -> Iterable[str]:
    """The trials that have ended, and have no row that says so.

    Weights are written before the last row. A process that is between the two holds the trial's lock; one that was
    killed there left its heartbeat, and mostly a checkpoint too; one that failed there said so.
    """
    found = {trial: failed for trial, failed in _open(database).items() if trial in generators}
    left = {trial for trial, failed in found.items() if not _goes_on(folder, trial, failed)}
    if not left:
        return left
    with warnings.catch_warnings():  # as for the first look
        warnings.simplefilter("ignore")
        with connect(folder.folder) as later:  # some may have ended since
            return left & _open(later).keys()


def _open(database: duckdb.DuckDBPyConnection) -> dict[str, int | None]:
    """The planned trials without an end -> the last attempt of those that failed."""
    return dict(database.execute(OPEN).fetchall())


def _goes_on(folder: Folder, trial: str, failed: int | None) -> bool:
    """Whether the trial is not over, by what its newest attempt left."""
    if failed is not None and failed >= max(folder.attempts_of(trial), default=0):
        return True
    if durable.locked(folder.trial_lock(trial)) or folder.heartbeat_file(trial).exists():
        return True
    return any(folder.trial_folder(trial).glob("checkpoint-*.pt"))
