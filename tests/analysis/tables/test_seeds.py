"""Stability of repeated settings."""

import math
from pathlib import Path

import numpy as np
import pytest

from analysis import frames
from analysis.tables.seeds import COLUMNS, stability
from tests.analysis.synthetic import Recipe, score, write


def test_of_a_study(seeds: Path) -> None:
    found = stability(frames.load(seeds))
    assert found.columns.tolist() == COLUMNS
    assert len(found) == 2 * (3 * 3 - 1)  # mm's sample 2 has not ended
    row = found[(found["dataset"] == "fashion") & (found["loss"] == "mm") & (found["sample"] == 1)].iloc[0]
    scores = [score("mm", 1, seed) for seed in range(6)]
    want = [np.median(scores), *np.quantile(scores, [0.25, 0.75]), min(scores)]
    assert row[["median", "q1", "q3", "least"]].tolist() == pytest.approx(want)
    assert row["spread"] == pytest.approx(want[2] / want[1])


def test_an_interval_is_given_where_the_seeds_did_not_choose(seeds: Path, tmp_path: Path) -> None:
    """Of three settings the best is the luckiest; one that stands alone has nothing to be lucky against."""
    ends = ["low", "high", "spread_low", "spread_high"]
    assert stability(frames.load(seeds))[ends].isna().to_numpy().all()
    row = stability(frames.load(write(tmp_path, Recipe(("mm",), settings=1, seeds=13)))).iloc[0]
    assert row["low"] < row["median"] < row["high"]
    assert row["spread_low"] < row["spread"] < row["spread_high"]


def test_failed_seeds_are_at_infinity(seeds: Path, tmp_path: Path) -> None:
    """vae's default fails once of six; began's sample 2 always."""
    found = stability(frames.load(seeds)).set_index(["dataset", "loss", "sample"])
    once, always = found.loc[("fashion", "vae", 0)], found.loc[("fashion", "began", 2)]
    assert (once["seeds"], once["failed"]) == (6, 1)
    assert math.isfinite(once["median"])
    assert math.isfinite(once["spread"])
    assert (always["failed"], always["median"], always["least"]) == (6, math.inf, math.inf)
    assert math.isnan(always["spread"])
    recipe = Recipe(("mm",), settings=1, seeds=13, ending=lambda _, sample, seed: "failed" if seed < 2 else "done")
    alone = stability(frames.load(write(tmp_path, recipe))).iloc[0]
    assert alone["low"] < alone["high"]
    assert (alone["failed"], alone["spread_high"]) == (2, math.inf)


def test_few_seeds_have_no_interval_and_single_ones_no_row(tmp_path: Path, demo: Path) -> None:
    found = stability(frames.load(write(tmp_path, Recipe(("mm",), settings=1, seeds=3))))
    assert math.isnan(found["low"].iloc[0])
    assert math.isfinite(found["median"].iloc[0])
    assert stability(frames.load(demo)).columns.tolist() == COLUMNS
    assert stability(frames.load(demo)).empty
