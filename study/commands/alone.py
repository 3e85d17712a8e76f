"""One trial in this process, without Ray: the heavy half of train and reproduce."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import typer

from study import durable
from study.commands.common import console
from study.errors import StudyError
from study.plan import Planned
from study.provenance import keep_code, keep_study
from study.results.store import Store, read_plan
from study.session import Options
from study.spec import Study, dump
from study.trial import run


def register(study: Study, store: Store, place: Callable[[list[dict[str, Any]]], Planned]) -> Planned:
    """Puts a trial on the list of the folder's trials, and returns its place. place: tells it, by the list so far."""
    with durable.lock(store.driver_lock, wait=True):
        rows = read_plan(store.plan_file) if store.plan_file.exists() else []
        placed = place(rows)
        if placed.trial.id not in {row["trial"] for row in rows}:
            keep_study(store, dump(study))
            store.write_plan([*rows, placed.row(len(rows))], dump(study))
    return placed


def device_like(accelerator: str | None) -> str:
    """Where a trial runs that ran on this accelerator. Raises StudyError where none is here."""
    if accelerator is not None and not torch.cuda.is_available():
        raise StudyError(f"the trial ran on {accelerator}, and this machine has no CUDA device; reproduce it on one")
    return "cpu" if accelerator is None else "cuda"


def options_of(study: Study, store: Store, data: Path, device: str = "cpu") -> Options:
    """How the study's trial runs here."""
    return Options(
        data=data.resolve(),
        threads=study.resources.threads,
        device=device,
        checkpoint_seconds=study.resources.checkpoint_minutes * 60,
        study_yaml=keep_study(store, dump(study)),
    )


def follow(planned: Planned, store: Store, options: Options, last: int | None = None) -> Exception | None:
    """Runs the trial, with a line per evaluation, and returns the exception that it failed with.

    last: the evaluation to stop at; left out: the trial's last.
    """
    keep_code(store)
    try:
        for row in run(planned, store, options):
            score = row.get(row["reported"])
            found = row["message"] if score is None else f"{row['reported']} {score:.6g}"
            picture = store.sample_file(planned.trial.id, row["step"])
            console.print(f"step {row['step']:,} of {row['steps']:,}: {row['status']}, {found}; {picture}")
            if last is not None and row["step"] >= last:
                break
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from the newest checkpoint")
        raise typer.Exit(130) from None
    except Exception as error:
        return error
    return None
