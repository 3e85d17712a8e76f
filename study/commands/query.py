"""gan-study query"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from study import durable
from study.commands.common import RESULTS, Results, StudyName, console, folder_of, table
from study.errors import StudyError
from study.results.query import connect


class Format(StrEnum):
    """How rows leave."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def command(
    study: StudyName,
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="A question to the tables trials, evaluations and attempts.")
    ],
    form: Annotated[Format, typer.Option("--format", help="How rows leave.")] = Format.table,
    output: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="Left out: the terminal.")] = None,
    results: Results = RESULTS,
) -> None:
    """Ask a study's results in SQL (DuckDB). Nothing that is asked can change them.

    Example: gan-study query demo "SELECT loss, min(score) FROM trials GROUP BY loss ORDER BY 2"
    """
    with connect(folder_of(study, results)) as database:
        try:
            answer = database.sql(sql)
            frame = None if answer is None else answer.to_arrow_table().to_pandas()
        except duckdb.Error as error:
            raise StudyError(f"{error}; the columns of a table: gan-study query {study} 'DESCRIBE trials'") from error
    if frame is None:
        raise StudyError(f"{sql!r} asks for no rows; a question begins with SELECT or DESCRIBE")
    if form is Format.table:
        rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)
        console.print(table("", list(map(str, frame.columns)), rows))
        return
    if form is Format.parquet:
        content = frame.to_parquet(index=False)
        if output is None and sys.stdout.isatty():
            raise StudyError("--format parquet is no text for a terminal; give -o FILE.parquet or redirect the output")
    elif form is Format.csv:
        content = frame.to_csv(index=False).encode()
    else:
        content = (frame.to_json(orient="records", date_format="iso", double_precision=15) + "\n").encode()
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        durable.write_bytes(output, content)
