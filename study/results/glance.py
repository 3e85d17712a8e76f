"""A glance at a study's table: where every trial stands, not what it measured. What did not change is read once."""

import warnings
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from study.results import schema
from study.results.query import EVALUATIONS
from study.results.store import NAME, Store

COLUMNS = ("step", "steps", "status", "train_seconds", "evaluation_seconds", "exception", "message")
READERS = 4  # threads: a network file system answers each of them as slowly as one
LINES = """
    WITH last AS (SELECT DISTINCT ON (trial) * FROM evaluations ORDER BY trial, ending DESC, step DESC, attempt DESC),
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
                 count(evaluation_seconds) AS evaluations
          FROM evaluations WHERE train_seconds IS NOT NULL GROUP BY trial)
    JOIN (SELECT DISTINCT trial, loss, dataset, content FROM plan) USING (trial)
    GROUP BY loss, dataset, width HAVING sum(steps) > 0 AND sum(evaluations) > 0
"""
KINDS = """
    SELECT loss, dataset, CAST(json_extract(content, '$.width') AS DOUBLE) AS width, any_value(content)
    FROM plan GROUP BY loss, dataset, width
"""
USED = """
    SELECT trial, attempt, coalesce(max(train_seconds), 0), coalesce(sum(evaluation_seconds), 0)
    FROM attempts WHERE trial IN (SELECT trial FROM plan) GROUP BY trial, attempt
"""


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
        self._tables: dict[str, tuple[int, pa.Table | None]] = {}  # file -> when it was written, what it holds

    def read(self, plan: pa.Table) -> Glance:
        """Where the plan's trials stand. Damaged files are left out, with a warning that names them once."""
        planned = set(plan.column("trial").to_pylist())
        database = duckdb.connect()
        database.register("plan", plan)
        database.register("attempts", self._attempts(planned))
        database.execute(f"CREATE TABLE evaluations AS {EVALUATIONS}")
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

    def _attempts(self, planned: set[str]) -> pa.Table:
        """The rows of every attempt at a planned trial, in the columns that matter here."""
        self._refresh(planned)
        whole = schema.schema(["trial", "attempt", *COLUMNS])
        kept = {name: table for name, (_, table) in self._tables.items() if table is not None}
        trials = [name.partition(".")[0] for name, table in kept.items() for _ in range(len(table))]
        attempts = [int(name.split(".")[1]) for name, table in kept.items() for _ in range(len(table))]
        empty = schema.schema(list(COLUMNS)).empty_table()
        rows = pa.concat_tables([empty, *kept.values()], promote_options="default").combine_chunks()
        return pa.table({"trial": trials, "attempt": attempts} | dict(zip(COLUMNS, rows.columns, strict=True)), whole)

    def _refresh(self, planned: set[str]) -> None:
        paths = self._store.rows.glob("*.parquet") if self._store.rows.exists() else ()
        there = {path.name: path for path in paths if path.name.partition(".")[0] in planned}
        stamps = {name: path.stat().st_mtime_ns for name, path in there.items()}
        known = {name: kept for name, kept in self._tables.items() if stamps.get(name) == kept[0]}
        new = sorted(stamps.keys() - known.keys())
        with ThreadPoolExecutor(READERS) as readers:
            tables = list(readers.map(lambda name: _read(there[name].read_bytes(), name), new))
        read = dict(zip(new, tables, strict=True))
        damaged = [f"{there[name]} ({wrong})" for name, wrong in read.items() if isinstance(wrong, str)]
        if damaged:
            warnings.warn(f"left out {len(damaged)} of {len(there)} files: {'; '.join(damaged)}", stacklevel=2)
        self._tables = known | {
            name: (stamps[name], None if isinstance(table, str) else table) for name, table in read.items()
        }


def _read(content: bytes, name: str) -> pa.Table | str:
    """The columns of a file; or what is wrong with it."""
    try:
        if not NAME.fullmatch(name):
            raise ValueError("not named <trial>.<attempt>.parquet")
        file = pq.ParquetFile(pa.BufferReader(content))
        if schema.version_of(file.schema_arrow) != schema.VERSION:
            raise ValueError(f"schema version {schema.version_of(file.schema_arrow)}, not {schema.VERSION}")
        table = file.read(columns=list(COLUMNS), use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        return str(error)
    wrong = [field.name for field in table.schema if field.type != schema.field(field.name).type]
    return f"columns {', '.join(wrong)} of another type" if wrong else table
