"""Posteriors of medians against the binomial, how often they are wrong, and the signed-rank test against baycomp."""

import math
from collections.abc import Callable

import baycomp
import numpy as np
import pytest
from scipy import stats

from analysis.estimators import practical

INF = math.inf
LOGS = np.array([3.0, 3.2, 2.9, 3.4, 3.1, 3.3, 3.15])
ROPE = math.log(1.05)


def test_the_median_lies_between_two_values_as_often_as_heads_are_thrown() -> None:
    drawn = practical.posterior(LOGS, seed=1)
    shares = np.bincount(np.searchsorted(np.sort(LOGS), drawn), minlength=8) / len(drawn)
    assert shares == pytest.approx(stats.binom.pmf(np.arange(8), 7, 0.5), abs=0.015)
    inner = drawn[(drawn > 3.15) & (drawn < 3.2)]
    assert stats.kstest(inner, stats.uniform(3.15, 0.05).cdf).pvalue > 0.001


def test_an_exact_interval_of_the_median_has_its_level() -> None:
    """Of 7 values the second to the sixth: 1 - 2 (1 + 7) / 128."""
    drawn, y = practical.posterior(LOGS, seed=1), np.sort(LOGS)
    assert np.mean((drawn > y[1]) & (drawn < y[5])) == pytest.approx(1 - 16 / 128, abs=0.01)


def test_probabilities_sum_to_one_and_never_reach_it() -> None:
    found = practical.compared(practical.posterior(LOGS, seed=1), practical.posterior(LOGS + 9, seed=2), ROPE)
    assert found.better + found.equivalent + found.worse == pytest.approx(1)
    assert found.better == pytest.approx((1 - 2**-7) ** 2, abs=0.005)


def test_failed_seeds_make_a_loss_worse() -> None:
    draws = [practical.posterior(np.append(LOGS[: 7 - failed], [INF] * failed), seed=1) for failed in (0, 1, 3)]
    medians = [float(np.mean(drawn > 3.3)) for drawn in draws]
    assert medians == sorted(medians)
    assert medians[2] > medians[0] + 0.2
    heads = stats.binom(7, 0.5)
    assert np.mean(np.isposinf(draws[2])) == pytest.approx(heads.sf(4) + heads.pmf(4) / 2, abs=0.015)


def test_a_loss_that_always_fails_is_worse_and_two_are_equivalent() -> None:
    works, fails, as_well = (
        practical.posterior(values, seed=seed) for seed, values in enumerate((LOGS, np.full(7, INF), np.full(7, INF)))
    )
    assert practical.compared(works, fails, ROPE).better > 0.98
    assert practical.compared(fails, as_well, ROPE).equivalent > 0.97


@pytest.mark.parametrize("logs", [[], [1.0, 2.0], [INF] * 5, [1.0, 2.0, 3.0, 4.0, 5.0], [*range(6), math.nan]])
def test_too_few_seeds_are_not_compared(logs: list[float]) -> None:
    few = practical.posterior(np.array(logs, dtype=float), seed=1)
    assert np.isnan(few).all()
    assert math.isnan(practical.compared(few, few, ROPE).better)


Pair = tuple[np.ndarray, np.ndarray]


def equal(random: np.random.Generator, n: int) -> Pair:
    return random.standard_normal(n), random.standard_normal(n)


def apart(random: np.random.Generator, n: int) -> Pair:
    """Medians that are exactly the region apart: neither better nor equivalent is true."""
    return 0.1 * random.standard_normal(n) - ROPE, 0.1 * random.standard_normal(n)


def collapsing(random: np.random.Generator, n: int) -> Pair:
    """Three in ten seeds of the first twice as bad: its median is one per cent higher, its mean 23."""
    bad = math.log(2) * (random.random(n) < 0.3)
    return 0.02 * random.standard_normal(n) + bad, 0.02 * random.standard_normal(n)


def failing(random: np.random.Generator, n: int) -> Pair:
    """Two in five seeds of the first fail: its median is 4.8 per cent higher."""
    return 0.05 * random.standard_normal(n) + np.where(random.random(n) < 0.4, INF, 0.0), 0.05 * random.standard_normal(
        n
    )


@pytest.mark.parametrize("drawn", [equal, apart, collapsing, failing])
@pytest.mark.parametrize("n", [practical.FEWEST, 13])
def test_a_false_verdict_is_rare(n: int, drawn: Callable[[np.random.Generator, int], Pair]) -> None:
    """Better and worse at 95 % are false in all four. 300 studies: 7 % is 1.6 errors above 5."""
    false = 0
    for number in range(300):
        first, second = drawn(np.random.default_rng([n, number]), n)
        draws = (practical.posterior(logs, draws=2000, seed=[number, i]) for i, logs in enumerate((first, second)))
        found = practical.compared(*draws, ROPE)
        false += max(found.better, found.worse) >= 0.95
    assert false / 300 <= 0.07


@pytest.mark.parametrize(
    "differences",
    [[-0.5, -0.1, 0.3, -0.2, -0.4, 0.02], [0.01, -0.02, 0.03, 0.0, 0.04, -0.01], [-1.0, -2.0, 0.5, 1.0, -0.06, 0.02]],
)
def test_the_signed_rank_test_agrees_with_baycomp(differences: list[float]) -> None:
    """baycomp's left is where y - x is below -rope; ours where the first is: x = 0, y = the differences."""
    z = np.array(differences)
    want = baycomp.SignedRankTest(np.zeros(len(z)), z, rope=ROPE, nsamples=20_000, random_state=3).probs()
    found = practical.signed_rank(z, ROPE, seed=1)
    assert (found.better, found.equivalent, found.worse) == pytest.approx(want, abs=0.02)


def test_the_signed_rank_test_with_failures_few_data_sets_and_another_order() -> None:
    assert practical.signed_rank(np.array([-INF, -INF, -0.5, -0.4, -0.6, -INF]), ROPE, seed=1).better > 0.95
    balanced = practical.signed_rank(np.array([-INF, INF, -0.5, 0.5, 0.2, -0.2]), ROPE, seed=1)
    assert balanced.better == pytest.approx(balanced.worse, abs=0.02)
    assert math.isnan(practical.signed_rank(np.full(practical.FEWEST - 1, -1.0), ROPE, seed=1).better)
    z = np.array([0.3, -0.2, 0.7, 0.0, 0.1, -0.4])
    assert practical.signed_rank(z, ROPE, seed=1) == practical.signed_rank(z[::-1], ROPE, seed=1)
