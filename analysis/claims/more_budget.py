"""Claim C: a bad loss with more budget beats a good one with less."""

from functools import cache
from itertools import permutations

from analysis.claims import draws, evidence, rows
from analysis.claims.base import Found, Question, Size, held
from analysis.claims.bounds import AtBudget
from analysis.claims.evidence import Evidence
from analysis.claims.together import Greatest, Least

TIMES = 4
BUDGET = 3  # settings of the good loss
EVEN = 0.5


def _definition(rope: float) -> str:
    return (
        "On some data set there are two losses of which the good one, with a search of k settings each, reports the "
        f"lower score with a probability above one half, and the bad one does with {TIMES} k settings against k of "
        f"the good one. k is {BUDGET}, or less where {TIMES} k is more than an eighth of the settings of the smallest "
        "search, but at least 1."
    )


def _test(given: Evidence, rope: float) -> Found:
    searches = evidence.searches(given)
    n = evidence.smallest(searches)
    trials = evidence.count(searches) * given.seeds
    evidence.check_size(n, 4 * TIMES, trials)
    budget = evidence.budget(n, BUDGET, 8 * TIMES)

    @cache
    def strongest(k: int) -> Greatest:
        parts = []
        for losses in searches.values():
            less, more = (
                {loss: draws.draws(one.choice, one.score, size) for loss, one in losses.items()}
                for size in (k, TIMES * k)
            )
            for good, bad in permutations(losses, 2):
                parts.append(Least([draws.beats(less[good], less[bad]), draws.beats(more[bad], less[good])]))
        return Greatest(parts)

    size = Size(n, "settings", trials, budget)
    return held(AtBudget(strongest, budget, n), EVEN, above=True, size=size, remark=f"k = {budget(1)}")


QUESTION = Question(
    "C",
    "A bad loss with more budget beats a good one with less.",
    "of the pair where it is greatest, the lesser of both probabilities",
    _definition,
    _test,
    rows.of_settings,
)
