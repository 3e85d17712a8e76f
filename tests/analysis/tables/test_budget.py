"""Budget and tuning curves as tables: their columns, what counts, and what is left out."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis import frames
from analysis.estimators import budget as estimators
from analysis.tables import budget, validity
from benchmarks import coverage_budget
from tests.analysis.synthetic import LOSSES

INF = math.inf


def search(choice: list[float], loss: str = "mm", sampler: str = "random") -> pd.DataFrame:
    """Draws, none of them the default; what is reported is twice what chose."""
    rows = pd.DataFrame({"sample": range(1, len(choice) + 1), "choice": choice, "score": 2 * np.array(choice)})
    missing = rows["choice"].isna().astype(int)
    return rows.assign(phase="wide", dataset="fashion", loss=loss, sampler=sampler, missing=missing)


def test_curves_end_before_the_first_setting_that_has_not_ended_and_count_failures() -> None:
    frame = budget.curves(search([4.0, INF, 2.0, math.nan, 1.0]))
    assert frame["k"].tolist() == [1, 2, 3]
    assert frame["mean"].tolist() == pytest.approx([INF, 16 / 3, 4.0])
    assert frame["median"].tolist() == [8.0, 4.0, 4.0]
    assert frame["deviation"].isna().sum() == 1
    assert (frame["n"].unique().tolist(), frame["failed"].unique().tolist()) == ([3], [1])


def test_the_published_deviation_is_that_of_draws_with_replacement() -> None:
    """Of 2 and 4 (reported 4 and 8), k = 2: 4 with probability 3/4."""
    frame = budget.published(search([2.0, 4.0]))
    assert frame["mean"].tolist() == pytest.approx([6.0, 5.0])
    assert frame["deviation"].tolist() == pytest.approx([2.0, math.sqrt(3)])
    assert budget.curves(search([2.0, 4.0]))["deviation"].tolist() == pytest.approx([2.0, 0.0])


def test_a_failure_makes_the_published_form_infinite_at_every_budget() -> None:
    frame = budget.published(search([4.0, INF, 2.0, math.nan, 1.0]))
    assert frame["mean"].tolist() == [INF] * 3
    assert frame["deviation"].isna().all()
    assert frame[["n", "failed"]].drop_duplicates().to_numpy().tolist() == [[3, 1]]


@pytest.mark.parametrize("choice", [0.1, 99.0, INF])
def test_the_default_is_no_draw_and_stands_in_the_published_form_only(choice: float) -> None:
    drawn = search([*np.arange(1.0, 21)])
    default = drawn[:1].assign(sample=frames.DEFAULT, choice=choice, score=choice)
    both = pd.concat([default, drawn])
    for table in (budget.curves, budget.tuning):
        pd.testing.assert_frame_equal(table(both), table(drawn))
    found = budget.published(both)
    assert found["n"].unique().tolist() == [21]
    assert found["mean"].iloc[0] == pytest.approx((2 * 210 + choice) / 21)


def test_simulated_coverage_of_the_band_with_a_good_default_in_every_study() -> None:
    """150 studies, with a standard error of 1.8 %; with the default among the draws it held in 86 %."""
    assert np.mean(coverage_budget.beside_a_default(7, 150)) >= 0.92


def test_tuning_is_of_what_chooses_with_a_band_that_may_be_open() -> None:
    values = np.arange(1.0, 21)
    frame = budget.tuning(search([*values, math.nan]))
    assert frame["median"].tolist() == estimators.median_of_best(values).tolist()
    assert frame["k"].tolist() == list(range(1, 21))
    assert frame.loc[0, ["low", "median", "high", "level", "n", "failed"]].tolist() == [5.0, 10.0, 16.0, 0.95, 20, 0]
    assert frame["low"].iloc[-1] == 0.0  # 20 draws leave open how low the best of 20 goes
    assert (frame["low"] <= frame["median"]).all()
    assert (frame["median"] <= frame["high"]).all()


def test_failures_open_the_band_upwards() -> None:
    frame = budget.tuning(search([*np.arange(1.0, 11), *[INF] * 10]))
    assert frame.loc[0, "high"] == INF
    assert np.isfinite(frame["high"].iloc[-1])
    assert frame["failed"].unique().tolist() == [10]
    frame = budget.tuning(search([INF] * 10))
    assert frame.loc[0, "median"] == INF
    assert frame.loc[0, "low"] == INF  # more than half of all settings fail


def test_one_part_per_search_in_any_order_of_rows(demo: object) -> None:
    settings = frames.settings(frames.load(demo))  # type: ignore[arg-type]
    for table in (budget.curves, budget.published, budget.tuning):
        found = table(settings)
        assert set(found["loss"]) == set(LOSSES)
        pd.testing.assert_frame_equal(found, table(settings.sample(frac=1, random_state=1)))


def test_nothing_ended_is_no_rows(unstarted: object) -> None:
    settings = validity.offered(frames.settings(frames.load(unstarted)))  # type: ignore[arg-type]
    assert budget.curves(settings).columns.tolist() == budget.CURVES
    assert budget.tuning(settings).columns.tolist() == budget.TUNING
    assert budget.published(settings).columns.tolist() == budget.PUBLISHED
    assert budget.curves(settings).empty
    assert budget.tuning(settings).empty
