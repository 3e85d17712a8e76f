"""gan-study schema"""

import json
from typing import Annotated

import typer

from cluster.profile import Profile
from study.spec import Study


def command(
    cluster: Annotated[bool, typer.Option("--cluster", help="Of a cluster profile instead.")] = False,
) -> None:
    """Print the JSON schema of a study's YAML, or of a cluster profile's, for editors.

    Example: gan-study schema > study.schema.json; gan-study schema --cluster > profile.schema.json
    """
    model = Profile if cluster else Study
    typer.echo(json.dumps(model.model_json_schema(), indent=1))
