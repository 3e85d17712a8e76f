"""gan-study submit"""

from typing import Annotated

import typer

from study.commands.common import DATA, RESULTS, Data, Results, StudyName
from study.commands.sending import Sending, send

Cluster = Annotated[str, typer.Option("--cluster", metavar="PROFILE", help="A profile's name or a YAML file's path.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")]


def command(
    study: StudyName, cluster: Cluster, dry_run: DryRun = False, results: Results = RESULTS, data: Data = DATA
) -> None:
    """Send what is missing of a study to a Slurm cluster, and return at once; again: only what is still missing.

    Example: gan-study submit demo --cluster cluster.yaml --dry-run
    """
    send(Sending(study, cluster, frozenset({"waiting", "started"}), results, data, dry_run))
