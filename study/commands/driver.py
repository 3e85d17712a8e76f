"""What run and retry share: prepare, find what is missing, drive Ray, tell how it went."""

import importlib
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import typer

from study import durable, spec
from study.commands.common import console
from study.errors import StudyError
from study.plan import Planned, Selections, build
from study.results.query import connect
from study.results.store import Store
from study.selection import NotYet, Unfit, select
from study.spec import Study

INTERRUPTED = 130  # the shell's exit code for Ctrl-C


@dataclass(frozen=True)
class Order:
    """What the user asked for."""

    command: str  # run or retry
    study: str
    results: Path
    data: Path
    workers: int | None
    statuses: frozenset[str]  # trials in these states are run


def drive(order: Order) -> None:
    """Runs the trials in the wanted states; exits with 1 where trials failed. One driver per study at a time.

    Phases are run in their order. One with `select` gets its settings when the phase it selects from has ended.
    """
    study = spec.load(order.study)
    store = Store(order.results / study.name)
    with durable.lock(store.driver_lock, wait=False) as mine:
        if not mine:
            raise StudyError(
                f"{study.name} is being run already, from {store.folder}; follow it: gan-study status {order.study}"
            )
        try:
            waiting = _run_phases(order, study, store)
        except KeyboardInterrupt:
            _interrupted(order, store)
        _finish(order, store, bool(waiting))


def _run_phases(order: Order, study: Study, store: Store) -> dict[str, NotYet]:
    """Runs until nothing more can be selected, and returns what still waits."""
    selections, waiting = select(study, store, order.results)
    for phase in study.phases:
        reason = waiting.get(phase.name)
        if phase.select is not None and phase.select.study is not None and reason and not isinstance(reason, Unfit):
            raise reason
    names = [phase.name for phase in study.phases]
    hopeless: set[str] = set()
    seen: set[str] = set()  # of trials: what fails again now is for the next retry
    plan = _write_plan(study, store, selections)
    _name_strangers(store)
    while True:
        blocked = next((name for name in names if name in waiting and name not in hopeless), None)
        phases = names[: names.index(blocked)] if blocked else names
        unseen = [planned for planned in _once(plan) if planned.phase in phases and planned.trial.id not in seen]
        seen |= {planned.trial.id for planned in unseen}
        _run_missing(order, study, store, unseen)
        before = selections
        selections, waiting = select(study, store, order.results)
        if selections == before:
            if blocked is None:
                break
            hopeless.add(blocked)  # what has run gives it nothing: the later phases run without
        plan = _write_plan(study, store, selections)
    for name, reason in waiting.items():
        console.print(f"phase {name} waits: {reason}")
    return waiting


def _write_plan(study: Study, store: Store, selections: Selections) -> list[Planned]:
    """The plan as far as it is known, on disk before any of it runs."""
    plan = build(study, selections)
    store.write_plan([planned.row(i) for i, planned in enumerate(plan)], spec.dump(study))
    return plan


def _run_missing(order: Order, study: Study, store: Store, trials: list[Planned]) -> None:
    """Runs those of the trials that are in a wanted state."""
    standing = _standing(store)
    missing = [planned for planned in trials if standing[planned.trial.id]["status"] in order.statuses]
    if missing:  # only then are ray and torch worth their seconds
        engine = importlib.import_module("study.commands.engine")
        engine.run(engine.Job(study, store, order.data, order.workers), missing, standing)


def _name_strangers(store: Store) -> None:
    """Says it when the study was another one before: what was measured stays, but is no part of this plan."""
    with connect(store.folder) as database:
        ((count,),) = database.execute(
            "SELECT count(DISTINCT trial) FROM attempts WHERE trial NOT IN (SELECT trial FROM plan)"
        ).fetchall()
    if count:
        console.print(
            f"{count} trials in {store.folder} belong to an earlier plan of this name: they are kept, but no table or "
            "picture of this plan shows them; another `name` keeps both"
        )


def _standing(store: Store) -> dict[str, dict[str, Any]]:
    """Where every planned trial stands: status, best score, and the images and seconds it has had.

    Raises StudyError where row files cannot be read: what they hold would be repeated.
    """
    names = (
        "trial", "status", "images_seen", "train_seconds", "loss", "dataset", "sample", "score", "selection_score",
        "exception", "message",
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as told, connect(store.folder) as database:
        rows = database.execute(f"SELECT {', '.join(names)} FROM trials").fetchall()
    unread = [str(each.message) for each in told if "left out" in str(each.message)]
    if unread:
        raise StudyError(f"{unread[0]}; move them away to measure their trials again, or bring the whole files back")
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def _finish(order: Order, store: Store, waiting: bool) -> None:
    """The closing lines, and the exit code. waiting: for settings that could not be selected."""
    standing = _standing(store)
    counts = Counter(trial["status"] for trial in standing.values())
    told = ", ".join(
        f"{counts[status]} {status}"
        for status in ("done", "diverged", "failed", "started", "waiting")
        if counts[status]
    )
    console.print(f"{store.folder.name}: {told} of {len(standing)} trials")
    if not counts["failed"]:
        if not counts["started"] + counts["waiting"] and not waiting:
            console.print(f"next: gan-study best {order.study}; gan-study report {order.study}")
            return
        if not waiting:
            console.print(f"go on: gan-study run {order.study}")
        raise typer.Exit(1)
    folded = Counter((t["exception"], t["message"]) for t in standing.values() if t["status"] == "failed")
    for (exception, message), count in folded.most_common():
        console.print(f"FAILED {count} x {exception}: {message}", style="bold red")
    example = next(trial for trial, facts in standing.items() if facts["status"] == "failed")
    console.print(f"look: gan-study why {order.study} {example}; again: gan-study retry {order.study}")
    raise typer.Exit(1)


def _interrupted(order: Order, store: Store) -> NoReturn:
    if not store.plan_file.exists():
        console.print("stopped before anything began")
        raise typer.Exit(INTERRUPTED)
    counts = Counter(trial["status"] for trial in _standing(store).values())
    ended = counts["done"] + counts["diverged"] + counts["failed"]
    console.print(
        f"stopped: {ended} of {counts.total()} trials have ended, nothing finished is lost; "
        f"go on with: gan-study {order.command} {order.study}"
    )
    raise typer.Exit(INTERRUPTED)


def _once(plan: list[Planned]) -> list[Planned]:
    """Every trial once, at its first place in the plan."""
    first: dict[str, Planned] = {}
    for planned in plan:
        first.setdefault(planned.trial.id, planned)
    return list(first.values())
