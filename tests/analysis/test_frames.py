"""Frames of synthetic studies: what counts as what, which setting ranks where, and what may not be compared."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import frames
from study.errors import StudyError
from study.results import Store
from tests.analysis import synthetic
from tests.analysis.synthetic import Recipe, planned, score, write


def setting(found: pd.DataFrame, loss: str, sample: int, dataset: str = "fashion") -> pd.Series:
    rows = (found["loss"] == loss) & (found["sample"] == sample) & (found["dataset"] == dataset)
    return found[rows].iloc[0]


def test_only_a_done_trial_has_its_score_as_a_number(demo: Path) -> None:
    trials = frames.load(demo).trials.set_index(["loss", "sample"])
    assert trials.loc[("wgan", 1), "score"] > 0  # it was measured before it diverged
    assert trials.loc[("wgan", 1), "outcome"] == math.inf
    assert trials.loc[("began", 2), "outcome"] == math.inf
    assert np.isnan(trials.loc[("mm", 2), "outcome"])
    assert np.isnan(trials.loc[("mm", 3), "outcome"])
    assert trials.loc[("ns", 1), "outcome"] == pytest.approx(score("ns", 1, 0))


def test_a_done_trial_without_a_finite_score_counts_as_failed() -> None:
    trials = pd.DataFrame({"status": ["done", "done", "waiting"], "score": [math.nan, 2.0, math.nan]})
    np.testing.assert_array_equal(frames.outcomes(trials), [math.inf, 2.0, math.nan])


def test_mean_and_standard_error_over_seeds(seeds: Path) -> None:
    found = setting(frames.settings(frames.load(seeds)), "began", 1)
    scores = [score("began", 1, seed) for seed in range(6)]
    assert found["mean"] == pytest.approx(np.mean(scores))
    assert found["score"] == pytest.approx(np.mean(scores))
    assert found["standard_error"] == pytest.approx(np.std(scores, ddof=1) / np.sqrt(6))
    assert (found["seeds"], found["done"], found["failed"], found["missing"]) == (6, 6, 0, 0)


def test_one_seed_has_no_standard_error(demo: Path) -> None:
    assert np.isnan(setting(frames.settings(frames.load(demo)), "ns", 1)["standard_error"])


def test_a_setting_with_a_failed_seed_shows_the_mean_of_the_rest_and_ranks_behind(seeds: Path) -> None:
    found = frames.settings(frames.load(seeds))
    default = setting(found, "vae", 0)
    assert default["mean"] == pytest.approx(np.mean([score("vae", 0, seed) for seed in range(1, 6)]))
    assert (default["done"], default["failed"], default["score"]) == (5, 1, math.inf)
    assert default["seed"] == 1  # seed 0 failed and has no sample grid
    order = found.loc[(found["loss"] == "vae") & (found["dataset"] == "fashion"), "sample"].tolist()
    assert order[-1] == 0


def test_missing_settings_have_no_score_and_come_last(seeds: Path) -> None:
    found = frames.settings(frames.load(seeds))
    missing = setting(found, "mm", 2)
    assert np.isnan(missing["score"])
    assert missing["missing"] == 6
    assert found.loc[(found["loss"] == "mm") & (found["dataset"] == "fashion"), "sample"].tolist()[-1] == 2


def test_learning_follows_the_seeds_that_are_done(seeds: Path) -> None:
    study = frames.load(seeds)
    chosen = pd.DataFrame([{"phase": "wide", "dataset": "fashion", "loss": "vae", "sample": 0}])
    curve = frames.learning(study, chosen)
    assert curve["step"].tolist() == [100, 200, 300]
    assert curve["n"].tolist() == [5, 5, 5]
    ends = [score("vae", 0, seed) for seed in range(1, 6)]
    last = curve.iloc[-1]
    assert (last["low"], last["mean"], last["high"]) == pytest.approx((min(ends), np.mean(ends), max(ends)))


def test_mixed_fingerprints_are_refused_with_the_fields_that_differ(tmp_path: Path) -> None:
    folder = remeasured(tmp_path, generated=500)
    with pytest.raises(StudyError, match=r"fashion .* 2 ways .*generated: 1000, 500"):
        frames.load(folder)
    assert len(frames.load(folder, mixed=True).trials) == 2


def test_nested_fingerprint_fields_are_named_in_full(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"extractor\.sha256"):
        frames.load(remeasured(tmp_path, extractor={"name": "cnn28", "sha256": "ffff"}))


def test_data_sets_may_be_measured_differently(seeds: Path) -> None:
    assert set(
        frames.load(seeds).evaluations["fingerprint"].dropna().map(lambda text: json.loads(text)["dataset"])
    ) == {
        "fashion",
        "triangles",
    }


def test_a_folder_without_a_study_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=str(tmp_path)):
        frames.load(tmp_path)


def remeasured(folder: Path, **changes: object) -> Path:
    """Two trials of which the second was measured with another fingerprint."""
    recipe = Recipe(("mm",), settings=2)
    write(folder, recipe)
    second = list(planned(recipe))[1]
    text = json.dumps(synthetic.FINGERPRINT | changes)
    rows = [row | {"fingerprint": text} for row in synthetic.attempt(second, recipe, "done")]
    Store(folder).write(second["trial"], 1, rows)
    return folder
