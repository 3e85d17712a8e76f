"""Rank tests against scipy, scikit-posthocs, statsmodels and enumeration of all rankings."""

import itertools
import math

import numpy as np
import pytest
import scikit_posthocs as posthocs
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.estimators import ranks

SCORES = np.random.default_rng(3).standard_normal((12, 5)) + np.array([0.0, 0.2, 0.5, 1.0, 1.5])
RANKS = stats.rankdata(SCORES, axis=1)


def test_friedman_agrees_with_scipy() -> None:
    want = stats.friedmanchisquare(*SCORES.T)
    weaker = stats.rankdata(SCORES - np.array([0.0, 0.2, 0.4, 0.8, 1.2]), axis=1)
    assert ranks.friedman(RANKS, seed=1).statistic == pytest.approx(want.statistic)
    found = ranks.friedman(weaker, seed=1)
    assert found.p_value == pytest.approx(stats.friedmanchisquare(*weaker.T).pvalue, abs=0.03)


def test_the_order_of_losses_and_of_data_sets_changes_no_number() -> None:
    scores = np.random.default_rng(1).standard_normal((4, 5))
    scores[0, :2] = 0.0  # a tie, so that data sets differ
    table = stats.rankdata(scores, axis=1)
    found = ranks.friedman(table, simulations=500, seed=1)
    for order in ([4, 3, 2, 1, 0], [2, 0, 1, 4, 3]):
        other = ranks.friedman(table[::-1, order], simulations=500, seed=1)
        assert other.p_value == found.p_value
        assert other.statistic == pytest.approx(found.statistic)


def test_friedman_of_few_data_sets_is_that_of_all_rankings() -> None:
    observed = np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 2.0, 3.0]])
    orders = list(itertools.permutations([1.0, 2.0, 3.0]))
    spreads = [np.square(np.sum(table, axis=0)).sum() for table in itertools.product(orders, repeat=3)]
    want = np.mean(np.array(spreads) >= np.square(observed.sum(axis=0)).sum())
    assert ranks.friedman(observed, seed=1).p_value == pytest.approx(want, abs=0.01)


def test_no_friedman_test_of_one_data_set_two_losses_or_ties_only() -> None:
    for table in (RANKS[:1], RANKS[:, :2], np.full((4, 3), 2.0)):
        assert math.isnan(ranks.friedman(table, seed=1).p_value)


@pytest.mark.parametrize("difference", [1.0, 2.0])
def test_nemenyi_agrees_with_scikit_posthocs(difference: float) -> None:
    """A pair is further apart than the critical difference exactly where its p-value is below 5 %."""
    p_values = posthocs.posthoc_nemenyi_friedman(SCORES).to_numpy()
    average = RANKS.mean(axis=0)
    apart = np.abs(np.subtract.outer(average, average)) > ranks.critical_difference(5, 12)
    assert (apart == (p_values < 0.05)).all()
    assert apart.any()


def test_the_critical_difference_is_demsars() -> None:
    """q_0.05 of 4 classifiers is 2.569, of 8 3.031 (Demsar 2006, table 5)."""
    assert ranks.critical_difference(4, 14) == pytest.approx(2.569 * math.sqrt(4 * 5 / (6 * 14)), abs=1e-3)
    assert ranks.critical_difference(8, 4) == pytest.approx(3.031 * math.sqrt(8 * 9 / (6 * 4)), abs=2e-3)


def test_the_sign_test_is_that_of_all_coins() -> None:
    """Of n data sets all 2^n outcomes are equally likely; as uneven or more, on either side."""
    for n in range(1, 9):
        outcomes = np.array([sum(one) for one in itertools.product((0, 1), repeat=n)])
        for wins in range(n + 1):
            want = np.mean(np.abs(2 * outcomes - n) >= abs(2 * wins - n))
            assert ranks.sign_test(wins, n - wins) == pytest.approx(want)
    assert ranks.sign_test(0, 0) == 1.0


def test_losses_that_beat_each_other_equally_often_are_not_told_apart_by_signs_but_by_average_ranks() -> None:
    """One is best on half of the data sets and worst on the others, the other always next to worst."""
    rng, studies, wrong = np.random.default_rng(4), 500, {"signs": 0, "average ranks": 0}
    for _ in range(studies):
        first = np.where(rng.random(40) < 0.5, -9.0, 9.0)
        scores = np.column_stack([first, np.full(40, 8.0), rng.uniform(0, 1, (40, 6))])
        wins = int((scores[:, 0] < scores[:, 1]).sum())
        average = stats.rankdata(scores, axis=1).mean(axis=0)
        wrong["signs"] += ranks.sign_test(wins, 40 - wins) <= 0.05
        wrong["average ranks"] += abs(average[0] - average[1]) > ranks.critical_difference(8, 40)
    assert wrong["signs"] <= studies * 0.05
    assert wrong["average ranks"] > studies / 2


def test_holm_agrees_with_statsmodels() -> None:
    p_values = np.array([0.01, 0.5, 0.04, 0.004, 0.04, 0.9])
    np.testing.assert_allclose(ranks.holm(p_values), multipletests(p_values, method="holm")[1])


def test_cliques_are_the_largest_groups_within_the_critical_difference() -> None:
    assert ranks.cliques([1.0, 4.0, 2.0, 3.5, 9.0], 2.0) == [(0, 2), (2, 3, 1)]
    assert ranks.cliques([1.0, 2.0, 3.0], 5.0) == [(0, 1, 2)]
    assert ranks.cliques([1.0, 9.0], 5.0) == []


def test_power_is_small_for_few_data_sets_grows_with_them_and_is_the_level_without_a_difference() -> None:
    four, many = (ranks.power(8, n, 0.75, simulations=4000, seed=1) for n in (4, 60))
    assert four < 0.1
    assert many > 0.9
    equal = ranks.power(2, 40, 0.5, simulations=8000, seed=1)  # of two losses one side of a test of 5 %
    assert equal == pytest.approx(0.025, abs=0.015)


def test_the_same_seed_gives_the_same_numbers() -> None:
    assert ranks.friedman(RANKS, seed=5) == ranks.friedman(RANKS, seed=5)
    assert ranks.power(4, 5, 0.75, simulations=500, seed=2) == ranks.power(4, 5, 0.75, simulations=500, seed=2)


def test_the_power_for_two_losses_is_the_binomial_one() -> None:
    """Of 12 data sets the best must win 10: the difference of average ranks is (2 wins - 12) / 12, critical 0.57."""
    assert ranks.critical_difference(2, 12) == pytest.approx(0.566, abs=1e-3)
    want = stats.binom.sf(9, 12, 0.75)
    assert ranks.power(2, 12, 0.75, simulations=20_000, seed=1) == pytest.approx(want, abs=0.01)
