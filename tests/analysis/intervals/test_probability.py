"""The interval of the probability that one search beats another: simulated coverage, and what it does at the edges."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from analysis.estimators.pairs import beats
from analysis.intervals.probability import SHARE, probability_interval
from benchmarks.coverage_budget import region_interval


def interval(first: np.ndarray, second: np.ndarray, k: int = 1) -> tuple[float, float]:
    found = beats((first, first), (second, second), k)
    return probability_interval(found.probability, found.without_first, found.without_second, k)


def truth(shift: float, k: int) -> float:
    """The least of k of N(0, 1) is below that of k of N(shift, 1)."""
    x = np.linspace(-12, 12, 40_001)
    return float(np.trapezoid(k * stats.norm.pdf(x) * stats.norm.sf(x) ** (k - 1) * stats.norm.sf(x - shift) ** k, x))


@pytest.mark.parametrize("n", [7, 20, 50])
@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_coverage_of_one_setting_each(n: int, shift: float) -> None:
    """500 studies, with a standard error of 1 %."""
    random = np.random.default_rng([n, int(shift)])
    want = truth(shift, 1)
    ends = [interval(random.standard_normal(n), shift + random.standard_normal(n)) for _ in range(500)]
    assert np.mean([low <= want <= high for low, high in ends]) >= 0.94


@pytest.mark.parametrize(("n", "k"), [(20, 2), (50, 7), (100, 14)])
def test_coverage_of_the_best_of_k(n: int, k: int) -> None:
    random = np.random.default_rng([n, k])
    want = truth(0.5, k)
    ends = [interval(random.standard_normal(n), 0.5 + random.standard_normal(n), k) for _ in range(400)]
    assert np.mean([low <= want <= high for low, high in ends]) >= 0.94


@pytest.mark.parametrize(("n", "k"), [(7, 1), (20, 1), (100, 1), (14, 2), (37, 5), (100, 14)])
def test_it_holds_exactly_where_one_region_decides(n: int, k: int) -> None:
    """A share g of the first's settings beats all of the second, the rest loses to all: counts are binomial."""
    ends = np.array([region_interval(good, n, k) for good in range(n + 1)])
    for g in np.linspace(0.005, 0.995, 199):
        want = 1 - (1 - g) ** k
        held = (ends[:, 0] <= want + 1e-12) & (want - 1e-12 <= ends[:, 1])
        assert stats.binom.pmf(np.arange(n + 1), n, g) @ held >= 0.95


@pytest.mark.parametrize(("n", "k"), [(7, 1), (28, 4)])
def test_it_holds_exactly_where_a_region_of_either_decides(n: int, k: int) -> None:
    """A share a of the first's settings is 1 and the rest 5, a share b of the second's is 0 and the rest 3."""
    ends = np.array([[_of_two_regions(i, j, n, k) for j in range(n + 1)] for i in range(n + 1)])
    for a, b in itertools.product((0.125, 0.25, 0.5, 0.75), (0.0125, 0.05, 0.1, 0.175)):
        want = (1 - (1 - a) ** k) * (1 - b) ** k
        held = (ends[..., 0] <= want + 1e-12) & (want - 1e-12 <= ends[..., 1])
        counts = (stats.binom.pmf(np.arange(n + 1), n, share) for share in (a, b))
        assert np.einsum("ij,i,j->", held, *counts) >= 0.95


def _of_two_regions(good: int, best: int, n: int, k: int) -> tuple[float, float]:
    first, second = np.repeat([1.0, 5.0], [good, n - good]), np.repeat([0.0, 3.0], [best, n - best])
    return interval(first, second, k)


@pytest.mark.parametrize(("n", "k"), [(7, 1), (20, 2), (100, 14)])
def test_where_none_wins_the_limit_is_that_of_a_region_that_no_setting_met(n: int, k: int) -> None:
    unseen = 1 - 0.025 ** (1 / n)
    assert region_interval(0, n, k) == pytest.approx((0.0, 1 - (1 - unseen) ** k))


@pytest.mark.parametrize(("n", "good"), [(10, 3), (20, 1)])
def test_of_one_region_and_one_setting_it_is_clopper_and_pearsons(n: int, good: int) -> None:
    want = stats.binomtest(good, n).proportion_ci(0.95, method="exact")
    assert region_interval(good, n, 1) == pytest.approx((want.low, want.high))


def test_unequal_searches_are_not_promised_more_than_the_smaller_can_tell() -> None:
    """Seven settings, of which one in ten fails, against a hundred that are always worse: .9 + .1 x .1 / 2."""
    random = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        first, second = random.random(7), 1 + random.random(100)
        first[random.random(7) < 0.1], second[random.random(100) < 0.1] = math.inf, math.inf
        low, high = interval(first, second)
        held += low <= 0.905 <= high
    assert held / 400 >= 0.93


def test_where_all_settings_agree_it_still_has_a_width() -> None:
    low, high = interval(np.arange(10.0), 100 + np.arange(10.0))
    assert high == 1.0
    assert 0.6 < low < 0.9
    assert interval(100 + np.arange(10.0), np.arange(10.0)) == pytest.approx((0.0, 1 - low))


def test_more_settings_are_surer() -> None:
    random = np.random.default_rng(2)
    widths = []
    for n in (10, 40, 160):
        low, high = interval(random.standard_normal(n), random.standard_normal(n))
        assert low < 0.5 < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_searches_that_failed_throughout_tie_and_say_little() -> None:
    low, high = interval(np.full(10, math.inf), np.full(10, math.inf))
    assert low < 0.3
    assert high == pytest.approx(1 - low)


def test_no_interval_where_k_is_too_large_for_the_smaller_search() -> None:
    random = np.random.default_rng(3)
    first, second = random.random(3 * SHARE - 1), random.random(100)
    assert np.isnan(interval(first, second, 3)).all()
    assert not np.isnan(interval(first, second, 2)).any()
