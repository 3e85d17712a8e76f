"""gan-study reproduce"""

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from study import provenance, reproduction, source
from study.commands import recorded as records
from study.commands.common import DATA, RESULTS, Data, Recorded, Results, console, folder_of
from study.commands.recorded import Row
from study.errors import StudyError
from study.identity import Trial, from_content
from study.reproduction import NAME, failed
from study.results.query import connect
from study.results.store import Store

DIFFERENT = 1  # exit code


def command(
    study: Recorded,
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="A trial's id, or as much of it as is unique.")],
    results: Results = RESULTS,
    data: Data = DATA,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="DIR", help=f"A study's folder; left out: {NAME}, in --results.")
    ] = None,
) -> None:
    """Run one trial again from its record, in this process, and compare every number with what was measured then.

    Exits with 1 where a number differs. Running it again goes on, or only compares.
    Example: gan-study reproduce demo d81f2970
    """
    original = Store(folder_of(study, results))
    with connect(original.folder) as database:
        recorded = records.newest_rows(database, name := records.find(database, study, trial))
    if not recorded:
        raise StudyError(f"trial {name} has no rows yet, so there is nothing to compare with; gan-study run {study}")
    store = Store(output or results / NAME)
    _refuse(store, original)
    again = _run(original, recorded, store, data)
    _tell(original, recorded, store, again)


def _refuse(store: Store, original: Store) -> None:
    """Raises StudyError for a folder that holds something else."""
    mine, theirs = store.folder.resolve(), original.folder.resolve()
    if mine.is_relative_to(theirs) or theirs.is_relative_to(mine):
        raise StudyError(
            f"{store.folder} is the folder of the study itself, or in it, or around it; name one of its own: -o DIR"
        )
    name = _yaml(store.study_file).get("name", NAME)
    if name != NAME:
        raise StudyError(f"{store.folder} is the folder of the study {name}; name one of its own: -o DIR")


def _run(original: Store, recorded: Sequence[Row], store: Store, data: Path) -> list[dict[str, Any]]:
    """The rows of the trial in its own folder, once it has run as far as is on record."""
    newest = max(recorded, key=lambda row: (row["attempt"], row["step"]))
    trial, machine = _trial(original, newest), json.loads(newest["hardware"] or "{}")
    study = reproduction.study_of(trial, _study_yaml(original, newest), machine.get("threads", 1))
    alone = importlib.import_module("study.commands.alone")  # torch
    device = alone.device_like(machine.get("accelerator"))
    _warn(original, recorded, provenance.hardware(device, study.resources.threads))
    importlib.import_module("study.commands.preparing").prepare_like(
        study, reproduction.images_of(recorded), original.folder, data
    )
    planned = alone.register(study, store, lambda rows: reproduction.planned_of(trial, original.folder.name, newest))
    again, last = _rows(store, trial.id), reproduction.last_step(trial, recorded)
    if reproduction.over(trial, recorded, again):
        mine = "this code" if again[-1]["source"] == source.fingerprint() else f"other code ({again[-1]['source']})"
        console.print(f"it has run before, with {mine}, in {store.folder}; name another folder to run it anew: -o DIR")
    else:
        console.print(f"trial {trial.id} runs in {store.folder} to step {last:,}, threads: {study.resources.threads}")
        error = alone.follow(planned, store, alone.options_of(study, store, data, device), last)
        if isinstance(error, StudyError):
            raise error
        again = _rows(store, trial.id)
    return [row for row in again if row["step"] <= last]


def _trial(original: Store, newest: Row) -> Trial:
    """Raises StudyError where this program would make another trial of what is on record."""
    try:
        trial = from_content(newest["content"])
    except (KeyError, TypeError, ValueError):
        trial = None
    if trial is None or trial.id != newest["trial"]:
        ways = " or: ".join(records.code(original, newest)) or "which was not kept"
        raise StudyError(
            f"trial {newest['trial']} is of a gan-study that writes trials otherwise than this one; take its own code: "
            f"{ways}"
        )
    return trial


def _warn(original: Store, recorded: Sequence[Row], hardware: Mapping[str, Any]) -> None:
    """What is otherwise here than it was then, a line each, and how to get the code of then."""
    here = {"source": source.fingerprint(), "versions": provenance.versions(), "hardware": hardware}
    told = list(records.differing(recorded, here))
    for line in told:
        console.print(f"otherwise than on record: {line}")
    if any(line.startswith("source") for line in told):
        for way in records.code(original, recorded[-1]):
            console.print(f"the code on record: {way}")


def _rows(store: Store, trial: str) -> list[dict[str, Any]]:
    with connect(store.folder) as database:
        return records.newest_rows(database, trial)


def _study_yaml(original: Store, newest: Row) -> dict[str, Any]:
    """The study that the trial was run for; where that was not kept, the one that the folder is of now."""
    digest = newest["study_yaml"]
    kept = original.provenance_file("study_yaml", digest) if digest else original.study_file
    return _yaml(kept if kept.exists() else original.study_file)


def _yaml(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text()) if path.exists() else None
    return content if isinstance(content, dict) else {}


def _tell(original: Store, recorded: Sequence[Row], store: Store, again: Sequence[Row]) -> None:
    """Whether the numbers are the same, and if not which are not; then the exit code is 1."""
    trial, found = recorded[0]["trial"], reproduction.differences(recorded, again)
    for line in _failures(failed(recorded), failed(again)):
        console.print(line)
    if not found:
        count = min(len(reproduction.compared(row)) for row in recorded)
        console.print(
            f"equal: trial {trial} has the same numbers in {store.folder} as in {original.folder}; rows: "
            f"{len(recorded)}, columns: {count}"
        )
        return
    steps = {difference.step for difference in found}
    console.print(f"DIFFERENT: trial {trial} at {len(steps)} of {len(recorded)} steps", style="bold red")
    for difference in found:
        console.print(str(difference))
    raise typer.Exit(DIFFERENT)


def _failures(then: Row | None, now: Row | None) -> Iterator[str]:
    """How the trial failed, then and now."""
    for when, row in (("on record", then), ("here", now)):
        if row is not None:
            yield f"{when} it failed at step {row['step']:,}: {row['exception']}: {row['message']}"
        elif then is not None or now is not None:
            yield f"{when} it did not fail"
