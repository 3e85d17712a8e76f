"""gan-study report"""

from pathlib import Path
from typing import Annotated

import typer

from analysis import report
from study.commands.common import RESULTS, Mixed, Recorded, Results, console, folder_of
from study.errors import StudyError

STOPPED = 130  # the exit code that a shell gives to Ctrl-C


def command(
    study: Recorded,
    output: Annotated[
        str | None, typer.Option("-o", metavar="DIR", help="Left out: the study's folder, report/.")
    ] = None,
    mixed: Mixed = False,
    results: Results = RESULTS,
) -> None:
    """Run a study's notebooks and write its page: one file that needs no network, and every figure beside it.

    Works on what is there while the study runs. Example: gan-study report demo -o /tmp/demo
    """
    folder = folder_of(study, results)
    if output == "":  # as a path it would be the current folder
        raise StudyError(f"-o '' names no folder; name one, such as -o /tmp/report, or leave -o out: {folder}/report")
    try:
        page = report.write(folder, Path(output or folder / "report"), mixed=mixed, told=_told)
    except KeyboardInterrupt as interrupt:
        typer.echo("gan-study: stopped; the page was not written", err=True)
        raise typer.Exit(STOPPED) from interrupt
    console.print(f"report: {page.resolve()}")


def _told(notebook: str, seconds: float) -> None:
    console.print(f"notebook {notebook}: {seconds:.0f} s")
