"""gan-study export"""

from pathlib import Path
from typing import Annotated

import typer

from study.commands.common import RESULTS, Recorded, Results, console, folder_of, outside_of_studies, spelled
from study.errors import StudyError
from study.results.archive import export
from study.results.folder import Folder


def command(
    study: Recorded,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", metavar="FILE.zip", help="Left out: the study's name, here. A file that is there is replaced."
        ),
    ] = None,
    generators: Annotated[bool, typer.Option("--generators", help="Also the weights of the generators.")] = False,
    results: Results = RESULTS,
) -> None:
    """Write a study as one archive that needs nothing but pandas to be read: its README says how.

    It holds every row as Parquet, what the columns mean, pictures, code, and what failed trials left; checkpoints and
    data sets stay behind. The study may be running, or have failures. gan-study import takes it back.
    Example: gan-study export demo -o demo.zip
    """
    folder = folder_of(study, results)
    path = output or Path(f"{folder.resolve().name}.zip")
    if path.suffix != ".zip":
        raise StudyError(f"-o {path}: an archive is a .zip file; say -o {path.with_suffix('.zip')}")
    outside_of_studies(path)
    written = export(Folder(folder), path, generators=generators)
    console.print(
        f"{path}: {written.rows:,} rows, images of {written.pictured:,} of {written.evaluations:,} evaluations, "
        f"{written.size / 1e6:,.1f} MB"
    )
    console.print(f"again a study: {spelled(results, 'import', path)}")
