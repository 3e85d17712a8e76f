"""The order in which a study's phases run, whatever fails, changes or is retried; training itself is left out here."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from cluster.board import Board
from study.commands.driver import Order, drive
from study.commands.standing import wanted
from study.errors import StudyError
from study.heartbeat import LOST
from study.plan import Planned
from study.results.query import connect
from study.results.store import Store
from study.spec import Study
from tests.cluster.stage import ended, life
from tests.conftest import tiny_study
from tests.test_selection import row

WIDE = {"name": "wide", "space": "wide", "settings": 3}
SEEDS = {"name": "seeds", "select": {"phase": "wide"}, "seeds": 2}
NARROW = {"name": "narrow", "space": "narrow", "settings": 2}
RUN, RETRY = frozenset({"waiting", "started"}), frozenset({"failed", "started"})
Outcome = Callable[[Planned], float | None]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An engine whose trials end at once: `outcome` says with which score, None for a failure; `calls` what was run."""
    engine = SimpleNamespace(calls=[], outcome=lambda planned: float(planned.sample), Job=SimpleNamespace)

    def run(job: Any, missing: list[Planned], before: dict[str, Any]) -> None:
        engine.calls.append(
            [(planned.phase, planned.trial.loss, planned.sample, planned.trial.seed) for planned in missing]
        )
        for planned in missing:
            score, attempts = engine.outcome(planned), len(job.store.read(planned.trial.id))
            failed = {"status": "failed", "exception": "OSError", "message": "full"} if score is None else {}
            job.store.write(planned.trial.id, attempts + 1, [row(planned, score, attempt=attempts + 1, **failed)])

    def job(study: Study, store: Store, data: Path, *rest: Any) -> SimpleNamespace:
        engine.jobs.append(dict(zip(("machines", "forgiven", "later"), rest, strict=True)))
        return SimpleNamespace(store=store)

    engine.run, engine.Job, engine.jobs = run, job, []
    monkeypatch.setitem(sys.modules, "study.commands.engine", engine)
    here = SimpleNamespace(ThisMachine=lambda workers: f"this machine, {workers} at once")
    monkeypatch.setitem(sys.modules, "study.commands.here", here)
    return engine


def order(path: Path, statuses: frozenset[str] = RUN, **more: Any) -> Order:
    command = "run" if statuses == RUN else "retry"
    return Order(f"{command} {path}", str(path), path.parent / "results", path.parent / "data", statuses, **more)


def code_of(path: Path, statuses: frozenset[str] = RUN, **more: Any) -> int:
    try:
        drive(order(path, statuses, **more))
    except typer.Exit as end:
        return end.exit_code
    return 0


def phases_of(call: list[tuple[str, str, int, int]]) -> list[str]:
    return list(dict.fromkeys(phase for phase, *_ in call))


def test_phases_run_in_their_order(tiny_yaml: Callable[..., Path], trained: SimpleNamespace) -> None:
    """ns has the same default in both spaces: it is run where it stands first."""
    path = tiny_yaml(phases=[WIDE, SEEDS, NARROW])
    assert code_of(path) == 0
    assert trained.calls[0] == [("wide", loss, sample, 0) for sample in range(3) for loss in ("ns", "vae")]
    assert [each for each in trained.calls[1] if each[0] == "narrow"] == [
        ("narrow", loss, sample, 0) for sample in range(2) for loss in ("ns", "vae") if (loss, sample) != ("ns", 0)
    ]
    assert [phases_of(call) for call in trained.calls] == [["wide"], ["seeds", "narrow"]]
    assert [each for each in trained.calls[1] if each[0] == "seeds"] == [
        ("seeds", loss, 0, seed) for seed in (1, 2) for loss in ("ns", "vae")
    ]
    assert code_of(path) == 0
    assert len(trained.calls) == 2  # nothing is run twice


def test_what_another_yaml_plans_is_selected_from(tiny_yaml: Callable[..., Path], trained: SimpleNamespace) -> None:
    trained.outcome = lambda planned: float(-planned.sample)
    assert code_of(tiny_yaml(phases=[WIDE])) == 0
    assert code_of(tiny_yaml(phases=[{**WIDE, "settings": 5}, SEEDS])) == 0
    assert {sample for phase, _, sample, _ in trained.calls[1] if phase == "wide"} == {3, 4}
    assert {sample for phase, _, sample, _ in trained.calls[2] if phase == "seeds"} == {4}


def test_where_nothing_can_be_selected_the_others_run_and_a_retry_mends_it(
    tiny_yaml: Callable[..., Path], trained: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """All settings of ns fail: vae's best and the later phase run, and ns's best once its trials are retried."""
    path = tiny_yaml(phases=[WIDE, SEEDS, NARROW])
    trained.outcome = lambda planned: None if (planned.phase, planned.trial.loss) == ("wide", "ns") else 1.0
    assert code_of(path) == 1
    told = capsys.readouterr().out
    assert "phase seeds waits: phase wide of tiny: no setting of ns on triangles_tiny finished all its seeds" in told
    assert "FAILED 3 x OSError: full" in told
    assert [phases_of(call) for call in trained.calls] == [["wide"], ["seeds", "narrow"]]
    assert {loss for phase, loss, *_ in trained.calls[1] if phase == "seeds"} == {"vae"}
    trained.outcome = lambda planned: 1.0
    assert code_of(path, RETRY) == 1
    assert "go on: gan-study run" in capsys.readouterr().out
    assert code_of(path) == 0
    assert [each[:3] for each in trained.calls[-1]] == [("seeds", "ns", 0)] * 2


def test_a_retry_tries_each_trial_once(tiny_yaml: Callable[..., Path], trained: SimpleNamespace) -> None:
    path = tiny_yaml(phases=[WIDE, SEEDS, NARROW])
    trained.outcome = lambda planned: None if (planned.phase, planned.trial.loss) == ("wide", "ns") else 1.0
    assert code_of(path) == 1
    trained.calls.clear()
    assert code_of(path, RETRY) == 1
    assert [each for call in trained.calls for each in call] == [("wide", "ns", sample, 0) for sample in range(3)]


def test_another_study_without_a_fit_setting_stops_only_that_search(
    tiny_yaml: Callable[..., Path], trained: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    repeats = {"name": "repeats", "phases": [{**SEEDS, "select": {"study": "tiny", "phase": "wide"}}]}
    with pytest.raises(StudyError, match="has no results yet"):
        drive(order(tiny_yaml(**repeats)))
    trained.outcome = lambda planned: None if planned.trial.loss == "ns" else 1.0
    assert code_of(tiny_yaml(phases=[WIDE])) == 1
    assert code_of(tiny_yaml(**repeats)) == 1
    assert {loss for _, loss, *_ in trained.calls[-1]} == {"vae"}
    assert "no setting of ns on triangles_tiny finished" in capsys.readouterr().out


def test_the_plan_on_disk_is_what_ran(tiny_yaml: Callable[..., Path], trained: SimpleNamespace) -> None:
    path = tiny_yaml(phases=[WIDE, SEEDS])
    assert code_of(path) == 0
    with connect(Store(path.parent / "results" / "tiny").folder) as database:
        found = database.execute("SELECT phase, count(*), count(evidence) FROM trials GROUP BY phase").fetchall()
    assert sorted(found) == [("seeds", 4, 4), ("wide", 6, 0)]


@pytest.mark.parametrize(
    ("status", "failures", "forgiven", "in_run", "in_retry"),
    [
        ("waiting", 0, {}, True, False),
        ("started", 0, {}, True, True),
        ("done", 0, {}, False, False),
        ("done", 1, {}, False, False),  # it failed on the way
        ("diverged", 0, {}, False, False),
        ("failed", 1, {"t": 1}, False, True),  # before the order: for a retry
        ("failed", 1, {}, True, True),  # since: the head died between the failure and its second try
        ("failed", 2, {}, True, True),
        ("failed", 3, {}, False, False),  # since, and it has had both of its retries
        ("failed", 3, {"t": 1}, True, True),
        ("failed", 4, {"t": 1}, False, False),
        ("failed", 4, {"t": 4, "u": 1}, False, True),
        ("started", 1, {}, True, True),  # it failed and was killed when it was tried again
    ],
)
def test_which_trials_are_run(
    status: str, failures: int, forgiven: Mapping[str, int], in_run: bool, in_retry: bool
) -> None:
    facts = {"trial": "t", "status": status, "failures": failures}
    study = tiny_study(resources={"retries": 2})
    assert [wanted(facts, statuses, forgiven, study) for statuses in (RUN, RETRY)] == [in_run, in_retry]


def test_a_retry_of_failed_ones_alone_goes_on_in_the_middle_of_one() -> None:
    facts = {"trial": "t", "status": "started", "failures": 1}
    assert wanted(facts, {"failed"}, {"t": 1}, tiny_study())
    assert not wanted(facts, {"failed"}, {}, tiny_study())  # one that a killed run left


def test_machines_are_those_of_the_order_or_this_one(tiny_yaml: Callable[..., Path], trained: SimpleNamespace) -> None:
    assert code_of(tiny_yaml(phases=[{**WIDE, "settings": 1}]), workers=3) == 0
    assert code_of(tiny_yaml(phases=[WIDE]), machines="a cluster") == 0
    assert [job["machines"] for job in trained.jobs] == ["this machine, 3 at once", "a cluster"]


def test_the_machines_hear_how_many_trials_come_later(tiny_yaml: Callable[..., Path], trained: SimpleNamespace) -> None:
    """Four of the seeds, and three of the narrow phase, as ns shares its default setting with the wide one."""
    assert code_of(tiny_yaml(phases=[WIDE, SEEDS, NARROW])) == 0
    assert [job["later"] for job in trained.jobs] == [7, 0]


def test_a_study_that_was_submitted_is_run_as_it_was_then(
    tiny_yaml: Callable[..., Path], trained: SimpleNamespace, tmp_path: Path
) -> None:
    path = tiny_yaml(phases=[WIDE])
    frozen = path.rename(tmp_path / "0001.yaml")
    tiny_yaml(phases=[{**WIDE, "settings": 5}])
    assert code_of(path, frozen=frozen) == 0
    assert {sample for _, _, sample, _ in trained.calls[0]} == {0, 1, 2}
    path.unlink()
    assert code_of(path, frozen=frozen) == 0


def test_a_head_that_comes_back_gives_what_failed_its_retries_and_no_more(
    tiny_yaml: Callable[..., Path], trained: SimpleNamespace
) -> None:
    """One retry: what failed once since the study was submitted is tried again, what failed twice is not."""
    path = tiny_yaml(phases=[WIDE], losses=["ns"], resources={"retries": 1})
    trained.outcome = lambda planned: None
    for tries in (3, 3, 0):
        trained.calls.clear()
        assert code_of(path, forgiven={}) == 1
        assert sum(map(len, trained.calls)) == tries
    store = Store(path.parent / "results" / "tiny")
    with connect(store.folder) as database:
        trials = [trial for (trial,) in database.execute("SELECT trial FROM trials").fetchall()]
    trained.jobs.clear()
    assert code_of(path, RETRY) == 1
    assert sum(map(len, trained.calls)) == 3
    assert [job["forgiven"] for job in trained.jobs] == [dict.fromkeys(trials, 2)]


def test_where_a_head_lives_nobody_else_drives(tiny_yaml: Callable[..., Path], trained: SimpleNamespace) -> None:
    path = tiny_yaml(phases=[WIDE])
    board = Board(Store(path.parent / "results" / "tiny"))
    board.write_life(life("13_0"))  # workers alone drive nothing
    board.write_life(ended("11", "preempted", role="head"))
    board.write_life(life("12", "head"))
    for statuses in (RUN, RETRY):
        with pytest.raises(StudyError, match=r"^tiny is being run already, from .*; follow it: gan-study status"):
            drive(order(path, statuses))
    assert trained.calls == []
    assert code_of(path, machines="a cluster") == 0  # the head itself
    board.write_life(life("12", "head", seen=LOST + 1))
    assert code_of(path) == 0
