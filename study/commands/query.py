"""gan-study query"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from study import durable
from study.commands.common import RESULTS, Results, StudyName, console, folder_of, table
from study.errors import StudyError
from study.results.ask import ask, encode


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
    answer = ask(folder_of(study, results), sql)
    if form is Format.table and output is not None:
        raise StudyError(f"-o {output} needs --format csv, json or parquet")
    if form is Format.table:
        console.print(table("", answer.column_names, [tuple(row.values()) for row in answer.to_pylist()]))
        return
    if form is Format.parquet and output is None and sys.stdout.isatty():
        raise StudyError("--format parquet is no text for a terminal; give -o FILE.parquet or redirect the output")
    content = encode(answer, form.value)
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        durable.write_bytes(output, content)
