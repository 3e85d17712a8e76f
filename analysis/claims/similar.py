"""How near the losses of a data set are to the best of them, at one budget: what claims A and B share."""

from itertools import permutations

import numpy as np

from analysis.claims import draws, evidence
from analysis.claims.bounds import ALPHA, Ratio
from analysis.claims.evidence import Searches

HIDDEN = (
    f"Allowed for is what no setting shows: a part of the search space of probability 1 - {ALPHA}^(1/n) that none of n "
    "settings fell into may hold scores near 0."
)


def ratios(found: Searches, k: int) -> list[dict[tuple[str, str], Ratio]]:
    """Per data set, of every ordered pair of losses: the logarithm of their expected best of k, first over second."""
    each = []
    for losses in found.values():
        best = {loss: draws.logarithm_of_best(draws.draws(one.choice, one.score, k)) for loss, one in losses.items()}
        each.append(
            {(first, second): draws.ratio(best[first], best[second]) for first, second in permutations(best, 2)}
        )
    return each


def remark(found: Searches, k: int) -> str:
    """The budget, by how much what no setting shows could lower the expected best, and which losses failed."""
    lower = 1 - ALPHA ** (k / evidence.smallest(found))
    hidden = (
        f"k = {k}; settings that the search missed could lower an expected best of {k} by up to {100 * lower:.0f} %"
    )
    return "; ".join(filter(None, [hidden, evidence.failures(found)]))


def factor(logarithm: float) -> float:
    """Of a greater over a lesser number: never below 1, whatever the bound of its logarithm is."""
    return max(float(np.exp(logarithm)), 1.0)
