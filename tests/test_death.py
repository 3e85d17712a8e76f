"""The death of a trial's process: recorded once, as what the attempt was that died, over nothing that was measured."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from study import durable, source
from study.attempt import begin
from study.death import record_death
from study.results.schema import FILES
from study.results.store import Store
from study.whereabouts import attempts, marker
from tests.test_attempt import COMMON, OK, PLANNED, TRIAL, attempt, held_elsewhere


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_death_is_recorded_once(store: Store) -> None:
    assert attempt(store, (10, OK), (20, OK)) == 1
    row = record_death(PLANNED, store, "the worker was killed\nby signal 9")
    assert row is not None
    assert (row["attempt"], row["step"], row["status"], row["exception"]) == (1, 20, "failed", "WorkerDied")
    assert row["message"] == "the worker was killed"
    assert "by signal 9" in (store.folder / row["trace"]).read_text()
    before = [path.read_bytes() for path in store.rows.iterdir()]
    assert record_death(PLANNED, store, "again") is None
    assert [path.read_bytes() for path in store.rows.iterdir()] == before
    assert [(each["step"], each["status"]) for each in store.read(TRIAL)] == [
        (10, "ok"), (20, "ok"), (20, "failed")
    ]  # fmt: skip


def test_a_death_of_a_later_attempt_is_recorded_as_its_own(store: Store) -> None:
    attempt(store, (10, OK), (10, {"status": "failed", "exception": "OSError"}))
    assert record_death(PLANNED, store, "it told itself") is None
    attempt(store)
    row = record_death(PLANNED, store, "died at once")
    assert row is not None
    assert (row["attempt"], row["step"]) == (2, 10)
    assert [(each["attempt"], each["status"]) for each in store.read(TRIAL)] == [
        (1, "ok"), (1, "failed"), (2, "failed")
    ]  # fmt: skip


@pytest.mark.parametrize("end", [(30, OK), (20, {"status": "diverged"})])
def test_a_trial_that_has_ended_cannot_die(end: tuple[int, dict[str, Any]], store: Store) -> None:
    attempt(store, (10, OK), end)
    assert record_death(PLANNED, store, "too late") is None
    assert len(store.read(TRIAL)) == 2


def test_a_death_before_the_first_attempt(store: Store) -> None:
    row = record_death(PLANNED, store, "no machine")
    assert row is not None
    assert (row["attempt"], row["step"], row["status"]) == (1, 0, "failed")


def test_an_attempt_that_left_did_not_die(store: Store) -> None:
    with begin(PLANNED, store, COMMON) as made:
        assert made is not None
        made.add(10, OK)
        made.leave("left the machine at step 17")
    assert [each["left"] for each in attempts(store, TRIAL)] == ["left the machine at step 17"]
    assert record_death(PLANNED, store, "its process was killed") is None
    assert [row["status"] for row in store.read(TRIAL)] == ["ok"]
    attempt(store)
    row = record_death(PLANNED, store, "the next one died")
    assert row is not None
    assert (row["attempt"], row["step"], row["status"]) == (2, 10, "failed")


def test_a_death_is_not_recorded_nor_waited_for_where_another_is_at_the_trial(store: Store) -> None:
    assert attempt(store, (10, OK)) == 1
    with held_elsewhere(store):
        began = time.monotonic()
        assert record_death(PLANNED, store, "it lives") is None
        assert time.monotonic() - began < 5
    assert [row["status"] for row in store.read(TRIAL)] == ["ok"]


PLACE = {**COMMON, "source": "5" * 16, "versions": "{}", "hardware": "{}", "job": "12_3", "study_yaml": "4" * 16}


def test_the_row_says_where_the_attempt_ran_that_died_not_where_its_death_was_noticed(store: Store) -> None:
    with begin(PLANNED, store, PLACE):
        pass
    row = record_death(PLANNED, store, "its machine is gone")
    assert row is not None
    (known,) = attempts(store, TRIAL)
    assert {name: row[name] for name in PLACE} == PLACE
    assert row["started_at"] == datetime.fromisoformat(known["started_at"]) < row["written_at"]
    assert row["energy_joules"] is None
    (kept,) = store.read(TRIAL)
    assert {name: kept[name] for name in (*PLACE, "started_at")} == {name: row[name] for name in (*PLACE, "started_at")}


def test_an_older_programs_marker_knows_the_job_alone(store: Store) -> None:
    attempt(store)
    path = marker(store, TRIAL, 1)
    known = json.loads(path.read_text())
    durable.write_json(path, {name: known[name] for name in ("attempt", "host", "pid", "started_at")} | {"job": "7"})
    row = record_death(PLANNED, store, "killed")
    assert row is not None
    assert row["job"] == "7"
    assert not {"source", "commit", "versions", "hardware"} & set(row)


def test_what_never_began_is_of_the_code_and_the_study_that_it_was_to_run(store: Store) -> None:
    store.write_plan([PLANNED.row(0)], "name: tiny\n")
    row = record_death(PLANNED, store, "no process")
    assert row is not None
    assert (row["attempt"], row["source"]) == (1, source.fingerprint())
    assert {name: row[name] for name in source.origin()} == source.origin()
    named = [store.provenance_file(name, row[name]) for name in FILES if row[name]]
    assert {path.name.partition("-")[0] for path in named} >= {"source", "study"}
    assert all(path.exists() for path in named)
    assert store.provenance_file("study_yaml", row["study_yaml"]).read_text() == "name: tiny\n"


@pytest.mark.parametrize("markers", [0, 1])
def test_rows_that_came_without_their_markers_are_not_written_over(markers: int, store: Store) -> None:
    """As they do out of an archive: a process that dies before it has a number of its own must not take theirs."""
    for number, step in enumerate((10, 20), 1):
        assert attempt(store, (step, OK)) == number
    for number in range(markers + 1, 3):
        marker(store, TRIAL, number).unlink()
    row = record_death(PLANNED, store, "no process")
    assert row is not None
    assert row["attempt"] == 3
    assert record_death(PLANNED, store, "the same, heard twice") is None
    assert [(each["attempt"], each["step"], each["status"]) for each in store.read(TRIAL)] == [
        (1, 10, "ok"), (2, 20, "ok"), (3, 20, "failed")
    ]  # fmt: skip


@pytest.mark.parametrize("left", [True, False], ids=["marker", "no marker"])
def test_the_damaged_file_of_the_newest_attempt_is_not_written_over(left: bool, store: Store) -> None:
    """Somebody may have a whole copy of it, or mend it; the death is one of the next number."""
    for number, step in enumerate((10, 20), 1):
        assert attempt(store, (step, OK)) == number
    if not left:
        for number in (1, 2):
            marker(store, TRIAL, number).unlink()
    damaged = store.row_file(TRIAL, 2)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    before = {path: path.read_bytes() for path in store.rows.iterdir()}
    with pytest.warns(UserWarning, match=f"left out 1 of 2 files: {damaged}"):
        row = record_death(PLANNED, store, "it was killed")
    assert row is not None
    assert (row["attempt"], row["step"], row["status"]) == (3, 10, "failed")
    after = {path: path.read_bytes() for path in store.rows.iterdir()}
    assert after.keys() - before.keys() == {store.row_file(TRIAL, 3)}
    assert before == {path: after[path] for path in before}
    with pytest.warns(UserWarning, match="left out 1 of 3 files"):
        assert record_death(PLANNED, store, "the same, heard twice") is None
    with pytest.warns(UserWarning, match="left out 1 of 3 files"):
        assert attempt(store, (20, OK)) == 4
    assert damaged.read_bytes() == before[damaged]


def test_damaged_files_of_several_attempts_are_not_written_over(store: Store) -> None:
    """They came without their markers, as out of an archive."""
    for step in (10, 20, 30):
        attempt(store, (step, OK if step < 30 else {"status": "failed"}))
    for number in (1, 2, 3):
        marker(store, TRIAL, number).unlink()
        store.row_file(TRIAL, number).write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="left out 3 of 3 files"):
        row = record_death(PLANNED, store, "no machine")
    assert row is not None
    assert (row["attempt"], row["step"]) == (4, 0)
    assert [store.row_file(TRIAL, number).read_bytes() for number in (1, 2, 3)] == [b"damaged"] * 3


def test_the_next_attempt_does_not_write_over_a_damaged_file_without_a_marker(store: Store) -> None:
    for step in (10, 20):
        attempt(store, (step, OK))
    for number in (1, 2):
        marker(store, TRIAL, number).unlink()
    damaged = store.row_file(TRIAL, 2)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    content = damaged.read_bytes()
    with pytest.warns(UserWarning, match="left out 1 of 2 files"):
        assert attempt(store, (20, OK)) == 3
    assert damaged.read_bytes() == content


def test_a_death_that_is_told_in_bytes_that_are_no_text_is_recorded(store: Store) -> None:
    """The names of files need not be UTF-8, and messages have them."""
    attempt(store, (10, OK))
    row = record_death(PLANNED, store, "cannot read 'img\udcff.png'")
    assert row is not None
    assert row["message"] == r"cannot read 'img\udcff.png'"
    assert r"img\udcff.png" in (store.folder / row["trace"]).read_text()
    assert [each["status"] for each in store.read(TRIAL)] == ["ok", "failed"]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"attempt": 1}', b"\xff"])
def test_a_death_whose_marker_is_damaged_is_recorded_under_its_number(content: bytes, store: Store) -> None:
    for step in (10, 20):
        attempt(store, (step, OK))
    path = marker(store, TRIAL, 2)
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=f"{path} is damaged"):
        row = record_death(PLANNED, store, "killed")
    assert row is not None
    assert (row["attempt"], row["source"]) == (2, source.fingerprint())
    with pytest.warns(UserWarning, match=f"{path} is damaged"):
        assert record_death(PLANNED, store, "heard twice") is None
    assert attempt(store) == 3
