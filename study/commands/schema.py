"""gan-study schema"""

import json

import typer

from study.spec import Study


def command() -> None:
    """Print the JSON schema of a study's YAML, for editors.

    Example: gan-study schema > study.schema.json
    """
    typer.echo(json.dumps(Study.model_json_schema(), indent=1))
