"""A glance at a study's table: where every trial stands, not what it measured. What did not change is read once."""

import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from study.errors import StudyError
from study.results import manifest, schema
from study.results.manifest import Part
from study.results.rowfile import Damaged, key_of
from study.results.snapshot import LACKING, TRIES, compacted_rows, content_of, opened
from study.results.store import Store
from study.results.views import SUMMARY

COLUMNS = ("trial", "attempt", "step", "steps", "status", "train_seconds", "evaluation_seconds", "exception", "message")
READERS = 4  # threads: a network file system answers each of them as slowly as one
# Of every planned trial the row of `evaluations` that says where it stands, out of what is known of its attempts.
LINES = """
    WITH rows AS (SELECT trial, attempt, measured_step AS step, 'ok' AS status, measured_step = steps AS ending,
                         NULL AS exception, NULL AS message FROM tries WHERE measured_step IS NOT NULL
                  UNION ALL SELECT trial, attempt, step, status, true, exception, message
                  FROM tries WHERE (status = 'failed' OR (status <> 'ok' AND step IS DISTINCT FROM measured_step))
                      AND (trial, attempt) IN (SELECT (trial, max(attempt)) FROM tries GROUP BY trial)),
         last AS (SELECT DISTINCT ON (trial) * FROM rows
                  ORDER BY trial, ending DESC, step DESC, attempt DESC, status DESC),
         first AS (SELECT DISTINCT ON (trial) * FROM plan ORDER BY trial, position)
    SELECT first.trial, phase, search, sample, seed, loss, dataset,
           CAST(json_extract(content, '$.width') AS DOUBLE) AS width, first.steps,
           json_extract_string(content, '$.evaluations') AS points,
           CASE WHEN last.trial IS NULL THEN 'waiting' WHEN NOT last.ending THEN 'started'
                WHEN last.status = 'ok' THEN 'done' ELSE last.status END AS status,
           coalesce(last.step, 0) AS step, coalesce(last.attempt, 0) AS attempt, exception, message
    FROM first LEFT JOIN last USING (trial) ORDER BY position
"""
PACES = """
    SELECT loss, dataset, CAST(json_extract(content, '$.width') AS DOUBLE) AS width,
           sum(seconds) / sum(steps), sum(evaluation) / sum(evaluations)
    FROM (SELECT trial, max(train_seconds) AS seconds, max(step) AS steps, sum(evaluation_seconds) AS evaluation,
                 sum(evaluations) AS evaluations
          FROM tries WHERE train_seconds IS NOT NULL GROUP BY trial)
    JOIN (SELECT DISTINCT trial, loss, dataset, content FROM plan) USING (trial)
    GROUP BY loss, dataset, width HAVING sum(steps) > 0 AND sum(evaluations) > 0
"""
KINDS = """
    SELECT loss, dataset, CAST(json_extract(content, '$.width') AS DOUBLE) AS width, any_value(content)
    FROM plan GROUP BY loss, dataset, width
"""
USED = "SELECT trial, attempt, coalesce(train_seconds, 0), coalesce(evaluation_seconds, 0) FROM tries"


@dataclass(frozen=True)
class Line:
    """One planned trial, at its first place in the plan."""

    trial: str
    phase: str
    search: str
    sample: int
    seed: int
    loss: str
    dataset: str
    width: float
    steps: int
    points: str  # JSON: the steps of its evaluations
    status: str  # of schema.TRIAL_STATUSES
    step: int  # of its last row; 0 before the first
    attempt: int  # that wrote that row; 0 before the first
    exception: str | None
    message: str | None


Kind = tuple[str, str, float]  # loss, data set, width
Stamp = tuple[int, int, int]  # of a file: when it was written, its inode, its size; some systems tell whole seconds


@dataclass(frozen=True)
class Glance:
    """What the table says of the plan's trials."""

    lines: tuple[Line, ...]
    searches: tuple[tuple[str, str, str], ...]  # phase, loss, data set
    examples: Mapping[Kind, str]  # the content of one trial of each kind
    paces: Mapping[Kind, tuple[float, float]]  # seconds of a step and of an evaluation, where some were recorded
    used: Mapping[str, Mapping[int, tuple[float, float]]]  # trial -> attempt -> train seconds until then, and measuring


class Reader:
    """Reads the same study again and again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables: dict[str, tuple[Stamp, pa.Table | str]] = {}  # file -> what it holds, or why it cannot be used
        self._index: tuple[Part | None, pa.Table] | None = None  # of the compacted files, and of which ones
        self._told: set[str] = set()  # files that were left out, and said to be

    def read(self, plan: pa.Table) -> Glance:
        """Where the plan's trials stand. Damaged files are left out, with a warning that names them once."""
        database = duckdb.connect()
        database.register("plan", plan)
        self._tries(database, plan)
        used: dict[str, dict[int, tuple[float, float]]] = defaultdict(dict)
        for trial, attempt, training, measuring in database.execute(USED).fetchall():
            used[trial][attempt] = (training, measuring)
        return Glance(
            tuple(Line(*row) for row in database.execute(LINES).fetchall()),
            tuple(database.execute("SELECT DISTINCT phase, loss, dataset FROM plan").fetchall()),
            {row[:3]: row[3] for row in database.execute(KINDS).fetchall()},
            {row[:3]: row[3:] for row in database.execute(PACES).fetchall()},
            dict(used),
        )

    def _tries(self, database: duckdb.DuckDBPyConnection, plan: pa.Table) -> None:
        """The table of every attempt at a planned trial; one that has a file counts by its file."""
        for _ in range(TRIES):
            if self._refreshed(set(plan.column("trial").to_pylist())):
                break  # else a file vanished between two looks: it was compacted
        else:
            raise StudyError(f"the files of {self._store.rows} vanish as quickly as they are listed")
        index = self._compacted()
        blank = schema.schema([*COLUMNS, "dataset", "fingerprint"]).empty_table()
        rows = pa.concat_tables([blank, *self._usable(index)], promote_options="default").combine_chunks()
        database.register("rows", rows)
        database.register("compacted", index)
        loose = SUMMARY.format(source="(SELECT *, true AS counts FROM rows)")
        database.execute(f"CREATE TABLE loose AS {loose}")
        database.execute(
            "CREATE TABLE tries AS FROM loose UNION ALL BY NAME (FROM compacted SEMI JOIN plan USING (trial) "
            "ANTI JOIN loose USING (trial, attempt))"
        )

    def _usable(self, index: pa.Table) -> Iterator[pa.Table]:
        """What the files hold; says once of each that cannot be used why."""
        compacted = compacted_rows(index, self._tables)
        left_out = {}
        for name, (_, table) in self._tables.items():
            key = key_of(name)
            lacks = key is not None and not isinstance(table, str) and len(table) < compacted.get(key, 0)
            if isinstance(table, str) or lacks:
                left_out[name] = LACKING if lacks else table
            else:
                yield table
        new = [f"{self._store.rows / name} ({why})" for name, why in left_out.items() if name not in self._told]
        if new:
            warnings.warn(f"left out {len(new)} of {len(self._tables)} files: {'; '.join(new)}", stacklevel=4)
        self._told = set(left_out)

    def _compacted(self) -> pa.Table:
        found = manifest.read(self._store)
        if self._index is None or self._index[0] != found.index:
            self._index = (found.index, manifest.read_index(self._store, found))
        return self._index[1]

    def _refreshed(self, planned: set[str]) -> bool:
        """Reads what is new among the files of rows; False where one of them was removed meanwhile."""
        paths = self._store.rows.glob("*.parquet") if self._store.rows.exists() else ()
        there = {path.name: path for path in paths if path.name.partition(".")[0] in planned}
        try:
            stamps = {name: _stamp(path) for name, path in there.items()}
            known = {name: kept for name, kept in self._tables.items() if stamps.get(name) == kept[0]}
            new = sorted(stamps.keys() - known.keys())
            with ThreadPoolExecutor(READERS) as readers:
                tables = list(readers.map(lambda name: _read(there[name]), new))
        except FileNotFoundError:
            return False
        self._tables = known | {name: (stamps[name], table) for name, table in zip(new, tables, strict=True)}
        return True


def _stamp(path: Path) -> Stamp:
    found = path.lstat()
    return found.st_mtime_ns, found.st_ino, found.st_size


def _read(path: Path) -> pa.Table | str:
    """The columns of a file; or what is wrong with it."""
    try:
        return opened(path, content_of(path), {}).table(COLUMNS)
    except Damaged as error:
        return str(error)
