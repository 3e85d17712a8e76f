"""The views of a study as Parquet tables, streamed: memory does not grow with the rows."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from study.errors import StudyError
from study.results import schema
from study.results.query import MEMORY, connect

GROUP = 65_536  # rows of a row group
PORTION = 100_000  # rows that are sorted at once, about; each takes some 3 kB with its texts
HEX = "0123456789abcdef"
# View -> order of its rows. Those with a row per planned trial or setting are sorted whole, the others trial by trial.
ORDER = {
    "plan": "position",
    "trials": "position",
    "settings": "phase, dataset, loss, choice NULLS LAST, (diverged + failed) / nullif(seeds - missing, 0) NULLS LAST, "
    "choice_mean NULLS LAST, sample",
    "best": "trial",
    "evaluations": "trial, step, status DESC",
    "attempts": "trial, attempt, step, status DESC",
}
WHOLE = ("plan", "trials", "settings")


@contextmanager
def whole(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The views of a study none of whose files is damaged. Raises StudyError where rows could not be read."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        database = connect(folder)
    for each in told:
        if "left out" in str(each.message):
            database.close()
            raise StudyError(
                f"{each.message}; bring the whole files back, or move them away to go on without their rows"
            )
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    with database:
        yield database


def workplace(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory, of as much as an answer may use, and beyond that in the folder."""
    return duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(folder)})


def columns(database: duckdb.DuckDBPyConnection, view: str) -> list[str]:
    """The names of a view's columns, in order."""
    return database.sql(f"FROM {view} LIMIT 0").columns


def write(database: duckdb.DuckDBPyConnection, view: str, file: IO[bytes]) -> int:
    """One view as a Parquet file: equal rows give equal bytes. Returns the number of rows."""
    rows = 0
    with pq.ParquetWriter(cast(Any, file), _schema(database, view), compression="zstd") as writer:
        for table in _groups(_batches(database, view), writer.schema):
            writer.write_table(table, row_group_size=GROUP)
            rows += len(table)
    return rows


def plain(view: str) -> str:
    """The rows of a view without lists, which neither CSV nor pandas does well: trial ids stand in one text."""
    return "SELECT * REPLACE (array_to_string(trials, ' ') AS trials) FROM settings" if view == "settings" else view


def portions(rows: int) -> list[str]:
    """Conditions that part the trials into about equal shares of at most some PORTION rows; ids are evenly spread."""
    digits = 0
    while rows > PORTION * len(HEX) ** digits:
        digits += 1
    starts = [f"{i:0{digits}x}" for i in range(len(HEX) ** digits)] if digits else [""]
    ends = [*starts[1:], "g"]  # behind f
    return [f"trial >= '{start}' AND trial < '{end}'" for start, end in zip(starts, ends, strict=True)]


def _schema(database: duckdb.DuckDBPyConnection, view: str) -> pa.Schema:
    found = database.sql(f"FROM ({plain(view)}) LIMIT 0").to_arrow_table().schema
    fields = [pa.field(each.name, _type(each)) for each in found]
    return pa.schema(fields, metadata={"schema_version": str(schema.VERSION)})


def _type(found: pa.Field) -> pa.DataType:
    """A column of the table has its own type: DuckDB would put the time zone of this machine into it."""
    return schema.COLUMNS[found.name].type if found.name in schema.COLUMNS else found.type


def _batches(database: duckdb.DuckDBPyConnection, view: str) -> Iterator[pa.RecordBatch]:
    conditions = ["true"]
    if view not in WHOLE:
        ((rows,),) = database.execute(f"SELECT count(*) FROM {view}").fetchall()
        conditions = portions(rows)
    for condition in conditions:
        sql = f"FROM ({plain(view)}) WHERE {condition} ORDER BY {ORDER[view]}"
        yield from database.sql(sql).to_arrow_reader(GROUP)


def _groups(batches: Iterator[pa.RecordBatch], wanted: pa.Schema) -> Iterator[pa.Table]:
    """The batches as tables of GROUP rows, the last of what is left: wherever the batches begin and end."""
    waiting = wanted.empty_table()
    for batch in batches:
        waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch]).cast(wanted)])
        while len(waiting) >= GROUP:
            yield waiting.slice(0, GROUP)
            waiting = waiting.slice(GROUP)
    if len(waiting):
        yield waiting
