"""One process that is given trials: failures counted by what is on record, and a machine that is left in time."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study import session
from study.cost import Kind, Pace, kind_of
from study.node import DEADLINE, FOLDER, LIFETIME, PARKED, RUNNING, Node
from study.plan import Planned
from study.results.store import Store
from study.runner import Runner, Spent, die_with_parent
from study.session import Options
from study.whereabouts import attempts, failures, last_attempt
from tests.conftest import APART, tiny_trial
from tests.test_heartbeat import eventually

ENDLESS = {"triangles_tiny": {"steps": 100_000, "evaluations": [100_000]}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def runner(store: Store, data: Path, *planned: Planned, paces: dict[Kind, Pace] | None = None) -> Runner:
    """One for a study that plans these trials."""
    store.write_plan([each.row(i) for i, each in enumerate(planned)], "")
    return Runner(store.folder, Options(data), paces or {})


def block(store: Store, planned: Planned, step: int) -> Path:
    """A folder where the sample grid of an evaluation is to be: the trial fails there."""
    path = store.sample_file(planned.trial.id, step)
    path.mkdir(parents=True)
    return path


def test_it_brings_one_trial_after_another_to_its_end(store: Store, data: Path) -> None:
    trials = tiny_trial("ns"), tiny_trial("vae")
    one = runner(store, data, *trials)
    for planned in trials:
        one.take(planned.trial.id, 0)
        told = [one.advance() for _ in range(3)]
        rows = store.read(planned.trial.id)
        assert [each["done"] for each in told] == [False, False, True]
        for each, row in zip(told, rows, strict=True):
            assert each["row"] == {
                "score": row["fd_cnn28"], "selection_score": row["fd_cnn28_selection"],
                **{name: row[name]
                   for name in ("status", "step", "train_seconds", "evaluation_seconds", "images_seen")},
            }  # fmt: skip
    one.take(trials[0].trial.id, 0)
    assert one.advance() == {"done": True}  # it has ended before
    assert [last_attempt(store, planned.trial.id) for planned in trials] == [1, 1]


def test_a_plan_that_grew_is_read_anew(store: Store, data: Path) -> None:
    first, second = tiny_trial("ns"), tiny_trial("vae")
    one = runner(store, data, first)
    one.take(first.trial.id, 0)
    with pytest.raises(KeyError):
        one.take(second.trial.id, 0)
    runner(store, data, first, second)
    one.take(second.trial.id, 0)


def test_what_failed_is_raised_until_its_failures_are_used_up_and_spends_the_process(store: Store, data: Path) -> None:
    planned = tiny_trial("ns")
    trial, obstacle = planned.trial.id, block(store, planned, 10)
    for count in (1, 2):
        one = runner(store, data, planned)
        one.take(trial, 2)
        with pytest.raises(OSError, match=r"\.10\.png"):
            one.advance()
        assert failures(store, trial) == count
        for _ in range(2):
            one.take(trial, 2)
            with pytest.raises(Spent, match="the trial before failed in this process"):
                one.advance()
    one = runner(store, data, planned)
    one.take(trial, 2)
    assert one.advance() == {"done": True, "given_up": ""}
    assert failures(store, trial) == 3
    one = runner(store, data, planned)
    one.take(trial, 2)
    assert one.advance() == {"done": True, "given_up": ""}  # without another attempt
    assert last_attempt(store, trial) == 3
    obstacle.rmdir()
    one.take(trial, 3)
    assert one.advance()["row"]["step"] == 10


def test_without_retries_the_first_failure_gives_it_up(store: Store, data: Path) -> None:
    planned = tiny_trial("ns")
    block(store, planned, 20)
    one = runner(store, data, planned)
    one.take(planned.trial.id, 0)
    assert one.advance()["row"]["step"] == 10
    assert one.advance() == {"done": True, "given_up": ""}
    assert [row["status"] for row in store.read(planned.trial.id)] == ["ok", "failed"]


def test_a_failure_whose_row_cannot_be_written_gives_it_up(store: Store, data: Path) -> None:
    planned = tiny_trial("ns")
    one = runner(store, data, planned)
    store.rows.write_text("a file where the folder is to be")
    one.take(planned.trial.id, 5)
    told = one.advance()
    assert told["done"]
    assert told["given_up"].startswith("its row could not be written: ")
    assert "rows" in told["given_up"]


def test_a_failure_after_the_last_row_is_no_retry(store: Store, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise OSError("no tidying today")

    planned = tiny_trial("ns")
    monkeypatch.setattr(session, "remove_checkpoints", refuse)
    one = runner(store, data, planned)
    one.take(planned.trial.id, 5)
    told = [one.advance() for _ in range(3)][-1]
    assert told == {"done": True, "given_up": "it left no row: no tidying today"}
    assert [row["status"] for row in store.read(planned.trial.id)] == ["ok"] * 3


Limit = tuple[float, float]  # seconds until a machine is warned of its end, and seconds that it had in all


def advance(folder: Path, data: Path, planned: Planned, node: Path, pace: Pace | None, limit: Limit | None) -> None:
    """One evaluation on a machine with this folder."""
    os.environ[FOLDER] = str(node)
    if limit is not None:
        os.environ |= {DEADLINE: str(time.time() + limit[0]), LIFETIME: str(limit[1])}
    one = Runner(folder, Options(data), {kind_of(planned.trial): pace} if pace else {})
    one.take(planned.trial.id, 0)
    one.advance()


@contextmanager
def elsewhere(
    store: Store, data: Path, planned: Planned, node: Node, pace: Pace | None = None, limit: Limit | None = None
) -> Iterator[Any]:
    """A process that calls `advance`."""
    store.write_plan([planned.row(0)], "")
    process = APART.Process(target=advance, args=(store.folder, data, planned, node.folder, pace, limit))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join(60)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    made = Node(tmp_path / "node")
    made.clear()
    return made


def test_on_a_machine_that_is_left_no_trial_begins(store: Store, data: Path, node: Node) -> None:
    planned = tiny_trial("ns")
    node.stop()
    with elsewhere(store, data, planned, node) as process:
        eventually(lambda: node.trials() == {planned.trial.id: PARKED})
        process.join(0.5)
        assert process.is_alive()  # a trial that returned would be given to this machine again
    assert node.trials() == {}
    assert last_attempt(store, planned.trial.id) == 0


def test_asked_to_leave_it_stands_still_with_a_checkpoint(store: Store, data: Path, node: Node) -> None:
    planned = tiny_trial("ns", datasets=ENDLESS)
    trial = planned.trial.id
    with elsewhere(store, data, planned, node) as process:
        eventually(lambda: last_attempt(store, trial))
        assert node.trials() == {trial: RUNNING}
        node.stop()
        eventually(lambda: node.trials() == {trial: PARKED})
        assert [each.keys() >= {"left"} for each in attempts(store, trial)] == [True]
        assert len(list(store.trial_folder(trial).glob("checkpoint-*.pt"))) == 1
        assert process.is_alive()
    assert store.read(trial) == []


@pytest.mark.parametrize(
    ("left", "lifetime", "begins"),
    [
        (30.0, 3600.0, False),
        (300.0, 3600.0, True),
        (30.0, 32.0, True),  # another machine has not enough, either: from checkpoint to checkpoint it gets there
    ],
)
def test_what_cannot_be_measured_before_the_limit_does_not_begin(
    left: float, lifetime: float, begins: bool, store: Store, data: Path, node: Node
) -> None:
    """At a second for a step, the first 10 steps and an evaluation take 15 s, after 20 s for loading."""
    planned = tiny_trial("ns")
    with elsewhere(store, data, planned, node, Pace(1.0, 5.0), (left, lifetime)) as process:
        if begins:
            process.join(60)
            assert process.exitcode == 0
        else:
            eventually(lambda: node.trials() == {planned.trial.id: PARKED})
    assert len(store.read(planned.trial.id)) == last_attempt(store, planned.trial.id) == int(begins)


@pytest.mark.parametrize(("pace", "limit"), [(None, (1.0, 3600.0)), (Pace(1e6, 1e6), None)])
def test_where_no_pace_or_no_limit_is_known_it_begins(
    pace: Pace | None, limit: Limit | None, store: Store, data: Path, node: Node
) -> None:
    planned = tiny_trial("ns")
    with elsewhere(store, data, planned, node, pace, limit) as process:
        process.join(60)
    assert process.exitcode == 0
    assert [row["step"] for row in store.read(planned.trial.id)] == [10]


def advance_twice(folder: Path, data: Path, planned: Planned, node: Path) -> None:
    """The second time 32 s are left, which would be too few at the pace that is known at first."""
    os.environ |= {FOLDER: str(node), DEADLINE: str(time.time() + 60)}
    one = Runner(folder, Options(data), {kind_of(planned.trial): Pace(1.0, 5.0)})
    one.take(planned.trial.id, 0)
    one.advance()
    time.time = lambda clock=time.time: clock() + 28
    one.advance()


def test_the_pace_is_that_which_was_seen_last(store: Store, data: Path, node: Node) -> None:
    planned = tiny_trial("ns")
    store.write_plan([planned.row(0)], "")
    process = APART.Process(target=advance_twice, args=(store.folder, data, planned, node.folder))
    process.start()
    process.join(60)
    process.kill()
    process.join(60)
    assert process.exitcode == 0
    assert [row["step"] for row in store.read(planned.trial.id)] == [10, 20]


def test_trials_of_a_kind_take_their_time_alike() -> None:
    trial = tiny_trial("ns").trial
    assert kind_of(trial) == ("ns", "triangles_tiny", 0.0625)
    assert kind_of(replace(trial, seed=7, hyperparameters={"learning_rate": 1.0})) == kind_of(trial)
    assert len({kind_of(trial), kind_of(replace(trial, width=1.0)), kind_of(replace(trial, loss="vae"))}) == 3


def live_and_die(path: Path) -> None:
    """Its child says who it is, and would live on."""
    if not os.fork():
        die_with_parent()
        path.with_suffix(".aside").write_text(str(os.getpid()))
        path.with_suffix(".aside").rename(path)
    time.sleep(600)


def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    process = APART.Process(target=live_and_die, args=(tmp_path / "pid",))
    process.start()
    eventually((tmp_path / "pid").exists)
    child = int((tmp_path / "pid").read_text())
    os.kill(child, 0)
    process.kill()
    process.join(60)
    try:
        eventually(lambda: not running(child))
    finally:
        if running(child):
            os.kill(child, signal.SIGKILL)


def running(pid: int) -> bool:
    """A zombie is dead, and waits for a parent that is not ours."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
