"""Which loss is better by more than matters, on each data set and over all: posterior probabilities."""

import itertools
import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators import practical as estimators
from analysis.estimators.seeds import quantiles
from analysis.frames import SEARCH
from analysis.intervals.bootstrap import SEED

Array = npt.NDArray[np.float64]
COLUMNS = ["phase", "dataset", "first", "second", "better", "equivalent", "worse", "n", "rope"]
ALL = "all"  # in the column dataset: over data sets


def practical(runs: pd.DataFrame, rope: float = 0.05, *, seed: int = SEED) -> pd.DataFrame:
    """One row per phase, data set (and ALL) and pair of losses: is `first` better, as good in practice, or worse?

    better, equivalent, worse: probabilities of sum 1 of whether the setting of `first` has a median score that is lower
    than that of `second`, within a factor 1 + rope of it, or higher. On a data set from the seeds of the two settings,
    `estimators.posterior`: how probable each is; n is the smaller number of seeds. Over data sets from the logarithms
    of the median scores, `estimators.signed_rank`: how probable each is to have the largest weight; n is the number of
    data sets that have both. Failed seeds count, at infinity. NaN for n below `estimators.FEWEST`, and where a score is
    not above 0 and has no logarithm. Only of searches of one setting (`validity.given`): the runs that chose among
    several flatter what they chose, more so the more they scatter. Of the seeds that ended in turn.
    """
    width = math.log1p(rope)
    rows: list[tuple[object, ...]] = []
    for phase, frame in runs[runs["given"] & runs["in_turn"]].groupby("phase", sort=False):
        losses = list(dict.fromkeys(frame["loss"]))
        seeds = {(str(d), str(loss)): _logarithms(group) for (d, loss), group in frame.groupby(SEARCH[1:])}
        datasets = list(dict.fromkeys(frame["dataset"]))
        streams = {name: position for position, name in enumerate(sorted(seeds))}
        drawn = {name: estimators.posterior(logs, seed=[seed, streams[name]]) for name, logs in seeds.items()}
        for first, second in itertools.combinations(losses, 2):
            where = [name for name in datasets if (name, first) in seeds and (name, second) in seeds]
            for name in where:
                one, other = (name, first), (name, second)
                found = estimators.compared(drawn[one], drawn[other], width)
                rows.append((phase, name, first, second, *_three(found), min(len(seeds[one]), len(seeds[other])), rope))
            gaps = np.array([_gap(seeds[name, first], seeds[name, second]) for name in where])
            over = estimators.signed_rank(gaps, width, seed=seed)
            rows.append((phase, ALL, first, second, *_three(over), len(where), rope))
    return pd.DataFrame(rows, columns=COLUMNS)


def _logarithms(group: pd.DataFrame) -> Array:
    """Of the scores of a setting's seeds; NaN where one is not above 0."""
    scores = group["score"].to_numpy(dtype=float)
    return np.log(np.where(scores > 0, scores, np.nan))


def _gap(first: Array, second: Array) -> float:
    """Of the logarithms of the median scores; 0 where neither works."""
    a, b = (float(quantiles(logs, 0.5)) for logs in (first, second))
    return 0.0 if math.isinf(a) and a == b else a - b


def _three(found: estimators.Practical) -> tuple[float, float, float]:
    return found.better, found.equivalent, found.worse
