"""The bootstrap interval: repeatable, refused where it would mislead, and covering as often as it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intervals import FEWEST, SEED, bootstrap

VALUES = np.array([3.0, 4.5, 2.0, 7.0, 5.5, 4.0])


def test_the_same_values_in_any_order_give_the_same_interval_and_record_how() -> None:
    first, second = bootstrap(VALUES), bootstrap(VALUES[::-1])
    assert first == second
    assert (first.seed, first.resamples, first.level) == (SEED, 4000, 0.95)
    assert bootstrap(VALUES, seed=1) != first


def test_too_few_values_give_no_interval() -> None:
    assert math.isnan(bootstrap(VALUES[: FEWEST - 1]).low)
    assert not math.isnan(bootstrap(VALUES[:FEWEST]).low)


def test_a_failed_seed_has_no_place_in_a_mean() -> None:
    with pytest.raises(ValueError, match="finite"):
        bootstrap(np.append(VALUES, math.inf))


@given(st.lists(st.floats(0, 100), min_size=FEWEST, max_size=12))
def test_the_interval_holds_the_statistic_and_stays_in_the_range_of_the_values(values: list[float]) -> None:
    for statistic in (np.mean, np.median):
        found = bootstrap(np.array(values), statistic, resamples=300)
        assert min(values) - 1e-9 <= found.low <= statistic(values) + 1e-9
        assert statistic(values) - 1e-9 <= found.high <= max(values) + 1e-9


@pytest.mark.parametrize("n", [FEWEST, 20])
def test_coverage_of_a_mean(n: int) -> None:
    """Of 1,000 simulated studies 94 to 95 % (standard error 0.7 %): as documented."""
    random = np.random.default_rng(n)
    found = [bootstrap(values, resamples=1000) for values in random.standard_normal((1000, n))]
    assert 0.925 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.965
