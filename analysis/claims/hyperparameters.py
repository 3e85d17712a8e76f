"""Claim E: results depend strongly on hyperparameters, for every loss."""

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from analysis.claims import evidence, rows
from analysis.claims.base import CONTRADICTED, SUPPORTED, UNDECIDED, Found, Question, Size, held
from analysis.claims.bounds import ALPHA, Quartiles
from analysis.claims.evidence import Evidence
from analysis.claims.robust_seeds import FEWEST
from analysis.claims.similar import factor
from analysis.claims.together import Greatest, Least
from analysis.formats import value

STRONG = 1.5
THRESHOLD = math.log(STRONG)


@dataclass(frozen=True)
class Spread:
    """Of a search the scores of its settings, and those of the seeds of its best setting where there are enough."""

    settings: Quartiles
    seeds: Quartiles | None

    def explained(self, growth: float) -> bool:
        """Whether, for all that is known, settings would not be STRONG without the spread that seeds give.

        Variances of logarithms add up, and quartiles of one shape lie that many standard deviations apart.
        """
        seeds = math.inf if self.seeds is None else self.seeds.high(ALPHA)
        return not self.settings.low(ALPHA, growth) > math.hypot(seeds, THRESHOLD)


def _any(losses: set[str]) -> bool:
    return True


def _definition(rope: float) -> str:
    return (
        "Of every loss on every data set the third quartile of the scores of settings, drawn at random from the "
        f"search space, is more than {STRONG:g} times the first, and would be so without the spread that seeds give: "
        "the logarithm of what is left is sqrt(a^2 - b^2), a that of the ratio over settings, b that of the same ratio "
        "over seeds of the best setting. Failed settings and seeds count as infinite."
    )


def _test(given: Evidence, rope: float) -> Found:
    searches = evidence.searches(given, _any)
    where = [(dataset, loss) for dataset, losses in searches.items() for loss in losses]
    spreads = [Spread(Quartiles(tuple(searches[at][loss].score)), _seeds(given, at, loss)) for at, loss in where]
    size = Size(evidence.smallest(searches), "settings", len(spreads) * given.seeds)
    every = Least([spread.settings for spread in spreads])
    found = held(every, THRESHOLD, above=True, shown=factor, size=size)

    def verdict(growth: float) -> str:
        seen = found.verdict(growth)
        explained = seen == SUPPORTED and any(spread.explained(growth) for spread in spreads)
        return UNDECIDED if explained else seen

    unknown = sum(spread.seeds is None for spread in spreads)
    lacking = f"it needs {FEWEST} seeds of the best setting of every search, repeated alone" if unknown else ""
    return replace(found, verdict=verdict, remark=_remark(spreads, found.verdict(1)), lacking=lacking)


def _seeds(given: Evidence, dataset: str, loss: str) -> Quartiles | None:
    """The scores of the best setting's seeds that ended in turn, None where they are too few to bound quartiles."""
    if given.repeats.empty:
        return None
    rows = given.repeats[(given.repeats["dataset"] == dataset) & (given.repeats["loss"] == loss)]
    scores = rows["outcome"].dropna().to_numpy(dtype=float)
    return Quartiles(tuple(np.sort(scores))) if len(scores) >= FEWEST and (scores > 0).all() else None


def _remark(spreads: list[Spread], seen: str) -> str:
    known = [spread.seeds for spread in spreads if spread.seeds is not None]
    told = []
    if known:
        most = Greatest(known)
        told = [f"over seeds it is at most {_shown(most.estimate)}, with an upper bound of {_shown(most.high(ALPHA))}"]
    if seen != CONTRADICTED and len(known) < len(spreads):
        told.append(
            f"how much of it seeds explain is unknown of {len(spreads) - len(known)} of {len(spreads)} searches, whose "
            f"best setting has fewer than {FEWEST} seeds"
        )
    explained = sum(spread.seeds is not None and spread.explained(1) for spread in spreads)
    if seen == SUPPORTED and explained:
        told.append(f"seeds could explain it in {explained} of {len(spreads)} searches")
    return "; ".join(told)


def _shown(logarithm: float) -> str:
    return value(factor(logarithm))


QUESTION = Question(
    "E",
    "Results depend strongly on hyperparameters, for every loss.",
    "third quartile of the settings' scores over the first, of the search where it is least",
    _definition,
    _test,
    partial(rows.of_settings_and_seeds, wanted=_any),
)
