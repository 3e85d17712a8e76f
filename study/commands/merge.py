"""gan-study merge"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from study.commands.common import RESULTS, Results, console, folder_of, new_name, spelled, table
from study.results.folder import Folder
from study.results.merge import Conflicts, Report, Ways, merge
from study.results.stage import Source
from study.spec import Merged, stored
from study.united import describe


def command(
    studies: Annotated[
        list[str], typer.Argument(metavar="STUDY...", help="Two or more: names of studies, or their folders' paths.")
    ],
    output: Annotated[str, typer.Option("-o", metavar="NAME", help="The new study's name.")],
    prefer: Annotated[
        str | None,
        typer.Option(metavar="STUDY", help="Of trials with conflicts take this study's rows, and none of the others'."),
    ] = None,
    apart: Annotated[
        bool, typer.Option("--apart", help="Put every study's name in front of its phases, so that no two meet.")
    ] = False,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Unite rows that were measured in different ways all the same.")
    ] = False,
    results: Results = RESULTS,
) -> None:
    """Unite studies into a new one, and leave them as they are.

    The plan is theirs, one after another, with equal trials once. Where several have been at one trial, all their
    attempts become one history, in the order in which they began, and what ended the trial is its newest; an attempt
    that several have is kept once, and so is the first of those that ended a trial with equal values. Values that
    differ are a conflict: of one trial and step, or of one setting of a search (two phases of one name are one phase
    only where their settings are). Conflicts are shown, and nothing is written (exit code 1), unless --prefer or
    --apart says what to do. Checkpoints stay behind: a trial that has not ended begins anew in the new study.
    Example: gan-study merge mine theirs -o ours
    """
    folders = [_folder(study, results) for study in studies]
    sources = [Source(name, Folder(folder)) for name, folder in zip(_names(studies, folders), folders, strict=True)]
    named = {study: source.name for study, source in zip(studies, sources, strict=True)}
    ways = Ways(None if prefer is None else named.get(prefer, prefer), mixed, apart)
    texts = {source.name: source.folder.study_file.read_text() for source in sources}
    target = results / new_name(output)
    try:
        report = merge(sources, target, lambda rows: describe(output, texts, rows), ways)
    except Conflicts as conflicts:
        _show(conflicts, [source.name for source in sources])
        raise typer.Exit(1) from conflicts
    _tell(report, target, ways.prefer)
    text = Folder(target).study_file
    if isinstance(stored(text.read_text(), str(text)), Merged):
        console.print(f"no one study has this plan, so it can be read, and not be run: {text}")
    else:
        console.print(f"what is missing of it: {spelled(results, 'run', text)}")


def _folder(study: str, results: Path) -> Path:
    """By the folder's path, or as every command finds a study."""
    return Path(study) if (Path(study) / "plan.parquet").exists() else folder_of(study, results)


def _names(studies: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Their folders' names, or where two have one name what the user called them."""
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else list(studies)


def _show(conflicts: Conflicts, names: Sequence[str]) -> None:
    columns = ("search", "sample", "what") if conflicts.searches else ("trial", "step", "column")
    lines = []
    for each in conflicts.found:
        said = dict(each.said)
        lines.append((each.where, each.at, each.column, *(said.get(name) for name in names)))
    console.print(table(_counted(conflicts.total, "conflict"), (*columns, *names), lines))
    if conflicts.total > len(lines):
        console.print(f"... and {conflicts.total - len(lines):,} more")
    if conflicts.searches:
        console.print("searches of one name are not the same; --apart keeps the phases of each study apart")
    else:
        console.print(f"values of equal trials differ; --prefer {shlex.quote(names[0])} takes those of {names[0]}")
    console.print("nothing was written")


def _tell(report: Report, target: Path, prefer: str | None) -> None:
    of = " and ".join(f"{name} ({_counted(count, 'trial')})" for name, count in report.planned.items())
    console.print(f"{target}: {_counted(report.trials, 'trial')} with {_counted(report.rows, 'row')}, of {of}")
    if report.shared:
        console.print(f"{_counted(report.shared, 'trial')} had been begun in several of them")
    for name, count in report.agreeing.items():
        told = "another study's had ended the trial before, with equal values"
        console.print(f"{_counted(count, 'attempt')} of {name} left out: {told}")
    if report.preferred:
        console.print(f"{_counted(report.preferred, 'trial')} with conflicts: only the rows of {prefer} are there")
    if report.missing:
        told = ", ".join(f"{count:,} {kind}" for kind, count in report.missing.items())
        console.print(f"missing in all of them: {told}")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
