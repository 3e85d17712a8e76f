"""The crossing budget, by hand."""

import math

import numpy as np
import pytest

from analysis.estimators.crossing import crossing


@pytest.mark.parametrize(
    ("probability", "want"),
    [
        ([0.3, 0.5, 0.6], 3),  # even is not above
        ([0.9, 0.6, 0.7], 1),
        ([0.9, 0.4, 0.6, 0.7], 3),  # it must stay above
        ([0.9, 0.9, 0.4], math.nan),
        ([0.5 + 1e-12], math.nan),
        ([], math.nan),
    ],
)
def test_crossing(probability: list[float], want: float) -> None:
    np.testing.assert_equal(float(crossing(np.array(probability, float))), want)


def test_many_curves_at_once() -> None:
    probability = np.array([[0.3, 0.5, 0.6], [0.7, 0.8, 0.9], [0.1, 0.1, 0.1]])
    np.testing.assert_equal(crossing(probability), [3.0, 1.0, math.nan])
