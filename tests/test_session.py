"""A trial that is asked to leave, or is killed while it measures, goes on where it was: same rows, nothing twice."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from study import session
from study.attempt import begin
from study.death import record_death
from study.errors import StudyError
from study.models.training import Training
from study.node import MEASURING, RUNNING, Node
from study.plan import Planned
from study.results.rowfile import Row
from study.results.store import Store
from study.session import Left, Options
from study.trial import run
from study.whereabouts import attempts, lost, whereabouts
from tests.conftest import apart, run_here, tiny_trial
from tests.test_heartbeat import eventually
from tests.test_trial import checkpoints, measured, newest


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """By loss, the rows of the default trial that ran through."""
    losses = ("ns", "began")
    return {loss: run_here(tiny_trial(loss), Store(tmp_path_factory.mktemp(loss)), data) for loss in losses}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    made = Node(tmp_path / "node")
    made.clear()
    return made


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that are trained in this process from now on."""
    trained, original = list[int](), Training.advance

    def advance(self: Training) -> None:
        original(self)
        trained.append(self.step)

    monkeypatch.setattr(Training, "advance", advance)
    return trained


@pytest.mark.parametrize(("loss", "evaluations"), [("ns", 0), ("began", 1)])
def test_asked_to_leave_in_the_middle_of_training_it_goes_on_elsewhere(
    loss: str, evaluations: int, undisturbed: dict[str, list[Row]], tmp_path: Path, data: Path, node: Node,
    steps: list[int], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(session, "LOOK_SECONDS", 0.0)  # after every step
    planned, store = tiny_trial(loss), Store(tmp_path / "store")
    trial, left_at = planned.trial.id, 10 * evaluations + 1
    running = run(planned, store, Options(data, node=node))
    with node.occupied(trial):
        for _ in range(evaluations):
            next(running)
        node.stop()
        with pytest.raises(Left, match=f"left the machine at step {left_at}, as was asked"):
            next(running)
    assert checkpoints(store, planned)[-1] == f"checkpoint-{left_at}.pt"
    assert attempts(store, trial)[-1]["left"] == f"left the machine at step {left_at}, as was asked"
    assert [row["status"] for row in store.read(trial)] == ["ok"] * evaluations
    assert (whereabouts(store, trial), lost(store, trial)) == (None, None)
    assert record_death(planned, store, "killed with its machine") is None
    assert [row["attempt"] for row in run_here(planned, store, data)] == [2] * (3 - evaluations)
    assert measured(newest(store, planned)) == measured(undisturbed[loss])
    assert steps == list(range(1, 31))


def die_measuring(planned: Planned, folder: Path, data: Path, evaluation: int, fresh: float) -> None:
    """Dies as a kill -9 would, in the middle of an evaluation: 1, 2 or 3."""
    original, begun = session.evaluate, 0

    def evaluate(*arguments: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun == evaluation:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    session.evaluate, session.FRESH_SECONDS = evaluate, fresh
    run_here(planned, Store(folder), data)


@pytest.mark.parametrize("evaluation", [1, 2, 3])
def test_killed_while_it_measures_it_measures_that_again_and_trains_nothing_twice(
    evaluation: int, undisturbed: dict[str, list[Row]], tmp_path: Path, data: Path, steps: list[int]
) -> None:
    planned, store = tiny_trial("began"), Store(tmp_path)
    code = apart(die_measuring, planned, tmp_path, data, evaluation, 0.0)
    assert code == -signal.SIGKILL
    due = 10 * evaluation
    assert [row["step"] for row in newest(store, planned)] == list(range(10, due, 10))
    rows = run_here(planned, store, data)
    assert [row["step"] for row in rows] == list(range(due, 31, 10))
    assert steps == list(range(due + 1, 31))
    assert f"continuing from step {due}" in store.log_file(planned.trial.id).read_text()
    assert measured(newest(store, planned)) == measured(undisturbed["began"])
    assert checkpoints(store, planned) == []


def test_a_fresh_checkpoint_is_not_renewed_before_an_evaluation(
    undisturbed: dict[str, list[Row]], tmp_path: Path, data: Path, steps: list[int]
) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    assert apart(die_measuring, planned, tmp_path, data, 2, 1000.0) == -signal.SIGKILL
    assert checkpoints(store, planned) == ["checkpoint-10.pt"]
    run_here(planned, store, data)
    assert steps == list(range(11, 31))
    assert measured(newest(store, planned)) == measured(undisturbed["ns"])


def test_it_says_that_it_measures_and_how_far_it_is(
    tmp_path: Path, data: Path, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, store, said = tiny_trial("ns"), Store(tmp_path / "store"), list[str]()
    trial, original = planned.trial.id, session.evaluate

    def evaluate(*arguments: Any) -> Any:
        said.append(node.trials()[trial])
        return original(*arguments)

    monkeypatch.setattr(session, "evaluate", evaluate)
    monkeypatch.setattr("study.heartbeat.HEARTBEAT", 0.001)
    running = run(planned, store, Options(data, node=node))
    with node.occupied(trial):
        for step in (10, 20):
            next(running)
            assert node.trials() == {trial: RUNNING}
            eventually(lambda step=step: (whereabouts(store, trial) or {}).get("step") == step)
            found = whereabouts(store, trial)
            assert found is not None
            assert found["steps"] == 30
            assert found["images_per_second"] > 0
    running.close()
    assert said == [MEASURING, MEASURING]
    assert json.loads(store.trial_folder(trial).joinpath("attempt-1.json").read_text())["attempt"] == 1


@pytest.mark.parametrize("killed", [False, True])
def test_what_fails_before_it_measured_anything_says_how_it_would_have(
    killed: bool, undisturbed: dict[str, list[Row]], tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or how it did: a process that is killed in its next attempt measures as it did before."""
    planned, store, way = tiny_trial("ns"), Store(tmp_path), undisturbed["ns"][0]["fingerprint"]

    def fail(_: Training) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Training, "advance", fail)
    with pytest.raises(OSError, match="no room"):
        run_here(planned, store, data)
    if killed:
        store.trial_folder(planned.trial.id).joinpath("attempt-2.json").write_text('{"attempt": 2}')
        assert record_death(planned, store, "killed with its machine") is not None
    rows = store.read(planned.trial.id)
    assert [(row["attempt"], row["status"], row["step"]) for row in rows] == [(1, "failed", 0), (2, "failed", 0)][
        : 1 + killed
    ]
    assert [row["fingerprint"] for row in rows] == [way] * (1 + killed)


def test_other_images_are_no_way_in_which_a_trial_was_measured(tmp_path: Path, data: Path) -> None:
    """What fails because of them must not keep the trial from going on once the right ones are back."""
    planned, store = tiny_trial("ns"), Store(tmp_path)
    fingerprint = '{"dataset_sha256": "of other images"}'
    with begin(planned, store, {}) as attempt:
        assert attempt is not None
        attempt.add(10, {"status": "ok", "fd_cnn28": 1.0, "fingerprint": fingerprint})
    with pytest.raises(StudyError, match="are not those that this trial began with"):
        run_here(planned, store, data)
    assert [(row["status"], row.get("fingerprint")) for row in store.read(planned.trial.id)] == [
        ("ok", fingerprint), ("failed", None)
    ]  # fmt: skip
