"""Bounds of greatest, least and counts: against hand-computed answers, and how often they miss."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.claims.bounds import AtBudget, Normal, Probability, Quartiles, Ratio
from analysis.claims.together import Greatest, Least, surely

PARTS = [Normal(1.0, 0.5, 20.0), Normal(3.0, 1.0, 20.0), Normal(2.0, 0.1, 20.0)]
INF = math.inf


def test_a_normal_part_has_t_bounds_that_shrink_with_the_root_of_the_number() -> None:
    part = Normal(2.0, 0.5, 7.0)
    reach = stats.t.ppf(0.975, 7) * 0.5
    assert (part.low(0.025), part.high(0.025)) == pytest.approx((2 - reach, 2 + reach))
    assert part.high(0.025, growth=4) == pytest.approx(2 + stats.t.ppf(0.975, 28) * 0.25)


def test_nothing_is_known_of_an_infinite_error() -> None:
    part = Normal(INF, INF)
    assert (part.low(0.025), part.high(0.025, growth=100)) == (-INF, INF)


def test_only_one_bound_of_a_greatest_and_of_a_least_is_corrected() -> None:
    greatest, least = Greatest(PARTS), Least(PARTS)
    assert (greatest.estimate, least.estimate) == (3.0, 1.0)
    assert greatest.high(0.025) == max(part.high(0.025) for part in PARTS)
    assert greatest.low(0.025) == max(part.low(0.025 / 3) for part in PARTS)
    assert least.low(0.025) == min(part.low(0.025) for part in PARTS)
    assert least.high(0.025) == min(part.high(0.025 / 3) for part in PARTS)


def test_an_unknown_part_leaves_one_side_open() -> None:
    greatest = Greatest([*PARTS, Normal(math.nan, INF)])
    assert greatest.estimate == 3.0
    assert greatest.high(0.025) == INF
    assert greatest.low(0.025) == max(part.low(0.025 / 4) for part in PARTS)


def test_bounds_of_the_greatest_of_equal_parts_hold() -> None:
    """The naive estimate is biased: the greatest of six equal ones is 1.27 errors too large on average."""
    drawn = np.random.default_rng(3).standard_normal((2000, 6))
    found = [Greatest([Normal(value, 1.0, 1e6) for value in values]) for values in drawn]
    assert np.mean([one.estimate for one in found]) == pytest.approx(1.27, abs=0.05)
    missed = np.mean([not one.low(0.025) <= 0 <= one.high(0.025) for one in found])
    assert missed <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


def test_a_probability_of_whole_tosses_has_the_exact_bounds() -> None:
    exact = stats.binomtest(14, 20).proportion_ci(0.95, method="exact")
    found = Probability(0.7, 20, 1e9)
    assert (found.low(0.025), found.high(0.025)) == pytest.approx((exact.low, exact.high))


def test_a_probability_of_one_has_no_upper_bound_but_one() -> None:
    found = Probability(1.0, 12, 1e9)
    assert found.high(0.025) == 1.0
    assert found.low(0.025) == pytest.approx(0.025 ** (1 / 12))
    assert Probability(0.0, 12, 1e9).low(0.025) == 0.0


def test_what_no_setting_shows_moves_the_bounds_of_a_ratio() -> None:
    """A part of probability p that 40 settings missed, of scores near 0: (1 - p)^10 of the searches of 10 miss it."""
    part, hidden = Normal(0.5, 0.1, 30.0), 1 - 0.025 ** (1 / 40)
    found = Ratio(part, 40 / 10, 80 / 10)
    assert found.low(0.025) == pytest.approx(part.low(0.025) + 10 * math.log(1 - hidden))
    assert found.high(0.025) == pytest.approx(part.high(0.025) - math.log(0.025) / 8)
    assert found.high(0.025, growth=4) == pytest.approx(part.high(0.025, 4) - math.log(0.025) / 32)


def test_what_no_setting_shows_moves_the_bounds_of_a_probability() -> None:
    found = Probability(0.9, 60, 1e9, apart=5)
    assert found.low(0.025) == pytest.approx(0.9 * 0.025 ** (1 / 5))
    assert found.high(0.025) == Probability(0.9, 60, 1e9).high(0.025)
    assert Probability(0.1, 60, 1e9, apart=5).high(0.025) == pytest.approx(1 - found.low(0.025))


def test_a_larger_study_is_tested_at_its_own_budget() -> None:
    found = AtBudget(lambda k: Normal(float(k), 0.1, 20.0), lambda growth: int(3 * growth), 7)
    assert found.estimate == 3.0
    assert found.low(0.025, growth=2) == Normal(6.0, 0.1, 20.0).low(0.025, 2)
    assert found.high(0.025) == Normal(3.0, 0.1, 20.0).high(0.025)
    assert found.high(0.025, growth=9) == Normal(6.0, 0.1, 20.0).high(0.025, 9)


def test_quartiles_of_known_values() -> None:
    found = Quartiles(tuple(float(value) for value in range(1, 102)))
    assert found.estimate == pytest.approx(math.log(76 / 26))
    assert found.low(0.025) < found.estimate < found.high(0.025)
    assert found.low(0.025, growth=100) == pytest.approx(found.estimate, abs=0.1)


def test_few_values_bound_no_quartile_and_more_like_them_do() -> None:
    found = Quartiles((1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    assert (found.low(0.025), found.high(0.025)) == (-INF, INF)
    assert math.isfinite(found.high(0.025, growth=10))


def test_failures_beyond_a_quarter_leave_a_lower_bound() -> None:
    found = Quartiles((*np.linspace(1, 73, 73), *[INF] * 27))
    assert found.estimate == INF
    assert found.high(0.025) == INF
    assert 0 < found.low(0.025) < INF
    assert Quartiles((*np.linspace(1, 40, 40), *[INF] * 60)).low(0.025) == INF  # the third is infinite for sure


def test_where_all_failed_nothing_is_known() -> None:
    found = Quartiles((INF,) * 30)
    assert math.isnan(found.estimate)
    assert (found.low(0.025), found.high(0.025)) == (-INF, INF)


@pytest.mark.parametrize("n", [16, 50])
def test_bounds_of_quartiles_hold(n: int) -> None:
    truth = 2 * stats.norm.ppf(0.75) * 0.7
    drawn = np.exp(0.7 * np.random.default_rng(5).standard_normal((400, n)))
    found = [Quartiles(tuple(values)) for values in drawn]
    held = np.mean([one.low(0.025) <= truth <= one.high(0.025) for one in found])
    assert held >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 400)


def enumerated(p_values: list[float], alpha: float) -> int:
    """The largest u up to which every v statements or more are shown, each v by the best v of all subsets."""
    shown = 0
    for u in range(1, len(p_values) + 1):
        best = min(max(subset) for subset in itertools.combinations(p_values, u))
        if best * (len(p_values) - u + 1) > alpha:
            break
        shown = u
    return shown


@given(st.lists(st.floats(0, 0.05), min_size=1, max_size=7))
def test_surely_is_the_partial_conjunction_of_all_subsets(p_values: list[float]) -> None:
    assert surely(np.array(p_values), 0.05) == enumerated(p_values, 0.05)


def test_surely_exceeds_the_truth_rarely() -> None:
    """Two of five hold beyond doubt, of the others the contraries are true: p-values uniform."""
    random = np.random.default_rng(8)
    found = [surely(np.append([0.0, 0.0], random.random(3)), 0.05) for _ in range(2000)]
    assert min(found) == 2
    assert np.mean(np.array(found) > 2) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)
