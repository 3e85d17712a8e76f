"""Simultaneous bands of quantiles: exact probabilities, simulated coverage, and opda's bands of the same scores."""

import itertools
import math
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opda.nonparametric import EmpiricalDistribution
from scipy import stats

from analysis.estimators.budget import median_of_best, median_share
from analysis.intervals.bands import quantile_band

INF = math.inf
scores = st.lists(st.one_of(st.floats(0.01, 1e4), st.just(INF)), min_size=1, max_size=40)


def tuned(values: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    band = quantile_band(values, median_share(np.arange(1, len(values) + 1)), level)
    return band.low, band.high


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 7])
def test_the_probability_that_all_hold_is_that_of_all_counts(n: int) -> None:
    """Enumerated: how many of n values lie between neighbouring quantiles."""
    shares = np.array([0.1, 0.25, 0.5])
    band = quantile_band(np.arange(1.0, n + 1), shares, 0.8)
    low = [0 if math.isinf(end) else int(end) for end in band.low]
    high = [n if math.isinf(end) else int(end) - 1 for end in band.high]
    held, parts = 0.0, np.diff(shares, prepend=0.0, append=1.0)
    for counts in itertools.product(range(n + 1), repeat=3):
        if sum(counts) <= n:
            below = list(itertools.accumulate(counts))
            ways = comb(n, counts[0]) * comb(n - counts[0], counts[1]) * comb(n - below[1], counts[2])
            if all(a <= r <= b for a, r, b in zip(low, below, high, strict=True)):
                held += ways * float(np.prod(parts ** np.array([*counts, n - below[2]])))
    assert band.held == pytest.approx(held, rel=1e-9)
    assert held >= 0.8


@pytest.mark.parametrize("n", [6, 10, 20, 50, 100])
def test_from_six_settings_on_it_holds_hardly_more_often_than_it_says(n: int) -> None:
    held = quantile_band(np.arange(float(n)), median_share(np.arange(1, n + 1))).held
    assert 0.95 <= held <= 0.96


@pytest.mark.parametrize(("n", "failed"), [(10, 0.0), (50, 0.0), (50, 0.3), (100, 0.2)])
def test_simulated_coverage(n: int, failed: float) -> None:
    """1,000 studies, with a standard error of 0.7 %."""
    random = np.random.default_rng([n, int(10 * failed)])
    shares = median_share(np.arange(1, n + 1))
    truth = np.where(shares < 1 - failed, stats.lognorm.ppf(np.minimum(shares / (1 - failed), 0.99), 1.0), INF)
    held = []
    for _ in range(1000):
        y = np.where(random.random(n) < failed, INF, random.lognormal(size=n))
        low, high = tuned(y)
        held.append(((low <= truth) & (truth <= high)).all())
    assert 0.95 - 0.021 <= np.mean(held) <= 0.95 + 0.021


def test_atoms_make_it_hold_more_often() -> None:
    """Scores in whole numbers."""
    random = np.random.default_rng(0)
    shares = median_share(np.arange(1, 31))
    truth = stats.poisson(4).ppf(shares)
    bands = [tuned(random.poisson(4, 30).astype(float)) for _ in range(1000)]
    assert np.mean([((low <= truth) & (truth <= high)).all() for low, high in bands]) > 0.95


@pytest.mark.parametrize("n", [20, 60])
def test_it_lies_within_opdas_band_for_the_whole_distribution(n: int) -> None:
    """Ours need hold at the quantiles of k = 1 .. n only."""
    y = np.sort(np.random.default_rng(n).lognormal(size=n))
    k = np.arange(1, n + 1)
    below, _, above = EmpiricalDistribution.confidence_bands(
        y, 0.95, method="ld_equal_tailed", generator=np.random.default_rng(1), n_jobs=1
    )
    low, high = (band.quantile_tuning_curve(k, minimize=True) for band in (above, below))
    ours = tuned(y)
    assert (ours[0] >= low).all()
    assert (ours[1] <= high).all()
    below, _, above = EmpiricalDistribution.confidence_bands(y, 0.95, method="dkw")
    low, high = (band.quantile_tuning_curve(k, minimize=True) for band in (above, below))
    assert (ours[0][3:] >= low[3:]).all()  # at the middle of the distribution Kolmogorov's band is the narrower one
    assert (ours[1][3:] <= high[3:]).all()


@given(scores, st.sampled_from([0.5, 0.8, 0.95]))
def test_it_holds_the_estimate_and_falls_with_k(values: list[float], level: float) -> None:
    y = np.array(values)
    low, high = tuned(y, level)
    assert (low <= median_of_best(y)).all()
    assert (median_of_best(y) <= high).all()
    assert (low[1:] <= low[:-1]).all()
    assert (high[1:] <= high[:-1]).all()


@given(scores, st.randoms())
def test_the_order_of_the_scores_does_not_matter(values: list[float], random: "st.DrawFn") -> None:
    shuffled = random.sample(values, len(values))  # type: ignore[attr-defined]
    np.testing.assert_array_equal(tuned(np.array(values)), tuned(np.array(shuffled)))


def test_a_greater_level_is_wider() -> None:
    y = np.random.default_rng(1).lognormal(size=40)
    (low, high), (lower, higher) = tuned(y, 0.8), tuned(y, 0.99)
    assert (lower <= low).all()
    assert (higher >= high).all()


def test_of_few_scores_both_ends_of_no_quantile_are_known() -> None:
    low, high = tuned(np.arange(1.0, 6))
    assert (np.isinf(low) | np.isinf(high)).all()
    low, high = tuned(np.arange(1.0, 7))
    assert (low[0], high[0]) == (1.0, 6.0)


def test_shares_in_any_order_and_none() -> None:
    y = np.arange(1.0, 41)
    rising, falling = quantile_band(y, np.array([0.1, 0.5])), quantile_band(y, np.array([0.5, 0.1]))
    np.testing.assert_array_equal(rising.low, falling.low[::-1])
    assert len(quantile_band(y, np.array([])).low) == 0


def test_what_has_not_ended_is_refused() -> None:
    with pytest.raises(ValueError, match="leave what has not ended out"):
        quantile_band(np.array([1.0, math.nan]), np.array([0.5]))
