"""gan-study retry"""

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
    """Run the failed and the interrupted trials of a study again, from their checkpoints; failures stay on record.

    Example: gan-study retry demo
    """
    drive(Order("retry", study, results, data, workers, frozenset({"failed", "started"})))
