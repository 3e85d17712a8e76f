"""The grouped jackknife of a mean."""

import numpy as np
import pytest

from analysis.intervals import groups


def test_of_a_mean_it_is_its_standard_error_on_average() -> None:
    random = np.random.default_rng(0)
    found = []
    for _ in range(300):
        values = random.standard_normal(50)
        found.append(groups.deviations(50, lambda kept, values=values: np.array([values[kept].mean()]))[0] ** 2)
    assert np.mean(found) == pytest.approx(1 / 50, rel=0.1)


def test_seeded_and_wider_than_the_normal() -> None:
    values = np.arange(30.0)
    first, second, other = (
        groups.deviations(30, lambda kept: np.array([values[kept].mean()]), seed=s) for s in (1, 1, 2)
    )
    assert first == second
    assert first != other
    assert groups.quantile() == pytest.approx(2.262, abs=1e-3)
