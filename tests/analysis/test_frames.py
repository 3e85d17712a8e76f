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
from tests.analysis.synthetic import MEASURE, Recipe, planned, score, write


def setting(found: pd.DataFrame, loss: str, sample: int, dataset: str = "fashion") -> pd.Series:
    rows = (found["loss"] == loss) & (found["sample"] == sample) & (found["dataset"] == dataset)
    return found[rows].iloc[0]


def test_a_study_that_is_kept_in_a_file_is_loaded_as_it_was(demo: Path, tmp_path: Path) -> None:
    study = frames.load(demo)
    for name in ("one", "two"):
        study.keep(tmp_path / name)
    again = frames.load(tmp_path / "one")
    assert (again.folder, again.name) == (study.folder, study.name)
    for name in ("trials", "evaluations", "attempts"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(study, name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_what_is_kept_is_refused_as_a_folder_is(tmp_path: Path) -> None:
    other = Recipe(("vae",), phase="late", measure=MEASURE | {"generated": 500})
    frames.load(write(tmp_path / "study", Recipe(("mm",)), other), mixed=True).keep(tmp_path / "rows.zip")
    with pytest.raises(StudyError, match="generated"):
        frames.load(tmp_path / "rows.zip")


def test_only_a_done_trial_has_its_score_as_a_number(demo: Path) -> None:
    trials = frames.load(demo).trials.set_index(["loss", "sample"])
    assert trials.loc[("wgan", 1), "score"] > 0  # it was measured before it diverged
    assert trials.loc[("wgan", 1), "outcome"] == math.inf
    assert trials.loc[("began", 2), "outcome"] == math.inf
    assert trials.loc[("wgan", 1), "choice"] == math.inf
    assert np.isnan(trials.loc[("mm", 2), "outcome"])
    assert np.isnan(trials.loc[("mm", 2), "choice"])
    assert np.isnan(trials.loc[("mm", 3), "outcome"])
    assert trials.loc[("ns", 1), "outcome"] == pytest.approx(score("ns", 1, 0))
    assert trials.loc[("ns", 1), "choice"] == pytest.approx(0.9 * score("ns", 1, 0))


def test_a_done_trial_without_a_finite_score_counts_as_failed() -> None:
    statuses = ["done", "done", "waiting", "done"]
    numbers = {"score": [math.nan, 2.0, math.nan, 5.0], "selection_score": [math.nan, 1.0, math.nan, math.nan]}
    found = frames.outcomes(pd.DataFrame({"status": statuses, **numbers}))
    np.testing.assert_array_equal(found["outcome"], [math.inf, 2.0, math.nan, math.inf])
    np.testing.assert_array_equal(found["choice"], [math.inf, 1.0, math.nan, math.inf])


def test_settings_are_chosen_by_one_score_and_shown_by_the_other(tmp_path: Path) -> None:
    """Sample 0 reports the least, but sample 2 was chosen: ties in choice go to the lower sample."""
    reported, chooses = [1.0, 2.0, 3.0, 4.0], [9.0, 8.0, 5.0, 5.0]
    recipe = Recipe(("mm",), reported=lambda _, sample, seed: reported[sample],
                    chooses=lambda _, sample, seed: chooses[sample])  # fmt: skip
    study = frames.load(write(tmp_path, recipe))
    found = frames.settings(study)
    assert found["sample"].tolist() == [2, 3, 1, 0]
    assert found["score"].tolist() == [3.0, 4.0, 2.0, 1.0]
    assert found["choice"].tolist() == [5.0, 5.0, 8.0, 9.0]
    assert study.objective("fashion") == "fd_cnn28"
    curve = frames.learning(study, found.head(1))
    assert curve["mean"].tolist() == [6.0, 4.5, 3.0]


def test_among_settings_that_failed_the_share_then_what_chose_decides(tmp_path: Path) -> None:
    """Samples 0 and 1 lost one seed of two, sample 2 both."""
    reported, chooses = [1.0, 2.0, 0.0], [7.0, 6.0, 0.0]
    recipe = Recipe(("mm",), settings=3, seeds=2, reported=lambda _, sample, seed: reported[sample],
                    chooses=lambda _, sample, seed: chooses[sample],
                    ending=lambda _, sample, seed: "done" if sample < 2 and seed else "failed")  # fmt: skip
    found = frames.settings(frames.load(write(tmp_path, recipe)))
    assert found["sample"].tolist() == [1, 0, 2]
    assert found["choice"].tolist() == [math.inf] * 3
    assert found["choice_mean"].tolist()[:2] == [6.0, 7.0]


def test_the_published_way_chooses_and_shows_one_number(tmp_path: Path) -> None:
    recipe = Recipe(("mm", "ns"), measure=MEASURE | {"selection": "test"}, chooses=score)
    found = frames.settings(frames.load(write(tmp_path, recipe)))
    assert found["choice"].tolist() == found["score"].tolist()


def test_two_variants_in_one_search_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, Recipe(("ls",)), Recipe(("ls",), samples=(7,), variants={"ls": "corrected"}))
    with pytest.raises(StudyError, match=r"wide/fashion/ls has more than one variant \(as_run, corrected\)"):
        frames.load(folder)


def test_two_objectives_on_one_data_set_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, Recipe(("ls",)), Recipe(("mm",), measure=MEASURE | {"selection": "test"}, phase="more"))
    with pytest.raises(StudyError, match=r"fashion has more than one objective \(fd_cnn28, fd_cnn28_selection\)"):
        frames.load(folder, mixed=True)


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
    with pytest.raises(StudyError, match=r"metrics\.fd: 1, 2"):
        frames.load(remeasured(tmp_path, metrics={"fd": 2}))


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
    text = json.dumps(synthetic.fingerprint(recipe, "fashion") | changes)
    rows = [row | {"fingerprint": text} for row in synthetic.attempt(second, recipe, "done")]
    Store(folder).write(second["trial"], 1, rows)
    return folder
