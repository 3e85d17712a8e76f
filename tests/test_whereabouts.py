"""Who is at a trial, who was, and who was lost: on this machine by the lock, on others by the sign of life."""

import socket
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from study import durable
from study.attempt import begin
from study.errors import StudyError
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


@pytest.mark.parametrize("name", ["attempt-1 (conflicted copy).json", "attempt-3.json.bak", "attempt-x.json"])
def test_what_is_not_named_as_a_marker_is_none(name: str, store: Store) -> None:
    """Programs that keep folders alike on several machines leave copies."""
    durable.write_json(marker(store, TRIAL, 1), {"attempt": 1, "host": "n1"})
    (store.trial_folder(TRIAL) / name).write_text("")
    assert [each["host"] for each in attempts(store, TRIAL)] == ["n1"]
    assert last_attempt(store, TRIAL) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", "7", "{}", '{"attempt": 1}'])
def test_a_damaged_marker_is_named_and_counts(content: str, store: Store) -> None:
    path = marker(store, TRIAL, 2)
    durable.write_json(marker(store, TRIAL, 1), {"attempt": 1})
    path.write_text(content)
    with pytest.raises(StudyError, match=rf"{path} is damaged .*bring it back from a copy, or move it away"):
        attempts(store, TRIAL)
    assert last_attempt(store, TRIAL) == 2
    with begin(PLANNED, store, {}) as attempt:
        assert attempt is not None
        assert attempt.number == 3


def test_a_file_of_rows_counts_readable_or_not(store: Store) -> None:
    store.rows.mkdir()
    store.row_file(TRIAL, 3).write_bytes(b"")
    store.row_file("f" * 16, 9).write_bytes(b"")
    (store.rows / f"{TRIAL}.notes.parquet").write_bytes(b"")
    assert last_attempt(store, TRIAL) == 3
