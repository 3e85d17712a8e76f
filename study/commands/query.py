"""gan-study query"""

import sys
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from study import durable
from study.commands.common import RESULTS, Mixed, Recorded, Results, console, folder_of, outside_of_studies, table
from study.errors import StudyError
from study.results.ask import Take, stream
from study.results.forms import WRITERS, Batches, Schema, rows

SHOWN = 1_000  # rows


class Format(StrEnum):
    """How rows leave."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def command(
    study: Recorded,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One question to the views below.")],
    form: Annotated[
        Format, typer.Option("--format", help=f"How rows leave; a table shows the first {SHOWN:,}.")
    ] = Format.table,
    output: Annotated[
        Path | None,
        typer.Option("-o", metavar="FILE", help="Left out: the terminal. A file that is there is replaced."),
    ] = None,
    mixed: Mixed = False,
    results: Results = RESULTS,
) -> None:
    """Ask a study's results in SQL (DuckDB). Nothing that is asked can change them.

    Views: trials, evaluations, best (the selected evaluation of each trial), settings, attempts, plan.

    In CSV, JSON and Parquet no number is rounded, and times are ISO 8601 in UTC. JSON has no infinite numbers: they are
    the texts "Infinity" and "-Infinity" there, and what is no number is "NaN". Lists in CSV are JSON.

    Example: gan-study query demo "SELECT loss, min(score) FROM trials GROUP BY loss ORDER BY 2"
    """
    folder = folder_of(study, results)
    if form is Format.table and output is not None:
        raise StudyError(f"-o {output} needs --format csv, json or parquet")
    if form is Format.parquet and output is None and sys.stdout.isatty():
        raise StudyError("--format parquet is no text for a terminal; give -o FILE.parquet or redirect the output")
    if form is Format.table:
        stream(folder, sql, _show, mixed=mixed)
    elif output is None:
        stream(folder, sql, _onward(form), mixed=mixed)
    else:
        outside_of_studies(output)
        durable.write(output, lambda file: stream(folder, sql, _into(file, form), mixed=mixed))


def _show(schema: Schema, batches: Batches) -> None:
    shown, count = list[tuple[Any, ...]](), 0
    for batch in batches:
        count += len(batch)
        shown += islice(rows(batch), SHOWN - len(shown))
    console.print(table("", schema.names, shown))
    if count > len(shown):
        console.print(f"... and {count - len(shown):,} more rows; --format csv has all")


def _onward(form: Format) -> Take[None]:
    """To the standard output, once."""
    begun = False

    def take(schema: Schema, batches: Batches) -> None:
        nonlocal begun
        if begun:
            raise StudyError(
                "the question needs more columns than it names, and a part of its answer is out already; name them, "
                "or give -o FILE"
            )
        begun = True
        WRITERS[form.value](schema, batches, sys.stdout.buffer)
        sys.stdout.buffer.flush()

    return take


def _into(file: IO[bytes], form: Format) -> Take[None]:
    def take(schema: Schema, batches: Batches) -> None:
        file.seek(0)
        file.truncate()  # what came of it before
        WRITERS[form.value](schema, batches, file)

    return take
