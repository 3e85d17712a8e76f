"""One question in SQL, and its answer as a table or as the bytes of a file; numbers pass unrounded."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from study.errors import StudyError
from study.results.query import connect


def ask(folder: Path, sql: str) -> pa.Table:
    """The answer to a SELECT or DESCRIBE over plan, attempts, evaluations and trials.

    Raises StudyError with DuckDB's words where the question is wrong or asks for no rows.
    """
    with connect(folder) as database:
        try:
            answer = database.sql(sql)
            if answer is not None:
                found = answer.to_arrow_table()
                return found.rename_columns(_distinct(found.column_names))
        except duckdb.Error as error:
            raise StudyError(f"{error}; the columns of a table: DESCRIBE trials") from error
    raise StudyError(f"{sql!r} asks for no rows; a question begins with SELECT or DESCRIBE")


def encode(table: pa.Table, form: str) -> bytes:
    """The table as csv, json (one list of objects) or parquet."""
    if form == "json":
        return (json.dumps(table.to_pylist(), default=str, ensure_ascii=False) + "\n").encode()
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(table.column_names)
        writer.writerows(row.values() for row in table.to_pylist())
        return text.getvalue().encode()
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _distinct(names: list[str]) -> list[str]:
    """A join may name a column twice: the second becomes name_1, the third name_2."""
    return [f"{name}_{names[:i].count(name)}" if name in names[:i] else name for i, name in enumerate(names)]
