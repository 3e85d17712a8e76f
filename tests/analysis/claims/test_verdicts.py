"""Verdicts in simulated studies: where a claim is true, where it is false, and where it stands at its threshold."""

import math

import numpy as np
import pytest

from analysis.claims.base import CONTRADICTED, SUPPORTED, UNDECIDED, Size, explained, held, needed
from analysis.claims.bounds import Normal
from analysis.claims.evidence import Undecided
from benchmarks.coverage_claims import (
    FRAIL,
    ONE,
    ROBUST,
    ROPE,
    TEST,
    WORLDS,
    Draw,
    World,
    basin,
    correlated,
    exponential,
    log_normal,
    of_both,
    seeds,
    spread,
    verdicts,
)

SMALL = [world for world in WORLDS if world.n < 200]
EQUAL = dict.fromkeys(("mm", "ns", "ls", "vae"), 1.0)
APART = {"mm": 1.0, "ns": 3.0, "ls": 3.0, "vae": 3.0}
CLEAR = [
    ("A", SUPPORTED, 1800, log_normal(0.02, ONE, **EQUAL)),
    ("A", CONTRADICTED, 280, log_normal(0.2, **APART)),
    ("B", SUPPORTED, 800, log_normal(0.02, ONE, **EQUAL)),
    ("B", CONTRADICTED, 140, log_normal(0.2, **APART)),
    ("C", SUPPORTED, 600, exponential(ONE, mm=1, ns=2)),
    ("C", CONTRADICTED, 96, exponential(ONE, mm=1, ns=10_000)),
    ("D", SUPPORTED, 80, exponential(mm=1, ns=10, vae=1)),
    ("D", CONTRADICTED, 240, exponential(mm=10_000, ns=1, vae=1)),
    ("E", SUPPORTED, 40, of_both(1.0, 0.1)),
    ("E", CONTRADICTED, 40, log_normal(0.05, **EQUAL)),
    ("F", SUPPORTED, 30, seeds(ls=spread(3), ns=ROBUST, vae=ROBUST)),
    ("F", CONTRADICTED, 30, seeds(ls=spread(3), ns=FRAIL, vae=ROBUST)),
    ("H", SUPPORTED, 40, correlated(0.0)),
    ("H", CONTRADICTED, 40, correlated(0.5, 0.01)),
    ("H", CONTRADICTED, 100, correlated(1.0, 0.7, 0.2)),
]


@pytest.mark.parametrize(("letter", "want", "n", "draw"), CLEAR, ids=[f"{one[0]}-{one[1]}" for one in CLEAR])
def test_what_is_clear_gets_its_verdict(letter: str, want: str, n: int, draw: Draw) -> None:
    found = verdicts(World(letter, "", "", n, draw), 4)
    assert found[want] >= 0.75
    assert found[want] + found[UNDECIDED] == 1


def test_at_the_threshold_a_verdict_is_rarely_wrong() -> None:
    """Over small worlds of the table of coverage; each for itself in the slow test, all in the table."""
    studies, worlds = 4, [world for world in SMALL if world.letter != "H"]
    wrong = [sum(verdicts(world, studies)[verdict] for verdict in world.wrong) for world in worlds]
    assert np.mean(wrong) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / (studies * len(worlds)))


@pytest.mark.slow
@pytest.mark.parametrize("world", SMALL, ids=[f"{i}-{world.letter}" for i, world in enumerate(SMALL)])
def test_in_every_world_a_verdict_is_rarely_wrong(world: World) -> None:
    studies = 30  # a thousand in the table of coverage
    wrong = sum(verdicts(world, studies)[verdict] for verdict in world.wrong)
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / studies)


@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_good_part_of_the_space_that_no_setting_hit_leaves_the_best_of_k_open(letter: str) -> None:
    """The spread that is seen would decide it at once: all 40 settings of both losses score 60, within 2 %."""
    draw = basin({"ns": 0.0, "vae": 0.0}, {"ns": 60.0, "vae": 60.0}, ONE)
    assert verdicts(World(letter, "", "", 40, draw), 4)[UNDECIDED] == 1


def test_settings_need_a_second_seed_to_tell_transfer_from_luck() -> None:
    with pytest.raises(Undecided, match="needs 2 seeds of every setting"):
        TEST["H"](correlated(0.0, seeds=1)(np.random.default_rng(1), 40), ROPE)


def test_the_budget_that_more_settings_are_tested_at_is_said() -> None:
    test = TEST["B"](log_normal(0.02, ONE, ns=1, vae=1)(np.random.default_rng(1), 24), ROPE)
    more, reason = explained(test, test.verdict(1))
    assert more is not None
    assert more / 2 > 14 * 38  # that many leave a search of 14 less than a tenth to miss
    assert "would decide it (tested at k = 14), if the estimates" in reason
    assert "k = 6; settings that the search missed could lower an expected best of 6 by up to 60 %" in reason


def test_a_budget_that_few_settings_do_not_reach_is_said() -> None:
    test = TEST["B"](log_normal(0.02, ONE, ns=1, vae=1)(np.random.default_rng(1), 9), ROPE)
    assert "(tested at k = 14; reckoned at k = 8, for lack of settings)" in explained(test, test.verdict(1))[1]


def test_what_seeds_may_explain_is_said() -> None:
    random = np.random.default_rng(2)
    for draw, said in (
        (of_both(0.0, 1.5), "seeds could explain it in 1 of 1 searches"),
        (log_normal(1.0, ONE, ns=1), "is unknown of 1 of 1 searches, whose best setting has fewer than 13 seeds"),
    ):
        test = TEST["E"](draw(random, 60), ROPE)
        assert test.interval(1)[0] > 1.5
        assert test.verdict(1) == UNDECIDED
        assert said in explained(test, UNDECIDED)[1]


def test_the_needed_settings_are_by_the_root_of_their_number() -> None:
    """Half as wide an interval decides: four times as many, but for the t quantile, which shrinks too."""
    quantity = Normal(1.0, 1.0, 1e6)
    found = held(quantity, 0.02, above=True, size=Size(50, "settings", 3))
    assert found.verdict(1) == UNDECIDED
    assert needed(found) == pytest.approx(50 * ((1.96 / 0.98) ** 2 - 1), rel=0.02)


def test_at_the_threshold_itself_no_number_is_given() -> None:
    assert needed(held(Normal(1.0, 1.0, 1e6), 1.0, above=True, size=Size(50, "settings", 3))) is None


@pytest.mark.parametrize(
    ("letter", "n", "draw"),
    [
        ("B", 24, log_normal(0.3, ONE, mm=1, vae=1.6)),
        ("E", 40, of_both(spread(1.75), ROBUST)),
        ("F", 20, seeds(ONE, ls=FRAIL, ns=spread(1.14), vae=ROBUST)),
    ],
)
def test_so_many_more_decide_about_as_often_as_not(letter: str, n: int, draw: Draw) -> None:
    """Of the right order of magnitude: a quarter of the median number decides fewer, four times it nearly all."""
    random = np.random.default_rng(3)
    tests = [TEST[letter](draw(random, n), ROPE) for _ in range(12)]
    numbers = [needed(test) for test in tests if test.verdict(1) == UNDECIDED]
    more = int(np.median([number for number in numbers if number is not None]))
    less, enough, plenty = (
        1 - verdicts(World(letter, "", "", size, draw), 12)[UNDECIDED]
        for size in (n + more // 4, n + more, n + 4 * more)
    )
    assert less <= plenty
    assert enough >= 0.4
    assert plenty >= 0.85
