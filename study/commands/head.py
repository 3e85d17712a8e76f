"""gan-study head"""

import logging
from typing import Annotated

import typer

from cluster.head import leading
from cluster.site import site
from study.commands.driver import Order, drive
from study.commands.worker import Folder, Number


def command(
    folder: Folder,
    submission: Number,
    with_worker: Annotated[bool, typer.Option("--with-worker", help="A worker runs beside it.")] = False,
) -> None:
    """Drive a submitted study on whatever workers come; gan-study submit starts it.

    Any launcher may start it, wherever the study's folder can be read. Example: gan-study head results/demo 1
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    here = site(folder.resolve(), submission, with_worker)
    asked = here.submission
    code = 0
    with leading(here) as leader:
        try:
            drive(
                Order(
                    command=asked.again,
                    study=asked.study,
                    results=here.board.store.folder.parent,
                    data=here.data,
                    statuses=frozenset(asked.statuses),
                    machines=leader,
                    cluster=asked.cluster,
                    frozen=here.board.study_file(asked.number),
                    forgiven=asked.forgiven,
                )
            )
        except typer.Exit as told:
            code = min(told.exit_code, 1)  # the job's script takes more than 128 for a kill, and requeues the job
    raise typer.Exit(code)
