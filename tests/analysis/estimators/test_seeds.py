"""Quartiles against numpy, and with failures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.estimators import seeds

INF = float("inf")
positive = st.lists(st.floats(0.1, 1e4), min_size=1, max_size=30)


@given(positive, st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
def test_quantiles_are_numpys(values: list[float], share: float) -> None:
    assert seeds.quantiles(np.array(values), share) == pytest.approx(np.quantile(values, share))


def test_failures_reach_a_quantile_as_soon_as_a_neighbour_with_weight_is_one() -> None:
    scores = np.array([1.0, 2.0, 3.0, 4.0, INF])
    assert [float(seeds.quantiles(scores, share)) for share in (0.5, 0.75, 0.8)] == [3.0, 4.0, INF]
