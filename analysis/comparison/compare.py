"""Two tables laid side by side, cell by cell: differences, in units of their standard deviation, and rank agreement."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis import style
from analysis.comparison import fairness
from analysis.comparison.sides import BEST, CELL, SHARES, Side
from analysis.intervals.bootstrap import SEED

FEWEST_RANKED = 3  # losses below which an order says nothing
EXACT = 8  # losses up to which every order is looked at: 40,320
SAMPLED = 50_000  # orders beyond that
ALONE, MIXED = "one deviation", "different scales"
COLUMNS = ["value", "deviation", "n", "why"]


@dataclass(frozen=True)
class Comparison:
    """What is there to show of two sides. cells: see `compare`; ranks: see `agreement`; both of common data sets."""

    ours: Side
    theirs: Side
    cells: pd.DataFrame
    ranks: pd.DataFrame
    sentences: Mapping[str, list[str]]  # data set -> what makes it unfair

    @property
    def datasets(self) -> list[str]:
        """Those that both sides have."""
        return list(dict.fromkeys(self.cells["dataset"]))

    def metrics(self, dataset: str) -> tuple[str, str]:
        return self.ours.facts[dataset]["metric"], self.theirs.facts[dataset]["metric"]


def compare(ours: Side, theirs: Side, *, mixed: bool = False) -> Comparison:
    """One row per data set that both sides have, quantity and loss that one of them has, in the order of the table.

    Columns: dataset, loss, quantity; value, deviation, n and why of both sides (ours_value, ...); difference, ours less
    theirs; units, the difference over sqrt(ours_deviation^2 + theirs_deviation^2); mark. Where only one side has a
    deviation over seeds, units takes it alone and the mark is ALONE; quartiles need both. Numbers on different scales
    have no difference, or with `mixed` one with the mark MIXED.
    """
    pairs = pd.merge(_named(ours, "ours"), _named(theirs, "theirs"), on=CELL, how="outer")
    pairs = pairs[pairs["dataset"].isin(ours.facts) & pairs["dataset"].isin(theirs.facts)]
    for side, name in ((ours, "ours"), (theirs, "theirs")):
        pairs[f"{name}_why"] = pairs[f"{name}_why"].fillna(side.absent)
        pairs = pairs[_has_any(pairs, f"{name}_why", side.absent)]
    pairs = _in_order(pairs, list(ours.facts))
    scales = {
        name: fairness.comparable(ours.facts[name], theirs.facts[name]) for name in dict.fromkeys(pairs["dataset"])
    }
    cells = _differences(pairs, pairs["dataset"].map(scales).astype(bool), mixed)
    return Comparison(ours, theirs, cells, agreement(cells), fairness.sentences(ours, theirs, mixed=mixed))


def agreement(cells: pd.DataFrame) -> pd.DataFrame:
    """How far both sides put the losses in one order, by the best setting: dataset, losses, spearman, chance.

    A loss of which one side has no number is not in it; one of which everything failed comes last. chance: the share of
    all orders of these losses that agree with theirs at least as well (exact up to EXACT losses, above that of SAMPLED
    seeded ones). Both are null for fewer than FEWEST_RANKED losses, or where all tie.
    """
    rows = []
    for dataset, group in cells[cells["quantity"] == BEST].groupby("dataset", sort=False):
        known = group.dropna(subset=["ours_value", "theirs_value"])
        a, b = (stats.rankdata(known[f"{name}_value"]) for name in ("ours", "theirs"))
        tied = len(set(a)) < 2 or len(set(b)) < 2
        told = (np.nan, np.nan) if len(known) < FEWEST_RANKED or tied else (_correlation(a, b), _chance(a, b))
        rows.append((dataset, len(known), *told))
    return pd.DataFrame(rows, columns=["dataset", "losses", "spearman", "chance"])


def _named(side: Side, name: str) -> pd.DataFrame:
    cells = side.cells if len(side.cells) else pd.DataFrame(columns=[*CELL, *COLUMNS])
    return cells.rename(columns={column: f"{name}_{column}" for column in COLUMNS})


def _has_any(pairs: pd.DataFrame, why: str, absent: str) -> pd.Series:
    """Whether a side has anything at all of a row's data set and quantity."""
    return pairs[why].ne(absent).groupby([pairs["dataset"], pairs["quantity"]]).transform("any").astype(bool)


def _in_order(pairs: pd.DataFrame, datasets: list[str]) -> pd.DataFrame:
    losses = style.ordered(pairs["loss"])
    places = {"dataset": datasets, "quantity": [BEST, *SHARES], "loss": losses}
    keys = [pairs[name].map({item: i for i, item in enumerate(order)}) for name, order in places.items()]
    return pairs.iloc[np.lexsort(keys[::-1])].reset_index(drop=True)


def _differences(pairs: pd.DataFrame, same_scale: pd.Series, mixed: bool) -> pd.DataFrame:
    ours, theirs = (pairs[f"{name}_value"].to_numpy(dtype=float) for name in ("ours", "theirs"))
    deviations = pairs[["ours_deviation", "theirs_deviation"]].to_numpy(dtype=float)
    known = (~np.isnan(deviations)).sum(axis=1)
    repeated = (pairs["quantity"] == BEST).to_numpy()
    both_infinite = np.isinf(ours) & np.isinf(theirs)
    difference = np.where(both_infinite | ~(same_scale | mixed), np.nan, ours - np.where(both_infinite, 0.0, theirs))
    combined = np.sqrt(np.nansum(deviations**2, axis=1))
    usable = np.isfinite(difference) & (combined > 0) & ((known == 2) | (repeated & (known == 1)))
    units = np.where(usable, difference, np.nan) / np.where(combined > 0, combined, np.nan)
    alone = usable & (known == 1)
    marks = [
        ", ".join(name for name, applies in ((ALONE, one), (MIXED, not same and not np.isnan(gap))) if applies)
        for one, same, gap in zip(alone, same_scale, difference, strict=True)
    ]
    return pairs.assign(difference=difference, units=units, mark=marks)


def _correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _chance(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Of ranks with given ties the correlation rises with sum a_i b_i."""
    if len(b) <= EXACT:
        orders = np.array(list(itertools.permutations(b)))
    else:
        orders = np.random.default_rng(SEED).permuted(np.tile(b, (SAMPLED, 1)), axis=1)
    return float(np.mean(orders @ a >= a @ b - 1e-9))
