"""One process's go at one trial: its number, its log, and its rows, durable before anybody hears of them."""

import json
import logging
import os
import socket
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from study import durable
from study.plan import Planned
from study.results.store import Row, Store

USED = ("generator_updates", "images_seen", "train_seconds", "generator_parameters", "discriminator_parameters")

log = logging.getLogger("study")


class Attempt:
    """Numbered by a marker file that is there before the first step, so that an attempt without rows counts too."""

    def __init__(self, planned: Planned, store: Store, number: int, common: dict[str, Any]) -> None:
        self.planned, self.store, self.number = planned, store, number
        self.rows: list[Row] = []
        self.started_at = datetime.now(UTC)
        self._common = common

    def add(self, step: int, values: dict[str, Any]) -> Row:
        """Writes one more row, together with this attempt's earlier ones, and returns it."""
        trial = self.planned.trial
        row = {
            "trial": trial.id,
            "phase": self.planned.phase,
            "search": self.planned.search,
            "sample": self.planned.sample,
            "loss": trial.loss,
            "variant": trial.variant,
            "dataset": trial.dataset,
            "seed": trial.seed,
            "content": trial.content,
            **trial.hyperparameters,
            "attempt": self.number,
            "step": step,
            "steps": trial.steps,
            "objective": trial.protocol.objective,
            "reported": trial.protocol.reported,
            **self._common,
            "started_at": self.started_at,
            "written_at": datetime.now(UTC),
            **values,
        }
        self.rows.append(row)
        self.store.write(trial.id, self.number, self.rows)
        return row

    def fail(self, step: int, error: BaseException, used: dict[str, Any]) -> Row:
        """The row of a trial that ended with an exception, with what it had used; its traceback is a file."""
        path = self.store.trial_folder(self.planned.trial.id) / f"trace-{self.number}.txt"
        durable.write_bytes(path, "".join(traceback.format_exception(error)).encode())
        first_line = next(iter(str(error).splitlines()), "")
        return self.add(
            step,
            {
                **used,
                "status": "failed",
                "exception": type(error).__name__,
                "message": first_line,
                "trace": str(path.relative_to(self.store.folder)),
            },
        )


@contextmanager
def begin(planned: Planned, store: Store, common: dict[str, Any]) -> Iterator[Attempt | None]:
    """The next attempt at a trial, once no other process is at it; None where the trial has ended meanwhile."""
    trial = planned.trial.id
    with durable.lock(store.trial_lock(trial), wait=True):
        store.remove_aside(trial)
        if ended(store.read(trial)):
            yield None
            return
        number = max([last_attempt(store, trial), *(row["attempt"] for row in store.read(trial))]) + 1
        marker = {"host": socket.gethostname(), "pid": os.getpid(), "started_at": datetime.now(UTC).isoformat()}
        durable.write_json(_marker(store, trial, number), marker)
        with _logging_to(store, trial):
            log.info("attempt %d of trial %s on %s, process %d", number, trial, marker["host"], marker["pid"])
            yield Attempt(planned, store, number, common)


def record_death(planned: Planned, store: Store, reason: str) -> Row | None:
    """Writes the failed row that a killed process could not write itself; None where its last attempt left an end."""
    trial = planned.trial.id
    with durable.lock(store.trial_lock(trial), wait=True):
        rows = store.read(trial)
        number = last_attempt(store, trial)
        mine = [row for row in rows if row["attempt"] == number]
        if ended(rows) or any(row["status"] == "failed" for row in mine):
            return None
        attempt = Attempt(planned, store, max(number, 1), {})
        attempt.rows = list(mine)
        last = max(rows, key=lambda row: (row["step"], row["attempt"]), default={"step": 0})
        used = {name: last[name] for name in USED if last.get(name) is not None}
        return attempt.fail(last["step"], WorkerDied(reason), used)


class WorkerDied(Exception):
    """A trial ended outside of itself: its process was killed, or failed before or after the trial ran."""


def last_attempt(store: Store, trial: str) -> int:
    """The number of the newest attempt; 0 where there was none."""
    markers = store.trial_folder(trial).glob("attempt-*.json")
    return max((int(path.stem.partition("-")[2]) for path in markers), default=0)


def whereabouts(store: Store, trial: str) -> dict[str, Any] | None:
    """Host, process and start of the attempt that is running now; None where no living process holds the trial."""
    number = last_attempt(store, trial)
    if not number or not durable.locked(store.trial_lock(trial)):
        return None
    marker: dict[str, Any] = json.loads(_marker(store, trial, number).read_text())
    return {**marker, "attempt": number}


def ended(rows: Sequence[Row]) -> bool:
    """Whether the trial has nothing left to do: measured at its last step, or diverged."""
    return any(row["status"] == "diverged" or (row["status"] == "ok" and row["step"] == row["steps"]) for row in rows)


def _marker(store: Store, trial: str, number: int) -> Any:
    return store.trial_folder(trial) / f"attempt-{number}.json"


@contextmanager
def _logging_to(store: Store, trial: str) -> Iterator[None]:
    """The trial's own log file, appended to by every attempt."""
    handler = logging.FileHandler(store.log_file(trial))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    level = log.level
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        handler.close()
