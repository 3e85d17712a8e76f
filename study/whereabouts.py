"""Who has been at a trial, and who is at it now: from the files that its attempts leave beside its checkpoints."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study import durable, heartbeat
from study.heartbeat import LOST
from study.results.markers import read_marker
from study.results.rowfile import key_of
from study.results.store import Store


def marker(store: Store, trial: str, number: int) -> Path:
    """Says who made an attempt: attempt, host, pid, job, started_at, data (the folder that it read) and common (the
    columns of where it ran, for the row of its death); later `left`, where it moved on.
    """
    return store.marker_file(trial, number)


def sign_of_life(store: Store, trial: str) -> Path:
    """The heartbeat of the attempt that is running."""
    return store.heartbeat_file(trial)


def last_attempt(store: Store, trial: str) -> int:
    """The number of the newest attempt that left a marker or a file of rows, readable or not; 0 where none did."""
    keys = (key_of(path.name) for path in store.rows.glob(f"{trial}.*.parquet"))
    return max([*store.attempts_of(trial), *(key[1] for key in keys if key)], default=0)


def whereabouts(store: Store, trial: str) -> dict[str, Any] | None:
    """Where the attempt is that is running now: attempt, host, pid, job, started_at, seen_at, step, steps and
    images_per_second (the last three None at first). None where no living process is at the trial.
    """
    sign = heartbeat.read(sign_of_life(store, trial))
    return {**_UNKNOWN, **sign} if sign is not None and _lives(store, trial, sign) else None


def lost(store: Store, trial: str) -> dict[str, Any] | None:
    """Where the attempt was whose process went silent without an end; None where none did."""
    sign = heartbeat.read(sign_of_life(store, trial))
    return {**_UNKNOWN, **sign} if sign is not None and not _lives(store, trial, sign) else None


_UNKNOWN: Mapping[str, Any] = {"step": None, "steps": None, "images_per_second": None}


def _lives(store: Store, trial: str, sign: Mapping[str, Any]) -> bool:
    """By the lock, which a dead process cannot hold; on other machines also by the heartbeat, as locks may be local."""
    if sign["host"] == socket.gethostname():
        return durable.locked(store.trial_lock(trial))
    return heartbeat.silent(sign["seen_at"]) < LOST


def attempts(store: Store, trial: str) -> list[dict[str, Any]]:
    """Who has been at a trial, attempt by attempt, as its markers say. Raises StudyError where one is damaged."""
    return [read_marker(path) for path in store.attempts_of(trial).values()]


def failures(store: Store, trial: str) -> int:
    """How many attempts at a trial have failed."""
    return sum(row["status"] == "failed" for row in store.read(trial))
