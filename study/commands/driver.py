"""What run and retry share: prepare, find what is missing, drive Ray, tell how it went."""

import importlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import typer

from cluster.board import Board
from study import durable, spec
from study.commands.common import console
from study.commands.standing import standing, wanted
from study.errors import StudyError
from study.heartbeat import LOST
from study.machines import Machines
from study.plan import Planned, Selections, build, deferred
from study.provenance import keep_study
from study.results.query import connect
from study.results.store import Store
from study.selection import NotYet, Unfit, select
from study.spec import Study

INTERRUPTED = 130  # the shell's exit code for Ctrl-C


@dataclass(frozen=True)
class Order:
    """What the user asked for."""

    command: str  # that goes on with it: run STUDY, retry STUDY, submit STUDY --cluster PROFILE
    study: str  # as the user named it
    results: Path
    data: Path
    statuses: frozenset[str]  # trials in these states are run
    workers: int | None = None  # at once on this machine; None: as many as fit
    machines: Machines | None = None  # None: this machine
    cluster: str | None = None  # the profile of the machines, as the user named it
    frozen: Path | None = None  # the study as it was submitted; None: as the user named it
    forgiven: Mapping[str, int] | None = None  # trial -> failures from before the order; None: those of this moment


def drive(order: Order) -> None:
    """Runs the trials in the wanted states; exits with 1 where trials failed. One driver per study at a time.

    Phases are run in their order. One with `select` gets its settings when the phase it selects from has ended.
    """
    study = spec.load(str(order.frozen or order.study))
    store = Store(order.results / study.name)
    with _driving(order, store):
        try:
            waiting = _run_phases(order, study, store)
        except KeyboardInterrupt:
            _interrupted(order, store)
        _finish(order, store, bool(waiting))


@contextmanager
def _driving(order: Order, store: Store) -> Iterator[None]:
    """The driver's lock. A head waits for it, and goes on without where a dead machine's is still kept by then: of
    heads there is one, as Slurm starts one job of them.

    Raises StudyError where another process drives the study.
    """
    tries = LOST if order.machines else 1  # of a second each
    while True:
        tries -= 1
        with durable.lock(store.driver_lock, wait=False) as mine:
            if mine and (order.machines or Board(store).leader() is None):
                yield
                return
            if order.machines and tries <= 0:
                yield
                return
        if tries <= 0:
            raise StudyError(
                f"{store.folder.name} is being run already, from {store.folder}; "
                f"follow it: gan-study status {order.study}"
            )


def _run_phases(order: Order, study: Study, store: Store) -> dict[str, NotYet]:
    """Runs until nothing more can be selected, and returns what still waits."""
    selections, waiting = selected(study, store, order.results)
    names = [phase.name for phase in study.phases]
    hopeless: set[str] = set()
    seen: set[str] = set()  # of trials: what fails again now is for the next retry
    plan = write_plan(study, store, selections)
    if order.forgiven is None:
        order = replace(order, forgiven={trial: facts["failures"] for trial, facts in standing(store).items()})
    _name_strangers(store)
    while True:
        blocked = next((name for name in names if name in waiting and name not in hopeless), None)
        phases = names[: names.index(blocked)] if blocked else names
        unseen = [planned for planned in once(plan) if planned.phase in phases and planned.trial.id not in seen]
        seen |= {planned.trial.id for planned in unseen}
        later = len(once(plan)) - len(seen) + sum(each["trials"] for each in deferred(study, selections).values())
        _run_missing(order, study, store, unseen, later)
        before = selections
        selections, waiting = select(study, store, order.results)
        if selections == before:
            if blocked is None:
                break
            hopeless.add(blocked)  # what has run gives it nothing: the later phases run without
        plan = write_plan(study, store, selections)
    for name, reason in waiting.items():
        console.print(f"phase {name} waits: {reason}")
    return waiting


def selected(study: Study, store: Store, results: Path) -> tuple[Selections, dict[str, NotYet]]:
    """What `select` finds. Raises NotYet where a phase waits for another study, which nothing here can bring about."""
    selections, waiting = select(study, store, results)
    for phase in study.phases:
        reason = waiting.get(phase.name)
        if phase.select is not None and phase.select.study is not None and reason and not isinstance(reason, Unfit):
            raise reason
    return selections, waiting


def write_plan(study: Study, store: Store, selections: Selections) -> list[Planned]:
    """The plan as far as it is known, on disk before any of it runs."""
    plan, text = build(study, selections), spec.dump(study)
    keep_study(store, text)
    store.write_plan([planned.row(i) for i, planned in enumerate(plan)], text)
    return plan


def _run_missing(order: Order, study: Study, store: Store, trials: list[Planned], later: int) -> None:
    """Runs those of the trials that are in a wanted state. later: how many come after them, in later phases."""
    stand, forgiven = standing(store), order.forgiven or {}
    missing = [planned for planned in trials if wanted(stand[planned.trial.id], order.statuses, forgiven, study)]
    if missing:  # only then are ray and torch worth their seconds
        engine = importlib.import_module("study.commands.engine")
        machines = order.machines or importlib.import_module("study.commands.here").ThisMachine(order.workers)
        engine.run(engine.Job(study, store, order.data, machines, forgiven, later), missing, stand)


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


def _finish(order: Order, store: Store, waiting: bool) -> None:
    """The closing lines, and the exit code. waiting: for settings that could not be selected."""
    stand = standing(store)
    counts = Counter(trial["status"] for trial in stand.values())
    told = ", ".join(
        f"{counts[status]} {status}"
        for status in ("done", "diverged", "failed", "started", "waiting")
        if counts[status]
    )
    console.print(f"{store.folder.name}: {told} of {len(stand)} trials")
    if not counts["failed"]:
        if not counts["started"] + counts["waiting"] and not waiting:
            console.print(f"next: gan-study best {order.study}; gan-study report {order.study}")
            return
        if not waiting:  # a retry leaves out what has never begun
            console.print(f"go on: gan-study {order.command if order.machines else f'run {order.study}'}")
        raise typer.Exit(1)
    folded = Counter((t["exception"], t["message"]) for t in stand.values() if t["status"] == "failed")
    for (exception, message), count in folded.most_common():
        console.print(f"FAILED {count} x {exception}: {message}", style="bold red")
    example = next(trial for trial, facts in stand.items() if facts["status"] == "failed")
    where = f" --cluster {order.cluster}" if order.cluster else ""
    console.print(f"look: gan-study why {order.study} {example}; again: gan-study retry {order.study}{where}")
    raise typer.Exit(1)


def _interrupted(order: Order, store: Store) -> NoReturn:
    if not store.plan_file.exists():
        console.print("stopped before anything began")
        raise typer.Exit(INTERRUPTED)
    counts = Counter(trial["status"] for trial in standing(store).values())
    ended = counts["done"] + counts["diverged"] + counts["failed"]
    console.print(
        f"stopped: {ended} of {counts.total()} trials have ended, nothing finished is lost; "
        f"go on with: gan-study {order.command}"
    )
    raise typer.Exit(INTERRUPTED)


def once(plan: list[Planned]) -> list[Planned]:
    """Every trial once, at its first place in the plan."""
    first: dict[str, Planned] = {}
    for planned in plan:
        first.setdefault(planned.trial.id, planned)
    return list(first.values())
