"""Losses against each other on one data set: how probably one beats another, and from which budget on."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis import captions, frames, pictures
from analysis.exhibits.draws import independent
from analysis.exhibits.exhibit import Exhibits, Remark, gathered
from analysis.exhibits.places import Place, phases, told
from analysis.exhibits.show import INTERVAL, Picture, Table
from analysis.frames import Study
from analysis.intervals.probability import SHARE
from analysis.tables import crossing, pairs, validity
from analysis.tables.pairs import LIKELY

AGAINST = "ns"  # the loss that the published claims measure the others by
BUDGETS = 6  # along a curve
BEATS = (
    "Probability that the loss of the row beats that of the column: that one setting drawn at random of the first "
    "scores lower than one of the second; a tie counts as one half. It is of the budget k = 1, of which the settings "
    "that were run say most. Framed: meaningful (Bouthillier et al. 2021), that is a probability of "
    f"{LIKELY} or more whose lower bound is above one half at a level that is corrected for all pairs of the data set "
    "(Bonferroni): where all losses are equal, any pair is called so on 5 % of data sets at most. The intervals are of "
    "each pair by itself. The loss's default is no draw, and left out."
)
ALONG = (
    "The same for the best of k of each, up to the largest k that these searches are large enough to give an interval "
    "of. Bands hold at each k, for each pair by itself. Dotted: one half and three quarters."
)
CROSSING = (
    "The smallest k from which on the best of k of one loss beats that of the other with a probability above one half, "
    "up to a seventh of the settings, beyond which these say too little. Its interval is over other settings that "
    "the searches could have drawn, of each pair by itself. The picture shows pairs whose order "
    'changes and of which "never" is ruled out.'
)
HEADINGS = {
    "dataset": "data set", "first": "first", "second": "second", "k": "k", "probability": "probability to beat",
    "low": INTERVAL, "meaningful": "meaningful", "n_first": "settings of first", "n_second": "settings of second",
}  # fmt: skip
CROSSED = {
    "dataset": "data set", "first": "first", "second": "second", "budget": "better from k on", "low": INTERVAL,
    "most": "up to k", "probability": "probability there", "n": "settings",
}  # fmt: skip
NEEDED = "Which loss beats which needs drawn settings of two losses that have ended, and one of them finished."
ALONE = "There is one loss: none to compare it with."


def beats(study: Study) -> Exhibits:
    """How probably one setting of a loss beats one of another: a picture and a table per phase."""
    drawn = independent(study)
    found = pairs.beats(_worked(frames.settings(drawn)), 1)
    shown = Picture(
        "beats", "Which loss beats which", lambda rows, _: pictures.beats(rows), lambda rows, _: captions.beats(rows),
        BEATS, NEEDED,
    )  # fmt: skip
    table, where = Table("beats.table", "Probability that one loss beats another", HEADINGS), _several_losses(drawn)
    return gathered([_alone(drawn), shown.at(where, found), table.at(where, found)])


def along(study: Study) -> Exhibits:
    """How probably each loss beats ns (or, without it, the first loss of the plan) along the budget."""
    drawn = independent(study)
    settings = _worked(frames.settings(drawn))
    found = pairs.by_budget(settings, _budgets(settings))
    losses = list(study.trials["loss"].unique())
    second = AGAINST if AGAINST in losses else losses[0]
    shown = Picture(
        "beats.budget", f"How probably each beats {second}",
        lambda rows, _: pictures.beats_by_budget(rows), lambda rows, _: captions.beats_by_budget(rows), ALONG,
        f"Along the budget it needs two losses with {2 * SHARE} drawn settings each that have ended, and one finished.",
        _several,
    )  # fmt: skip
    return shown.at(_several_losses(drawn), found[found["second"] == second])


def crossings(study: Study) -> Exhibits:
    """From which budget on one loss beats another: a picture of the pairs that are known to cross, a table of all."""
    drawn = independent(study)
    found = crossing.crossings(_worked(frames.settings(drawn)))
    shown = Picture(
        "crossings", "From which budget on",
        lambda rows, _: pictures.crossings(rows), lambda rows, _: captions.crossings(rows), CROSSING,
        "Of no pair of losses is it known that its order changes within the budgets that can be compared.",
    )  # fmt: skip
    table, where = Table("crossings.table", "From which k on one loss beats another", CROSSED), _several_losses(drawn)
    crossed = found[found["budget"].gt(1) & np.isfinite(found["high"].astype(float))]
    return gathered([_alone(drawn), shown.at(where, crossed), table.at(where, found)])


def _several_losses(study: Study) -> list[Place]:
    return [place for place in phases(study) if place.losses > 1]


def _alone(study: Study) -> list[Remark]:
    return told(ALONE, [replace(place, missing=0) for place in phases(study) if place.losses == 1])


def _worked(settings: pd.DataFrame) -> pd.DataFrame:
    """Without the data sets of a phase where nothing that counts finished: all losses tie there."""
    counted, where = validity.counted(settings), frames.SEARCH[:2]
    finished = counted[np.isfinite(counted["choice"].astype(float))]
    return settings.merge(finished[where].drop_duplicates(), on=where)


def _several(rows: pd.DataFrame) -> bool:
    """Whether there is a line to draw: two budgets."""
    return rows["k"].nunique() > 1


def _budgets(settings: pd.DataFrame) -> list[int]:
    """From 1 to the largest budget that has an interval in the smallest search, a few in even ratios."""
    run = validity.counted(settings).groupby(frames.SEARCH).size()
    most = max(1, int(run.min()) // SHARE) if len(run) else 1
    return sorted({round(k) for k in np.geomspace(1, most, BUDGETS)})
