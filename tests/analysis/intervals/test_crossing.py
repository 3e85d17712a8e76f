"""The interval of a crossing budget, by hand; its coverage is simulated in tests/analysis/tables/test_crossing.py."""

import math

import numpy as np
import pytest

from analysis.intervals.crossing import crossing_interval

INF = math.inf


@pytest.mark.parametrize(
    ("low", "high", "want"),
    [
        ([0.1, 0.2, 0.4, 0.6, 0.7], [0.4, 0.5, 0.6, 0.8, 0.9], (3, 4)),
        ([0.6, 0.6, 0.6], [0.9, 0.9, 0.9], (1, 1)),
        ([0.4, 0.4, 0.4], [0.6, 0.6, 0.6], (1, INF)),
        ([0.1, 0.1, 0.1], [0.4, 0.4, 0.4], (INF, INF)),
        ([0.6, 0.6, 0.1], [0.9, 0.9, 0.4], (INF, INF)),  # it was ahead, and is not any more
        ([0.1, 0.1, 0.3], [0.4, 0.4, 0.6], (3, INF)),
        ([0.1, 0.6, 0.6, 0.4], [0.4, 0.9, 0.9, 0.6], (2, INF)),  # at the end it is not sure any more
        ([0.1, 0.4, 0.6], [0.4, 0.6, 0.8], (2, 3)),
    ],
)
def test_a_budget_is_in_unless_ruled_out_there_or_just_before(
    low: list[float], high: list[float], want: tuple[float, float]
) -> None:
    assert crossing_interval(np.array(low), np.array(high)) == want


def test_of_no_probabilities_there_is_none() -> None:
    assert np.isnan(crossing_interval(np.array([]), np.array([]))).all()
