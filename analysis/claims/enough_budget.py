"""Claim A: with enough budget most losses reach similar scores."""

from functools import cache

import numpy as np
from scipy import special

from analysis.claims import evidence, rows, similar
from analysis.claims.base import Found, Question, Size, side
from analysis.claims.bounds import ALPHA, Array, Ratio
from analysis.claims.evidence import Evidence
from analysis.claims.together import surely

HALF = 0.5
ENOUGH = 25  # settings
LEAST, HALVINGS = 1e-12, 40  # of alpha


def _definition(rope: float) -> str:
    return (
        "Most losses: more than half of all pairs of a loss and a data set. Similar: the expected score of the best "
        f"of k settings is at most {1 + rope:g} times that of the best loss of that data set. Enough budget: k is "
        f"{ENOUGH}, or a quarter of the settings of the smallest search where that is less, but at least "
        f"{evidence.SEARCH_OF}; settings that were run say too little of others for more. {similar.HIDDEN}"
    )


def _test(given: Evidence, rope: float) -> Found:
    found = evidence.searches(given)
    n = evidence.smallest(found)
    trials = evidence.count(found) * given.seeds
    needed, why = evidence.OF_BEST
    evidence.check_size(n, needed, trials, why)
    budget = evidence.budget(n, ENOUGH)

    @cache
    def parts(k: int) -> list[list[Ratio]]:
        return [each for ratios in similar.ratios(found, k) for each in _by_loss(ratios)]

    def interval(growth: float) -> tuple[float, float]:
        beyond = [_refuted(ratios, rope, growth) for ratios in parts(min(budget(growth), n - 1))]
        least = surely(np.array([max(below) for below, _ in beyond]), ALPHA)
        others = surely(np.array([min(1.0, len(above) * min(above)) for _, above in beyond]), ALPHA)
        return least / len(beyond), 1 - others / len(beyond)

    near = [max(ratio.estimate for ratio in ratios) <= np.log1p(rope) for ratios in parts(budget(1))]
    size = Size(n, "settings", trials, budget)
    return Found(
        float(np.mean(near)), HALF, interval, lambda growth: side(*interval(growth), HALF, above=True), size,
        similar.remark(found, budget(1)),
    )  # fmt: skip


def _by_loss(ratios: dict[tuple[str, str], Ratio]) -> list[list[Ratio]]:
    """Of every loss its ratios to all others."""
    losses = dict.fromkeys(first for first, _ in ratios)
    return [[ratio for (first, _), ratio in ratios.items() if first == loss] for loss in losses]


def _refuted(ratios: list[Ratio], rope: float, growth: float) -> tuple[Array, Array]:
    """p-values of two contraries of every ratio: that it is above 1 + rope, and that it is not."""
    known = [ratio for ratio in ratios if np.isfinite(ratio.seen.error)]
    unknown = np.ones(len(ratios) - len(known))
    rows = [(one.estimate, one.seen.error, one.seen.freedom, one.first, one.second) for one in known]
    estimate, error, freedom, first, second = np.array(rows, dtype=float).reshape(-1, 5).T
    distance, known_of = np.log1p(rope) - estimate, (error / np.sqrt(growth), freedom * growth)
    return (
        np.append(_least_alpha(distance, *known_of, second * growth), unknown),
        np.append(_least_alpha(-distance, *known_of, first * growth), unknown),
    )


def _least_alpha(distance: Array, error: Array, freedom: Array, draws: Array) -> Array:
    """The least alpha at which the bounds of `bounds.Ratio` are nearer to the estimate than that; by halving log alpha.

    1 where that is above 1/2.
    """
    low, high = np.full(len(distance), np.log(LEAST)), np.full(len(distance), np.log(HALF))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        near = -special.stdtrit(freedom, np.exp(middle)) * error - middle / draws < distance
        low, high = np.where(near, low, middle), np.where(near, middle, high)
    return np.where(np.exp(high) < HALF, np.exp(high), 1.0)


QUESTION = Question(
    "A",
    "With enough budget most losses reach similar scores.",
    "share of all pairs of a loss and a data set in which the loss comes near the data set's best",
    _definition,
    _test,
    rows.of_settings,
)
