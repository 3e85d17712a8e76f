"""What a plan costs, recomputed by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from study import cost, plan
from study.cost import Pace
from study.results.store import Store
from study.spec import dump
from tests.conftest import tiny_study

PHASES = [{"name": "wide", "space": "wide", "settings": 2}]
BY_ASSUMPTION = (
    "assumed: 21 GFLOP a step at width 1, 28x28 and batch 64, in proportion to width squared, pixels and batch, "
    "at 60 GFLOP/s a worker"
)


def test_the_assumption_by_hand() -> None:
    trial = plan.build(tiny_study(width=0.5, batch_size=32), {})[0].trial
    pace = cost.assumed(trial)
    assert pace.step == pytest.approx(21 / 4 / 2 / 60)  # a quarter for the width, half for the batch
    assert pace.evaluation == pytest.approx((0.015 + 0.026 / 4) * 100 / 60)  # cnn28 does not shrink with the width
    assert pace.seconds(trial) == pytest.approx(30 * pace.step + 3 * pace.evaluation)


@pytest.mark.parametrize(("splits", "count"), [("separate", 2), ("published", 1)])
def test_the_inversion_is_paid_for_every_split(splits: str, count: int) -> None:
    """Of 5 starts 3, 2 and 1 are left after each quarter of the steps; the way back costs as much as two forward.

    The projection, and what the rasters of its search take, is paid once.
    """
    measure = {"metrics": ["fd", "manifold"], "generated": 100, "real": 100, "splits": splits,
               "manifold": {"samples": 50, "restarts": 5, "projection_steps": 20, "rounds": 10, "latents": 64,
                            "inversion_steps": 40}}  # fmt: skip
    with_it, without = (
        cost.assumed(plan.build(tiny_study(width=0.5, batch_size=32, measure=each), {})[0].trial)
        for each in (measure, {"generated": 100, "real": 100, "splits": splits})
    )
    assert with_it.step == without.step
    passes = 64 + 3 * 50 * 10 * (5 + 3 + 2 + 1)
    projection = 50 * (8e-4 * 5 * (5 + 3 + 2 + 1) + 3e-3 * 10)
    assert with_it.evaluation - without.evaluation == pytest.approx((passes * count * 0.026 / 4 + projection) / 60)


def test_hours_are_shared_among_workers_and_a_trial_of_two_phases_is_paid_once() -> None:
    study = tiny_study(phases=[*PHASES, {**PHASES[0], "name": "again"}], width=1.0, batch_size=64)
    built = plan.build(study, {})
    assert len(built) == 8
    seconds = 4 * (30 * 21 / 60 + 3 * (0.015 + 0.026) * 100 / 60)
    for workers in (1, 2, 7):
        found = cost.cost(built, {}, workers)
        assert found == {
            "workers": workers, "trials": 4, "hours": pytest.approx(seconds / 3600 / workers), "basis": BY_ASSUMPTION
        }  # fmt: skip


def test_recorded_paces_and_assumption_are_mixed_by_trial() -> None:
    built = plan.build(tiny_study(width=1.0, batch_size=64), {})
    paces = {("ns", "triangles_tiny", 1.0): Pace(0.5, 7.0), ("vae", "triangles_tiny", 0.5): Pace(1e9, 1e9)}
    found = cost.cost(built, paces, 1)
    guessed = 2 * (30 * 21 / 60 + 3 * (0.015 + 0.026) * 100 / 60)
    assert found["hours"] == pytest.approx((2 * (30 * 0.5 + 3 * 7.0) + guessed) / 3600)
    assert found["basis"] == f"recorded for 2 of 4 trials; {BY_ASSUMPTION}"


def test_where_all_is_recorded_nothing_is_assumed() -> None:
    built = plan.build(tiny_study(losses=["ns"], width=1.0), {})
    found = cost.cost(built, {("ns", "triangles_tiny", 1.0): Pace(2.0, 10.0)}, 4)
    assert found == {
        "workers": 4, "trials": 2, "hours": 2 * (60 + 30) / 4 / 3600, "basis": "recorded for 2 of 2 trials"
    }  # fmt: skip


def write(store: Store, built: list[plan.Planned], seconds: dict[int, float], attempt: int = 1) -> None:
    """Rows of the first planned trial: cumulative train seconds by step, two seconds for each evaluation."""
    trial = built[0].trial
    rows = [
        {
            "trial": trial.id, "loss": trial.loss, "dataset": trial.dataset, "content": trial.content,
            "objective": "fd_cnn28", "attempt": attempt, "step": step, "steps": trial.steps, "status": "ok",
            "fd_cnn28": 1.0, "fingerprint": "{}", "train_seconds": value, "evaluation_seconds": 2.0,
            "written_at": datetime.now(UTC),
        }
        for step, value in seconds.items()
    ]  # fmt: skip
    store.write(trial.id, attempt, rows)


def test_the_recorded_pace_is_seconds_by_steps(tmp_path: Path) -> None:
    study = tiny_study(losses=["ns"], width=0.25)
    built, store = plan.build(study, {}), Store(tmp_path)
    assert cost.recorded(tmp_path) == {}
    store.write_plan([planned.row(i) for i, planned in enumerate(built)], dump(study))
    assert cost.recorded(tmp_path) == {}
    write(store, built, {10: 4.0, 20: 8.0, 30: 12.0})
    write(store, built[1:], {10: 8.0})
    (found,) = cost.recorded(tmp_path).items()
    assert found[0] == ("ns", "triangles_tiny", 0.25)
    assert found[1].step == pytest.approx((12 + 8) / (30 + 10))
    assert found[1].evaluation == pytest.approx(2.0)


def test_a_failure_without_seconds_does_not_count(tmp_path: Path) -> None:
    study = tiny_study(losses=["ns"])
    built, store = plan.build(study, {}), Store(tmp_path)
    store.write_plan([planned.row(i) for i, planned in enumerate(built)], dump(study))
    write(store, built, {10: 5.0})
    failed = built[1].trial
    store.write(
        failed.id, 1,
        [{"trial": failed.id, "loss": "ns", "dataset": failed.dataset, "content": failed.content,
          "objective": "fd_cnn28", "attempt": 1, "step": 0, "steps": 30, "status": "failed"}],
    )  # fmt: skip
    assert cost.recorded(tmp_path) == {("ns", "triangles_tiny", 0.0625): Pace(0.5, 2.0)}


def test_a_wider_network_costs_the_square() -> None:
    trial = plan.build(tiny_study(width=1.0), {})[0].trial
    assert cost.assumed(replace(trial, width=2.0)).step == pytest.approx(4 * cost.assumed(trial).step)
