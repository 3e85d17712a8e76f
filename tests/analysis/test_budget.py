"""The budget estimators against enumeration of every draw, and the properties that hold for all scores."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import budget

INF = math.inf
CASES = [
    [7.0],
    [3.0, 1.0],
    [5.0, 5.0, 2.0],
    [9.0, 1.0, 4.0, 4.0, 30.0],
    [INF, 2.0, 8.0, 5.0],
    [INF, INF, 6.0, 1.0, 3.0],
    [INF, INF, INF],
    [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
    [0.5, INF, 12.0, 3.0, INF, 0.1, 99.0, 7.0],
]
finite = st.floats(min_value=0.01, max_value=1e4)
finite_scores = st.lists(finite, min_size=1, max_size=30)
scores = st.lists(st.one_of(finite, st.just(INF)), min_size=1, max_size=30)


def best_of(y: list[float], k: int, replace: bool = False) -> list[float]:
    draws: Iterator[tuple[float, ...]]
    draws = itertools.product(y, repeat=k) if replace else itertools.combinations(y, k)
    return sorted(min(draw) for draw in draws)


@pytest.mark.parametrize("y", CASES)
def test_expected_best_is_the_mean_over_all_subsets(y: list[float]) -> None:
    want = [math.fsum(best) / len(best) for k in range(1, len(y) + 1) if (best := best_of(y, k))]
    np.testing.assert_allclose(budget.expected_best(np.array(y)), want, rtol=1e-12)


@pytest.mark.parametrize("y", [case for case in CASES if len(case) <= 5])
def test_the_published_form_is_the_mean_over_all_draws_with_replacement(y: list[float]) -> None:
    want = [np.mean(best_of(y, k, replace=True)) for k in range(1, len(y) + 1)]
    np.testing.assert_allclose(budget.expected_best_with_replacement(np.array(y)), want, rtol=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("y", CASES)
def test_quantiles_are_those_of_all_subsets(y: list[float], share: float) -> None:
    every = [best_of(y, k) for k in range(1, len(y) + 1)]
    want = [best[max(math.ceil(share * len(best) - 1e-9), 1) - 1] for best in every]
    assert budget.quantile_of_best(np.array(y), share).tolist() == want


@pytest.mark.parametrize("y", CASES)
def test_deviation_is_that_of_all_subsets_and_unknown_where_the_mean_is_infinite(y: list[float]) -> None:
    every = [best_of(y, k) for k in range(1, len(y) + 1)]
    want = [math.nan if INF in best else float(np.std(best)) for best in every]
    np.testing.assert_allclose(budget.deviation_of_best(np.array(y)), want, rtol=1e-9, atol=1e-9)


def test_order_weights_sum_to_one_for_a_thousand_settings() -> None:
    np.testing.assert_allclose(budget.order_weights(1000).sum(axis=1), 1.0, rtol=1e-9)


def test_the_bias_of_the_published_form_as_simulated() -> None:
    """n = 25, k = 20, log-normal: the U-statistic meets the truth, the V-statistic overshoots by 5 to 15 %."""
    random = np.random.default_rng(0)
    studies = np.exp(4 + 0.5 * random.standard_normal((2000, 25)))
    truth = np.exp(4 + 0.5 * random.standard_normal((20000, 20))).min(axis=1).mean()
    unbiased = np.mean([budget.expected_best(y)[19] for y in studies])
    published = np.mean([budget.expected_best_with_replacement(y)[19] for y in studies])
    assert unbiased == pytest.approx(truth, rel=0.03)
    assert 1.05 < published / truth < 1.15


@given(scores, st.randoms())
def test_the_order_of_the_settings_does_not_matter(y: list[float], random: "st.DrawFn") -> None:
    shuffled = random.sample(y, len(y))  # type: ignore[attr-defined]
    for estimate in (budget.expected_best, budget.expected_best_with_replacement, budget.deviation_of_best):
        np.testing.assert_array_equal(estimate(np.array(y)), estimate(np.array(shuffled)))


@given(finite_scores)
def test_more_budget_is_never_worse_from_the_mean_to_the_minimum(y: list[float]) -> None:
    for estimate in (budget.expected_best, budget.expected_best_with_replacement):
        curve = estimate(np.array(y))
        assert curve[0] == pytest.approx(np.mean(y))
        assert (np.diff(curve) <= 1e-9 * max(y)).all()
    assert budget.expected_best(np.array(y))[-1] == pytest.approx(min(y))


@given(scores)
def test_a_mean_lies_within_the_range_of_the_best_and_below_the_published_form(y: list[float]) -> None:
    mean = budget.expected_best(np.array(y))
    top = budget.quantile_of_best(np.array(y), 1.0)
    assert (mean >= min(y) * (1 - 1e-9)).all()
    assert (mean <= top * (1 + 1e-9)).all()
    assert (mean <= budget.expected_best_with_replacement(np.array(y)) * (1 + 1e-9)).all()


@given(scores)
def test_quantiles_are_ordered(y: list[float]) -> None:
    low, median, high = (budget.quantile_of_best(np.array(y), share) for share in (0.1, 0.5, 0.9))
    assert (low <= median).all()
    assert (median <= high).all()


@given(scores)
def test_the_mean_is_infinite_exactly_up_to_the_number_of_failures(y: list[float]) -> None:
    assert np.isinf(budget.expected_best(np.array(y))).sum() == np.isinf(y).sum()


@pytest.mark.parametrize("bad", [math.nan, -INF])
def test_what_is_no_score_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="leave settings"):
        budget.expected_best(np.array([1.0, bad]))


def test_curves_leave_out_settings_that_have_not_ended_and_count_failures() -> None:
    rows = [("wide", "fashion", "mm", i, y) for i, y in enumerate([4.0, INF, math.nan, 2.0])]
    frame = budget.curves(pd.DataFrame(rows, columns=["phase", "dataset", "loss", "sample", "score"]))
    assert frame["k"].tolist() == [1, 2, 3]
    assert frame["mean"].tolist() == pytest.approx([INF, 8 / 3, 2.0])
    assert frame["median"].tolist() == [4.0, 2.0, 2.0]
    assert (frame["n"].unique().tolist(), frame["failed"].unique().tolist()) == ([3], [1])
