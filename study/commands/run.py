"""gan-study run"""

from typing import Annotated

import typer

from study.commands.common import DATA, RESULTS, Data, Results, StudyName
from study.commands.driver import Order, drive


def command(
    study: StudyName,
    workers: Annotated[int | None, typer.Option(min=1, help="Trials at once; left out: as many as fit.")] = None,
    results: Results = RESULTS,
    data: Data = DATA,
) -> None:
    """Run what is missing of a study on this machine; running it again goes on where it stopped.

    Failed trials are left as they are: gan-study retry. Example: gan-study run demo --workers 2
    """
    drive(Order(f"run {study}", study, results, data, frozenset({"waiting", "started"}), workers))
