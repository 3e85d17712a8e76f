"""What the commands share: their arguments, where a study's folder is, and how tables are printed."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from study import spec
from study.errors import StudyError, unknown
from study.fields import IDENTIFIER

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="A preset's name or a YAML file's path.")]
Recorded = Annotated[
    str,
    typer.Argument(metavar="STUDY", help="A study's name in --results, its folder's path, a preset's, or a YAML file."),
]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="One folder per study is made in here.")]
Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where prepared data sets are.")]
Mixed = Annotated[bool, typer.Option("--mixed", help="Compare rows that were measured in different ways all the same.")]
RESULTS, DATA = Path("results"), Path("data")
WIDE = 10_000  # columns where the output is no terminal: nothing is folded in a log or a pipe

console = Console(  # no markup: file names and messages of exceptions hold brackets of their own
    width=None if sys.stdout.isatty() else WIDE, highlight=False, markup=False, soft_wrap=not sys.stdout.isatty()
)


def folder_of(study: str, results: Path) -> Path:
    """The folder of a study that has results: by its path, its own name, a preset's, or a YAML file's `name`."""
    direct, path = results / study, Path(study)
    if not (direct / "plan.parquet").exists() and (path / "plan.parquet").exists():
        return path
    if path.is_dir() and "/" in study and not (direct / "plan.parquet").exists():
        raise StudyError(f"{study} is a folder without plan.parquet, so no study's; name one in {results}, or its path")
    there = sorted(path.parent.name for path in results.glob("*/plan.parquet"))
    if study not in there and study not in spec.presets() and not Path(study).suffix and "/" not in study:
        raise unknown(f"a study in {results}, a preset or a YAML file", study, [*there, *spec.presets()])
    folder = direct if (direct / "plan.parquet").exists() else results / spec.load(study).name
    if not (folder / "plan.parquet").exists():
        raise StudyError(
            f"{study} has no results in {results}; run gan-study run {study}, or name the folder: --results DIR"
        )
    return folder


def new_name(name: str) -> str:
    """A name that a study can have. Raises StudyError for another."""
    if not re.fullmatch(IDENTIFIER, name) or name in spec.RESERVED:
        taken = f" ({spec.RESERVED[name]})" if name in spec.RESERVED else ""
        raise StudyError(
            f"{name!r}{taken} is no name for a study; take small letters, digits, - and _, such as {_example(name)}"
        )
    return name


def outside_of_studies(path: Path) -> None:
    """Raises StudyError for a file that would be written into a study's own folder."""
    there = path.resolve()
    for folder in (there, *there.parents):
        if (folder / "plan.parquet").exists():
            raise StudyError(f"-o {path} is in the folder of a study, {folder}; name a file elsewhere")


def spelled(results: Path, *words: str | Path) -> str:
    """A gan-study command for the user's shell. results: the folder of studies, where it is another than usual."""
    return shlex.join(["gan-study", *map(str, words), *([] if results == RESULTS else ["--results", str(results)])])


def _example(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:60] or "mine"


def cores() -> int:
    """The processors this process may use, which on a shared machine are fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose numbers stand to the right; unfolded where the output is no terminal."""
    lines = [["-" if cell is None else cell for cell in row] for row in rows]
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, column in enumerate(columns):
        numbers = bool(lines) and all(_is_number(line[i]) or line[i] == "-" for line in lines)
        made.add_column(
            column, justify="right" if numbers else "left", header_style="bold", overflow="fold",
            no_wrap=not sys.stdout.isatty(),
        )  # fmt: skip
    for line in lines:
        made.add_row(*map(_cell, line))
    return made


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _cell(cell: object) -> str:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.4g}"


def duration(seconds: float) -> str:
    """3 s, 4.5 min or 6.7 h."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
