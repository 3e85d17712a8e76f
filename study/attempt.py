"""One process's go at one trial: its number, its log, and its rows, durable before anybody hears of them."""

import logging
import os
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from study import durable, energy, heartbeat
from study.heartbeat import LOST
from study.plan import Planned
from study.results.markers import read_marker
from study.results.rowfile import Row
from study.results.store import Store
from study.whereabouts import last_attempt, sign_of_life
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
        self.joules: Callable[[], float | None] = lambda: None
        self.common = dict(common)  # columns that are the same on all its rows

    def add(self, step: int, values: dict[str, Any]) -> Row:
        """Writes one more row, together with this attempt's earlier ones, and returns it."""
        trial = self.planned.trial
        row = {
            "trial": trial.id,
            "phase": self.planned.phase,
            "search": self.planned.search,
            "sample": self.planned.sample,
            "space": self.planned.space,
            "sampler": self.planned.sampler,
            "search_seed": self.planned.search_seed,
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
            **self.common,
            "energy_joules": self.joules(),
            "started_at": self.started_at,
            "written_at": datetime.now(UTC),
            **values,
        }
        self.rows.append(row)
        self.store.write(trial.id, self.number, self.rows)
        return row

    def fail(self, step: int, error: BaseException, used: dict[str, Any]) -> Row:
        """The row of a trial that ended with an exception, with what it had used; its traceback is a file."""
        path = self.store.trace_file(self.planned.trial.id, self.number)
        durable.write_bytes(path, _utf8("".join(traceback.format_exception(error))))
        first_line = next(iter(_utf8(str(error)).decode().splitlines()), "")
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
        durable.write_json(path, {**read_marker(path), "left": reason})


def _utf8(text: str) -> bytes:
    """A file's name that is no UTF-8 is text that cannot be written as it is."""
    return text.encode(errors="backslashreplace")


@contextmanager
def begin(planned: Planned, store: Store, common: dict[str, Any], data: Path | None = None) -> Iterator[Attempt | None]:
    """The next attempt at a trial, once no other process is at it; None where the trial has ended meanwhile.

    common: the columns of where it runs, on every row. data: the folder that it reads.
    """
    trial = planned.trial.id
    with _mine(store, trial):
        store.remove_aside(trial)
        rows = store.read(trial)
        if ended(rows):
            yield None
            return
        started_at = datetime.now(UTC)
        who = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "job": common.get("job"),
            "started_at": started_at.isoformat(),
        }
        marker = {**who, "data": None if data is None else str(data), "common": common}
        number = _claim(store, trial, max([last_attempt(store, trial), *(row["attempt"] for row in rows)]) + 1, marker)
        attempt = Attempt(planned, store, number, common)
        attempt.started_at = started_at
        attempt.joules = energy.Meter(energy.POWERCAP).joules

        def sign() -> dict[str, Any]:
            attempt.joules()  # between two rows a counter may begin anew more than once
            return {"attempt": number, **who, **attempt.progress()}

        with _logging_to(store, trial), heartbeat.beating(sign_of_life(store, trial), sign):
            log.info("attempt %d of trial %s on %s, process %d", number, trial, who["host"], who["pid"])
            yield attempt


def _claim(store: Store, trial: str, number: int, marker: Mapping[str, Any]) -> int:
    """This number, or the first above it that nobody has. Two processes may be here where locks do not reach."""
    while True:
        try:
            durable.create(marker_of(store, trial, number), durable.json_bytes({"attempt": number, **marker}))
        except FileExistsError:
            number += 1
        else:
            return number


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
        paths = [*store.attempts_of(trial).values()]
        known = read_marker(paths[-1]) if paths else None
        sign = {**known, "seen_at": known["started_at"]} if known else None
    return sign is not None and sign["host"] != socket.gethostname() and heartbeat.silent(sign["seen_at"]) > LOST


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
