"""Searches that pay for their settings, against enumeration of every order."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.estimators import budget, compute

INF = math.inf
CASES = [  # choice, score, cost
    ([3.0], [3.0], [2.0]),
    ([4.0, 2.0], [4.0, 2.0], [1.0, 3.0]),
    ([4.0, INF, 2.0, 7.0], [5.0, INF, 6.0, 1.0], [1.0, 0.5, 3.0, 2.0]),
    ([INF, INF, 2.0, 2.0, 9.0], [INF, INF, 3.0, 8.0, 1.0], [2.0, 0.0, 1.0, 4.0, 1.5]),
    ([INF, INF], [INF, INF], [1.0, 2.0]),
    ([5.0, 1.0, 4.0, 2.0, 3.0, INF], [5.0, 1.0, 4.0, 2.0, 3.0, INF], [1.0, 8.0, 2.0, 4.0, 3.0, 1.0]),
]
settings = st.lists(
    st.tuples(st.one_of(st.floats(0.1, 1e3), st.just(INF)), st.floats(0.0, 10.0)), min_size=1, max_size=8
)


def paid(choice: list[float], score: list[float], cost: list[float], order: tuple[int, ...], spent: float) -> float:
    """What one search reports, told as a person would do it."""
    left, best, shown = spent + 1e-9, INF, INF
    for i in order:
        left -= cost[i]
        if left < 0:
            break
        if choice[i] < best:
            best, shown = choice[i], score[i]
    return shown


def every(choice: list[float], score: list[float], cost: list[float], spent: float) -> list[float]:
    return [paid(choice, score, cost, order, spent) for order in itertools.permutations(range(len(cost)))]


def grid(cost: list[float]) -> np.ndarray:
    return np.linspace(0, sum(cost), 12)


@pytest.mark.parametrize(("choice", "score", "cost"), CASES)
def test_a_recorded_search_is_the_one_order(choice: list[float], score: list[float], cost: list[float]) -> None:
    for order in itertools.permutations(range(len(cost))):
        rows = (np.array(values)[list(order)] for values in (choice, score, cost))
        found = compute.recorded(*rows, grid(cost))
        assert found.tolist() == [paid(choice, score, cost, order, spent) for spent in grid(cost)]


@pytest.mark.parametrize(("choice", "score", "cost"), CASES)
def test_simulated_searches_are_as_all_orders(choice: list[float], score: list[float], cost: list[float]) -> None:
    """Means within four standard errors of the simulation; infinite exactly where one order is."""
    c, r, p, spent = *map(np.array, (choice, score, cost)), grid(cost)
    reported = compute.simulated(c, r, p, spent, seed=1, simulations=4000)
    found = compute.expectation(reported, r, p, spent)
    for j in range(len(spent)):
        outcomes = every(choice, score, cost, spent[j])
        if INF in outcomes:
            assert found[j] == INF
            assert np.mean(np.isinf(reported[:, j])) == pytest.approx(np.mean(np.isinf(outcomes)), abs=0.032)
        else:
            assert found[j] == pytest.approx(np.mean(outcomes), abs=4 * np.std(outcomes) / math.sqrt(4000) + 1e-9)


def test_equal_costs_are_the_exact_curve() -> None:
    y = np.random.default_rng(0).lognormal(size=12)
    spent = np.arange(1.0, 13)
    reported = compute.simulated(y, y, np.ones(12), spent, seed=1, simulations=20_000)
    found = compute.expectation(reported, y, np.ones(12), spent)
    error = 4 * budget.deviation_of_best(y, y) / math.sqrt(20_000)
    assert (np.abs(found - budget.expected_best(y, y)) <= error + 1e-9).all()


@given(settings, st.randoms())
def test_neither_the_order_of_the_settings_nor_a_repeat_changes_a_digit(
    rows: list[tuple[float, float]], random: "st.DrawFn"
) -> None:
    shuffled = random.sample(rows, len(rows))  # type: ignore[attr-defined]
    spent = grid([cost for _, cost in rows])
    one, other = (
        compute.simulated(choice, choice, cost, spent, seed=3, simulations=50)
        for choice, cost in (np.array(rows).T, np.array(shuffled).T)
    )
    np.testing.assert_array_equal(one, other)


@given(settings)
def test_more_compute_never_chooses_worse(rows: list[tuple[float, float]]) -> None:
    choice, cost = np.array(rows).T
    reported = compute.simulated(choice, choice, cost, grid(list(cost)), seed=3, simulations=20)
    assert (reported[:, 1:] <= reported[:, :-1]).all()
    assert (reported[:, -1] == choice.min()).all()


def test_quantiles_are_scores_that_so_many_searches_meet() -> None:
    reported = np.array([[4.0], [1.0], [INF], [3.0], [2.0]])
    assert compute.quantiles(reported, (0.1, 0.2, 0.5, 0.8, 1.0))[:, 0].tolist() == [1, 1, 3, 4, INF]


@pytest.mark.parametrize("cost", [[1.0, math.nan], [1.0, -1.0], [1.0, INF]])
def test_what_is_no_cost_is_refused(cost: list[float]) -> None:
    with pytest.raises(ValueError, match="a cost is a number"):
        compute.recorded(np.ones(2), np.ones(2), np.array(cost), np.ones(1))
