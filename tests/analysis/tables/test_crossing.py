"""From which budget on one loss beats another, as a table; and how often its interval holds."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis import frames
from analysis.tables.crossing import COLUMNS, crossings
from analysis.tables.pairs import beats
from benchmarks import coverage_budget
from tests.analysis.tables.test_budget import search

INF = math.inf


@pytest.fixture(scope="module")
def settings() -> pd.DataFrame:
    """mm is steady, ns is worse on average and wider, ls is always better, vae failed throughout."""
    random = np.random.default_rng(4)
    mm, ns = 50 + 2 * random.standard_normal(140), 60 * np.exp(0.5 * random.standard_normal(150))
    return pd.concat([search([*mm], "mm"), search([*ns], "ns"), search([*mm / 5], "ls"), search([INF] * 140, "vae")])


def row(frame: pd.DataFrame, first: str, second: str) -> pd.Series:
    return frame[(frame["first"] == first) & (frame["second"] == second)].iloc[0]


def test_the_wider_search_overtakes_the_steady_one(settings: pd.DataFrame) -> None:
    frame = crossings(settings)
    found = row(frame, "ns", "mm")
    at = {k: row(beats(settings, k), "ns", "mm") for k in range(1, 21)}
    above = [k for k, one in at.items() if one["probability"] > 0.5]
    assert above == list(range(int(found["budget"]), 21))
    assert 1 < found["low"] <= found["budget"] <= found["high"] < 20
    assert found["high"] == next(k for k, one in at.items() if one["low"] > 0.5)
    assert found["probability"] == pytest.approx(at[20]["probability"])
    assert (found["n"], found["most"]) == (140, 20)
    back = row(frame, "mm", "ns")
    assert math.isnan(back["budget"])
    assert back[["low", "high"]].tolist() == [INF, INF]
    assert back["probability"] == pytest.approx(1 - found["probability"])


def test_what_is_always_better_is_so_from_the_first_setting(settings: pd.DataFrame) -> None:
    found = row(crossings(settings), "ls", "mm")
    assert found[["budget", "low", "high", "probability"]].tolist() == [1, 1, 1, 1]


def test_a_loss_that_failed_throughout_is_beaten_from_the_first_setting(settings: pd.DataFrame) -> None:
    assert row(crossings(settings), "mm", "vae")[["budget", "low", "high"]].tolist() == [1, 1, 1]
    assert math.isnan(row(crossings(settings), "vae", "mm")["budget"])


@pytest.mark.parametrize("n", [50, 100, 200])
def test_where_settings_fail_it_depends_on_no_count_of_failures(n: int) -> None:
    """mm is three times better and fails in a fifth: of more settings more fail, and it is ahead from one on."""
    random = np.random.default_rng(2)
    mm = np.where(random.random(n) < 0.2, INF, 20 * np.exp(0.5 * random.standard_normal(n)))
    found = row(crossings(pd.concat([search([*mm], "mm"), search([*60 * np.exp(0.5 * random.standard_normal(n))])
                                     .assign(loss="ns")])), "mm", "ns")  # fmt: skip
    assert found[["budget", "low", "high"]].tolist() == [1, 1, 1]


def test_the_default_is_no_draw(settings: pd.DataFrame) -> None:
    default = settings.drop_duplicates("loss").assign(sample=frames.DEFAULT, choice=1e-3, score=1e-3)
    pd.testing.assert_frame_equal(crossings(pd.concat([default, settings])), crossings(settings))


def test_neither_the_order_of_rows_nor_another_loss_changes_a_number(settings: pd.DataFrame) -> None:
    one = row(crossings(settings), "ns", "mm")
    shuffled = settings[settings["loss"].isin(["mm", "ns"])].sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(one, row(crossings(shuffled), "ns", "mm"), check_names=False)


def test_few_settings_have_no_budget() -> None:
    found = row(crossings(pd.concat([search([1.0] * 6, "mm"), search([3.0] * 9, "ns")])), "mm", "ns")
    assert (found["most"], found["n"]) == (0, 6)
    assert found[["budget", "low", "high", "probability"]].isna().all()


def test_nothing_ended_is_no_rows(unstarted: object) -> None:
    found = crossings(frames.settings(frames.load(unstarted)))  # type: ignore[arg-type]
    assert found.empty
    assert found.columns.tolist() == COLUMNS


@pytest.mark.parametrize("n", [20, 50])
def test_simulated_coverage_of_losses_that_cross(n: int) -> None:
    """150 studies, with a standard error of 1.8 %."""
    first, second = coverage_budget.lognormal(0.9, 0.4), coverage_budget.lognormal(0.4)
    assert np.mean(coverage_budget.crossed(first, second, n, 150)) >= 0.93


@pytest.mark.parametrize("n", [20, 50])
def test_simulated_coverage_of_equal_losses_which_never_cross(n: int) -> None:
    """300 studies, with a standard error of 1.3 %; of one order of the pair, so nominally 97.5 %."""
    equal = coverage_budget.lognormal(0.5)
    assert np.mean(coverage_budget.crossed(equal, equal, n, 300)) >= 0.95
