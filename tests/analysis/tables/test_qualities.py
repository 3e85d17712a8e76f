"""Extremes of precision and recall, and whether F1 orders settings as the score does: by hand."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.tables import qualities


def frame(**columns: Any) -> pd.DataFrame:
    rows = pd.DataFrame(columns)
    more = {"phase": "wide", "dataset": "triangles", "seed": 0, "step": 100.0, "trial": "t", "f1": 0.1, "score": 1.0}
    more |= {"loss": "mm", "sample": range(len(rows)), "done": True, "seeds": 1, "missing": 0}
    return rows.assign(**{name: value for name, value in more.items() if name not in columns})


def corners(precision: list[float], recall: list[float], **more: Any) -> dict[str, int]:
    found = qualities.corners(frame(precision=precision, recall=recall, **more))
    return dict(zip(found["corner"], found["sample"], strict=True))


def test_the_run_nearest_to_each_corner() -> None:
    """The median of both is 0.5: high is above it."""
    precision, recall = [0.9, 0.8, 0.95, 0.1, 0.2, 0.0, 0.5], [0.9, 0.8, 0.1, 0.95, 0.1, 0.0, 0.5]
    assert corners(precision, recall) == {
        "high precision, high recall": 0, "high precision, low recall": 2, "low precision, high recall": 3,
        "low precision, low recall": 5,
    }  # fmt: skip


def test_a_corner_that_no_run_is_at_is_missing() -> None:
    assert corners([0.1, 0.9], [0.1, 0.9]) == {"high precision, high recall": 1, "low precision, low recall": 0}
    assert corners([0.5], [0.5]) == {"low precision, low recall": 0}  # nothing is above its own median


def test_what_is_not_done_is_in_no_corner_and_every_place_has_its_own() -> None:
    rows = frame(precision=[0.1, 0.9, 0.95], recall=[0.1, 0.9, 0.95], done=[True, True, False])
    both = pd.concat([rows, rows.assign(dataset="polygons")])
    found = qualities.corners(both)
    assert found["sample"].tolist() == [1, 0, 1, 0]
    assert found["dataset"].tolist() == ["triangles"] * 2 + ["polygons"] * 2
    assert qualities.corners(rows.assign(done=False)).columns.tolist() == qualities.CORNER


def test_rank_correlation_is_of_what_did_not_fail() -> None:
    rows = frame(
        score=[3.0, 1.0, 2.0, 9.0, math.inf, math.nan], f1=[0.4, 0.8, 0.7, 0.5, 0.0, math.nan],
        done=[1, 1, 1, 1, 0, 0], missing=[0, 0, 0, 0, 0, 1],
    )  # fmt: skip
    rows["loss"] = ["mm", "mm", "mm", "vae", "vae", "vae"]
    found = qualities.agreement(rows).set_index("loss")
    assert found["correlation"]["mm"] == pytest.approx(-1)
    assert np.isnan(found["correlation"]["vae"])  # of one
    assert found["correlation"][qualities.ALL] == pytest.approx(stats.spearmanr([3, 1, 2, 9], [0.4, 0.8, 0.7, 0.5])[0])
    assert found[["n", "failed"]].to_dict("index") == {
        qualities.ALL: {"n": 4, "failed": 1}, "mm": {"n": 3, "failed": 0}, "vae": {"n": 1, "failed": 1},
    }  # fmt: skip


def test_equal_numbers_have_no_order() -> None:
    found = qualities.agreement(frame(score=[1.0, 2.0, 3.0], f1=[0.0, 0.0, 0.0], done=1))
    assert found["correlation"].isna().all()
