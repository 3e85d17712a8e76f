"""Claim F: all losses but ls are robust to the seed."""

import numpy as np

from analysis.claims import evidence, rows
from analysis.claims.base import CONTRADICTED, SUPPORTED, UNDECIDED, Found, Question, Size, held
from analysis.claims.bounds import Quartiles
from analysis.claims.evidence import Evidence, Undecided
from analysis.claims.similar import factor
from analysis.claims.together import Greatest
from analysis.formats import interval, value

LOSS = "ls"
OTHERS = {
    SUPPORTED: "all other losses are robust",
    CONTRADICTED: "another loss is not robust",
    UNDECIDED: "whether all other losses are robust is open",
}
OURS = {SUPPORTED: "is not", CONTRADICTED: "is robust", UNDECIDED: "may or may not be"}
FEWEST = 13  # seeds of every best setting: fewer bound no quartile


def _definition(rope: float) -> str:
    return (
        "Robust: of the best setting the third quartile of the scores over seeds is at most "
        f"{(1 + rope) ** 2:.4g} times the first, so that the middle half lies within {rope:.0%} of its middle; failed "
        f"seeds count as infinite; {FEWEST} seeds are needed. Every loss but {LOSS} is robust on every data set, and "
        f"{LOSS} is not on one at least."
    )


def _test(given: Evidence, rope: float) -> Found:
    spreads = _spreads(given)
    size = Size(min(len(each.values) for _, each in spreads), "seeds", len(spreads))
    threshold = float(2 * np.log1p(rope))
    others, ours = ([each for loss, each in spreads if (loss == LOSS) is its] for its in (False, True))
    robust = held(Greatest(others), threshold, above=False, shown=factor, size=size)
    frail = held(Greatest(ours), threshold, above=True, shown=factor, size=size)
    low, high = frail.interval(1)
    ours_is = f"{LOSS} {OURS[frail.verdict(1)]}: of it the ratio is {value(frail.value)} ({interval(low, high)})"

    def verdict(growth: float) -> str:
        both = {robust.verdict(growth), frail.verdict(growth)}
        return CONTRADICTED if CONTRADICTED in both else UNDECIDED if UNDECIDED in both else SUPPORTED

    where = f"{OTHERS[robust.verdict(1)]}, and {ours_is}"
    return Found(robust.value, robust.threshold, robust.interval, verdict, size, where=where)


def _spreads(given: Evidence) -> list[tuple[str, Quartiles]]:
    """Of the best setting of every search, its loss and the scores of the seeds that ended in turn."""
    if given.repeats.empty:
        raise Undecided(
            "no phase repeats a setting with several seeds"
            if given.repeated is None
            else f"the seeds of phase {given.repeated} chose its settings and flatter them; it needs a phase that "
            "selects the best settings and repeats them alone"
        )
    searches = given.repeats.groupby(["dataset", "loss"], sort=False)
    more = int((FEWEST - searches["outcome"].count()).clip(lower=0).sum())
    found = []
    for (dataset, loss), trials in searches:
        scores = trials["outcome"].dropna().to_numpy(dtype=float)
        if len(scores) < FEWEST:
            raise Undecided(
                f"it needs {FEWEST} seeds of every best setting; of {loss} on {dataset} {len(scores)} of {len(trials)} "
                f"have ended in turn: {more:,} more trials would let it be tested",
                more,
            )
        evidence.check_positive(scores, f"of {loss} on {dataset}")
        found.append((str(loss), Quartiles(tuple(np.sort(scores)))))
    losses = {loss for loss, _ in found}
    if LOSS not in losses:
        raise Undecided(f"{LOSS} was not repeated")
    if losses == {LOSS}:
        raise Undecided(f"no loss but {LOSS} was repeated")
    return found


QUESTION = Question(
    "F",
    f"All losses but {LOSS} are robust to the seed.",
    f"third quartile over first quartile of the seeds of the best setting, of the loss but {LOSS} where it is greatest",
    _definition,
    _test,
    rows.of_seeds,
)
