"""Interquartile means and profiles against scipy and enumeration, weights against repeated values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.estimators import pooled

INF = math.inf
weighted = st.lists(st.tuples(st.floats(0.1, 100), st.integers(0, 4)), min_size=1, max_size=20)


def rows(values: list[float]) -> np.ndarray:
    return np.array([values])


@given(weighted.filter(lambda pairs: sum(times for _, times in pairs) > 0))
def test_counts_are_repeated_values(pairs: list[tuple[float, int]]) -> None:
    values, counts = np.array([pair[0] for pair in pairs]), rows([pair[1] for pair in pairs])
    repeated = np.repeat(values, counts[0])
    assert pooled.medians(values, counts)[0] == pytest.approx(np.median(repeated))
    assert pooled.interquartile_means(values[None], counts)[0] == pytest.approx(stats.trim_mean(repeated, 0.25))
    at = np.array([0.5, 10.0, 50.0, 100.0])
    want = [(repeated <= point).mean() for point in at]
    assert pooled.profiles(values[None], counts, at)[0].tolist() == pytest.approx(want)


def test_the_interquartile_mean_by_hand() -> None:
    """Of 8 runs two are cut from either end: (3 + 4 + 5 + 6) / 4; a failure is cut with the worst."""
    for last in (8.0, 1e9, INF):
        found = pooled.interquartile_means(rows([1, 2, 3, 4, 5, 6, 7, last]), np.ones((1, 8), dtype=np.int64))
        assert found.tolist() == [4.5]


def test_more_than_a_quarter_failed_is_infinite() -> None:
    ones = np.ones((1, 8), dtype=np.int64)
    assert np.isfinite(pooled.interquartile_means(rows([1, 2, 3, 4, 5, 6, INF, INF]), ones))
    assert pooled.interquartile_means(rows([1, 2, 3, 4, 5, INF, INF, INF]), ones).tolist() == [INF]


def test_the_scale_is_the_median_of_what_is_finite() -> None:
    scores = np.array([1.0, 2.0, INF, INF, INF])
    middle = pooled.medians(scores, np.array([[1, 1, 1, 1, 1], [0, 2, 0, 1, 5]]))
    assert middle.tolist() == [1.5, 2.0]
    assert pooled.normalised(scores, np.full(5, 2.0)).tolist() == [0.5, 1.0, INF, INF, INF]


def test_without_a_scale_a_failure_is_one_and_what_is_not_above_zero_has_none() -> None:
    failed = np.array([INF, INF])
    middle = pooled.medians(failed, np.ones((1, 2), dtype=np.int64))
    assert np.isnan(middle).all()
    assert pooled.normalised(failed, np.repeat(middle, 2)).tolist() == [INF, INF]
    found = pooled.normalised(np.array([-1.0, INF]), np.full(2, -1.0))
    assert math.isnan(found[0])
    assert found[1] == INF


def test_nothing_drawn_is_not_known() -> None:
    nothing = np.zeros((1, 2), dtype=np.int64)
    assert np.isnan(pooled.medians(np.array([1.0, 2.0]), nothing)).all()
    assert np.isnan(pooled.interquartile_means(rows([1.0, 2.0]), nothing)).all()
    assert np.isnan(pooled.profiles(rows([1.0, 2.0]), nothing, np.array([1.0]))).all()
