"""The interval of a quantile: by hand, its published interpolation, failures, and how often it holds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.intervals.quantiles import quantile_interval

INF = math.inf


def test_a_median_of_six_lies_between_least_and_greatest_nearly() -> None:
    """P(y_(1) <= median <= y_(6)) = 1 - 2 / 2^6 = 0.969, P(y_(2) .. y_(5)) = 1 - 2 * 7 / 64 = 0.781: I = 0.1 to 1 d.p.

    Hettmansperger and Sheather: d = 1, I = (0.96875 - 0.95) / (0.96875 - 0.78125) = 0.1, lambda = (n - d) I / (d + (n -
    2 d) I) = 0.5 / 1.4.
    """
    found = quantile_interval(np.arange(1.0, 7.0))
    assert found.low == pytest.approx(1 + 0.5 / 1.4)
    assert found.high == pytest.approx(6 - 0.5 / 1.4)


@pytest.mark.parametrize(("share", "fewest"), [(0.5, 6), (0.25, 13), (0.75, 13)])
def test_too_few_values_have_no_interval(share: float, fewest: int) -> None:
    assert math.isnan(quantile_interval(np.arange(1.0, fewest), share).low)
    assert math.isfinite(quantile_interval(np.arange(1.0, fewest + 1), share).high)


@given(st.lists(st.floats(0.1, 100), min_size=6, max_size=40), st.integers(0, 9))
def test_order_and_failures_of_the_worst(values: list[float], failed: int) -> None:
    """Failing instead of being worst moves no lower end, and raises no end that does not touch a failure."""
    y = np.sort(values)
    found = quantile_interval(y)
    assert quantile_interval(y[::-1]) == found
    assert found.low <= np.median(y) <= found.high
    worst = np.where(np.arange(len(y)) >= len(y) - failed, INF, y)
    with_failures = quantile_interval(worst)
    assert with_failures.low >= found.low - 1e-9 or math.isinf(worst[len(y) // 2])
    assert with_failures.high >= found.high


def test_an_end_beside_a_failure_goes_outwards() -> None:
    y = np.array([1.0, 2.0, 3.0, 4.0, 5.0, INF])
    assert quantile_interval(y).high == INF
    assert quantile_interval(np.array([1.0, INF, INF, INF, INF, INF])).low == 1.0
    assert quantile_interval(np.full(6, INF)).low == INF


def test_what_is_missing_is_no_value() -> None:
    with pytest.raises(ValueError, match="numbers"):
        quantile_interval(np.array([1.0, math.nan]))


@pytest.mark.parametrize("share", [0.25, 0.5])
@pytest.mark.parametrize("n", [13, 20])
def test_it_holds_as_often_as_it_says(n: int, share: float) -> None:
    """2,000 studies have an error of 0.5 %."""
    truth = math.exp(stats.norm.ppf(share))
    found = [quantile_interval(y, share) for y in np.exp(np.random.default_rng(n).standard_normal((2000, n)))]
    assert np.mean([one.low <= truth <= one.high for one in found]) == pytest.approx(0.95, abs=0.017)


def test_a_truth_beside_failures_is_held() -> None:
    """A tenth fails: the median of all is the 0.5 / 0.9 quantile of those that do not."""
    random = np.random.default_rng(4)
    y = random.standard_normal((2000, 10))
    y[random.random(y.shape) < 0.1] = INF
    truth, found = stats.norm.ppf(0.5 / 0.9), [quantile_interval(values) for values in y]
    assert np.mean([one.low <= truth <= one.high for one in found]) == pytest.approx(0.95, abs=0.017)
