"""Losses over all data sets of a phase: interquartile means, profiles, ranks and practical equivalence."""

import math

import numpy as np
import pandas as pd

from analysis import captions, pictures, style
from analysis.estimators.practical import FEWEST as FEWEST_REPEATED
from analysis.exhibits.exhibit import Drawing, Exhibit, Exhibits, gathered
from analysis.exhibits.places import Place, phases, told
from analysis.exhibits.show import INTERVAL, Picture, Table
from analysis.frames import Study
from analysis.intervals.stratified import FEWEST
from analysis.tables import pooled, runs
from analysis.tables import practical as equivalence
from analysis.tables import ranks as ranking

ADAPTIVE = "none where a sampler chose settings by earlier scores, because these are no independent draws."
POOLED = (
    "Mean of the middle half of all runs of a loss, each divided by the median of all losses' finite runs on its data "
    "set, equally many of every loss there; failed runs are infinite and among the worst quarter. The defaults, which "
    "no search drew, are left out. Interval: 95 %, stratified bootstrap (Agarwal et al. 2021), from "
    f"{FEWEST} settings or seeds on; {ADAPTIVE}"
)
PROFILES = (
    "Share of a loss's runs whose normalised score is at most τ: higher is better. The band holds in 95 % at each "
    f"point, not at all points at once; from {FEWEST} settings or seeds on; {ADAPTIVE}"
)
RANKS = (
    "Average rank over data sets of each loss's best setting of equally many, 1 is best. A bar joins losses that "
    "Nemenyi's test cannot tell apart; losses further apart than CD differ. It asks about other data sets with these "
    "settings; other settings of the losses may rank otherwise."
)
SIGNS = (
    "On how many data sets the best setting of one loss is better than the best of as many of the other. p: exact sign "
    "test of the two, in which no other loss has a part; p, Holm: adjusted for all pairs. Of other data sets with "
    "these settings."
)
PRACTICAL = (
    "Whether the median score of the first loss is better than, as good within 5 % as, or worse than the second's. On "
    "a data set, from the seeds of both settings: how probable each is. Over all data sets, by a signed-rank model: "
    "how probable each is to have the largest weight; with two equal losses one of them reaches 95 % in up to 16 % of "
    "studies. Of other data sets with these settings."
)
SEVERAL = "Interquartile means need runs that have ended, and a loss of which three quarters finished."
MEANS = {
    "loss": "loss", "mean": "interquartile mean", "low": INTERVAL, "runs": "runs", "datasets": "data sets",
    "failed": "failed",
}  # fmt: skip
EQUIVALENT = {
    "dataset": "data set", "first": "first", "second": "second", "better": "first better", "equivalent": "equivalent",
    "worse": "first worse", "n": "n",
}  # fmt: skip
PAIRS = {
    "first": "first", "second": "second", "wins": "first better on", "defeats": "second better on", "p_value": "p",
    "holm": "p, Holm", "datasets": "data sets",
}  # fmt: skip


def means(study: Study) -> Exhibits:
    """The interquartile mean of every loss: a picture and a table per phase."""
    found = pooled.interquartile_means(runs.runs(study))
    found = found[found["phase"].isin(found.loc[found["failed"] < found["runs"], "phase"])]
    shown = Picture(
        "iqm", "Interquartile means", lambda rows, _: pictures.interquartile_means(rows),
        lambda rows, _: captions.interquartile_means(rows), POOLED, SEVERAL, _finite,
    )  # fmt: skip
    table = Table("iqm.table", "Interquartile mean of every loss", MEANS)
    return gathered([shown.at(phases(study), found), table.at(phases(study), found)])


def profiles(study: Study) -> Exhibits:
    """The performance profile of every loss: a picture per phase."""
    shown = Picture(
        "profiles", "Performance profiles",
        lambda rows, _: pictures.profiles(rows), lambda rows, _: captions.profiles(rows),
        PROFILES, "", lambda rows: bool(rows["share"].gt(0).any()),
    )  # fmt: skip
    return shown.at(phases(study), pooled.profiles(runs.runs(study)))


def ranks(study: Study) -> Exhibits:
    """The critical-difference diagram of every phase with what power it has, and the pairs that were tested."""
    found = ranking.ranks(study)
    table = Table("ranks.pairs", "Every pair of losses", PAIRS, SIGNS)
    shown = gathered(_ranks(place, found[place.phase]) for place in phases(study) if place.phase in found)
    return gathered([shown, table.at(phases(study), ranking.pairs(study))])


def practical(study: Study) -> Exhibits:
    """Which loss is better by more than matters: a picture and a table per phase."""
    found = equivalence.practical(runs.runs(study))
    shown = Picture(
        "practical", "Better, equivalent or worse", lambda rows, _: pictures.practical(rows),
        lambda rows, _: captions.practical(rows), PRACTICAL,
        f"Practical equivalence needs {FEWEST_REPEATED} seeds of a setting of two losses that other runs chose, or "
        f"{FEWEST_REPEATED} data sets with such settings.", lambda rows: bool(rows["better"].notna().any()),
    )  # fmt: skip
    table = Table("practical.table", "Every pair: better, equivalent or worse", EQUIVALENT)
    return gathered([shown.at(phases(study), found), table.at(phases(study), found.dropna(subset="better"))])


def _ranks(place: Place, found: ranking.Ranks) -> list[Exhibit]:
    if math.isnan(found.critical_difference):
        return [*told(found.sentence, [place])]
    title, numbers, caption = place.titled("Average ranks"), found.frame, f"{RANKS} {found.sentence}"
    with style.beside(place.beside):
        figure = pictures.ranks(found)
    return [Drawing(place.named("ranks"), title, figure, captions.ranks(found), numbers, caption)]


def _finite(rows: pd.DataFrame) -> bool:
    return bool(np.isfinite(rows["mean"].astype(float)).any())
