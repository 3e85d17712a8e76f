"""How a frame becomes exhibits: at every place the same picture or the same table, or a sentence where rows are few."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis import formats, style
from analysis.exhibits.exhibit import Drawing, Exhibit, Exhibits, Listing
from analysis.exhibits.places import Place, told

INTERVAL = "95 % interval"  # the heading of what `low` and `high` become
DATASETS, LOSSES = ("dataset", "chosen_on", "used_on"), ("loss", "first", "second")  # columns
Rows = pd.DataFrame


def anything(rows: Rows) -> bool:
    return not rows.empty


@dataclass(frozen=True)
class Picture:
    """A kind of picture. draw gets the rows of a place and the metric by data set.

    words, which make the alternative text, get the rows and the metric as one name. needed: the sentence that stands,
    once, for the places whose rows are not `enough`; "" where nothing need be said.
    """

    kind: str
    title: str
    draw: Callable[[Rows, Mapping[str, str]], Figure]
    words: Callable[[Rows, str], str]
    caption: str
    needed: str
    enough: Callable[[Rows], bool] = anything

    def at(self, where: Sequence[Place], frame: Rows) -> Exhibits:
        enough = [place for place in where if self.enough(place.of(frame))]
        few = [place for place in where if place not in enough] if self.needed else []
        return Exhibits([*(self._one(place, place.of(frame)) for place in enough), *told(self.needed, few)])

    def _one(self, place: Place, rows: Rows) -> Exhibit:
        with style.beside(place.beside):
            figure = self.draw(rows, place.objective)
        alt = self.words(rows, place.metric)
        return Drawing(place.named(self.kind), place.titled(self.title), figure, alt, rows, self.caption)


@dataclass(frozen=True)
class Table:
    """A kind of table. headings: what each column shown is called, in order; `low` and `high` become one column.

    needed: as of a picture, where there are no rows. arranged: by data set and loss, as pictures are; or as the rows
    come.
    """

    kind: str
    title: str
    headings: Mapping[str, str]
    caption: str = ""
    needed: str = ""
    arranged: bool = True

    def at(self, where: Sequence[Place], frame: Rows) -> Exhibits:
        some = [place for place in where if anything(place.of(frame))]
        none = [place for place in where if place not in some] if self.needed else []
        return Exhibits([*(self._one(place, place.of(frame)) for place in some), *told(self.needed, none)])

    def _one(self, place: Place, rows: Rows) -> Exhibit:
        shown = readable(in_order(rows) if self.arranged else rows, self.headings)
        return Listing(place.named(self.kind), place.titled(self.title), shown, rows, self.caption, place.beside)


def in_order(rows: Rows) -> Rows:
    """By data set, then by the losses, as pictures have them; what else there is keeps its order."""
    names = [name for name in (*DATASETS, *LOSSES) if name in rows]
    if not names or rows.empty:
        return rows
    orders = {
        name: (style.ordered if name in LOSSES else style.ordered_datasets)(rows[name].astype(str)) for name in names
    }
    places = pd.DataFrame({name: rows[name].astype(str).map(order.index) for name, order in orders.items()})
    return rows.loc[places.sort_values(names, kind="stable").index]


def readable(rows: Rows, headings: Mapping[str, str]) -> Rows:
    """Columns as strings under their headings; where `low` is headed, low and high are one column of intervals.

    `most`, where there is such a column, is up to where an interval was looked for.
    The phase is there where the rows are of more than one.
    """
    shown = {}
    for name, heading in headings.items():
        if name == "phase" and rows[name].nunique() < 2:
            continue
        if name == "low":
            most = rows["most"] if "most" in rows else [math.inf] * len(rows)
            shown[heading] = list(map(formats.interval, rows["low"], rows["high"], most))
        else:
            shown[heading] = [cell(item) for item in rows[name]]
    return pd.DataFrame(shown, dtype=object)


def cell(item: object) -> str:
    """A string as it is; a truth as yes or no; a number to three digits."""
    if isinstance(item, str):
        return item
    if isinstance(item, bool | np.bool_):
        return "yes" if item else "no"
    return formats.value(item)
