"""The part of a study that claims are tested on: which searches, which repeats, and whether they are fit for it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import style
from analysis.claims.bounds import Array
from analysis.formats import listed
from analysis.frames import Study
from analysis.frames import settings as all_settings
from analysis.tables import phases, validity

FEWEST = 8  # settings of every search: a quarter of them is a search of two
SEARCH_OF = 10  # settings that are tried before their best is called a best setting, or the budget enough
OF_BEST = 4 * SEARCH_OF, f", a quarter of which are a search of {SEARCH_OF}"  # settings, and why so many


class Undecided(Exception):
    """There is nothing to test a claim with; the message says what is missing, in words for the user.

    more: the trials without which it cannot be tested, where their number is known.
    """

    def __init__(self, message: str, more: int | None = None) -> None:
        super().__init__(message)
        self.more = more


@dataclass(frozen=True)
class Search:
    """The settings of a loss on a data set that count: choice and score [n], +infinity where one failed."""

    choice: Array
    score: Array


Searches = dict[str, dict[str, Search]]  # data set -> loss ->
Wanted = Callable[[set[str]], bool]  # whether a data set with these losses is of use


@dataclass(frozen=True)
class Evidence:
    """A study as claims see it.

    trials: of the whole study. settings: of the phase `searched`, a row each, the losses' defaults too, which
    `tables.validity.drawn` leaves out. repeats: trials of the phase `repeated`, of the searches in which its one
    setting was given and not chosen by these seeds; the outcome is NaN unless they ended in turn (`tables.validity`). A
    phase is None where the study has no such one.
    """

    trials: pd.DataFrame
    searched: str | None
    repeated: str | None
    settings: pd.DataFrame
    repeats: pd.DataFrame

    @property
    def seeds(self) -> int:
        """Trials of a setting of the searched phase."""
        return int(self.settings["seeds"].max()) if len(self.settings) else 1


def of(study: Study, phase: str | None) -> Evidence:
    """Settings of the largest search, seeds of the last phase that repeats settings; each of `phase` where it has such.

    Raises StudyError where the study has no phase of that name.
    """
    found = phases.of(study, phase)
    settings = all_settings(study)
    searched = settings[settings["phase"] == found.searched]
    trials = study.trials.assign(outcome=study.trials["outcome"].where(validity.trials_in_turn(study.trials)))
    repeats = trials[(trials["phase"] == found.repeated) & validity.given(trials)]
    return Evidence(study.trials, found.searched, found.repeated, searched, repeats)


def several(losses: set[str]) -> bool:
    """Whether there is anything to compare."""
    return len(losses) > 1


def searches(given: Evidence, wanted: Wanted = several) -> Searches:
    """The settings of every search that count (`validity.counted`), by data set and loss, of the data sets wanted.

    Without the losses' defaults, which nobody drew. Losses are in the one order, settings in that of their samples.
    Raises Undecided where nothing is left, where settings are no independent draws, and where a search has fewer than
    FEWEST.
    """
    settings = given.settings[given.settings["dataset"].isin(datasets(given, wanted))]
    if settings.empty:
        raise Undecided("no data set has the losses that it compares")
    check_draws(settings)
    drawn, counted = validity.drawn(settings).index, validity.counted(settings).index
    found: Searches = {}
    for (dataset, loss), rows in settings.sort_values("sample").groupby(["dataset", "loss"]):
        ended, planned = rows[rows.index.isin(counted)], int(rows.index.isin(drawn).sum())
        found.setdefault(str(dataset), {})[str(loss)] = _search(ended, planned, f"of {loss} on {dataset}")
    return {dataset: {loss: losses[loss] for loss in style.ordered(losses)} for dataset, losses in found.items()}


def check_draws(settings: pd.DataFrame) -> None:
    """Raises Undecided where settings are no independent draws."""
    for (_, dataset, loss), reason in validity.reasons(settings).items():
        raise Undecided(f"it needs settings that were drawn independently; those of {loss} on {dataset}: {reason}")


def enough(ended: int, planned: int, where: str) -> None:
    """Raises Undecided where fewer than FEWEST settings have ended in turn."""
    if ended < FEWEST:
        raise Undecided(
            f"it needs {FEWEST} drawn settings of every loss; {where} {ended} of {planned} have ended in turn"
        )


def budget(n: int, most: int, apart: int = 4, least: int = 1) -> Callable[[float], int]:
    """Of a growth the budget at which so many times n settings are tested: one in `apart` of them, least to most."""
    return lambda growth: max(min(most, int(n * growth) // apart), least)


def check_size(n: int, needed: int, trials: int, why: str = "") -> None:
    """Raises Undecided where the smallest search has fewer settings than needed.

    trials: of one more setting in every search. why: it needs so many, in words.
    """
    more = needed - n
    if more > 0:
        raise Undecided(
            f"it needs {needed} drawn settings of every loss{why}; the smallest has {n}: {more} more of every "
            f"loss and data set ({more * trials:,} trials) would let it be tested",
            more * trials,
        )


def check_positive(scores: Array, where: str) -> None:
    """Raises Undecided for scores that have no ratios."""
    if not (scores > 0).all():
        raise Undecided(f"it compares ratios of scores, and {where} {(scores <= 0).sum()} are not above 0")


def smallest(found: Searches) -> int:
    """The settings of the search that has fewest."""
    return min(len(search.score) for losses in found.values() for search in losses.values())


def count(found: Searches) -> int:
    """How many searches there are."""
    return sum(map(len, found.values()))


def failures(found: Searches) -> str:
    """The searches of whose settings most failed, in words; empty where there is none."""
    each = [
        f"{loss} on {dataset} ({np.isinf(search.score).sum()} of {len(search.score)})"
        for dataset, losses in found.items()
        for loss, search in losses.items()
        if np.isinf(search.score).mean() > 0.5
    ]
    return f"most settings diverged or failed of {listed(each)}" if each else ""


def all_failed(k: int, loss: str, dataset: str) -> str:
    """Why nothing is known of the best of k."""
    return f"many searches of {k} settings of {loss} on {dataset} hold failures only"


def datasets(given: Evidence, wanted: Wanted) -> list[str]:
    """The data sets of the searched phase that are wanted."""
    groups = given.settings.groupby("dataset", sort=False)["loss"]
    return [str(name) for name, losses in groups if wanted(set(map(str, losses)))]


def _search(rows: pd.DataFrame, planned: int, where: str) -> Search:
    choice, score = (rows[name].to_numpy(dtype=float) for name in ("choice", "score"))
    enough(len(rows), planned, where)
    check_positive(score, where)
    return Search(choice, score)
