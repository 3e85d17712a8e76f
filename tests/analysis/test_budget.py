"""The budget estimators against enumeration of every draw, and the properties that hold for all scores."""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opda.nonparametric import EmpiricalDistribution

from analysis.estimators import budget
from analysis.estimators.order import means_without_each, order_weights, weights_without_each

INF = math.inf
Draw = tuple[tuple[float, float], ...]  # of settings, each its choice and its score
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
APART = [  # choice, score
    ([1.0, 2.0], [5.0, 3.0]),
    ([3.0, 1.0, 2.0], [1.0, 9.0, 4.0]),
    ([4.0, 4.0, 1.0, 7.0], [2.0, 10.0, 6.0, 0.5]),
    ([2.0, 2.0, 2.0], [1.0, 8.0, 3.0]),
    ([5.0, 3.0, 3.0, 3.0, 8.0], [2.0, 7.0, 7.0, 1.0, 1.0]),
    ([INF, 2.0, 1.0, INF, 2.0], [INF, 3.0, 30.0, INF, 9.0]),
    ([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], [3.0, 1.0, 4.0, 1.5, 9.0, 2.0, 6.0, 5.0]),
    ([6.0, 2.0, 2.0, INF, 1.0, 9.0, INF, 2.0], [5.0, 3.0, 11.0, INF, 8.0, 0.1, INF, 4.0]),
]
PAIRS = [(y, y) for y in CASES] + APART
finite = st.floats(min_value=0.01, max_value=1e4)
finite_scores = st.lists(finite, min_size=1, max_size=30)
scores = st.lists(st.one_of(finite, st.just(INF)), min_size=1, max_size=30)
settings = st.lists(st.one_of(st.tuples(finite, finite), st.just((INF, INF))), min_size=1, max_size=30)


def reported(choice: list[float], score: list[float], k: int, replace: bool = False) -> list[tuple[float, Fraction]]:
    """What every draw of k reports, rising, with its probability; of settings that tie each is as likely to be kept."""
    both = list(zip(choice, score, strict=True))
    draws: Iterator[Draw] = itertools.product(both, repeat=k) if replace else itertools.combinations(both, k)
    every = [[r for c, r in draw if c == min(draw)[0]] for draw in draws]
    return sorted((r, Fraction(1, len(every) * len(kept))) for kept in every for r in kept)


def mean(outcomes: list[tuple[float, Fraction]]) -> float:
    return INF if any(r == INF for r, _ in outcomes) else float(sum(Fraction(r) * p for r, p in outcomes))


@pytest.mark.parametrize(("choice", "score"), PAIRS)
def test_expected_best_is_the_mean_over_all_subsets(choice: list[float], score: list[float]) -> None:
    want = [mean(reported(choice, score, k)) for k in range(1, len(score) + 1)]
    np.testing.assert_allclose(budget.expected_best(np.array(choice), np.array(score)), want, rtol=1e-12)


@pytest.mark.parametrize(("choice", "score"), [case for case in PAIRS if len(case[0]) <= 5])
def test_the_published_form_is_the_mean_over_all_draws_with_replacement(
    choice: list[float], score: list[float]
) -> None:
    want = [mean(reported(choice, score, k, replace=True)) for k in range(1, len(score) + 1)]
    found = budget.expected_best_with_replacement(np.array(choice), np.array(score))
    np.testing.assert_allclose(found, want, rtol=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize(("choice", "score"), PAIRS)
def test_quantiles_are_those_of_all_subsets(choice: list[float], score: list[float], share: float) -> None:
    want = []
    for k in range(1, len(score) + 1):
        outcomes = reported(choice, score, k)
        met = itertools.accumulate(p for _, p in outcomes)
        want.append(
            next(r for (r, _), p in zip(outcomes, met, strict=True) if p >= Fraction(share) - Fraction(1, 10**9))
        )
    assert budget.quantile_of_best(np.array(choice), np.array(score), share).tolist() == want


@pytest.mark.parametrize(("choice", "score"), PAIRS)
def test_deviation_is_that_of_all_subsets_and_unknown_where_the_mean_is_infinite(
    choice: list[float], score: list[float]
) -> None:
    want = []
    for k in range(1, len(score) + 1):
        outcomes = reported(choice, score, k)
        middle = mean(outcomes)
        square = math.nan if middle == INF else sum(float(p) * (r - middle) ** 2 for r, p in outcomes)
        want.append(math.sqrt(square))
    found = budget.deviation_of_best(np.array(choice), np.array(score))
    np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("choice", "score"), [case for case in PAIRS if len(case[0]) <= 5])
def test_deviation_with_replacement_is_that_of_all_draws(choice: list[float], score: list[float]) -> None:
    want = []
    for k in range(1, len(score) + 1):
        outcomes = reported(choice, score, k, replace=True)
        middle = mean(outcomes)
        square = math.nan if middle == INF else sum(float(p) * (r - middle) ** 2 for r, p in outcomes)
        want.append(math.sqrt(square))
    found = budget.deviation_with_replacement(np.array(choice), np.array(score))
    np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("choice", [case for case in CASES if len(case) <= 5])
def test_the_median_of_the_best_is_that_of_all_draws_with_replacement(choice: list[float]) -> None:
    want = []
    for k in range(1, len(choice) + 1):
        outcomes = reported(choice, choice, k, replace=True)
        met = itertools.accumulate(p for _, p in outcomes)
        want.append(next(r for (r, _), p in zip(outcomes, met, strict=True) if p >= Fraction(1, 2)))
    assert budget.median_of_best(np.array(choice)).tolist() == want


def test_the_median_of_the_best_is_opdas() -> None:
    y = np.random.default_rng(3).lognormal(size=37)
    theirs = EmpiricalDistribution(y).quantile_tuning_curve(np.arange(1, 38), q=0.5, minimize=True)
    np.testing.assert_array_equal(budget.median_of_best(y), theirs)


def test_at_an_even_number_the_median_of_one_is_the_lower_of_the_middle_two() -> None:
    """opda rounds its sum of shares, and has the one or the other there."""
    y = np.random.default_rng(0).lognormal(size=20)
    theirs = EmpiricalDistribution(y).quantile_tuning_curve(np.arange(1, 21), q=0.5, minimize=True)
    found = budget.median_of_best(y)
    assert found[0] == np.sort(y)[9]
    np.testing.assert_array_equal(found[1:], theirs[1:])


def test_both_means_are_opdas() -> None:
    y = np.random.default_rng(4).lognormal(size=37)
    theirs, k = EmpiricalDistribution(y), np.arange(1, 38)
    np.testing.assert_allclose(budget.expected_best(y, y), theirs.u_tuning_curve(k, minimize=True), rtol=1e-9)
    published = budget.expected_best_with_replacement(y, y)
    np.testing.assert_allclose(published, theirs.v_tuning_curve(k, minimize=True), rtol=1e-9)


@pytest.mark.parametrize(("choice", "score"), [case for case in PAIRS if len(case[0]) > 1])
def test_weights_without_each_are_those_of_the_others(choice: list[float], score: list[float]) -> None:
    c, r = np.array(choice), np.array(score)
    order = np.lexsort((r, c))
    finite = np.where(np.isinf(r), 1e6, r)[order]
    for k in range(1, len(c)):
        found = weights_without_each(c[order], k) @ finite
        assert means_without_each(c[order], finite, k) == pytest.approx(found, rel=1e-9)
        for i in range(len(c)):
            ranked = np.delete(np.where(np.isinf(c), 1e6, c)[order], i)
            want = budget.expected_best(ranked, np.delete(finite, i))[k - 1]
            assert found[i] == pytest.approx(want, rel=1e-9)


def test_two_settings_that_selection_puts_in_the_wrong_order() -> None:
    """One setting: (5 + 3) / 2. Two: selection keeps the first, which reports 5."""
    assert budget.expected_best(np.array([1.0, 2.0]), np.array([5.0, 3.0])).tolist() == pytest.approx([4.0, 5.0])


def test_order_weights_sum_to_one_for_a_thousand_settings() -> None:
    np.testing.assert_allclose(order_weights(1000).sum(axis=1), 1.0, rtol=1e-9)


def test_the_bias_of_the_published_form_as_simulated() -> None:
    """n = 25, k = 20, log-normal: the U-statistic meets the truth, the V-statistic overshoots by 5 to 15 %."""
    random = np.random.default_rng(0)
    studies = np.exp(4 + 0.5 * random.standard_normal((2000, 25)))
    truth = np.exp(4 + 0.5 * random.standard_normal((20000, 20))).min(axis=1).mean()
    unbiased = np.mean([budget.expected_best(y, y)[19] for y in studies])
    published = np.mean([budget.expected_best_with_replacement(y, y)[19] for y in studies])
    assert unbiased == pytest.approx(truth, rel=0.03)
    assert 1.05 < published / truth < 1.15


def test_what_is_reported_on_other_images_is_not_flattered_by_the_choice() -> None:
    """n = 25, k = 10, quality N(50, 5), noise N(0, 5) of each split of its own: truth 44.6.

    The minimum of what chose lies where no setting is. What is reported of the setting it kept meets the truth, its
    quality.
    """
    random = np.random.default_rng(0)
    quality = 50 + 5 * random.standard_normal((2000, 25))
    choice, score = (quality + 5 * random.standard_normal(quality.shape) for _ in range(2))
    honest = np.mean([budget.expected_best(c, s)[9] for c, s in zip(choice, score, strict=True)])
    flattered = np.mean([budget.expected_best(c, c)[9] for c in choice])
    fresh = 50 + 5 * random.standard_normal((20000, 10))
    kept = np.argmin(fresh + 5 * random.standard_normal(fresh.shape), axis=1)
    truth = fresh[np.arange(len(fresh)), kept].mean()
    assert honest == pytest.approx(truth, abs=0.3)
    assert flattered < truth - 4


@given(settings, st.randoms())
def test_the_order_of_the_settings_does_not_matter(pairs: list[tuple[float, float]], random: "st.DrawFn") -> None:
    shuffled = random.sample(pairs, len(pairs))  # type: ignore[attr-defined]
    for estimate in (budget.expected_best, budget.expected_best_with_replacement, budget.deviation_of_best):
        np.testing.assert_array_equal(estimate(*np.array(pairs).T), estimate(*np.array(shuffled).T))


@given(finite_scores)
def test_more_budget_is_never_worse_from_the_mean_to_the_minimum(values: list[float]) -> None:
    y = np.array(values)
    for estimate in (budget.expected_best, budget.expected_best_with_replacement):
        curve = estimate(y, y)
        assert curve[0] == pytest.approx(np.mean(y))
        assert (np.diff(curve) <= 1e-9 * max(y)).all()
    assert budget.expected_best(y, y)[-1] == pytest.approx(min(y))


@given(settings)
def test_from_the_mean_of_all_to_the_score_of_the_one_chosen(pairs: list[tuple[float, float]]) -> None:
    choice, score = np.array(pairs).T
    curve = budget.expected_best(choice, score)
    assert curve[0] == pytest.approx(score.mean())
    assert curve[-1] == pytest.approx(score[choice == choice.min()].mean())


@given(scores)
def test_a_mean_lies_within_the_range_of_the_best_and_below_the_published_form(values: list[float]) -> None:
    y = np.array(values)
    mean_of_best = budget.expected_best(y, y)
    top = budget.quantile_of_best(y, y, 1.0)
    assert (mean_of_best >= min(y) * (1 - 1e-9)).all()
    assert (mean_of_best <= top * (1 + 1e-9)).all()
    assert (mean_of_best <= budget.expected_best_with_replacement(y, y) * (1 + 1e-9)).all()


@given(settings)
def test_quantiles_are_ordered(pairs: list[tuple[float, float]]) -> None:
    low, median, high = (budget.quantile_of_best(*np.array(pairs).T, share) for share in (0.1, 0.5, 0.9))
    assert (low <= median).all()
    assert (median <= high).all()


@given(settings)
def test_the_mean_is_infinite_exactly_up_to_the_number_of_failures(pairs: list[tuple[float, float]]) -> None:
    choice, score = np.array(pairs).T
    assert np.isinf(budget.expected_best(choice, score)).sum() == np.isinf(score).sum()


@pytest.mark.parametrize(
    ("choice", "score", "said"),
    [
        ([1.0, math.nan], [1.0, 2.0], "leave settings"),
        ([1.0, 2.0], [1.0, -INF], "leave settings"),
        ([1.0, INF], [1.0, 2.0], "a failure is at"),
    ],
)
def test_what_is_no_score_is_refused(choice: list[float], score: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        budget.expected_best(np.array(choice), np.array(score))
