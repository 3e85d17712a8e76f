"""gan-study retry"""

import importlib
from typing import Annotated

import typer

from study.commands.common import DATA, RESULTS, Data, Results, StudyName
from study.commands.driver import Order, drive
from study.errors import StudyError, unknown

AGAIN = ("failed", "started")


def command(
    study: StudyName,
    status: Annotated[
        list[str] | None, typer.Option("--status", metavar="STATUS", help="failed or started; left out: both.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Trials at once; left out: as many as fit.")] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="PROFILE", help="Send them to a cluster instead; like submit.")
    ] = None,
    results: Results = RESULTS,
    data: Data = DATA,
) -> None:
    """Run the failed and the interrupted trials of a study again, from their checkpoints; failures stay on record.

    Example: gan-study retry demo --status failed
    """
    for each in status or []:
        if each not in AGAIN:
            raise unknown("a status that can be retried", each, AGAIN)
    statuses = frozenset(status or AGAIN)
    if cluster is None:
        again = " ".join(["retry", study, *(f"--status {each}" for each in status or [])])
        drive(Order(again, study, results, data, statuses, workers))
        return
    if workers is not None:
        raise StudyError("--workers counts trials on this machine; on a cluster the profile's workers do: leave it out")
    sending = importlib.import_module("study.commands.sending")
    sending.send(sending.Sending(study, cluster, statuses, results, data))
