"""Who is at a trial, who was, and who was lost: on this machine by the lock, on others by the sign of life."""

import socket
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from study import durable
from study.attempt import begin
from study.heartbeat import LOST
from study.results.store import Store
from study.whereabouts import attempts, failures, last_attempt, lost, marker, sign_of_life, whereabouts
from tests.conftest import tiny_trial

PLANNED = tiny_trial()
TRIAL = PLANNED.trial.id


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def sign(store: Store, host: str, seconds: float) -> dict[str, Any]:
    """A sign of life that is so many seconds old."""
    seen_at = datetime.now(UTC) - timedelta(seconds=seconds)
    said = {"attempt": 1, "host": host, "pid": 1, "job": "12_3", "started_at": "then", "seen_at": seen_at.isoformat()}
    durable.write_json(sign_of_life(store, TRIAL), said)
    return said


def test_where_nobody_was_there_is_nothing_to_tell(store: Store) -> None:
    assert (whereabouts(store, TRIAL), lost(store, TRIAL)) == (None, None)
    assert (last_attempt(store, TRIAL), attempts(store, TRIAL), failures(store, TRIAL)) == (0, [], 0)
    assert list(store.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "held", "seconds", "alive"),
    [
        ("here", True, 0, True),
        ("here", True, 10 * LOST, True),  # it measures, and its disk is slow: who holds the lock is there
        ("here", False, 0, False),  # killed a moment ago
        ("elsewhere", False, LOST - 5, True),  # locks may not reach from machine to machine
        ("elsewhere", False, LOST + 5, False),
        ("elsewhere", True, LOST + 5, False),  # a file system may keep the lock of a dead machine
    ],
)
def test_a_sign_of_life_is_of_the_living_or_of_the_lost(
    host: str, held: bool, seconds: float, alive: bool, store: Store
) -> None:
    said = sign(store, socket.gethostname() if host == "here" else host, seconds)
    holding: AbstractContextManager[object] = nullcontext()
    if held:
        holding = durable.lock(store.trial_lock(TRIAL), wait=False)
    with holding:
        found = [whereabouts(store, TRIAL), lost(store, TRIAL)]
    assert found.index(None) == (1 if alive else 0)
    assert {**said, "step": None, "steps": None, "images_per_second": None} in found


def test_attempts_are_told_in_their_order(store: Store) -> None:
    for number in (10, 9, 2):
        durable.write_json(marker(store, TRIAL, number), {"attempt": number, "host": "n1"})
    assert [each["attempt"] for each in attempts(store, TRIAL)] == [2, 9, 10]
    assert last_attempt(store, TRIAL) == 10


def test_failures_are_those_of_all_attempts(store: Store) -> None:
    for expected in (1, 2):
        with begin(PLANNED, store, {}) as attempt:
            assert attempt is not None
            attempt.add(10, {"status": "ok"})
            attempt.fail(10, OSError("full"), {})
        assert failures(store, TRIAL) == expected
