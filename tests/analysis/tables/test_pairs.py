"""Which loss beats which, as a table."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import frames
from analysis.intervals.probability import SHARE
from analysis.tables import pairs
from tests.analysis.tables.test_budget import search

INF = math.inf
RANDOM = np.random.default_rng(5)
SCORES = {"mm": RANDOM.lognormal(3.0, 0.5, 30), "ns": RANDOM.lognormal(1.0, 0.5, 40), "ls": RANDOM.lognormal(3.0, 1, 8)}


@pytest.fixture
def settings() -> pd.DataFrame:
    failing = [*SCORES["mm"][:25], *[INF] * 5]
    return pd.concat([search(failing, "mm"), search([*SCORES["ns"], math.nan], "ns"), search([*SCORES["ls"]], "ls")])


def row(frame: pd.DataFrame, first: str, second: str) -> pd.Series:
    return frame[(frame["first"] == first) & (frame["second"] == second)].iloc[0]


def test_one_setting_each_is_mann_whitney_with_failures_last(settings: pd.DataFrame) -> None:
    found = row(pairs.beats(settings, 1), "ns", "mm")
    first, second = (settings.loc[settings["loss"] == loss, "score"].dropna() for loss in ("ns", "mm"))
    assert found["probability"] == pytest.approx(stats.mannwhitneyu(second, first).statistic / 30 / 40)
    assert found["low"] < found["probability"] < found["high"]
    assert (found["n_first"], found["n_second"], found["meaningful"]) == (40, 30, True)


def test_both_orders_mirror_each_other(settings: pd.DataFrame) -> None:
    frame = pairs.beats(settings, 1)
    assert len(frame) == 6
    one, other = row(frame, "mm", "ns"), row(frame, "ns", "mm")
    assert (one["n_first"], one["n_second"]) == (other["n_second"], other["n_first"])
    assert one["probability"] == pytest.approx(1 - other["probability"])
    assert (one["low"], one["high"]) == pytest.approx((1 - other["high"], 1 - other["low"]))
    assert not one["meaningful"]


def test_beyond_what_holds_there_is_no_interval_and_nothing_is_meaningful(settings: pd.DataFrame) -> None:
    k = 30 // SHARE + 1
    found = row(pairs.beats(settings, k), "ns", "mm")
    assert found["probability"] > 0.95
    assert math.isnan(found["low"])
    assert math.isnan(found["high"])
    assert not found["meaningful"]


def test_meaningful_is_corrected_for_the_pairs_of_a_data_set() -> None:
    """By itself the pair is surely above one half; beside six more losses, of which nobody knows, it is not."""
    random = np.random.default_rng(1)
    pair = [search([*random.normal(0, 1, 20)], "mm"), search([*random.normal(0.9, 1, 20)], "ns")]
    others = [search([*random.normal(0, 1, 20)], loss) for loss in ("ls", "wgan", "vae", "began", "dragan", "wgan_gp")]
    alone, among = (row(pairs.beats(pd.concat(rows), 1), "mm", "ns") for rows in (pair, pair + others))
    assert alone[["probability", "low", "high"]].tolist() == among[["probability", "low", "high"]].tolist()
    assert alone["low"] > 0.5
    assert alone["probability"] >= pairs.LIKELY
    assert (alone["meaningful"], among["meaningful"]) == (True, False)


def test_of_losses_that_are_all_equal_hardly_any_pair_is_called_meaningful() -> None:
    """40 data sets of 8 losses with 20 settings each: 5 % of the data sets at most have such a pair."""
    random = np.random.default_rng(8)
    studies = [
        search([*random.random(20)], loss).assign(dataset=f"d{number:02}")
        for number in range(40)
        for loss in "abcdefgh"
    ]
    found = pairs.beats(pd.concat(studies), 1)
    assert found.groupby("dataset")["meaningful"].any().sum() <= 3


def test_the_default_is_no_draw(settings: pd.DataFrame) -> None:
    default = settings.drop_duplicates("loss").assign(sample=frames.DEFAULT, choice=1e-3, score=1e-3)
    pd.testing.assert_frame_equal(pairs.beats(pd.concat([default, settings]), 1), pairs.beats(settings, 1))


def test_a_loss_with_too_few_settings_is_in_no_pair(settings: pd.DataFrame) -> None:
    frame = pairs.by_budget(settings, [1, 8, 9, 31])
    assert frame.groupby("k").size().to_dict() == {1: 6, 8: 6, 9: 2}


def test_the_order_of_the_rows_changes_no_number(settings: pd.DataFrame) -> None:
    keys = ["first", "second"]
    one = pairs.beats(settings, 2).sort_values(keys, ignore_index=True)
    shuffled = settings.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(one, pairs.beats(shuffled, 2).sort_values(keys, ignore_index=True))


def test_nothing_ended_is_no_rows(unstarted: object) -> None:
    settings = frames.settings(frames.load(unstarted))  # type: ignore[arg-type]
    for found in (pairs.beats(settings, 1), pairs.by_budget(settings, [1, 5]), pairs.by_budget(settings, [])):
        assert found.empty
        assert found.columns.tolist() == pairs.COLUMNS
