"""The words for those who cannot see a picture: true of one thing as of several."""

import numpy as np
import pandas as pd
import pytest

from analysis import captions
from analysis.captions.words import chance


@pytest.mark.parametrize(("probability", "words"), [
    (0.0, "0.00"), (0.004, "less than 0.01"), (0.005, "0.01"), (0.73, "0.73"), (0.996, "more than 0.99"), (1.0, "1.00"),
])  # fmt: skip
def test_a_small_probability_is_not_called_none(probability: float, words: str) -> None:
    assert chance(probability) == words


def test_an_end_that_is_not_known_is_not_called_zero_or_infinite() -> None:
    rows = {"low": [0.0, 2.0, 0.0, 2.0], "high": [85.3, np.inf, np.inf, 4.0], "median": 3.0, "level": 0.95, "k": 5}
    found = pd.DataFrame({"dataset": "mnist", "loss": ["mm", "ns", "ls", "vae"], **rows})
    told = captions.tuning(found, "fid")
    assert all(words in told for words in (
        "mm 3 (up to 85.3)", "ns 3 (2 or more)", "ls 3 (nothing is known)", "vae 3 (2 to 4)",
    ))  # fmt: skip


def test_one_repeat_is_one() -> None:
    found = pd.DataFrame({"dataset": "mnist", "loss": ["mm"], "mean": [2.0], "spent": [100], "n": [1]})
    assert ", over 1 repeat. " in captions.repeats(found, "fid", "steps")
    assert ", over 3 repeats. " in captions.repeats(found.assign(n=3), "fid", "steps")


def test_searches_that_failures_make_infinite_are_told_apart_from_what_is_drawn() -> None:
    curves = pd.DataFrame({"dataset": "mnist", "loss": ["mm", "vae"], "mean": [np.inf, 2.0], "k": 1, "n": 1})
    drawn = curves.assign(mean=1.0)
    told = "Infinite at every k, by a failed setting: 1 search, "
    assert captions.published_budget(curves, "fid", drawn).endswith(f"{told}drawn without it.")
    assert captions.published_budget(curves, "fid").endswith(f"{told}not drawn.")


def test_data_sets_are_counted_where_there_are_several() -> None:
    means = pd.DataFrame({"loss": ["mm"], "mean": [1.0], "low": [np.nan], "high": [np.nan], "datasets": [1]})
    assert captions.interquartile_means(means).endswith("of the normalised score: mm 1.")
    assert "score, over 3 data sets: mm 1." in captions.interquartile_means(means.assign(datasets=3))


def test_the_most_important_has_its_interval() -> None:
    found = pd.DataFrame({
        "dataset": "mnist", "loss": ["mm", "mm", "vae"], "hyperparameter": ["beta1", "learning_rate", "beta1"],
        "importance": [0.3, 0.7, 1.0], "low": [0.1, 0.25, np.nan], "high": [0.5, 0.95, np.nan],
    })  # fmt: skip
    assert captions.importances(found).endswith("mm learning rate (70 %, 25 to 95) and vae beta1 (100 %).")


def test_points_of_two_data_sets_are_not_called_so_many_settings() -> None:
    settings = pd.DataFrame({
        "dataset": ["mnist", "fashion"] * 2, "loss": "mm", "score": [1.0, 2.0, 3.0, np.inf],
        "learning_rate": [0.1, 0.1, 0.2, 0.2],
    })  # fmt: skip
    told = captions.sensitivity(settings, "fid")
    assert "fid of 4 points, a setting of mm each, over 2 data sets, against learning rate." in told
