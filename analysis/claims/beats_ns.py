"""Claim D: no loss consistently beats ns."""

from functools import cache, partial

from analysis.claims import draws, evidence, rows
from analysis.claims.base import Found, Question, Size, held
from analysis.claims.bounds import ALPHA, AtBudget, Probability
from analysis.claims.evidence import Evidence, Searches, Undecided
from analysis.claims.together import Greatest, Least
from analysis.formats import listed
from analysis.tables.pairs import LIKELY

LOSS = "ns"
BUDGET = 14


def _definition(rope: float) -> str:
    return (
        f"There is no loss that on every data set reports a lower score than {LOSS} with a probability above "
        f"{LIKELY:g}, which is what Bouthillier et al. (2021) call meaningful; both search k settings. k is {BUDGET}, "
        "or a quarter of the settings of the smallest search where that is less. A loss counts where every data set "
        f"that has {LOSS} has it too. A rival is as strong as on the data set where it beats {LOSS} least often."
    )


def _wanted(losses: set[str]) -> bool:
    return LOSS in losses and len(losses) > 1


def _test(given: Evidence, rope: float) -> Found:
    searches = evidence.searches(given, _wanted)
    n = evidence.smallest(searches)
    budget = evidence.budget(n, BUDGET)
    rivals = [loss for loss in next(iter(searches.values())) if loss != LOSS]
    rivals = [loss for loss in rivals if all(loss in losses for losses in searches.values())]
    if not rivals:
        raise Undecided(f"no loss was run on every data set that {LOSS} was run on")
    parts = cache(partial(_parts, searches, rivals))
    size = Size(n, "settings", evidence.count(searches) * given.seeds, budget)
    better = [loss for loss, each in parts(budget(1)).items() if all(map(_meaningful, each))]
    remark = (
        f"k = {budget(1)}; meaningfully better everywhere, by an estimate of {LIKELY:g} and an interval above 1/2: "
        + (listed(better) if better else "none")
    )
    strongest = AtBudget(lambda k: Greatest([Least(each) for each in parts(k).values()]), budget, n)
    return held(strongest, LIKELY, above=False, size=size, remark=remark)


def _parts(searches: Searches, rivals: list[str], k: int) -> dict[str, list[Probability]]:
    """Of every rival the probabilities to beat LOSS, a data set each."""
    parts: dict[str, list[Probability]] = {loss: [] for loss in rivals}
    for dataset, losses in searches.items():
        made = {loss: draws.draws(losses[loss].choice, losses[loss].score, k) for loss in (LOSS, *rivals)}
        if made[LOSS].empty:
            raise Undecided(evidence.all_failed(k, LOSS, dataset))
        for loss in rivals:
            parts[loss].append(draws.beats(made[loss], made[LOSS]))
    return parts


def _meaningful(part: Probability) -> bool:
    """Bouthillier et al.'s criterion, which asks for less than a verdict does."""
    return part.estimate >= LIKELY and part.low(ALPHA) > 0.5


QUESTION = Question(
    "D",
    f"No loss consistently beats {LOSS}.",
    f"probability that the strongest rival of {LOSS} beats it on that rival's weakest data set",
    _definition,
    _test,
    partial(rows.of_settings, wanted=_wanted),
)
