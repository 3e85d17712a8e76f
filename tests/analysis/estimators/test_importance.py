"""Importances where the answer is known, with failures and ties, and in agreement with fANOVA."""

import logging
import math
import warnings

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import create_trial

from analysis.estimators.importance import FEWEST, Importance, distribution

INF = math.inf


def settings(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "learning_rate": 10 ** random.uniform(-5, -2, n),
        "beta1": random.random(n),
        "batch_norm": random.integers(0, 2, n).astype(float),
        "disc_iters": np.ones(n),
    }


def shares(hyperparameters: dict[str, np.ndarray], choice: np.ndarray) -> dict[str, float]:
    found = Importance(hyperparameters, choice, seed=1)
    return dict(zip(found.names, found.shares().tolist(), strict=True))


def test_a_score_that_depends_on_the_learning_rate_only() -> None:
    h = settings(100)
    found = shares(h, np.abs(np.log10(h["learning_rate"]) + 3.5))
    assert found["learning_rate"] > 0.95
    assert list(found) == ["learning_rate", "beta1", "batch_norm"]  # disc_iters does not vary
    assert sum(found.values()) == pytest.approx(1)


def test_a_switch_that_decides() -> None:
    h = settings(60)
    noise = np.random.default_rng(2).random(60)
    assert shares(h, h["batch_norm"] + 0.01 * noise)["batch_norm"] > 0.9
    assert shares(h, np.where(h["batch_norm"] == 1, INF, 0.0) + 1.0)["batch_norm"] > 0.9


def test_only_the_ranks_matter_and_not_their_order() -> None:
    h = settings(40)
    choice = h["beta1"] + 0.1 * np.log10(h["learning_rate"])
    choice[7] = INF
    order = np.random.default_rng(1).permutation(40)
    want = shares(h, choice)
    assert shares(h, np.exp(3 * choice)) == want
    assert shares({name: column[order] for name, column in h.items()}, choice[order]) == want


def test_few_that_worked_are_the_best() -> None:
    """5 of 60 worked, those with the least beta1."""
    h = settings(60)
    found = shares(h, np.where(h["beta1"] <= np.sort(h["beta1"])[4], h["learning_rate"], INF))
    assert found["beta1"] > 0.5


def test_nothing_that_sets_the_best_apart_gives_equal_shares() -> None:
    h = settings(20)
    for choice in (np.full(20, INF), np.full(20, 3.0)):
        assert list(shares(h, choice).values()) == pytest.approx([1 / 3] * 3)
    assert shares({"beta1": np.ones(20)}, np.arange(20.0)) == {}


def test_too_few_settings_are_refused() -> None:
    with pytest.raises(ValueError, match=f"need {FEWEST} settings, not 9"):
        Importance(settings(9), np.arange(9.0), seed=1)


def test_optuna_says_nothing(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.enable_propagation()
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        shares(settings(30), np.where(np.arange(30) < 4, np.arange(30.0), INF))
    optuna.logging.disable_propagation()
    assert caplog.text == ""
    assert capfd.readouterr().err == ""
    assert optuna.logging.get_verbosity() == before


def test_distributions_are_the_observed_range() -> None:
    assert distribution(np.array([1.0, 5.0, 5.0])) == CategoricalDistribution([1.0, 5.0])
    assert distribution(np.array([0.2, 0.4])) == FloatDistribution(0.2, 0.4)
    assert distribution(np.array([1e-5, 1e-2])) == FloatDistribution(1e-5, 1e-2, log=True)
    assert distribution(np.array([0.0, 0.5, 1e-2])) == FloatDistribution(0.0, 0.5)
    assert distribution(np.arange(10.0)) == FloatDistribution(0.0, 9.0)


def test_the_order_of_importances_is_fanovas() -> None:
    h = settings(200)
    del h["disc_iters"]
    choice = 3 * np.abs(np.log10(h["learning_rate"]) + 3.5) + h["beta1"]
    search = optuna.create_study()
    spaces = {name: distribution(column) for name, column in h.items()}
    search.add_trials([
        create_trial(params={name: float(h[name][i]) for name in h}, distributions=spaces, value=float(choice[i]))
        for i in range(200)
    ])  # fmt: skip
    peer = FanovaImportanceEvaluator(n_trees=16, seed=1).evaluate(search, list(h))
    found = shares(h, choice)
    assert max(found, key=lambda name: found[name]) == max(peer, key=lambda name: peer[name]) == "learning_rate"
