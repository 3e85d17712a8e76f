"""gan-study import"""

from pathlib import Path
from typing import Annotated

import typer

from study.commands.common import RESULTS, Results, console, new_name, spelled
from study.errors import StudyError
from study.results.restore import restore
from study.spec import renamed


def command(
    archive: Annotated[Path, typer.Argument(metavar="FILE.zip", help="What gan-study export wrote.")],
    name: Annotated[str | None, typer.Option("-o", metavar="NAME", help="Left out: the name that it had.")] = None,
    results: Results = RESULTS,
) -> None:
    """Make an exported archive a study again, with the same answers to every question; what has ended is not repeated.

    Every byte is checked first, and nothing is left behind where one is wrong. Example: gan-study import demo.zip
    """

    def rename(before: str, text: str) -> tuple[str, str]:
        return (before, text) if name in (None, before) else (new_name(str(name)), renamed(text, str(name)))

    try:
        made = restore(archive, results, rename)
    except FileExistsError as error:
        raise StudyError(f"{error.filename} is there already; give the study another name: -o NAME") from error
    console.print(f"{made.folder}: {made.rows:,} rows and {made.files:,} files beside them")
    console.print(f"next: {spelled(results, 'status', made.folder.name)}")
