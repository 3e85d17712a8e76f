"""gan-study compare"""

from pathlib import Path
from typing import Annotated

import typer

from analysis import compare_page, formats, frames
from analysis.comparison import compare, paper, sides, words
from study.commands.common import RESULTS, Mixed, Recorded, Results, console, folder_of
from study.errors import StudyError


def command(
    study: Recorded,
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="'paper', or another study.")],
    phase: Annotated[
        str | None,
        typer.Option(help="Left out: seeds of the last phase that repeats settings, quartiles of the largest search."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", metavar="DIR", help="Left out: the study's folder, compare/ (or compare-REFERENCE/)."),
    ] = None,
    mixed: Mixed = False,
    results: Results = RESULTS,
) -> None:
    """A study's table beside the published one, or beside another study's, and what makes the comparison unfair.

    Example: gan-study compare corrected-wide paper-wide
    """
    folder = folder_of(study, results)
    ours = sides.of_study(frames.load(folder, mixed=mixed), phase, "here")
    theirs, name = paper.side(), "compare"
    if reference != paper.NAME:
        try:
            there = folder_of(reference, results)
        except StudyError as error:
            raise StudyError(f"{error}; the published numbers are called {paper.NAME}") from error
        other = frames.load(there, mixed=mixed)
        theirs, name = sides.of_study(other, phase, f"in {other.name}"), f"compare-{other.name}"
    found = compare.compare(ours, theirs, mixed=mixed)
    for line in [*ours.remarks, *theirs.remarks]:
        console.print(f"- {line}")
    for dataset, sentences in found.sentences.items():
        typer.echo()
        if dataset in found.datasets:
            _show(found, dataset)
        for sentence in sentences:
            console.print(f"- {sentence}")
    typer.echo()
    for line in words.legend(found) if found.datasets else []:
        console.print(f"- {line}")
    console.print(f"comparison: {compare_page.write(found, output or folder / name).resolve()}")


def _show(found: compare.Comparison, dataset: str) -> None:
    console.print(words.title(found, dataset))
    for table in (words.best(found, dataset), words.spread(found, dataset)):
        if len(table):
            typer.echo(f"{formats.text(table)}\n")
    console.print(f"- {words.order(found, dataset)}")
