"""gan-study worker"""

import logging
from pathlib import Path
from typing import Annotated

import typer

from cluster.site import site
from cluster.worker import serve

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The study's folder, on a file system that all share.")]
Number = Annotated[
    int, typer.Argument(metavar="SUBMISSION", min=1, help="Its number below FOLDER/cluster/submissions.")
]


def command(
    folder: Folder,
    submission: Number,
    beside_head: Annotated[bool, typer.Option("--beside-head", help="It shares the head's job.")] = False,
) -> None:
    """Offer this machine to a submitted study, until there is nothing left to do; gan-study submit starts it.

    Any launcher may start it, wherever the study's folder can be read. Example: gan-study worker results/demo 1
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    raise typer.Exit(serve(site(folder.resolve(), submission, beside_head)))
