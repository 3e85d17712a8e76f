"""Attempts: numbered, one at a time, with a marker that says where."""

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from study import attempt as module
from study import durable
from study.attempt import begin, ended
from study.heartbeat import LOST
from study.results.store import Store
from study.whereabouts import attempts, last_attempt, sign_of_life, whereabouts
from tests.conftest import APART, apart, run_here, tiny_trial
from tests.test_heartbeat import eventually

PLANNED = tiny_trial()
TRIAL = PLANNED.trial.id
COMMON = {"commit": "c" * 40, "dirty": False}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def attempt(store: Store, *rows: tuple[int, dict[str, Any]]) -> int | None:
    """Makes one attempt with these rows; its number."""
    with begin(PLANNED, store, COMMON) as made:
        if made is None:
            return None
        for step, values in rows:
            made.add(step, values)
        return made.number


OK = {"status": "ok", "fd_cnn28": 1.0, "fingerprint": "{}"}


def test_attempts_are_numbered_whether_they_left_rows_or_not(store: Store) -> None:
    assert last_attempt(store, TRIAL) == 0
    assert [attempt(store), attempt(store, (10, OK)), attempt(store)] == [1, 2, 3]
    assert last_attempt(store, TRIAL) == 3
    assert [path.name for path in store.rows.iterdir()] == [f"{TRIAL}.002.parquet"]
    for number in range(4, 12):
        assert attempt(store) == number
    assert last_attempt(store, TRIAL) == 11


def test_every_row_is_written_with_the_earlier_ones(store: Store) -> None:
    before = datetime.now(UTC)
    with begin(PLANNED, store, COMMON) as made:
        assert made is not None
        for count, step in enumerate((10, 20), 1):
            row = made.add(step, OK)
            assert [each["step"] for each in store.read(TRIAL)] == [10, 20][:count]
            assert (row["trial"], row["attempt"], row["step"], row["steps"]) == (TRIAL, 1, step, 30)
            assert (row["commit"], row["dirty"], row["reported"]) == ("c" * 40, False, "fd_cnn28")
            assert before <= row["started_at"] <= row["written_at"] <= datetime.now(UTC)
            assert {name: row[name] for name in PLANNED.trial.hyperparameters} == PLANNED.trial.hyperparameters


def test_a_failure_has_a_first_line_and_a_trace(store: Store) -> None:
    with begin(PLANNED, store, COMMON) as made:
        assert made is not None
        made.add(10, OK)
        try:
            raise ValueError("first line\nsecond line")
        except ValueError as error:
            row = made.fail(10, error, {"images_seen": 640})
    assert (row["status"], row["exception"], row["message"]) == ("failed", "ValueError", "first line")
    trace = (store.folder / row["trace"]).read_text()
    assert trace.startswith("Traceback (most recent call last):")
    assert "first line\nsecond line" in trace
    assert [(each["step"], each["status"]) for each in store.read(TRIAL)] == [(10, "ok"), (10, "failed")]


def test_a_failure_without_a_message(store: Store) -> None:
    with begin(PLANNED, store, COMMON) as made:
        assert made is not None
        assert made.fail(0, MemoryError(), {})["message"] == ""


@pytest.mark.parametrize(
    ("step", "status", "expected"),
    [(30, "ok", True), (20, "ok", False), (20, "diverged", True), (30, "failed", False), (30, "diverged", True)],
)
def test_when_a_trial_has_ended(step: int, status: str, expected: bool, store: Store) -> None:
    assert attempt(store, (10, OK), (step, {"status": status})) == 1
    assert ended(store.read(TRIAL)) is expected
    assert attempt(store) == (None if expected else 2)
    assert last_attempt(store, TRIAL) == (1 if expected else 2)
    assert not ended([])


def test_the_log_is_appended_to_and_let_go_of(store: Store) -> None:
    logger = logging.getLogger("study")
    handlers, level = list(logger.handlers), logger.level
    for _ in range(2):
        with begin(PLANNED, store, COMMON):
            logger.info("inside")
            logging.getLogger("study.models.checkpoints").warning("from a room")
        logger.warning("outside")
    with pytest.raises(KeyError), begin(PLANNED, store, COMMON):
        raise KeyError
    assert (logger.handlers, logger.level) == (handlers, level)
    text = store.log_file(TRIAL).read_text()
    assert [text.count(word) for word in ("inside", "from a room", "outside")] == [2, 2, 0]
    assert [f"attempt {number} of trial {TRIAL}" in text for number in (1, 2, 3, 4)] == [True, True, True, False]


def hold(folder: Path, pipe: Connection) -> None:
    """Makes an attempt, says so, and ends it when it is told to."""
    with begin(PLANNED, Store(folder), COMMON) as made:
        pipe.send(None if made is None else made.number)
        if made is not None and pipe.recv() == "end":
            made.add(30, OK)
    pipe.send("left")


def test_whereabouts_while_it_runs_and_after(store: Store) -> None:
    assert whereabouts(store, TRIAL) is None
    ours, theirs = APART.Pipe()
    process = APART.Process(target=hold, args=(store.folder, theirs))
    process.start()
    assert ours.recv() == 1
    eventually(sign_of_life(store, TRIAL).exists)
    found = whereabouts(store, TRIAL)
    assert found is not None
    assert (found["host"], found["pid"], found["attempt"]) == (socket.gethostname(), process.pid, 1)
    assert datetime.fromisoformat(found["started_at"]).tzinfo is not None
    assert whereabouts(store, "f" * 16) is None
    process.kill()
    process.join(60)
    assert whereabouts(store, TRIAL) is None
    assert json.loads((store.trial_folder(TRIAL) / "attempt-1.json").read_text())["pid"] == process.pid


def test_a_second_process_waits_and_then_finds_nothing_to_do(store: Store) -> None:
    pipes, processes = [], []
    for _ in range(2):
        ours, theirs = APART.Pipe()
        process = APART.Process(target=hold, args=(store.folder, theirs))
        process.start()
        processes.append(process)
        pipes.append(ours)
        if len(pipes) == 1:
            assert ours.recv() == 1  # holds the trial now
    with durable.lock(store.trial_lock(TRIAL), wait=False) as free:
        assert not free
    assert not pipes[1].poll()
    pipes[0].send("end")
    assert pipes[0].recv() == "left"
    assert pipes[1].recv() is None
    assert pipes[1].recv() == "left"
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert last_attempt(store, TRIAL) == 1


def run_it(folder: Path, data: Path) -> None:
    rows = run_here(PLANNED, Store(folder), data)
    (folder / f"rows-of-{os.getpid()}").write_text(str(len(rows)))


def test_two_processes_never_run_a_trial_together(store: Store, data: Path) -> None:
    both = [APART.Process(target=run_it, args=(store.folder, data)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert sorted(int(path.read_text()) for path in store.folder.glob("rows-of-*")) == [0, 3]
    assert [row["attempt"] for row in store.read(TRIAL)] == [1, 1, 1]
    assert last_attempt(store, TRIAL) == 1


def test_a_trial_whose_process_died_is_free(store: Store) -> None:
    assert apart(die_holding, store.folder) == 9
    assert whereabouts(store, TRIAL) is None
    assert attempt(store) == 2


def die_holding(folder: Path) -> None:
    with begin(PLANNED, Store(folder), COMMON):
        os._exit(9)


def test_a_sign_of_life_tells_the_progress_and_goes_with_the_attempt(store: Store) -> None:
    sign = sign_of_life(store, TRIAL)
    with begin(PLANNED, store, {**COMMON, "job": "12_3"}):
        eventually(sign.exists)
        found = json.loads(sign.read_text())
        assert (found["attempt"], found["host"], found["pid"], found["job"]) == (
            1, socket.gethostname(), os.getpid(), "12_3"
        )  # fmt: skip
    assert not sign.exists()
    with pytest.raises(KeyError), begin(PLANNED, store, COMMON):
        raise KeyError
    assert not sign.exists()


def keep_lock(path: Path, pipe: Connection) -> None:
    with durable.lock(path, wait=True):
        pipe.send("held")
        pipe.recv()


@contextmanager
def held_elsewhere(store: Store) -> Iterator[None]:
    """Another process holds the trial's lock meanwhile."""
    ours, theirs = APART.Pipe()
    process = APART.Process(target=keep_lock, args=(store.trial_lock(TRIAL), theirs))
    process.start()
    try:
        assert ours.recv() == "held"
        yield
    finally:
        process.kill()
        process.join(60)


def say(store: Store, host: str, seconds: float) -> None:
    """A sign of life of the first attempt, so many seconds old."""
    seen_at = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    durable.write_json(sign_of_life(store, TRIAL), {"attempt": 1, "host": host, "pid": 1, "seen_at": seen_at})


def begin_and_end(folder: Path) -> None:
    assert attempt(Store(folder), (20, OK)) == 2


def test_a_lock_that_a_silent_machine_keeps_is_not_waited_for(store: Store) -> None:
    assert attempt(store, (10, OK)) == 1
    with held_elsewhere(store):
        say(store, "another.host", LOST + 1)
        assert apart(begin_and_end, store.folder) == 0
    assert [(row["attempt"], row["step"]) for row in store.read(TRIAL)] == [(1, 10), (2, 20)]


@pytest.mark.parametrize(("host", "seconds"), [("another.host", 0.0), (socket.gethostname(), 10 * LOST)])
def test_a_lock_of_the_living_is_waited_for(host: str, seconds: float, store: Store) -> None:
    assert attempt(store) == 1
    process = APART.Process(target=begin_and_end, args=(store.folder,))
    with held_elsewhere(store):
        say(store, host, seconds)
        process.start()
        process.join(1.5)  # it has asked for the lock for a second
        assert process.is_alive()
        assert last_attempt(store, TRIAL) == 1
    process.join(60)
    assert process.exitcode == 0
    assert last_attempt(store, TRIAL) == 2


def test_two_that_take_a_trial_over_at_once_have_numbers_of_their_own(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither gets the lock, which a dead machine keeps, and both look for the last attempt before either has begun."""
    assert attempt(store, (10, OK)) == 1
    numbers = list[int | None]()
    looked = module.last_attempt

    def late(store: Store, trial: str) -> int:
        found = looked(store, trial)
        monkeypatch.setattr(module, "last_attempt", looked)
        numbers.append(attempt(store, (20, {**OK, "fd_cnn28": 2.0})))
        return found

    monkeypatch.setattr(module, "last_attempt", late)
    monkeypatch.setattr(module, "_mine", lambda *_: nullcontext())
    numbers.append(attempt(store, (20, {**OK, "fd_cnn28": 3.0})))
    assert numbers == [2, 3]
    assert [(row["attempt"], row["fd_cnn28"]) for row in store.read(TRIAL)] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert [each["attempt"] for each in attempts(store, TRIAL)] == [1, 2, 3]


def test_a_number_is_above_that_of_every_file_of_rows(store: Store) -> None:
    """Also of one that cannot be read: somebody may have a whole copy of it, or mend it."""
    for number, content in ((1, b""), (4, b"damaged")):
        store.rows.mkdir(exist_ok=True)
        store.row_file(TRIAL, number).write_bytes(content)
    with pytest.warns(UserWarning, match="left out 2 of 2 files"):
        assert attempt(store, (10, OK)) == 5
    assert store.row_file(TRIAL, 4).read_bytes() == b"damaged"


def test_a_failure_told_in_bytes_that_are_no_text_has_its_row(store: Store) -> None:
    with begin(PLANNED, store, COMMON) as made:
        assert made is not None
        try:
            raise OSError("cannot read 'img\udcff.png'\nat all")
        except OSError as error:
            row = made.fail(0, error, {})
    assert row["message"] == r"cannot read 'img\udcff.png'"
    assert [each["message"] for each in store.read(TRIAL)] == [row["message"]]
    assert r"img\udcff.png" in (store.folder / row["trace"]).read_text()


def test_leaving_keeps_what_the_marker_says(store: Store) -> None:
    with begin(PLANNED, store, COMMON) as made:
        assert made is not None
        (before,) = attempts(store, TRIAL)
        made.leave("asked to")
    assert attempts(store, TRIAL) == [{**before, "left": "asked to"}]
