"""What searches consumed, attempt by attempt, and what they report for it."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import frames
from analysis.tables import budget, compute
from study.errors import StudyError
from study.results import Store
from study.results.store import read_plan
from tests.analysis import synthetic
from tests.analysis.synthetic import Recipe, planned, score, write

INF = math.inf
START = datetime(2026, 1, 1, tzinfo=UTC)


def rows_of(found: pd.DataFrame, **where: str) -> pd.DataFrame:
    for name, value in where.items():
        found = found[found[name] == value]
    return found


def diverging(loss: str, sample: int, seed: int) -> str:
    return "diverged" if loss == "wgan" and sample % 3 == 1 else "done"


def timed(rows: list[dict[str, Any]], start: datetime, attempt: int = 1) -> list[dict[str, Any]]:
    """Rows of an attempt that began at `start` and took a minute for each."""
    return [
        row | {"attempt": attempt, "started_at": start, "written_at": start + timedelta(minutes=i)}
        for i, row in enumerate(rows, 1)
    ]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> frames.Study:
    """mm costs the same everywhere; a third of wgan's 12 draws diverge after 237 of 300 steps; beside the default."""
    recipe = Recipe(("mm", "wgan"), settings=13, ending=diverging)
    return frames.load(write(tmp_path_factory.mktemp("studies") / "cost", recipe))


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> frames.Study:
    """Setting 0 in three attempts: to 200, on to a failure at 250, from 200 again to the end; setting 1 in two."""
    folder = tmp_path_factory.mktemp("studies") / "again"
    recipe = Recipe(("mm",), settings=2)
    write(folder, recipe)
    first, second = planned(recipe)
    whole = synthetic.attempt(first, recipe, "done")
    failure = whole[2] | {
        "step": 250,
        "status": "failed",
        "images_seen": 64 * 250,
        "train_seconds": 5.0,
        "fd_cnn28": None,
    }
    parts = (timed(whole[:2], START), timed([failure], START + timedelta(hours=1), 2), timed(whole[2:], START, 3))
    for number, part in enumerate(parts, 1):
        Store(folder).write(first["trial"], number, part)
    anew = synthetic.attempt(second, recipe, "done")
    Store(folder).write(second["trial"], 1, timed(anew[:2], START - timedelta(hours=2)))
    Store(folder).write(second["trial"], 2, timed(anew, START + timedelta(hours=2), 2))
    return frames.load(folder)


def test_an_attempt_is_charged_from_where_it_went_on(again: frames.Study) -> None:
    found = again.attempts.merge(again.trials[["trial", "sample"]], on="trial").sort_values(["sample", "attempt"])
    assert found["steps"].tolist() == [200, 50, 100, 200, 300]
    assert found["images"].tolist() == [64 * steps for steps in (200, 50, 100, 200, 300)]
    assert found["seconds"].tolist() == [4.0, 1.0, 2.0, 4.0, 6.0]
    assert (60 * found["hours"]).tolist() == pytest.approx([2, 1, 1, 2, 3])


def test_costs_are_of_all_attempts(again: frames.Study) -> None:
    found = compute.costs(again)
    assert found.columns.tolist() == [*frames.SETTING, *compute.UNITS]
    assert found["trials"].tolist() == [1, 1]
    assert found["steps"].tolist() == [350, 500]
    assert found["seconds"].tolist() == [7.0, 10.0]
    assert (60 * found["hours"]).tolist() == pytest.approx([4, 5])


def test_every_seed_of_a_setting_is_charged(seeds: Path) -> None:
    found = rows_of(compute.costs(frames.load(seeds)), dataset="fashion", loss="vae")
    assert found["trials"].tolist() == [6, 6, 6]
    assert found["steps"].tolist() == [5 * 300 + 205, 1800, 1800]  # the default failed once, at 205


def test_a_trial_that_failed_before_its_first_step_cost_nothing(tmp_path: Path) -> None:
    recipe = Recipe(("mm",), settings=2, points=(300,))
    folder = write(tmp_path, recipe)
    second = list(planned(recipe))[1]
    row = synthetic.attempt(second, recipe, "failed")[-1] | {"step": 0, "images_seen": None, "train_seconds": None}
    Store(folder).write(second["trial"], 1, [row])
    found = compute.costs(frames.load(folder))
    assert found[["steps", "images", "seconds"]].iloc[1].tolist() == [0, 0, 0]


def test_equal_costs_are_the_exact_curve_stretched(study: frames.Study) -> None:
    exact = rows_of(budget.curves(frames.settings(study)), loss="mm")
    for unit, each in (("trials", 1), ("steps", 300), ("images", 64 * 300), ("seconds", 6.0)):
        found = rows_of(compute.curves(study, unit), loss="mm")
        assert found["exact"].all()
        assert (found["simulations"] == 0).all()
        assert found["seed"].isna().all()
        assert found["spent"].tolist() == pytest.approx([each * k for k in range(1, 13)])
        for name in ("mean", "low", "median", "high", "n", "failed"):
            assert found[name].tolist() == exact[name].tolist()


def test_unequal_costs_are_simulated_and_say_so(study: frames.Study) -> None:
    found = rows_of(compute.curves(study, "steps"), loss="wgan")
    assert not found["exact"].any()
    assert found[["simulations", "seed", "n", "failed"]].drop_duplicates().to_numpy().tolist() == [
        [2000, compute.SEED, 12, 4]
    ]
    assert found["spent"].iloc[-1] == 8 * 300 + 4 * 237
    assert (found["low"] <= found["median"]).all()
    assert (found["median"] <= found["high"]).all()
    safe = found["spent"] >= 4 * 237 + 300  # all failures and one more: every order has finished something
    assert np.isfinite(found["mean"]).tolist() == safe.tolist()
    best = min(score("wgan", sample, 0) for sample in range(1, 13) if sample % 3 != 1)
    assert found[["mean", "low", "high"]].iloc[-1].tolist() == pytest.approx([best] * 3)


def test_trials_are_charged_one_each_whatever_they_cost(study: frames.Study) -> None:
    found = rows_of(compute.curves(study, "trials"), loss="wgan")
    assert found["exact"].all()
    assert np.isinf(found["mean"]).sum() == 4


def test_repeats_of_a_search_are_followed_in_the_order_they_ran(tmp_path: Path) -> None:
    """tpe with two search seeds; what is done is as planned, or by the clock where there is one."""
    reported = {("one", 0): 9.0, ("one", 1): 3.0, ("two", 0): 5.0, ("two", 1): 4.0}
    recipes = [
        Recipe(("mm",), settings=2, phase=phase, sampler="tpe", content={"width": 1.0 + i},
               reported=lambda _, sample, seed, phase=phase: reported[phase, sample])
        for i, phase in enumerate(("one", "two"))
    ]  # fmt: skip
    folder = write(tmp_path, *recipes)
    seeded(folder, {"one": 1, "two": 2})
    found = compute.by_replica(frames.load(folder), "steps")
    assert found["phase"].unique().tolist() == ["one, two"]
    assert found["spent"].tolist() == [300, 600]
    assert found["mean"].tolist() == [7.0, 3.5]
    assert found["median"].tolist() == [7.0, 3.5]
    assert found[["low", "high"]].isna().all(axis=None)  # two repeats have no 10 and 90 % quantiles
    assert found[["n", "failed", "simulations"]].drop_duplicates().to_numpy().tolist() == [[2, 0, 0]]
    late = {(row["phase"], row["sample"]): row for recipe in recipes for row in planned(recipe)}["one", 0]
    early = {(row["phase"], row["sample"]): row for recipe in recipes for row in planned(recipe)}["one", 1]
    for row, start in ((late, START + timedelta(hours=1)), (early, START)):
        Store(folder).write(row["trial"], 1, timed(synthetic.attempt(row, recipes[0], "done"), start))
    assert compute.by_replica(frames.load(folder), "steps")["mean"].tolist() == [4.0, 3.5]


def test_five_repeats_have_quantiles(tmp_path: Path) -> None:
    recipes = [
        Recipe(("mm",), settings=1, phase=f"p{i}", sampler="tpe", content={"width": 1.0 + i},
               reported=lambda _, sample, seed, i=i: float((9, 2, 5, 4, 7)[i]))
        for i in range(5)
    ]  # fmt: skip
    folder = write(tmp_path, *recipes)
    seeded(folder, {f"p{i}": i for i in range(5)})
    found = compute.by_replica(frames.load(folder), "steps")
    assert found[["low", "median", "high", "n"]].to_numpy().tolist() == [[2, 5, 9, 5]]


def test_one_repeat_has_no_spread_and_the_same_draws_are_one_repeat(tmp_path: Path) -> None:
    recipes = [
        Recipe(("mm",), settings=n, phase=phase, content={"width": 1.0 + n}) for n, phase in ((3, "a"), (5, "b"))
    ]
    found = compute.by_replica(frames.load(write(tmp_path, *recipes)), "trials")
    assert found["phase"].unique().tolist() == ["b"]
    assert found["n"].unique().tolist() == [1]
    assert len(found) == 5
    assert found[["low", "high"]].isna().all(axis=None)
    best = np.minimum.accumulate([score("mm", sample, 0) for sample in range(5)])
    assert found["mean"].tolist() == pytest.approx(best.tolist())


def test_repeats_of_what_was_selected_are_no_search(tmp_path: Path) -> None:
    recipe = Recipe(("mm",), samples=(3,), seeds=3, phase="again", evidence={"study": "first", "phase": "wide"})
    assert compute.by_replica(frames.load(write(tmp_path, recipe)), "steps").empty


def test_a_cost_that_is_not_known_leaves_a_search_out(study: frames.Study) -> None:
    found = compute.curves(study, "hours")
    assert found.empty
    assert found.columns.tolist() == compute.COLUMNS


def test_hours_of_attempts(again: frames.Study) -> None:
    found = compute.curves(again, "hours")  # of setting 1, which alone was drawn
    assert (60 * found["spent"]).tolist() == pytest.approx([5.0])
    assert found["mean"].tolist() == pytest.approx([score("mm", 1, 0)])


def test_hours_are_named_after_what_ran(study: frames.Study) -> None:
    assert compute.words(study, "hours") == "CPU-hours"
    assert compute.words(study, "steps") == "discriminator steps"
    card = json.dumps({"accelerator": "H100", "host": "h"})
    assert compute.words(on(study, card), "hours") == "GPU-hours"
    mixed = on(study, card)
    mixed.evaluations.loc[0, "hardware"] = json.dumps({"accelerator": None, "host": "h"})
    assert compute.words(mixed, "hours") == "device-hours"


def test_an_unknown_unit_is_refused(study: frames.Study) -> None:
    for ask in (compute.curves, compute.by_replica, compute.words):
        with pytest.raises(StudyError, match="'hour' is not a unit of compute; did you mean 'hours'"):
            ask(study, "hour")


def test_nothing_begun_is_no_rows(unstarted: Path) -> None:
    study = frames.load(unstarted)
    assert compute.costs(study).empty
    assert compute.words(study, "hours") == "device-hours"
    for unit in compute.UNITS:
        for found in (compute.curves(study, unit), compute.by_replica(study, unit)):
            assert found.empty
            assert found.columns.tolist() == compute.COLUMNS


def on(study: frames.Study, hardware: str) -> frames.Study:
    changed = study.evaluations.assign(hardware=hardware)
    return frames.Study(study.folder, study.name, study.trials, changed, study.attempts)


def seeded(folder: Path, seeds: dict[str, int]) -> None:
    """The plan again, with search seeds."""
    store = Store(folder)
    rows = [row | {"search_seed": seeds[row["phase"]]} for row in read_plan(store.plan_file)]
    store.write_plan(rows, "name: synthetic\n")
