"""F1, precision and recall as tables: which evaluation counts, what a failure counts as, and every draw enumerated."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import frames
from analysis.tables import manifold
from study.errors import StudyError
from tests.analysis.manifold import MEASURED, Shares, f1, load, recipe
from tests.analysis.synthetic import Recipe, write

Ending = Callable[[str, int, int], str]


def by_step(values: dict[float, Shares]) -> Callable[[str, int, int, float], Shares]:
    """Precision and recall at each part of the training, of every trial."""
    return lambda loss, sample, seed, part: values[round(part, 2)]


def ending(said: dict[tuple[int, int], str]) -> Ending:
    """By sample and seed."""
    return lambda loss, sample, seed: said.get((sample, seed), "done")


def search(
    choice: list[float], values: list[float] | None = None, failed: tuple[int, ...] = (), **more: Any
) -> pd.DataFrame:
    """As `settings` has draws, none of them the default."""
    rows = pd.DataFrame(
        {"sample": range(1, len(choice) + 1), "choice": choice, "f1": choice if values is None else values}
    )
    rows["failed"] = [int(place in failed) for place in range(len(rows))]
    columns = {"phase": "wide", "dataset": "triangles", "loss": "mm", "sampler": "random", "diverged": 0, "by": "f1"}
    return rows.assign(**columns, missing=rows["choice"].isna().astype(int), precision=0.5, recall=0.25).assign(**more)


def test_a_trial_is_known_by_the_evaluation_that_f1_chooses_the_earliest_of_equal_ones(tmp_path: Path) -> None:
    """At 100 and 300 steps F1 is the same; at 200 precision is greater, and F1 is not."""
    found = by_step({0.33: (0.5, 0.6), 0.67: (0.9, 0.1), 1.0: (0.5, 0.6)})
    study = load(tmp_path, recipe(("mm",), 1), found=found)
    (_, row), *_ = manifold.trials(study).iterrows()
    assert (row["step"], row["precision"], row["recall"]) == (100, 0.5, 0.6)
    assert row["f1"] == pytest.approx(f1(0.5, 0.6))
    assert row["choice"] == pytest.approx(f1(0.5, 0.58))  # on the images that select recall is 0.02 less
    assert row["f1_low"] < row["f1"] < row["f1_high"]
    rows = study.evaluations[study.evaluations["step"] == 100]
    assert row["score"] == rows["score"].iloc[0]
    assert row["precision_distance_90"] == pytest.approx(1.8)
    (_, row), *_ = manifold.trials(study, "precision").iterrows()
    assert (row["step"], row["choice"], row["recall"]) == (200, 0.9, 0.1)


def test_where_one_split_does_both_f1_itself_chooses(tmp_path: Path) -> None:
    found = by_step({0.33: (0.5, 0.6), 0.67: (0.9, 0.7), 1.0: (0.5, 0.6)})
    rows = manifold.trials(load(tmp_path, recipe(("mm",), 1), found=found, selected=False))
    assert rows["step"].tolist() == [200]
    assert rows["choice"].tolist() == rows["f1"].tolist()


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_failure_found_nothing_whatever_was_measured_before(tmp_path: Path, status: str) -> None:
    study = load(tmp_path, recipe(("mm",), 3, ending=ending({(1, 0): status, (2, 0): "started"})))
    rows = manifold.trials(study).set_index("sample")
    assert rows.loc[1, ["choice", "f1", "precision", "recall"]].tolist() == [0, 0, 0, 0]
    assert rows.loc[1, "score"] == math.inf
    assert rows.loc[1, ["step", "f1_low", "precision_distance_50"]].isna().all()
    assert rows.loc[2, ["choice", "f1", "score", "step"]].isna().all()  # missing
    assert rows["failed"].tolist() == [False, True, False]
    assert rows["missing"].tolist() == [False, False, True]


def test_a_trial_that_is_done_without_a_number_failed(tmp_path: Path) -> None:
    study = load(tmp_path, recipe(("mm",), 2))
    first = study.trials["trial"].iloc[0]
    study.evaluations.loc[study.evaluations["trial"] == first, ["f1", "f1_selection"]] = np.nan
    assert manifold.trials(study)["failed"].tolist() == [True, False]


def test_trials_that_do_not_measure_them_have_no_rows(tmp_path: Path) -> None:
    study = load(tmp_path, recipe(("mm",), 2), Recipe(("mm",), settings=2, phase="more"))
    assert manifold.trials(study)["phase"].unique().tolist() == ["wide"]
    plain = frames.load(write(tmp_path / "plain", Recipe(("mm",))))
    for table in (manifold.trials(plain), manifold.settings(plain), manifold.curves(manifold.settings(plain))):
        assert table.empty


def test_a_setting_is_the_mean_over_its_seeds_a_failed_one_as_nothing(tmp_path: Path) -> None:
    said = ending({(0, 0): "failed", (1, 1): "waiting"})
    study = load(tmp_path, recipe(("mm",), 2, seeds=3, ending=said))
    runs = manifold.trials(study).set_index(["sample", "seed"])
    found = manifold.settings(study).set_index("sample")
    assert found.loc[0, "f1"] == pytest.approx((runs.loc[(0, 1), "f1"] + runs.loc[(0, 2), "f1"]) / 3)
    assert found.loc[0, ["score", "seed", "done", "failed"]].tolist() == [math.inf, 1, 2, 1]
    assert found.loc[1, "recall"] == pytest.approx(runs.loc[[(1, 0), (1, 2)], "recall"].mean())
    assert found.loc[1, ["seed", "done", "missing", "seeds"]].tolist() == [0, 2, 1, 3]
    assert found.loc[1, "run_recall"] == runs.loc[(1, 0), "recall"]
    assert found[["low", "high"]].isna().all(axis=None)  # an interval of one run is none of a mean


def test_the_best_setting_is_the_one_with_the_greatest_f1(tmp_path: Path) -> None:
    study = load(tmp_path, recipe(("mm", "vae"), 5, ending=ending({(0, 0): "diverged"})))
    settings = manifold.settings(study)
    found = manifold.best(settings).set_index("loss")
    for loss in ("mm", "vae"):
        mine = settings[settings["loss"] == loss]
        assert found.loc[loss, "choice"] == mine["choice"].max()
        assert mine["choice"].is_monotonic_decreasing
        assert found.loc[loss, "low"] < found.loc[loss, "f1"] < found.loc[loss, "high"]
    assert settings[settings["diverged"] == 1]["f1"].tolist() == [0, 0]


CASES = [
    [0.5],
    [0.5, 0.25],
    [0.5, 0.5, 0.125],
    [0.0, 0.75, 0.5, 0.0, 0.25],
    [0.25, 0.75, 0.75, 0.5, 0.75, 1.0],
    [0.0, 0.0, 0.0],
]


@pytest.mark.parametrize("choice", CASES)
def test_budget_curves_are_those_of_every_draw(choice: list[float]) -> None:
    """Of k settings that with the greatest choice; of equal ones each is as likely to be kept."""
    values = [round((7 * place % 5) / 8, 3) if chosen else 0.0 for place, chosen in enumerate(choice)]
    found = manifold.curves(search(choice, values), ("f1",))
    assert found["k"].tolist() == list(range(1, len(choice) + 1))
    for _, row in found.iterrows():
        outcomes = reported(choice, values, row["k"])
        assert row["mean"] == pytest.approx(float(sum(Fraction(value) * share for value, share in outcomes)))
        for name, share in (("low", "0.025"), ("median", "0.5"), ("high", "0.975")):
            met = itertools.accumulate(part for _, part in outcomes)
            least = next(value for (value, _), part in zip(outcomes, met, strict=True) if part >= Fraction(share))
            assert row[name] == least


def reported(choice: list[float], values: list[float], k: int) -> list[tuple[float, Fraction]]:
    draws = list(itertools.combinations(list(zip(choice, values, strict=True)), k))
    kept = [[value for chosen, value in draw if chosen == max(draw)[0]] for draw in draws]
    return sorted((value, Fraction(1, len(draws) * len(some))) for some in kept for value in some)


def test_precision_and_recall_are_those_of_the_run_with_the_best_f1() -> None:
    """Of two, the second has the better F1, and less precision."""
    rows = search([0.25, 0.5], precision=[1.0, 0.5], recall=[0.125, 0.5])
    found = manifold.curves(rows).set_index(["quality", "k"])["mean"]
    assert found["precision"].tolist() == [0.75, 0.5]
    assert found["recall"].tolist() == [0.3125, 0.5]
    alone = manifold.curves(rows.assign(choice=rows["precision"], by="precision"), ("precision",))
    assert alone["mean"].tolist() == [0.75, 1.0]
    assert alone[["by", "quality"]].drop_duplicates().to_numpy().tolist() == [["precision", "precision"]]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_nobody_has_more_precision_than_who_looks_for_it_alone(pairs: list[tuple[float, float]]) -> None:
    precision, recall = np.array(pairs).T
    by_f1 = search([f1(*pair) for pair in pairs], precision=precision, recall=recall)
    alone = manifold.curves(by_f1.assign(choice=precision), ("precision",))
    both = manifold.curves(by_f1, ("precision",))
    assert (alone["mean"] >= both["mean"] - 1e-12).all()
    assert (alone["mean"].diff().dropna() >= -1e-12).all()
    assert (alone["low"] <= alone["median"]).all()
    assert (alone["median"] <= alone["high"]).all()


def test_the_default_is_no_draw_and_what_waits_for_another_does_not_count() -> None:
    drawn = search([0.5, 0.25, 0.75], failed=(1,))
    default = drawn[:1].assign(sample=frames.DEFAULT, choice=0.9, f1=0.9)
    found = manifold.curves(pd.concat([default, drawn]), ("f1",))
    pd.testing.assert_frame_equal(found, manifold.curves(drawn, ("f1",)))
    assert found[["n", "failed"]].drop_duplicates().to_numpy().tolist() == [[3, 1]]
    waiting = search([0.5, math.nan, 0.75])
    assert manifold.curves(waiting, ("f1",))["n"].tolist() == [1]
    assert manifold.curves(waiting.assign(choice=math.nan, missing=1)).columns.tolist() == manifold.CURVES


def test_adaptive_samplers_are_refused() -> None:
    with pytest.raises(StudyError, match=r"a budget curve of F1, precision and recall asks for .* its sampler tpe"):
        manifold.curves(search([0.5, 0.25], sampler="tpe"))


def test_nothing_ended_is_no_number(tmp_path: Path) -> None:
    study = load(tmp_path, recipe(("mm",), ending=lambda loss, sample, seed: "waiting"))
    settings = manifold.settings(study)
    assert settings["missing"].tolist() == [1] * 4
    assert settings["f1"].isna().all()
    assert manifold.curves(settings).empty
    assert manifold.best(settings).empty


def test_the_protocol_says_what_is_measured(tmp_path: Path) -> None:
    study = load(tmp_path, recipe(("mm",), 1), Recipe(("vae",), settings=1, phase="more"))
    assert manifold.METRIC in MEASURED["metrics"]
    assert manifold.measured(study.trials).tolist() == [True, False]
