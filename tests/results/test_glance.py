"""A glance agrees with the whole table, reads a file once, and tells what it left out."""

import os
import warnings
from pathlib import Path

import pytest

from study import durable
from study.cost import Pace, recorded
from study.results import connect, glance, rowfile
from study.results.glance import Glance, Reader
from study.results.store import Store, read_plan_table
from tests.analysis import synthetic
from tests.analysis.synthetic import Recipe

ENDINGS = ["done", "diverged", "failed", "started", "waiting"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Every ending, in two phases that share no trial, and trials that were tried again."""
    made = Store(
        synthetic.write(
            tmp_path / "made",
            Recipe(settings=5, losses=("ns", "vae"), ending=lambda loss, sample, seed: ENDINGS[sample]),
            Recipe(settings=2, losses=("ns",), phase="seeds", seeds=2),
        )
    )
    again = [row for row in read_plan_table(made.plan_file).to_pylist() if row["sample"] == 2 and row["loss"] == "ns"]
    for number, row in enumerate(again):  # a failed one that went on, and one that failed again
        ending = "started" if number else "failed"
        made.write(row["trial"], 2, [each | {"attempt": 2} for each in synthetic.attempt(row, Recipe(), ending)])
    return made


def read(store: Store, reader: Reader | None = None) -> Glance:
    return (reader or Reader(store)).read(read_plan_table(store.plan_file))


def test_it_agrees_with_the_whole_table(store: Store) -> None:
    names = "trial, phase, search, sample, seed, loss, dataset, steps, status, coalesce(step, 0), coalesce(attempt, 0)"
    with connect(store.folder) as database:
        expected = database.execute(f"SELECT {names}, exception, message FROM trials").fetchall()
    found = [
        (line.trial, line.phase, line.search, line.sample, line.seed, line.loss, line.dataset, line.steps, line.status,
         line.step, line.attempt, line.exception, line.message)
        for line in read(store).lines
    ]  # fmt: skip
    assert found == expected
    assert {line[8] for line in found} == set(ENDINGS)


def test_what_fails_after_the_last_evaluation_takes_nothing_away(tmp_path: Path) -> None:
    """Two ends of one step and one attempt: which of them came first was luck."""
    store = Store(synthetic.write(tmp_path, Recipe(settings=3, losses=("ns",))))
    for row in read_plan_table(store.plan_file).to_pylist():
        *rows, failed = synthetic.attempt(row, Recipe(), "failed")
        last = synthetic.attempt(row, Recipe(), "done")[-1]
        store.write(row["trial"], 1, [*rows, last, failed | {"step": last["step"]}])
    assert [line.status for line in read(store).lines] == ["done"] * 3


def test_its_paces_are_those_that_a_plan_is_costed_with(tmp_path: Path) -> None:
    recipe = Recipe(settings=2, losses=("ns", "vae"), ending=lambda loss, sample, seed: ("done", "started")[sample])
    store = Store(synthetic.write(tmp_path, recipe))
    for row in read_plan_table(store.plan_file).to_pylist():
        seconds = {"evaluation_seconds": 2.0 if row["loss"] == "ns" else 3.0}
        store.write(row["trial"], 1, [each | seconds for each in store.read(row["trial"])])
    paces = read(store).paces
    assert paces == {("ns", "fashion", 1.0): (0.02, 2.0), ("vae", "fashion", 1.0): (0.02, 3.0)}
    assert {kind: Pace(*pace) for kind, pace in paces.items()} == recorded(store.folder)


def test_a_failure_is_no_evaluation(store: Store) -> None:
    for line in read(store).lines:
        rows = store.read(line.trial)
        measured = [each | {"evaluation_seconds": None if each["status"] == "failed" else 2.0} for each in rows]
        for attempt in {each["attempt"] for each in rows}:
            store.write(line.trial, attempt, [each for each in measured if each["attempt"] == attempt])
    assert {pace for _, pace in read(store).paces.values()} == {2.0}


def test_what_a_trial_used_is_told_attempt_by_attempt(tmp_path: Path) -> None:
    store = Store(synthetic.write(tmp_path, Recipe(settings=1, losses=("ns",))))
    (row,) = read_plan_table(store.plan_file).to_pylist()
    made = synthetic.attempt(row, Recipe(), "done")
    store.write(row["trial"], 1, [each | {"evaluation_seconds": 2.0} for each in made[:2]])
    store.write(row["trial"], 3, [each | {"evaluation_seconds": 3.0, "attempt": 3} for each in made[2:]])
    assert read(store).used == {row["trial"]: {1: (4.0, 4.0), 3: (6.0, 3.0)}}


def test_a_trial_of_two_phases_is_there_once(tmp_path: Path) -> None:
    store = Store(synthetic.write(tmp_path, Recipe(settings=1, losses=("ns",))))
    (row,) = read_plan_table(store.plan_file).to_pylist()
    store.write_plan([row, row | {"position": 1, "phase": "again"}], "name: synthetic\n")
    found = read(store)
    assert [(line.trial, line.phase) for line in found.lines] == [(row["trial"], "wide")]
    assert {phase for phase, _, _ in found.searches} == {"wide", "again"}


def test_only_files_that_changed_are_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    whole = glance._read
    monkeypatch.setattr(glance, "_read", lambda path: opened.append(path.name) or whole(path))
    reader = Reader(store)
    first = read(store, reader)
    assert len(opened) == len(list(store.rows.iterdir()))
    opened.clear()
    assert read(store, reader) == first
    assert opened == []
    changed = next(line for line in first.lines if line.status == "started")
    rows = [row for row in store.read(changed.trial) if row["attempt"] == changed.attempt]
    store.write(changed.trial, changed.attempt, [*rows, rows[-1] | {"step": changed.steps}])
    after = {line.trial: line.status for line in read(store, reader).lines}
    assert opened == [f"{changed.trial}.{changed.attempt:03d}.parquet"]
    assert after[changed.trial] == "done"


@pytest.mark.parametrize("same_size", [True, False])
def test_a_file_that_was_replaced_within_a_second_is_read_again(same_size: bool, store: Store) -> None:
    """Some file systems tell whole seconds; a new file has another inode, which a third may get again."""
    reader = Reader(store)
    line = next(line for line in read(store, reader).lines if line.status == "started")
    path = store.row_file(line.trial, line.attempt)
    os.utime(path, (1e9, 1e9))
    assert line in read(store, reader).lines
    rows = [row for row in store.read(line.trial) if row["attempt"] == line.attempt]
    last = rows[-1] | {"step": line.steps}
    content = rowfile.encode([*rows[:-1], last] if same_size else [*rows, last])
    if same_size:
        content_before = path.read_bytes()
        assert len(content) == len(content_before)
        durable.write_bytes(path, content, fsync=False)
    else:
        path.write_bytes(content)  # the same inode
    os.utime(path, (1e9, 1e9))
    assert line.trial in {each.trial for each in read(store, reader).lines if each.status == "done"}


def test_damaged_and_foreign_files_are_left_out_and_named_once(store: Store) -> None:
    victim = next(line for line in read(store).lines if line.status == "done")
    path = store.rows / f"{victim.trial}.001.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    (store.rows / "0123456789abcdef.001.parquet").write_bytes(b"of an earlier plan")
    reader = Reader(store)
    with pytest.warns(UserWarning, match=f"left out 1 of .*{path.name}"):
        found = read(store, reader)
    assert next(line.status for line in found.lines if line.trial == victim.trial) == "waiting"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(store, reader)
