"""What run and retry share: prepare, find what is missing, drive Ray, tell how it went."""

import math
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
import typer

from cluster import ray_node
from study import durable, spec
from study.commands.common import console, cores
from study.commands.screen import Screen
from study.errors import StudyError
from study.plan import Planned, build
from study.preparation import prepare_study
from study.results.query import connect
from study.results.store import Store
from study.trial import Options
from study.tune import Needs, run_missing

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
    """Runs the trials in the wanted states; exits with 1 where trials failed. One driver per study at a time."""
    study = spec.load(order.study)
    store = Store(order.results / study.name)
    workers = _workers(study, order.workers)
    plan = build(study)
    with durable.lock(store.driver_lock, wait=False) as mine:
        if not mine:
            raise StudyError(
                f"{study.name} is being run already, from {store.folder}; follow it: gan-study status {order.study}"
            )
        store.write_plan([planned.row(i) for i, planned in enumerate(plan)], spec.dump(study))
        _name_strangers(store)
        before = _standing(store)
        missing = [planned for planned in _once(plan) if before[planned.trial.id]["status"] in order.statuses]
        if missing:
            _prepare(study, order.data)
            _run(order, study, store, workers, missing, before)
        _finish(order, store)


def _run(
    order: Order, study: spec.Study, store: Store, workers: int, missing: list[Planned], before: dict[str, Any]
) -> None:
    wanted = study.resources
    needs = Needs(wanted.cpus, wanted.gpus, wanted.retries)
    options = Options(
        data=order.data.resolve(),
        threads=wanted.threads,
        device="cuda" if wanted.gpus else "cpu",
        checkpoint_seconds=wanted.checkpoint_minutes * 60,
        keep_checkpoints=study.keep_checkpoints,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill is a Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    screen = Screen(study.name, missing, before, workers)
    try:
        with ray_node.local(math.ceil(workers * wanted.cpus), math.ceil(workers * wanted.gpus)) as scratch, screen:
            run_missing(missing, store, options, needs, screen, scratch)
    except KeyboardInterrupt:
        _interrupted(order, store)
    console.print(screen.overhead())


def _prepare(study: spec.Study, data: Path) -> None:
    for thing in prepare_study(study, data):
        if thing.made:
            console.print(f"prepared {thing.name}: {thing.size_bytes:,} bytes from {thing.origin}")


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
    """Where every planned trial stands: status, and the images and seconds it has had."""
    with connect(store.folder) as database:
        names = ("trial", "status", "images_seen", "train_seconds", "loss", "exception", "message")
        rows = database.execute(f"SELECT {', '.join(names)} FROM trials").fetchall()
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def _finish(order: Order, store: Store) -> None:
    """The closing lines, and the exit code."""
    standing = _standing(store)
    counts = Counter(trial["status"] for trial in standing.values())
    told = ", ".join(
        f"{counts[status]} {status}"
        for status in ("done", "diverged", "failed", "started", "waiting")
        if counts[status]
    )
    console.print(f"{store.folder.name}: {told} of {len(standing)} trials")
    if not counts["failed"]:
        if not counts["started"] + counts["waiting"]:
            console.print(f"next: gan-study best {order.study}; gan-study report {order.study}")
            return
        raise typer.Exit(1)
    folded = Counter((t["exception"], t["message"]) for t in standing.values() if t["status"] == "failed")
    for (exception, message), count in folded.most_common():
        console.print(f"[bold red]FAILED[/] {count} x {exception}: {message}")
    example = next(trial for trial, facts in standing.items() if facts["status"] == "failed")
    console.print(f"look: gan-study why {order.study} {example}; again: gan-study retry {order.study}")
    raise typer.Exit(1)


def _interrupted(order: Order, store: Store) -> NoReturn:
    counts = Counter(trial["status"] for trial in _standing(store).values())
    ended = counts["done"] + counts["diverged"] + counts["failed"]
    console.print(
        f"stopped: {ended} of {counts.total()} trials have ended, nothing finished is lost; "
        f"go on with: gan-study {order.command} {order.study}"
    )
    raise typer.Exit(INTERRUPTED)


def _workers(study: spec.Study, asked: int | None) -> int:
    """As many workers as trials fit on this machine, or the number asked for if it fits."""
    cpus, gpus = study.resources.cpus, study.resources.gpus
    devices = torch.cuda.device_count() if gpus else 0
    if gpus and not devices:
        raise StudyError(f"resources.gpus={gpus:g}: this machine has no CUDA device; 0 trains on its processors")
    most = min(int(cores() / cpus), int(devices / gpus) if gpus else cores())
    has = f"{cores()} processors" + f" and {devices} GPUs" * bool(gpus)
    if not most:
        raise StudyError(f"a trial takes {cpus:g} cpus and {gpus:g} gpus (resources), but this machine has {has}")
    if asked is not None and asked > most:
        raise StudyError(f"--workers {asked}: at most {most} trials of {cpus:g} cpus and {gpus:g} gpus fit on {has}")
    return asked or most


def _once(plan: list[Planned]) -> list[Planned]:
    """Every trial at its first place in the plan."""
    return list({planned.trial.id: planned for planned in reversed(plan)}.values())[::-1]
