"""Practical equivalence of a study's losses."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import frames
from analysis.tables.practical import ALL, COLUMNS, practical
from analysis.tables.runs import runs
from tests.analysis.synthetic import Recipe, write

DATASETS = ("fashion", "mnist", "cifar10", "celeba", "triangles", "own")
LEVELS = {"mm": 10.0, "ns": 10.05, "ls": 20.0}


def noisy(loss: str, sample: int, seed: int) -> float:
    noise = np.random.default_rng([len(loss), ord(loss[0]), sample, seed]).standard_normal()
    return LEVELS[loss] * (1 + sample) * math.exp(0.01 * noise)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    recipe = Recipe(tuple(LEVELS), DATASETS, 1, 8, reported=noisy, chooses=noisy)
    return runs(frames.load(write(tmp_path_factory.mktemp("practical"), recipe)))


def row(table: pd.DataFrame, dataset: str, first: str, second: str) -> pd.Series:
    return table[(table["dataset"] == dataset) & (table["first"] == first) & (table["second"] == second)].iloc[0]


def test_half_a_per_cent_is_equivalent_and_a_factor_of_two_is_not(found: pd.DataFrame) -> None:
    table = practical(found)
    for dataset in (*DATASETS, ALL):
        assert row(table, dataset, "mm", "ns")["equivalent"] > 0.95
        assert row(table, dataset, "mm", "ls")["better"] > 0.95
    assert table[["better", "equivalent", "worse"]].sum(axis=1).to_numpy() == pytest.approx(1)
    assert row(table, "fashion", "mm", "ns")["n"] == 8
    assert row(table, ALL, "mm", "ns")["n"] == 6


def test_the_region_is_what_the_caller_calls_equal(found: pd.DataFrame) -> None:
    assert row(practical(found, rope=1.5), "fashion", "mm", "ls")["equivalent"] > 0.97
    assert row(practical(found, rope=0.0), ALL, "mm", "ls")["better"] > 0.95


def test_the_order_of_rows_changes_no_number(found: pd.DataFrame) -> None:
    table = practical(found)
    shuffled = practical(found.sample(frac=1, random_state=1).sort_values("loss", kind="stable", key=lambda names:
                         names.map(list(LEVELS).index)))  # fmt: skip
    both = table.merge(shuffled, on=["phase", "dataset", "first", "second"])
    assert len(both) == len(table)
    np.testing.assert_array_equal(both["better_x"], both["better_y"])


def test_failed_seeds_count(found: pd.DataFrame) -> None:
    """mm is half a per cent better than ns until half of its seeds fail on every data set."""
    failing = found.assign(score=found["score"].where((found["loss"] != "mm") | (found["seed"] % 2 == 1), math.inf))
    table = practical(failing)
    assert row(table, "fashion", "mm", "ns")["worse"] > 0.3
    assert row(table, ALL, "mm", "ns")["worse"] > 0.95
    assert row(table, "fashion", "mm", "ns")["n"] == 8


def test_few_seeds_and_few_data_sets_are_not_compared(found: pd.DataFrame) -> None:
    few = practical(found[(found["seed"] < 5) & (found["dataset"] != "own")])
    assert len(few) == 3 * 6
    assert few["better"].isna().all()


def test_what_the_seeds_chose_themselves_is_not_compared(tmp_path: Path) -> None:
    recipe = Recipe(("mm", "ls"), ("fashion",), 2, 8, reported=noisy, chooses=noisy)
    assert practical(runs(frames.load(write(tmp_path, recipe)))).empty


def test_medians_are_compared_and_not_means(tmp_path: Path) -> None:
    """Three of 13 seeds of mm are three times as bad: its mean logarithm is a quarter higher, its median is not."""

    def scored(loss: str, sample: int, seed: int) -> float:
        return (10.0 + 0.01 * seed) * (3.0 if loss == "mm" and seed % 5 == 0 else 1.0)

    recipe = Recipe(("mm", "ns"), ("fashion",), 1, 13, reported=scored, chooses=scored)
    table = practical(runs(frames.load(write(tmp_path, recipe))))
    assert row(table, "fashion", "mm", "ns")["equivalent"] > 0.9


def test_single_seeds_are_compared_over_data_sets_only(found: pd.DataFrame) -> None:
    table = practical(found[found["seed"] == 0])
    assert math.isnan(row(table, "fashion", "mm", "ls")["better"])
    assert row(table, ALL, "mm", "ls")["better"] > 0.9


def test_scores_without_a_logarithm_are_not_compared(found: pd.DataFrame) -> None:
    table = practical(found.assign(score=found["score"] - 11.0))
    assert math.isnan(row(table, "fashion", "mm", "ns")["better"])


def test_nothing_has_these_columns(unstarted: Path) -> None:
    assert practical(runs(frames.load(unstarted))).columns.tolist() == COLUMNS
