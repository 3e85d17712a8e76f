"""A comparison as a person reads it: its numbers as strings, and what their columns and marks mean."""

import math

import numpy as np
import pandas as pd

from analysis.comparison.compare import ALONE, FEWEST_RANKED, MIXED, Comparison
from analysis.comparison.sides import BEST, Side
from analysis.formats import NONE, decimals, fixed, value
from analysis.intervals.bootstrap import FEWEST

MARKS = {ALONE: "*", MIXED: "†"}
MEANINGS = {
    ALONE: "* in units of the one deviation that is known; the other side is a single run.",
    MIXED: "† between numbers of different making: it means little.",
}


def best(comparison: Comparison, dataset: str) -> pd.DataFrame:
    """The best setting of every loss on a data set: mean ± standard deviation (seeds), difference, in sd."""
    rows = _rows(comparison, dataset)
    return _table(comparison, rows[rows["quantity"] == BEST].drop(columns="quantity"), seeds=True)


def spread(comparison: Comparison, dataset: str) -> pd.DataFrame:
    """Minimum, first quartile and median over settings on a data set, with their errors."""
    rows = _rows(comparison, dataset)
    return _table(comparison, rows[rows["quantity"] != BEST], seeds=False)


def title(comparison: Comparison, dataset: str) -> str:
    mine, other = comparison.metrics(dataset)
    metric = mine if mine == other else f"{mine} {comparison.ours.where}, {other} {comparison.theirs.where}"
    return f"{dataset}: {metric}, lower is better"


def order(comparison: Comparison, dataset: str) -> str:
    """A sentence on how far both sides agree which loss is better."""
    row = comparison.ranks[comparison.ranks["dataset"] == dataset].iloc[0]
    if np.isnan(row["spearman"]):
        return f"Too few losses ({row['losses']}, of {FEWEST_RANKED} needed), or only ties, to compare their order."
    return (
        f"The order of the {row['losses']} losses by their best settings: rank correlation (Spearman) "
        f"{row['spearman']:.2f}; of all orders, {row['chance']:.1%} agree at least as well."
    )


def legend(comparison: Comparison) -> list[str]:
    """What the columns mean, and the marks that occur."""
    where = comparison.theirs.where
    found = [
        f"in sd: the difference over the root of the summed squares of the deviations {comparison.ours.where} and "
        f"{where}.",
        "Best setting: mean ± standard deviation over seeds, their number in parentheses.",
    ]
    if (comparison.cells["quantity"] != BEST).any():
        found.append(
            "Over settings: the ± of a study's number is its standard error, bootstrapped over settings (too small for "
            f"a minimum; none for fewer than {FEWEST} settings, or where failures reach it). Failures count as "
            "infinite; minima are the least of what is reported. Of numbers read off a figure the ± is the reading "
            "error alone: their own error over settings is not known, and would make differences smaller in sd."
        )
    marked = set(", ".join(comparison.cells["mark"]).split(", "))
    return found + [text for mark, text in MEANINGS.items() if mark in marked]


def _rows(comparison: Comparison, dataset: str) -> pd.DataFrame:
    return comparison.cells[comparison.cells["dataset"] == dataset]


def _table(comparison: Comparison, rows: pd.DataFrame, *, seeds: bool) -> pd.DataFrame:
    """Strings; the columns are named as they are to be headed."""
    shown: dict[str, list[str]] = {"of settings": rows["quantity"].to_list()} if "quantity" in rows else {}
    places = {name: _places(comparison, rows, name) for name in ("ours", "theirs")}
    shown |= {
        "loss": rows["loss"].to_list(),
        comparison.ours.where: _numbers(rows, "ours", places["ours"], seeds),
        comparison.theirs.name: _numbers(rows, "theirs", places["theirs"], seeds),
        "difference": [_signed(gap, min(places.values())) for gap in rows["difference"]],
        "in sd": [_signed(units, 1) + _marks(mark) for units, mark in zip(rows["units"], rows["mark"], strict=True)],
    }
    return pd.DataFrame(shown, dtype=object)


def _places(comparison: Comparison, rows: pd.DataFrame, name: str) -> int:
    side: Side = getattr(comparison, name)
    values = rows[f"{name}_value"]
    return decimals(values[np.isfinite(values)]) if side.places is None else side.places


def _numbers(rows: pd.DataFrame, side: str, places: int, seeds: bool) -> list[str]:
    columns = (rows[f"{side}_{name}"] for name in ("value", "deviation", "n", "why"))
    found = []
    for number, deviation, n, why in zip(*columns, strict=True):
        if math.isfinite(number):
            spread_of = "" if math.isnan(deviation) else f" ± {fixed(deviation, places)}"
            found.append(fixed(number, places) + spread_of + (f" ({value(n)})" if seeds else ""))
        else:
            found.append("infinite" if math.isinf(number) else str(why))
    return found


def _signed(number: float, places: int) -> str:
    if math.isnan(number):
        return NONE
    return f"{number:+,.{places}f}" if math.isfinite(number) else "infinite"


def _marks(mark: str) -> str:
    return "".join(sign for name, sign in MARKS.items() if name in mark)
