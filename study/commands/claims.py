"""gan-study claims"""

import json
import math
import re
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis import claims, frames
from analysis.claims import words
from study.commands.common import RESULTS, Mixed, Recorded, Results, console, folder_of, spelled
from study.results import fingerprints

QUOTE, SPECIAL = '"', r'["$`\\!]'  # what a shell does not take as it is between these quotes


class Format(StrEnum):
    """How the claims leave."""

    text = "text"
    markdown = "markdown"
    json = "json"
    csv = "csv"


def command(
    study: Recorded,
    phase: Annotated[
        str | None,
        typer.Option(help="Left out: settings of the largest search, seeds of the last phase that repeats settings."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How they leave; json and csv round nothing.")] = Format.text,
    rope: Annotated[
        float,
        typer.Option(help="Region of practical equivalence: scores that differ by less than this share are equal."),
    ] = claims.ROPE,
    mixed: Mixed = False,
    results: Results = RESULTS,
) -> None:
    """The published study's claims A to H, tested on a study's results: supported, contradicted or undecided.

    Each with its statistic and 95 % interval, the trials it rests on, and where it is undecided how many more of them
    would decide it. With --mixed it says first which data sets were measured in more than one way, and in what they
    differ.

    Example: gan-study claims demo
    """
    loaded = frames.load(folder_of(study, results), mixed=mixed)
    found, ways = claims.all_of(loaded, phase, rope), _ways(loaded)
    table = claims.table(found).assign(mixed="; ".join(ways) or None)
    if form is Format.json:
        typer.echo(json.dumps([_plain(row) for row in table.to_dict("records")], indent=2))
    elif form is Format.csv:
        typer.echo(table.to_csv(index=False), nl=False)
    else:
        for sentence in ways:
            console.print(f"{sentence}\n")
        for claim in found:
            asked = _query(study, claim.rows.sql, results, mixed) if claim.rows.trials else ""
            rests = f"rests on {claim.rows.trials:,} trials: " if asked else "rests on no trials"
            _show([*words.lines(claim), rests], asked, markdown=form is Format.markdown)


def _ways(study: frames.Study) -> list[str]:
    """A sentence per data set whose rows were measured in more than one way, which is loaded only where mixed."""
    each = (
        (dataset, fingerprints.differing(ways)) for dataset, ways in fingerprints.by_dataset(study.evaluations).items()
    )
    return [
        f"mixed: rows of {dataset} were measured in different ways, which differ in {', '.join(fields)}"
        for dataset, fields in each
        if fields
    ]


def _show(told: list[str], asked: str, *, markdown: bool) -> None:
    title, *rest = told
    if markdown:
        asked = f"`{asked}`" if asked else ""
        typer.echo("\n".join([f"### {title}", "", *(f"- {line}" for line in rest[:-1]), f"- {rest[-1]}{asked}", ""]))
        return
    console.print(title)
    for line in [*rest[:-1], rest[-1] + asked]:
        console.print(f"   {line}")
    typer.echo()


def _query(study: str, sql: str, results: Path, mixed: bool) -> str:
    """The command that lists a claim's rows, to be pasted into a shell."""
    begins = spelled(results, "query", study, *(["--mixed"] if mixed else []))
    return f"{begins} {shlex.quote(sql) if re.search(SPECIAL, sql) else QUOTE + sql + QUOTE}"


def _plain(row: dict[Any, Any]) -> dict[Any, Any]:
    """JSON has no infinite numbers, which are texts, and null for those that are none."""
    return {name: _number(item) for name, item in row.items()}


def _number(item: Any) -> Any:
    if item is None or (isinstance(item, float) and math.isnan(item)):
        return None
    return ("Infinity" if item > 0 else "-Infinity") if isinstance(item, float) and math.isinf(item) else item
