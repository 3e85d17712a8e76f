"""The probability that one search beats another, against enumeration of all draws and scipy's Mann-Whitney U."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.estimators import pairs

INF = math.inf
Search = tuple[list[float], list[float]]
CASES: list[tuple[Search, Search]] = [
    (([1.0, 5.0], [1.0, 5.0]), ([2.0, 3.0, 4.0], [2.0, 3.0, 4.0])),
    (([1.0, 5.0, 2.0], [9.0, 1.0, 2.0]), ([2.0, 3.0, 4.0], [2.0, 2.0, 4.0])),
    (([INF, 5.0, INF, 2.0], [INF, 1.0, INF, 2.0]), ([INF, 3.0, INF, 1.0], [INF, 2.0, INF, 4.0])),
    (([3.0, 3.0, 3.0, 1.0], [7.0, 1.0, 4.0, 6.0]), ([2.0, 2.0, 5.0, 5.0], [5.0, 3.0, 6.0, 0.5])),
    (([INF, INF], [INF, INF]), ([INF, INF, INF], [INF, INF, INF])),
]
scores = st.lists(st.one_of(st.floats(0.1, 100).map(lambda x: round(x, 1)), st.just(INF)), min_size=1, max_size=12)


def kept(search: Search, k: int) -> list[tuple[float, float]]:
    """What every draw of k reports, with its probability; of settings that tie in choice each is as likely."""
    draws = list(itertools.combinations(zip(*search, strict=True), k))
    best = [[r for c, r in draw if c == min(draw)[0]] for draw in draws]
    return [(r, 1 / len(draws) / len(tied)) for tied in best for r in tied]


def wins(first: Search, second: Search, k: int) -> float:
    return sum(
        p * q * (1.0 if r < s else 0.5 if r == s else 0.0) for r, p in kept(first, k) for s, q in kept(second, k)
    )


def found(first: Search, second: Search, k: int) -> pairs.Beats:
    return pairs.beats((np.array(first[0]), np.array(first[1])), (np.array(second[0]), np.array(second[1])), k)


@pytest.mark.parametrize(("first", "second"), CASES)
def test_it_is_the_share_of_all_pairs_of_draws(first: Search, second: Search) -> None:
    for k in range(1, min(len(first[0]), len(second[0])) + 1):
        assert found(first, second, k).probability == pytest.approx(wins(first, second, k), abs=1e-12)


@pytest.mark.parametrize(("first", "second"), CASES)
def test_without_each_setting_it_is_that_of_the_others(first: Search, second: Search) -> None:
    for k in range(1, min(len(first[0]), len(second[0]))):
        both = found(first, second, k)
        for side, without in ((0, both.without_first), (1, both.without_second)):
            order = np.lexsort(np.array((first, second)[side])[::-1])
            for place, i in enumerate(order):
                less = tuple([value for j, value in enumerate(values) if j != i] for values in (first, second)[side])
                want = wins(less, second, k) if side == 0 else wins(first, less, k)  # type: ignore[arg-type]
                assert without[place] == pytest.approx(want, abs=1e-12)


@given(scores, scores)
def test_one_setting_each_is_mann_whitneys_u(first: list[float], second: list[float]) -> None:
    u = stats.mannwhitneyu(second, first).statistic
    assert found((first, first), (second, second), 1).probability == pytest.approx(u / len(first) / len(second))


@given(scores, scores, st.randoms())
def test_the_two_orders_add_up_and_the_order_of_settings_does_not_matter(
    first: list[float], second: list[float], random: "st.DrawFn"
) -> None:
    shuffled = random.sample(first, len(first))  # type: ignore[attr-defined]
    for k in range(1, min(len(first), len(second)) + 1):
        one = found((first, first), (second, second), k).probability
        assert one + found((second, second), (first, first), k).probability == pytest.approx(1)
        assert found((shuffled, shuffled), (second, second), k).probability == one
        assert -1e-12 <= one <= 1 + 1e-12


@given(scores)
def test_a_search_beats_its_like_half_of_the_time(values: list[float]) -> None:
    for k in range(1, len(values) + 1):
        assert found((values, values), (values, values), k).probability == pytest.approx(0.5)


def test_without_any_of_all_settings_there_are_no_k_left() -> None:
    assert np.isnan(found(*CASES[0], 2).without_first).all()
    assert not np.isnan(found(*CASES[0], 2).without_second).any()


@pytest.mark.parametrize("k", [0, 3])
def test_a_budget_beyond_the_settings_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 2"):
        found(*CASES[0], k)
