"""What an export packed becomes a study again."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from study import durable
from study.errors import StudyError
from study.results import refill, rowfile, schema, tables
from study.results.archive import PROCESSES
from study.results.folder import Folder
from study.results.names import TRIAL
from study.results.packing import NAMES
from study.results.rowfile import Damaged
from study.results.store import write_plan_table
from study.results.unpacking import Unpack, unpack

NEEDED = ("plan.parquet", "attempts.parquet", "study.yaml", PROCESSES)  # of which the rest is made, and made again
READ = ("README.md", "dictionary.csv", "environment.json", "trials.parquet", "settings.parquet", "best.parquet",
        "evaluations.parquet")  # fmt: skip


@dataclass(frozen=True)
class Restored:
    """What an import brought back."""

    folder: Path
    rows: int  # of attempts
    files: int  # beside tables


def restore(archive: Path, results: Path, rename: Callable[[str, str], tuple[str, str]]) -> Restored:
    """Makes an archive a study's folder in `results`, whole or not at all.

    rename: from its name and study.yaml to those that it gets. Raises StudyError where the archive is not as export
    wrote it, FileExistsError where there is a study of that name.
    """
    with unpack(archive, dict.fromkeys(NEEDED, True) | dict.fromkeys(READ, False)) as found:
        name, text = rename(found.name, "".join(found.lines("study.yaml")))
        with durable.new_folder(results / name) as aside:
            durable.write_bytes(Folder(aside).study_file, text.encode())
            return Restored(results / name, *_fill(Folder(aside), found))


def _fill(folder: Folder, packed: Unpack) -> tuple[int, int]:
    files = [name for name in packed.files if name.partition("/")[0] + "/" in NAMES]
    for name in files:
        packed.copy(name, folder.folder / name)
    _processes(folder, packed)
    staged = folder.folder / ".import"
    for name in ("plan.parquet", "attempts.parquet"):
        packed.copy(name, staged / name)
    write_plan_table(folder.plan_file, _plan(staged / "plan.parquet"))
    _check(staged / "attempts.parquet")
    with tables.workplace(staged) as database:
        database.read_parquet(str(staged / "attempts.parquet")).create_view("attempts")
        rows = refill.fill(folder, database, "attempts")
    shutil.rmtree(staged)
    return rows, len(files)


def _plan(path: Path) -> pa.Table:
    """The plan of an archive. Raises StudyError for what is none."""
    wanted = schema.schema(list(schema.PLAN_COLUMNS))
    try:
        return pq.ParquetFile(path).read(wanted.names).cast(wanted)
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        raise StudyError(f"{path.name} is no plan of gan-study export ({error}); nothing was imported") from error


def _check(path: Path) -> None:
    """Raises StudyError where its columns are not those of the table."""
    try:
        found = pq.read_schema(path)
        kept = [each for each in found if each.name not in {column.name for column in schema.DERIVED}]
        rowfile.check(pa.schema(kept), found.metadata or {})
    except (pa.ArrowException, Damaged) as error:
        raise StudyError(f"{path.name} is no table of gan-study export ({error}); nothing was imported") from error


def _processes(folder: Folder, packed: Unpack) -> None:
    for line in packed.lines(PROCESSES):
        told = json.loads(line)
        trial = told.pop("trial")
        if not re.fullmatch(TRIAL, trial):  # a name that leads elsewhere
            raise StudyError(f"{PROCESSES}: {trial!r} is no trial's id; nothing was imported")
        durable.write_bytes(folder.marker_file(trial, int(told["attempt"])), _json(told), fsync=False)


def _json(content: dict[str, object]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
