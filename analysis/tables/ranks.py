"""How losses rank over data sets, whether that can be chance, and what a study of this size could have found."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.estimators import ranks as estimators
from analysis.frames import SEARCH, Study, settings
from analysis.intervals.bootstrap import SEED
from analysis.tables import validity
from analysis.tables.searches import standing

PAIRS = ["phase", "first", "second", "wins", "defeats", "p_value", "holm", "datasets"]
SHARE = 0.75  # the plausible lead: the best loss beats each other on three of four data sets
LEVEL = 0.95
ENOUGH = 0.8  # the power that studies are usually planned for


@dataclass(frozen=True)
class Ranks:
    """The losses of one phase over its data sets. Numbers are NaN where there is no test; `sentence` says why.

    frame: loss and rank, its average rank over data sets, best first. cliques: the losses that Nemenyi's test cannot
    tell apart, groups of two and more. power: the probability that Nemenyi's test tells the best loss from a given
    other, if on every data set it beats each other with probability SHARE.
    """

    phase: str
    frame: pd.DataFrame
    critical_difference: float
    statistic: float
    p_value: float
    datasets: tuple[str, ...]
    losses: tuple[str, ...]
    cliques: tuple[tuple[str, ...], ...]
    power: float
    seed: int
    sentence: str


def ranks(study: Study, *, seed: int = SEED) -> dict[str, Ranks]:
    """Per phase: on every data set its losses ranked by the reported score of their best settings (see `_ranked`).

    Every loss is ranked by as many settings as the others (`validity.even`), and only data sets count on which every
    loss of the phase has one that ended in turn: a loss that is not there has no rank. Fewer
    than two of them, or than three losses, is no test.
    """
    return {phase: _of(phase, table, seed) for phase, table in _ranked(study).items()}


def pairs(study: Study) -> pd.DataFrame:
    """One row per phase and pair of losses: on how many data sets `first` ranks before `second` (wins), or behind.

    p_value: of a sign test, exact, both sides (`estimators.sign_test`); holm: adjusted for the pairs of its phase. No
    row for a phase with fewer than two data sets to rank on.
    """
    rows: list[tuple[object, ...]] = []
    for phase, table in _ranked(study).items():
        datasets, losses = table.shape
        if datasets < 2 or losses < 2:
            continue
        both = list(itertools.combinations(table.columns, 2))
        counts = [(int((table[a] < table[b]).sum()), int((table[a] > table[b]).sum())) for a, b in both]
        found = np.array([estimators.sign_test(*each) for each in counts])
        adjusted = estimators.holm(found)
        rows += [
            (phase, *names, *each, float(p), float(holm), datasets)
            for names, each, p, holm in zip(both, counts, found, adjusted, strict=True)
        ]
    return pd.DataFrame(rows, columns=PAIRS)


def _ranked(study: Study) -> dict[str, pd.DataFrame]:
    """Per phase: ranks, a row per data set that has all losses, a column per loss in the order of the plan.

    Of equally many settings of every loss (`validity.even`), by `searches.standing`; ties are averaged.
    """
    equal = replace(study, trials=study.trials[validity.even(study.trials)])
    best = settings(equal).dropna(subset="score").drop_duplicates(SEARCH)
    best = best.assign(standing=standing(best))
    found = {}
    for phase, planned in study.trials.groupby("phase", sort=False):
        mine = best[best["phase"] == phase]
        places = mine.pivot(index="dataset", columns="loss", values="standing")
        places = places.reindex(
            index=list(dict.fromkeys(planned["dataset"])), columns=list(dict.fromkeys(planned["loss"]))
        )
        found[str(phase)] = places.dropna().rank(axis=1)
    return found


def _of(phase: str, table: pd.DataFrame, seed: int) -> Ranks:
    datasets, losses = table.shape
    frame = table.mean().rename("rank").rename_axis("loss").reset_index().sort_values("rank", kind="stable")
    tested = datasets >= 2 and losses >= 3
    critical, power = (float("nan"),) * 2
    groups: tuple[tuple[str, ...], ...] = ()
    friedman = estimators.Friedman(float("nan"), float("nan"))
    if tested:
        friedman = estimators.friedman(table.to_numpy(dtype=float), seed=seed)
        critical = estimators.critical_difference(losses, datasets, LEVEL)
        power = estimators.power(losses, datasets, SHARE, seed=seed)
        names = frame["loss"].to_list()
        groups = tuple(
            tuple(names[i] for i in group) for group in estimators.cliques(frame["rank"].to_list(), critical)
        )
    return Ranks(
        phase=phase,
        frame=frame.reset_index(drop=True) if datasets else frame.iloc[:0],
        critical_difference=critical,
        statistic=friedman.statistic,
        p_value=friedman.p_value,
        datasets=tuple(map(str, table.index)),
        losses=tuple(map(str, table.columns)),
        cliques=groups,
        power=power,
        seed=seed,
        sentence=_sentence(losses, list(map(str, table.index)), critical, power, friedman.p_value),
    )


def _sentence(losses: int, datasets: list[str], critical: float, power: float, p_value: float) -> str:
    """What this many data sets and losses could show, in plain words."""
    n = len(datasets)
    if n == 0:
        return "No data set has a run of every loss that ended in turn: there are no ranks to compare."
    if n == 1:
        return (
            f"One data set ({datasets[0]}): its ranks are one observation of each loss, and no rank test can tell "
            "their order from chance."
        )
    if losses < 3:
        return f"{losses} losses: a test over all of them needs at least three."
    friedman = "" if np.isnan(p_value) else f"That no loss ranks better than another: Friedman's p = {p_value:.2g}. "
    others = (losses + 2) / 2  # the average of the ranks 2 .. k
    needed = critical + 1
    told = (
        "cannot be told from any other"
        if needed > losses
        else f"is told only from losses of average rank above {needed:.1f}, and the others' average is {others:.1f}"
    )
    return (
        f"{friedman}With {n} data sets and {losses} losses average ranks must be {critical:.1f} apart (of at most "
        f"{losses - 1}) to differ significantly: even a loss that is best on every data set {told}. If one loss beat "
        f"each other with probability {SHARE:.2f} on every data set, a study of this size would tell it from a given "
        f"other with probability {power:.2f} (its power)"
        f"{': not finding a difference says little' if power < ENOUGH else ''}."
    )
