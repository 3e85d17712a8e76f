"""One process's go at one trial: its number, its log, and its rows, durable before anybody hears of them."""

import json
import logging
import os
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from study import durable, heartbeat, source
from study.heartbeat import LOST
from study.plan import Planned
from study.results.store import Row, Store
from study.whereabouts import attempts, last_attempt, sign_of_life
from study.whereabouts import marker as marker_of

USED = ("generator_updates", "images_seen", "train_seconds", "generator_parameters", "discriminator_parameters")

log = logging.getLogger("study")


class Attempt:
    """Numbered by a marker file that is there before the first step, so that an attempt without rows counts too."""

    def __init__(self, planned: Planned, store: Store, number: int, common: dict[str, Any]) -> None:
        self.planned, self.store, self.number = planned, store, number
        self.rows: list[Row] = []
        self.started_at = datetime.now(UTC)
        self.progress: Callable[[], Mapping[str, Any]] = dict  # for the heartbeat: step, steps, images_per_second
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

    def leave(self, reason: str) -> None:
        """Notes that the attempt moved on, its checkpoint safe: its end is no failure."""
        path = marker_of(self.store, self.planned.trial.id, self.number)
        durable.write_json(path, {**json.loads(path.read_text()), "left": reason})


@contextmanager
def begin(planned: Planned, store: Store, common: dict[str, Any]) -> Iterator[Attempt | None]:
    """The next attempt at a trial, once no other process is at it; None where the trial has ended meanwhile."""
    trial = planned.trial.id
    with _mine(store, trial):
        store.remove_aside(trial)
        if ended(store.read(trial)):
            yield None
            return
        number = max([last_attempt(store, trial), *(row["attempt"] for row in store.read(trial))]) + 1
        marker = {
            "attempt": number,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "job": common.get("job"),
            "started_at": heartbeat.now(),
        }
        durable.write_json(marker_of(store, trial, number), marker)
        attempt = Attempt(planned, store, number, common)
        with (
            _logging_to(store, trial),
            heartbeat.beating(sign_of_life(store, trial), lambda: {**marker, **attempt.progress()}),
        ):
            log.info("attempt %d of trial %s on %s, process %d", number, trial, marker["host"], marker["pid"])
            yield attempt


@contextmanager
def _mine(store: Store, trial: str) -> Iterator[None]:
    """The trial's lock, waited for; or none, once its holder is on another machine and has fallen silent.

    A file system may keep a lock for a machine that is cut off or dead, until it comes back. Going on without is safe:
    every attempt writes rows of its own, and whatever two attempts at one trial compute is the same.
    """
    while True:
        with durable.lock(store.trial_lock(trial), wait=False) as held:
            if held or _gone_elsewhere(store, trial):
                yield
                return


def _gone_elsewhere(store: Store, trial: str) -> bool:
    sign = heartbeat.read(sign_of_life(store, trial))
    if sign is None:  # it died before its first, or has just ended
        known = attempts(store, trial)
        sign = {**known[-1], "seen_at": known[-1]["started_at"]} if known else None
    return sign is not None and sign["host"] != socket.gethostname() and heartbeat.silent(sign["seen_at"]) > LOST


def record_death(planned: Planned, store: Store, reason: str) -> Row | None:
    """Writes the failed row that a killed process could not write itself.

    None where its last attempt left an end, stood still for its machine to be left, or where another is at it already.
    """
    trial = planned.trial.id
    with durable.lock(store.trial_lock(trial), wait=False) as held:
        rows = store.read(trial)
        number = last_attempt(store, trial)
        mine = [row for row in rows if row["attempt"] == number]
        moved = bool(number) and "left" in json.loads(marker_of(store, trial, number).read_text())
        if not held or moved or ended(rows) or any(row["status"] == "failed" for row in mine):
            return None
        died = attempts(store, trial)[-1:]  # the attempt that left no end
        common = {"source": source.fingerprint(), "job": died[0]["job"] if died else None}
        attempt = Attempt(planned, store, max(number, 1), common)
        attempt.rows = list(mine)
        last = max(rows, key=lambda row: (row["step"], row["attempt"]), default={"step": 0})
        used = {name: last[name] for name in USED if last.get(name) is not None}
        return attempt.fail(last["step"], WorkerDied(reason), used)


class WorkerDied(Exception):
    """A trial ended outside of itself: its process was killed, or failed before or after the trial ran."""


def ended(rows: Sequence[Row]) -> bool:
    """Whether the trial has nothing left to do: measured at its last step, or diverged."""
    return any(row["status"] == "diverged" or (row["status"] == "ok" and row["step"] == row["steps"]) for row in rows)


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
