"""Who has been at a trial, and who is at it now: from the files that its attempts leave beside its checkpoints."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study import durable, heartbeat
from study.heartbeat import LOST
from study.results.store import Store


def marker(store: Store, trial: str, number: int) -> Path:
    """Says who made an attempt: attempt, host, pid, job, started_at; later `left`, where it moved on."""
    return store.trial_folder(trial) / f"attempt-{number}.json"


def sign_of_life(store: Store, trial: str) -> Path:
    """The heartbeat of the attempt that is running."""
    return store.trial_folder(trial) / "heartbeat.json"


def last_attempt(store: Store, trial: str) -> int:
    """The number of the newest attempt; 0 where there was none."""
    markers = store.trial_folder(trial).glob("attempt-*.json")
    return max((int(path.stem.partition("-")[2]) for path in markers), default=0)


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
    """Who has been at a trial: attempt, host, pid, job, started_at, and `left` with a reason where it moved on."""
    paths = store.trial_folder(trial).glob("attempt-*.json")
    return sorted((json.loads(path.read_text()) for path in paths), key=lambda marker: int(marker["attempt"]))


def failures(store: Store, trial: str) -> int:
    """How many attempts at a trial have failed."""
    return sum(row["status"] == "failed" for row in store.read(trial))
