"""Importances of a study's hyperparameters."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import frames
from analysis.tables.importance import COLUMNS, importances
from tests.analysis.synthetic import Recipe, hyperparameters, write


def rate(loss: str, sample: int, seed: int) -> float:
    """Better the nearer the learning rate, 1e-4 (1 + sample), is to 1.5e-3."""
    return 1.0 + abs(sample - 14) + (0.5 if loss == "vae" else 0.0)


def known(folder: Path) -> pd.DataFrame:
    """The settings of a synthetic study with the hyperparameters that its rows have and its plan has not."""
    found = frames.settings(frames.load(folder))
    values = [hyperparameters(loss, sample) for loss, sample in zip(found["loss"], found["sample"], strict=True)]
    return found.assign(**{name: [row.get(name, math.nan) for row in values] for name in frames.HYPERPARAMETERS})


def test_of_a_study(tmp_path: Path) -> None:
    recipe = Recipe(("ns", "vae"), settings=30, reported=rate, chooses=rate,
                    ending=lambda loss, sample, seed: "failed" if sample == 29 else "done")  # fmt: skip
    settings = known(write(tmp_path, recipe))
    found = importances(settings)
    assert found.columns.tolist() == COLUMNS
    assert found["loss"].unique().tolist() == ["ns", "vae"]
    assert found.loc[found["loss"] == "ns", "hyperparameter"].tolist() == ["learning_rate", "disc_iters", "batch_norm"]
    first = found[found["hyperparameter"] == "learning_rate"]
    assert (first["importance"] > 0.9).all()
    assert found.groupby("loss")["importance"].sum().to_numpy() == pytest.approx(1)
    assert ((found["low"] <= found["importance"]) & (found["importance"] <= found["high"])).all()
    assert first[["n", "failed"]].to_numpy().tolist() == [[29, 1], [29, 1]]
    shuffled = importances(settings.sample(frac=1, random_state=3))
    np.testing.assert_array_equal(shuffled["importance"], found["importance"])
    np.testing.assert_array_equal(shuffled["low"], found["low"])


def test_too_few_settings_or_none_that_worked_have_no_row(tmp_path: Path, demo: Path, unstarted: Path) -> None:
    failing = Recipe(("mm",), settings=12, ending=lambda *_: "failed")
    for folder in (demo, unstarted, write(tmp_path, failing)):
        found = importances(frames.settings(frames.load(folder)))
        assert found.columns.tolist() == COLUMNS
        assert found.empty


def test_a_range_of_twenty_settings_says_little(tmp_path: Path) -> None:
    recipe = Recipe(("mm",), settings=11)
    found = importances(known(write(tmp_path, recipe)))
    assert (found["high"] - found["low"]).max() > 0.5
    assert not any(math.isnan(end) for end in [*found["low"], *found["high"]])


def test_what_an_adaptive_sampler_visited_has_shares_and_no_interval(tmp_path: Path) -> None:
    settings = known(write(tmp_path, Recipe(("mm",), settings=20)))
    drawn, visited = importances(settings), importances(settings.assign(sampler="tpe"))
    assert visited["importance"].tolist() == drawn["importance"].tolist()
    assert drawn["low"].notna().all()
    assert visited[["low", "high"]].isna().to_numpy().all()


@pytest.mark.slow
def test_coverage_of_the_mean_share() -> None:
    """60 searches of 50 settings, error 2.8 %: an interval that says 95 % and is wider than it need be."""
    found = []
    for number in range(60):
        random = np.random.default_rng(number)
        values = {name: random.random(50) for name in ("learning_rate", "beta1", "clip")}
        choice = 8 * (values["learning_rate"] - 0.5) ** 2 + 1.5 * values["beta1"] + 0.5 * random.standard_normal(50)
        rows = pd.DataFrame({"phase": "p", "dataset": "d", "loss": "l", **values, "choice": choice})
        rows = rows.assign(sample=range(1, 51), sampler="random", missing=0)
        found.append(importances(rows).set_index("hyperparameter")[["importance", "low", "high"]].loc[list(values)])
    share, low, high = np.moveaxis(np.array(found, dtype=float), 2, 0)
    truth = share.mean(axis=0)
    assert truth[2] < 0.1 < truth[0] < truth[1]
    assert (np.mean((low <= truth) & (truth <= high), axis=0) >= 0.9).all()
