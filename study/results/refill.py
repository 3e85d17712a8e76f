"""Rows that were brought together elsewhere become the rows of a new study: one compaction that nothing came before."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from study.results import manifest, segments, tables
from study.results.folder import Folder
from study.results.marks import INDEX, settle


def fill(folder: Folder, database: duckdb.DuckDBPyConnection, view: str) -> int:
    """Writes every row of a view of attempts, durable and read back, into a folder without rows. Returns how many.

    The view needs the columns of schema.REQUIRED; what is neither a column of the table nor a metric is left out.
    """
    ((rows,),) = database.execute(f"SELECT count(*) FROM {view}").fetchall()
    if not rows:
        return 0
    indexes = [INDEX.empty_table()]

    def settled() -> Iterator[pa.Table]:
        for table in _stretches(database, view, rows):
            marked, index = settle(table)
            indexes.append(index)
            yield marked

    name = manifest.new_name(1)
    parts = tuple(segments.write(folder, name, settled()))
    manifest.write(folder, 1, parts, segments.write_index(folder, name, pa.concat_tables(indexes)))
    return sum(part.rows for part in parts)


def _stretches(database: duckdb.DuckDBPyConnection, view: str, rows: int) -> Iterator[pa.Table]:
    """The rows of whole trials, so many at a time, in the columns that compacted files have."""
    there = tables.columns(database, view)
    wanted = segments.columns(segments.metrics_of(there))
    names = [name for name in wanted.names if name in there]
    asked = ", ".join(f'"{name}"' for name in names)
    for condition in tables.portions(rows):
        sql = f"SELECT {asked} FROM {view} WHERE {condition} ORDER BY {tables.ORDER['attempts']}"
        found = database.sql(sql).to_arrow_table()
        if len(found):
            yield segments.join(wanted, [found.cast(pa.schema([wanted.field(name) for name in names]))])
