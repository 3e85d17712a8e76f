"""What searches of k settings report: against enumeration of all draws, and how often the bounds hold."""

import itertools
import math

import numpy as np
import pytest

from analysis.claims import draws
from analysis.claims.bounds import Array, Ratio
from analysis.claims.carried import worse

INF = math.inf
CHOICE = np.array([3.0, 1.0, 7.0, 2.0, INF, 5.0, 4.0])
SCORE = np.array([2.0, 4.0, 9.0, 3.0, INF, 6.0, 1.0])


def best(choice: Array, score: Array, k: int) -> list[float]:
    """What every draw of k reports, where no choices tie."""
    return [score[min(draw, key=lambda i: choice[i])] for draw in itertools.combinations(range(len(score)), k)]


def error(statistic: list[float]) -> float:
    values = np.array(statistic)
    return float(np.sqrt((len(values) - 1) / len(values) * np.sum((values - values.mean()) ** 2)))


def left(values: Array) -> list[Array]:
    return [np.delete(values, i) for i in range(len(values))]


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_expected_best_is_of_all_draws_and_its_error_of_all_without_one(k: int) -> None:
    found = draws.logarithm_of_best(draws.draws(CHOICE, SCORE, k))
    assert found.estimate == pytest.approx(math.log(np.mean(best(CHOICE, SCORE, k))))
    without = [math.log(np.mean(best(c, s, k))) for c, s in zip(left(CHOICE), left(SCORE), strict=True)]
    assert found.error == pytest.approx(error(without))
    assert found.freedom == 7 / k


def test_draws_of_failures_only_are_left_out_of_the_mean_where_they_are_rare_and_say_all_where_not() -> None:
    few, many = np.array([1.0] * 18 + [INF] * 2), np.array([1.0] * 5 + [INF] * 15)
    assert draws.logarithm_of_best(draws.draws(few, few, 2)).estimate == pytest.approx(0.0)
    assert draws.logarithm_of_best(draws.draws(many, many, 2)) == draws.Normal(INF, INF)


def test_a_ratio_of_unknowns_is_unknown() -> None:
    known, unknown = draws.Normal(1.0, 0.3, 4.0), draws.Normal(INF, INF)
    assert draws.ratio(unknown, known) == Ratio(draws.Normal(INF, INF), 1.0, 4.0)
    assert math.isnan(draws.ratio(unknown, unknown).estimate)
    both = draws.ratio(known, known)
    seen = both.seen
    assert (seen.estimate, seen.error, seen.freedom) == pytest.approx((0.0, 0.3 * math.sqrt(2), 8.0))
    assert (both.first, both.second) == (4.0, 4.0)


@pytest.mark.parametrize(("k", "m"), [(1, 1), (2, 2), (2, 4)])
def test_the_probability_to_beat_is_of_all_pairs_of_draws(k: int, m: int) -> None:
    other = np.array([2.5, 6.0, 3.0, INF, 0.5])
    ours, theirs = best(CHOICE, SCORE, k), best(other, other, m)
    want = np.mean([(r < s) + 0.5 * (r == s) for r, s in itertools.product(ours, theirs)])
    found = draws.beats(draws.draws(CHOICE, SCORE, k), draws.draws(other, other, m))
    assert found.estimate == pytest.approx(want)


def test_equal_losses_beat_each_other_half_of_the_time() -> None:
    one = draws.draws(CHOICE, SCORE, 2)
    assert draws.beats(one, one).estimate == pytest.approx(0.5)


def test_where_all_agree_no_more_is_known_than_a_few_tosses_tell() -> None:
    low, high = np.arange(1.0, 41.0), np.arange(101.0, 141.0)
    found = draws.beats(draws.draws(low, low, 10), draws.draws(high, high, 10))
    assert (found.estimate, found.tosses) == (pytest.approx(1.0), draws.TOSSES * 4)


@pytest.mark.parametrize("rate", [1.0, 3.0, 15.0])
@pytest.mark.parametrize(("n", "k", "m"), [(40, 10, 10), (64, 2, 8), (100, 14, 14)])
def test_bounds_of_a_probability_hold(rate: float, n: int, k: int, m: int) -> None:
    """The best of k exponential scores is exponential at k times the rate."""
    random, truth = np.random.default_rng([n, k, m]), rate * k / (rate * k + m)
    held = 0
    for _ in range(200):
        one, other = random.exponential(1 / rate, n), random.exponential(1, n)
        found = draws.beats(draws.draws(one, one, k), draws.draws(other, other, m))
        held += found.low(0.025) <= truth <= found.high(0.025)
    assert held / 200 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 200)


@pytest.mark.parametrize(("n", "k"), [(40, 10), (100, 14), (100, 25)])
def test_bounds_of_a_ratio_hold(n: int, k: int) -> None:
    random, held = np.random.default_rng([n, k]), 0
    for _ in range(200):
        scores = np.exp(0.7 * random.standard_normal((2, n)))
        one, other = (draws.logarithm_of_best(draws.draws(score, score, k)) for score in scores)
        found = draws.ratio(one, other)
        held += found.low(0.025) <= 0 <= found.high(0.025)
    assert held / 200 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 200)


def carried(here: Array, there: Array, score: Array, k: int) -> float:
    """The share of all draws of k in which the best of `here` is over 1.1 times as bad as the best of `there`."""
    costs = []
    for draw in itertools.combinations(range(len(score)), k):
        i, j = (min(draw, key=lambda m: (choice[m], score[m], m)) for choice in (here, there))
        costs.append(score[i] > 1.1 * score[j])
    return float(np.mean(costs))


@pytest.mark.parametrize("failed", [False, True])
@pytest.mark.parametrize(("n", "k"), [(4, 2), (6, 2), (6, 3), (8, 3), (8, 5), (8, 6)])
def test_carrying_over_is_of_all_draws_and_of_all_without_one(n: int, k: int, failed: bool) -> None:
    random = np.random.default_rng([n, k])
    here, there = random.random(n).round(1), random.random(n).round(1)
    score = there + 0.2 * random.random(n)
    if failed:
        here[0], there[1], score[1] = INF, INF, INF
    share, without = worse(here, there, score, k, 0.1)
    assert share == pytest.approx(carried(here, there, score, k))
    every = zip(left(here), left(there), left(score), strict=True)
    np.testing.assert_allclose(without, [carried(a, b, c, k) for a, b, c in every], atol=1e-12)


def test_one_order_on_both_data_sets_carries_over_always() -> None:
    score = np.random.default_rng(1).random(30)
    share, without = worse(2 * score, score, score, 7, 0.1)
    assert share == 0
    assert (without == 0).all()
