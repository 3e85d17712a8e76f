"""gan-study describe"""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from study.commands.common import RESULTS, Results, console, folder_of, table
from study.results import dictionary, schema
from study.results.forms import encode


class Format(StrEnum):
    """How the dictionary leaves."""

    table = "table"
    csv = "csv"
    json = "json"
    markdown = "markdown"


def command(
    study: Annotated[
        str | None,
        typer.Argument(metavar="[STUDY]", help="Also how many rows of it have each column, and an example."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How the dictionary leaves.")] = Format.table,
    results: Results = RESULTS,
) -> None:
    """The dictionary of the results table: every column of every view, its type, its unit and its meaning.

    measured: two runs of the same trial agree on it. since: the schema version that brought it.

    Example: gan-study describe demo
    """
    entries = dictionary.general() if study is None else dictionary.of_study(folder_of(study, results))
    if form is Format.markdown:
        typer.echo(dictionary.markdown(entries, study=study is not None), nl=False)
        return
    rows = dictionary.table(entries, study=study is not None)
    if form is not Format.table:
        sys.stdout.buffer.write(encode(rows, form.value))
        return
    console.print(table(f"schema version {schema.VERSION}; the views", ("view", "one row is"), dictionary.ROWS.items()))
    lines = [tuple(_word(cell) for cell in row.values()) for row in rows.to_pylist()]
    console.print(table("\nthe columns", rows.column_names, lines))


def _word(cell: object) -> object:
    return ("yes" if cell else "-") if isinstance(cell, bool) else cell
