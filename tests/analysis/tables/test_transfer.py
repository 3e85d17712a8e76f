"""What one data set's best setting is worth on another."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import captions, frames
from analysis.tables.transfer import COLUMNS, transfers
from tests.analysis.synthetic import Recipe, write

INF = float("inf")


def table(*scores: tuple[str, int, float, float], **columns: list[object]) -> pd.DataFrame:
    """Settings (data set, sample, choice, score) of one loss."""
    rows = pd.DataFrame(scores, columns=["dataset", "sample", "choice", "score"])
    return rows.assign(phase="wide", loss="mm", **columns)


def cell(found: pd.DataFrame, origin: str, target: str) -> pd.Series:
    return found[(found["chosen_on"] == origin) & (found["used_on"] == target)].iloc[0]


def test_by_hand() -> None:
    found = transfers(table(("a", 0, 1.0, 2.0), ("a", 1, 5.0, 6.0), ("a", 2, 3.0, 3.0),
                            ("b", 0, 9.0, 8.0), ("b", 1, 4.0, 4.0), ("b", 2, INF, INF)))  # fmt: skip
    assert cell(found, "a", "b")[["sample", "score", "best", "regret", "rank", "n"]].tolist() == [0, 8, 4, 2, 2, 3]
    assert cell(found, "b", "a")[["sample", "score", "best", "regret", "rank", "n"]].tolist() == [1, 6, 2, 3, 3, 3]
    assert cell(found, "a", "a")[["regret", "rank"]].tolist() == [1.0, 1.0]


def test_a_failure_elsewhere_is_an_infinite_regret_and_ranks_with_its_like() -> None:
    found = transfers(table(("a", 0, 1.0, 2.0), ("a", 1, 5.0, 6.0),
                            ("b", 0, INF, INF), ("b", 1, 4.0, 4.0), ("b", 2, INF, INF)))  # fmt: skip
    assert cell(found, "a", "b")[["regret", "rank"]].tolist() == [INF, 2.5]


def test_what_was_not_run_or_is_another_setting_has_no_row() -> None:
    best = [("a", 0, 1.0, 2.0), ("b", 1, 4.0, 4.0), ("c", 0, 7.0, 7.0)]
    rows = [*best, ("a", 3, 9.0, 9.0), ("b", 4, 9.0, 9.0), ("c", 5, 9.0, 9.0)]
    found = transfers(table(*rows, learning_rate=[1e-3] * 6))
    assert set(zip(found["chosen_on"], found["used_on"], strict=True)) == {
        ("a", "a"), ("a", "c"), ("c", "a"), ("b", "b"), ("c", "c"),
    }  # fmt: skip
    assert len(transfers(table(*rows, learning_rate=[1e-3, 1e-3, 1e-4, 1e-3, 1e-3, 1e-3]))) == 3


def test_a_data_set_on_which_nothing_works_is_not_there() -> None:
    found = transfers(table(("a", 0, 1.0, 2.0), ("a", 1, 3.0, 3.0), ("b", 0, INF, INF), ("b", 1, INF, INF)))
    assert found[["chosen_on", "used_on"]].to_numpy().tolist() == [["a", "a"]]


def test_one_setting_was_not_chosen_so_it_has_no_row() -> None:
    """Its regret would be 1 whatever the settings are worth."""
    one, two = ("a", 0, 1.0, 2.0), (("b", 0, 3.0, 3.0), ("b", 1, 4.0, 4.0))
    assert transfers(table(one, ("b", 0, 3.0, 3.0))).empty
    assert transfers(table(one, *two))["used_on"].unique().tolist() == ["b"]
    assert transfers(table(one, ("a", 1, np.nan, np.nan), *two))["used_on"].unique().tolist() == ["b"]
    assert len(transfers(table(one, ("a", 1, 5.0, 5.0), *two))) == 4


def test_of_a_study(tmp_path: Path, unstarted: Path) -> None:
    study = frames.load(write(tmp_path, Recipe(("mm", "vae"), ("fashion", "mnist"), 3)))
    found = transfers(frames.settings(study))
    assert len(found) == 2 * 4
    assert found["regret"].to_numpy() == pytest.approx(1)
    assert transfers(frames.settings(frames.load(unstarted))).columns.tolist() == COLUMNS


def test_the_caption_says_whose_luck_a_regret_holds() -> None:
    """Of settings that are all equal the own choice is the luckiest run, and the carried one any other."""
    random = np.random.default_rng(4)
    rows = [
        (dataset, i, score, score) for dataset in "ab" for i, score in enumerate(np.exp(random.normal(0, 0.3, 100)))
    ]
    found = transfers(table(*rows))
    assert cell(found, "a", "b")["regret"] > 1.5
    assert "The own choice is scored by the runs that chose it, whose luck is in these numbers." in captions.transfers(
        found
    )
