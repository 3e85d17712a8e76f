"""From which budget on one loss probably beats another, for every pair of losses of a data set."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.estimators import pairs
from analysis.estimators.crossing import crossing
from analysis.frames import SEARCH
from analysis.intervals.crossing import crossing_interval
from analysis.intervals.probability import SHARE
from analysis.tables import validity
from analysis.tables.pairs import Search, interval, searches

COLUMNS = [*SEARCH[:2], "first", "second", "budget", "low", "high", "most", "probability", "n"]


def crossings(settings: pd.DataFrame) -> pd.DataFrame:
    """One row per ordered pair of losses of a phase and data set: from which budget on does `first` beat `second`?

    budget: the smallest k from which on the best of k settings of `first` is better than the best of k of `second` with
    a probability above one half (`estimators.pairs.beats`, ties one half), up to `most`; NaN where it is not at
    `most`. A failure loses, so it is defined whatever fails. most: the largest k looked at, a seventh of the n settings
    that both have run, up to which intervals of such probabilities hold; what is beyond nobody knows. low, high: a 95 %
    interval of the true budget, over settings that were not run (`intervals.crossing`); high is +infinity where "not up
    to `most`" is not ruled out. probability: that `first` beats `second` at `most`. Of fewer than seven settings of a
    loss there is no budget: `most` is 0, and all numbers are NaN. Of the settings that were drawn (`validity.counted`).
    Raises StudyError where settings are no independent draws.
    """
    validity.check(settings, "a crossing budget")
    rows = [
        [*where, *row]
        for where, losses in searches(settings)
        for one, other in combinations(losses.items(), 2)
        for row in _both(one, other)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _both(one: tuple[str, Search], other: tuple[str, Search]) -> Iterator[list[object]]:
    """The row of a pair in both orders."""
    n = min(len(one[1][0]), len(other[1][0]))
    most = n // SHARE
    found = pairs.along(one[1], other[1], range(1, most + 1))
    p = np.array([each.probability for each in found])
    low, high = np.array([interval(each, k) for k, each in enumerate(found, 1)]).reshape(most, 2).T
    for first, second, probability, least, greatest in (
        (one[0], other[0], p, low, high),
        (other[0], one[0], 1 - p, 1 - high, 1 - low),
    ):
        ends = float(crossing(probability)), *crossing_interval(least, greatest)
        yield [first, second, *ends, most, float(probability[-1]) if most else np.nan, n]
