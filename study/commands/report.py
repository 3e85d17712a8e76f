"""gan-study report"""

from pathlib import Path
from typing import Annotated

import typer

from analysis import report
from study.commands.common import RESULTS, Mixed, Recorded, Results, console, folder_of


def command(
    study: Recorded,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="DIR", help="Left out: the study's folder, report/.")
    ] = None,
    mixed: Mixed = False,
    results: Results = RESULTS,
) -> None:
    """Write a study's page with pictures: one file that needs no network, and every figure beside it.

    Works on what is there while the study runs. Example: gan-study report demo -o /tmp/demo
    """
    folder = folder_of(study, results)
    page = report.write(folder, output or folder / "report", mixed=mixed)
    console.print(f"report: {page.resolve()}")
