"""Claim B: at a small budget all losses reach a similar minimum."""

from functools import cache

import numpy as np

from analysis.claims import evidence, rows, similar
from analysis.claims.base import Found, Question, Size, held
from analysis.claims.bounds import AtBudget
from analysis.claims.evidence import Evidence
from analysis.claims.together import Greatest

SMALL = 14  # settings: fewer than 15


def _definition(rope: float) -> str:
    return (
        f"On every data set the expected score of the best of k settings is, for every loss, at most {1 + rope:g} "
        f"times that of the best loss. k is {SMALL}, or a quarter of the settings of the smallest search where that "
        f"is less. {similar.HIDDEN}"
    )


def _test(given: Evidence, rope: float) -> Found:
    searches = evidence.searches(given)
    n = evidence.smallest(searches)
    budget = evidence.budget(n, SMALL)

    @cache
    def worst(k: int) -> Greatest:
        return Greatest([ratio for ratios in similar.ratios(searches, k) for ratio in ratios.values()])

    size = Size(n, "settings", evidence.count(searches) * given.seeds, budget)
    return held(
        AtBudget(worst, budget, n), float(np.log1p(rope)), above=False, shown=similar.factor, size=size,
        remark=similar.remark(searches, budget(1)),
    )  # fmt: skip


QUESTION = Question(
    "B",
    "At a small budget, of fewer than 15 settings, all losses reach a similar minimum.",
    "expected best score of the worst loss over that of the best, on the data set where it is greatest",
    _definition,
    _test,
    rows.of_settings,
)
