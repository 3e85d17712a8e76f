"""The runs of a study and their common scale."""

import math
from pathlib import Path

import numpy as np
import pytest

from analysis import frames
from analysis.tables.runs import COLUMNS, runs
from tests.analysis.synthetic import Recipe, write


def test_normalised_by_the_median_of_all_losses_on_the_data_set(tmp_path: Path) -> None:
    """Scores 1, 2 of mm and 4, failed of ns: median 2 of those that are finite."""
    scores = {("mm", 0): 1.0, ("mm", 1): 2.0, ("ns", 0): 4.0, ("ns", 1): 9.0}
    recipe = Recipe(("mm", "ns"), settings=2, reported=lambda loss, sample, _: scores[loss, sample],
                    chooses=lambda loss, sample, _: 10 - scores[loss, sample],
                    ending=lambda loss, sample, _: "diverged" if scores[loss, sample] == 9 else "done")  # fmt: skip
    found = runs(frames.load(write(tmp_path, recipe)))
    assert found.columns.tolist() == COLUMNS
    assert found["score"].tolist() == [1.0, 2.0, 4.0, math.inf]
    assert found["normalised"].tolist() == pytest.approx([0.5, 1.0, 2.0, math.inf])
    assert found["chosen"].tolist() == [False, True, True, False]
    assert not found["given"].any()
    assert set(found["sampler"]) == {"published"}


def test_phases_are_apart_and_can_be_asked_for(tmp_path: Path) -> None:
    wide = Recipe(("mm", "ns"), settings=3)
    repeats = Recipe(("mm", "ns"), samples=(2,), seeds=4, phase="seeds", reported=lambda *_: 5.0)
    study = frames.load(write(tmp_path, wide, repeats))
    assert len(runs(study)) == 6 + 8
    only = runs(study, "seeds")
    assert only["phase"].unique().tolist() == ["seeds"]
    assert only["normalised"].tolist() == [1.0] * 8
    assert only["chosen"].all()
    assert runs(study)["given"].tolist() == [False] * 6 + [True] * 8


def test_failures_leave_a_scale_and_without_one_are_failures(tmp_path: Path) -> None:
    recipe = Recipe(("mm", "ns"), settings=2, ending=lambda loss, *_: "failed" if loss == "ns" else "done")
    found = runs(frames.load(write(tmp_path / "half", recipe)))
    assert np.isinf(found.loc[found["loss"] == "ns", "normalised"]).all()
    assert found.loc[found["loss"] == "mm", "normalised"].mean() == pytest.approx(1)
    nothing = Recipe(("mm", "ns"), settings=2, ending=lambda *_: "failed")
    assert np.isinf(runs(frames.load(write(tmp_path / "nothing", nothing)))["normalised"]).all()


def test_what_is_missing_is_no_run(demo: Path, unstarted: Path) -> None:
    assert len(runs(frames.load(demo))) == 30
    assert runs(frames.load(unstarted)).empty
    assert runs(frames.load(unstarted)).columns.tolist() == COLUMNS
