"""The stratified bootstrap: what it draws, its ends beside infinity, and its variance against theory."""

import math

import numpy as np
import pytest

from analysis.intervals import stratified

STRATA = np.repeat([0, 1], [13, 17])
INF = math.inf


def test_every_stratum_keeps_its_size() -> None:
    counts = stratified.resample(STRATA, lambda drawn: drawn, resamples=250)
    assert counts.shape == (250, 30)
    assert (counts[:, :13].sum(axis=1) == 13).all()
    assert (counts[:, 13:].sum(axis=1) == 17).all()
    assert not (counts == 1).all()


def test_the_variance_is_that_within_strata() -> None:
    """Of a sum of two strata's sums: sum over strata of n times the variance (over n)."""
    values = np.array([*range(1, 13), 30.0, *range(100, 117)])
    found = stratified.resample(STRATA, lambda drawn: drawn @ values, resamples=20_000)
    assert found.var() == pytest.approx(13 * values[:13].var() + 17 * values[13:].var(), rel=0.04)
    assert found.mean() == pytest.approx(values.sum(), rel=0.001)


def test_seeded() -> None:
    first, second, other = (stratified.resample(STRATA, lambda drawn: drawn, resamples=5, seed=s) for s in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


def test_an_end_is_infinite_or_it_is_not() -> None:
    values = np.sort(np.random.default_rng(0).random(1000))
    assert stratified.percentiles(values, STRATA) == pytest.approx((values[24], values[975]), abs=0.002)
    values[-30:] = INF
    assert stratified.percentiles(values, STRATA)[1] == INF
    assert stratified.percentiles(np.full(1000, INF), STRATA) == (INF, INF)


def test_too_few_units_or_no_statistic_give_no_interval() -> None:
    few = np.repeat([0, 1], [2, 23])
    assert not stratified.enough(few)
    assert math.isnan(stratified.percentiles(np.arange(100.0), few)[0])
    assert math.isnan(stratified.percentiles(np.append(np.arange(99.0), math.nan), STRATA)[0])
    low, high = stratified.share_bands(np.array([0.5]), np.full((10, 1), 0.5), few, 25)
    assert np.isnan([low, high]).all()


def test_the_band_of_one_binomial_share_is_clopper_and_pearsons() -> None:
    """40 units in one stratum, resampled binomially: nearly the exact interval for 10 of 40."""
    strata = np.zeros(40, dtype=np.int64)
    successes = np.arange(40) < 10
    found = stratified.resample(strata, lambda drawn: (drawn @ successes / 40)[:, None], resamples=5000)
    low, high = stratified.share_bands(np.array([0.25]), found, strata, 40)
    assert (low[0], high[0]) == pytest.approx((0.127, 0.412), abs=0.012)


def test_a_band_reaches_over_what_resamples_of_a_step_reach() -> None:
    """Half of the resamples see a step before, half behind it: of 40 runs they tell as much as one would."""
    strata, found = np.zeros(40, dtype=np.int64), np.repeat([[0.05], [0.95]], 500, axis=0)
    low, high = stratified.share_bands(np.array([0.5]), found, strata, 40)
    assert low[0] <= 0.05
    assert high[0] >= 0.95


def test_no_failures_at_all_are_no_certainty() -> None:
    """Of 40 units none: what 2.5 % of all samples of 40 do not meet."""
    strata = np.zeros(40, dtype=np.int64)
    low, high = stratified.share_bands(np.array([0.0, 1.0]), np.tile([0.0, 1.0], (9, 1)), strata, 40)
    assert high[0] == pytest.approx(1 - 0.025 ** (1 / 40))
    assert (low[0], high[1]) == (0.0, 1.0)
    assert low[1] == pytest.approx(1 - high[0])
