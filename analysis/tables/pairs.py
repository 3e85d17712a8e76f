"""How likely one loss beats another at a budget of k settings of each, for every pair of losses of a data set."""

from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.estimators import pairs
from analysis.estimators.order import Array
from analysis.frames import SEARCH
from analysis.intervals.probability import probability_interval
from analysis.tables import validity

LEVEL = 0.95
LIKELY = 0.75  # the least probability that is called meaningful (Bouthillier et al. 2021)
COLUMNS = [*SEARCH[:2], "first", "second", "k", "probability", "low", "high", "meaningful", "n_first", "n_second"]
Search = tuple[Array, Array]  # choice and score of its settings


def beats(settings: pd.DataFrame, k: int) -> pd.DataFrame:
    """One row per ordered pair of losses of a phase and data set, of which k settings or more of each have ended.

    Of the settings that were drawn (`validity.counted`). probability: that what a search of k settings of `first`
    reports is lower than what one of `second` does, ties one half (`estimators.pairs.beats`); low, high: its 95 %
    interval, of each pair by itself (`intervals.probability`), NaN where k is too large for one. meaningful: the
    probability is at least 0.75, and its lower bound is above one half at a level that is corrected for all pairs of
    the data set at this budget (Bonferroni): of losses that are all equal one or more pairs are called so on 5 % of the
    data sets at most. Budgets and data sets are not corrected for. n_first, n_second: settings run, failed ones with
    them. Raises StudyError where settings are no independent draws.
    """
    return by_budget(settings, [k])


def by_budget(settings: pd.DataFrame, ks: Iterable[int]) -> pd.DataFrame:
    """`beats` at several budgets."""
    validity.check(settings, "the probability that one loss beats another")
    found, budgets = [*searches(settings)], list(ks)
    rows = [row for k in budgets for where, losses in found for row in _of(where, losses, k)]
    return pd.DataFrame(rows, columns=COLUMNS)


def searches(settings: pd.DataFrame) -> Iterator[tuple[list[str], dict[str, Search]]]:
    """Per phase and data set the searches by loss: of their settings those that were drawn and have ended."""
    run = validity.counted(settings)
    for where, group in run.groupby(SEARCH[:2]):
        losses = group.groupby("loss", sort=False)[["choice", "score"]]
        yield [*map(str, where)], {str(loss): _numbers(rows) for loss, rows in losses}


def interval(found: pairs.Beats, k: int, level: float = LEVEL) -> tuple[float, float]:
    """`intervals.probability` of what was found."""
    return probability_interval(found.probability, found.without_first, found.without_second, k, level)


def _numbers(rows: pd.DataFrame) -> Search:
    return rows["choice"].to_numpy(dtype=float), rows["score"].to_numpy(dtype=float)


def _of(where: list[str], losses: dict[str, Search], k: int) -> Iterator[list[object]]:
    enough = {loss: search for loss, search in losses.items() if len(search[0]) >= k}
    compared = [*combinations(enough.items(), 2)]
    corrected = 1 - (1 - LEVEL) / max(len(compared), 1)
    for (first, one), (second, other) in compared:
        found = pairs.beats(one, other, k)
        p, n, m = found.probability, len(one[0]), len(other[0])
        (low, high), (least, most) = interval(found, k), interval(found, k, corrected)
        yield [*where, first, second, k, p, low, high, _meaningful(p, least), n, m]
        yield [*where, second, first, k, 1 - p, 1 - high, 1 - low, _meaningful(1 - p, 1 - most), m, n]


def _meaningful(probability: float, least: float) -> bool:
    return bool(np.isfinite(least) and least > 0.5 and probability >= LIKELY)
