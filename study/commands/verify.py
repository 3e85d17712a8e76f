"""gan-study verify"""

from pathlib import Path

import typer

from study.commands.common import RESULTS, Recorded, Results, console, folder_of, table
from study.errors import StudyError
from study.identity import digest
from study.results.store import Store
from study.results.verify import verify

FAULTS = 1  # exit code


def command(study: Recorded, results: Results = RESULTS) -> None:
    """Check every file, count and reference of a study, and name what is missing or damaged.

    Ends with exit code 1 where there is a fault. Example: gan-study verify demo
    """
    if Path(study).name in ("", ".."):  # results itself, or what is around it
        raise StudyError(f"{study!r} is no study's name; name a folder in {results}, or say with --results where it is")
    direct = results / study  # also where its plan is gone
    found = verify(Store(direct if direct.is_dir() else folder_of(study, results)), digest)
    if found.found:
        rows = [("fault" if each.fault else "told", each.where, each.what, each.remedy) for each in found.found]
        console.print(table("", ("", "where", "what", "what to do"), rows))
    faults = sum(each.fault for each in found.found)
    ending = f"{faults:,} fault{'s' * (faults > 1)}" if faults else "all whole"
    console.print(f"{found.files:,} files, {found.rows:,} rows: {ending}")
    if faults:
        raise typer.Exit(FAULTS)
