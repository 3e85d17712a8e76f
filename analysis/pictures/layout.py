"""Panels on paper: how many across, how large, their titles, one legend; at 11 points readable on a phone."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style
from analysis.figures.drawing import drawing
from analysis.formats import Objective, measured, metric

Panel = tuple[str, Callable[[Axes], object]]  # title, and what draws on the axes
WIDTH, HEIGHT = 5.6, 4.2  # inches: at 11 points the text stays readable on a phone's 390 pixels
LEGEND_ROW, TITLE_ROW = 0.24, 0.2  # inches of a line of 9 points, and of 12
WIDE = 54  # letters of 11 points below the only panel in a row
TITLE = 52  # letters of 12 points above it
LETTER = 0.1  # inches of one, with what titles take of a panel's height


@dataclass(frozen=True)
class Layout:
    """Inches of a panel's height, words of its axes, panels across, axes that they share ("x", "y", "xy").

    `own`: every panel keeps the words below it that its figure gave it.
    """

    height: float
    xlabel: str = ""
    ylabel: str = ""
    across: int = 2
    share: str = ""
    own: bool = False


def laid_out(panels: Sequence[Panel], layout: Layout, handles: Sequence[Artist] = ()) -> Figure:
    """The panels, so many across, with one legend: below them, or where a panel would still have room."""
    across = min(layout.across, len(panels))
    rows = -(-len(panels) // across)
    within = rows * across > len(panels) and len(handles) > 1
    for handle in handles:
        handle.set_label(style.short(str(handle.get_label())))
    lines = 0 if within or not handles else -(-len(handles) // _columns(handles))
    titles = [_titled(style.short(title), TITLE // across) for title, _ in panels]
    height = rows * (layout.height + TITLE_ROW * any("\n" in title for title in titles)) + lines * LEGEND_ROW + 0.1
    with drawing():
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        places = figure.subplots(
            rows, across, squeeze=False, sharex="x" in layout.share, sharey="y" in layout.share
        ).ravel()
        for number, (axes, title, (_, draw)) in enumerate(zip(places, titles, panels, strict=False)):
            draw(axes)
            for artist in (*axes.collections, *axes.lines, *axes.patches):
                artist.set_in_layout(False)  # all are within the axes, and measuring each takes most of the time
            axes.set_title(title)
            _labels(
                axes, layout, across, left=number % across == 0, lowest=number + across >= len(panels), alone=rows == 1
            )
        for axes in places[len(panels) :]:
            axes.set_axis_off()
        _tell_scales(list(places[: len(panels)]), "y" if layout.own else "xy")
        if layout.ylabel and rows > 1:
            figure.supylabel(layout.ylabel, fontsize=11)
        if handles and within:
            places[-1].legend(handles=handles, loc="center", fontsize=9)
        elif handles:
            _below(figure, handles)
    return figure


def loss_keys(frame: pd.DataFrame) -> list[Line2D]:
    """For a legend: a key per loss, with the failed share of all that the frame holds where it counts `failed`.

    A frame of several searches has a row or more for each; `n` and `failed` are the same in all rows of a search.
    """
    found = []
    for loss in style.ordered(frame["loss"]):
        look, label = style.of(loss), loss
        if "failed" in frame and "n" in frame:
            each = frame[frame["loss"] == loss].drop_duplicates(["phase", "dataset"])
            n, failed = int(each["n"].sum()), int(each["failed"].sum())
            label = f"{loss}: {failed}/{n} failed" if failed else loss
        found.append(Line2D([], [], color=look.color, ls=look.line, marker=look.marker, ms=6, lw=2, label=label))
    return found


def of_datasets(frame: pd.DataFrame, objective: Objective) -> list[tuple[str, str, pd.DataFrame]]:
    """Data set, title of its panel and its rows, in the order of the table of data sets.

    A title is empty where there is one data set only, and names the metric where data sets differ in it.
    """
    datasets = style.ordered_datasets(frame["dataset"])
    same = len({metric(objective, name) for name in datasets}) == 1
    titles = {name: name if same else f"{name}: {metric(objective, name)}" for name in datasets}
    if len(datasets) == 1:
        titles = dict.fromkeys(datasets, "")
    return [(name, titles[name], frame[frame["dataset"] == name]) for name in datasets]


def named(objective: Objective, frame: pd.DataFrame) -> str:
    """The metric of all data sets of the frame, or "score" where they differ in it."""
    return measured(objective, frame["dataset"])


def _tell_scales(panels: Sequence[Axes], which: str) -> None:
    """Names the scale of those that are logarithmic where others beside them are not; an empty one has none."""
    panels = [axes for axes in panels if axes.xaxis.get_visible()]
    scales = [[axes.get_yscale() if one == "y" else axes.get_xscale() for one in which] for axes in panels]
    differ = any(mine != scales[0] for mine in scales)
    for axes, mine in zip(panels, scales, strict=True):
        if differ and "log" in mine:
            axes.set_title(", ".join(filter(None, [axes.get_title("left"), "log scale"])))


def _labels(axes: Axes, layout: Layout, across: int, *, left: bool, lowest: bool, alone: bool) -> None:
    below = (layout.xlabel or axes.get_xlabel()) if lowest or layout.own else ""
    axes.set_xlabel(_folded(below, WIDE // across))
    axes.set_ylabel(_folded(layout.ylabel, int(layout.height / LETTER)) if left and alone else "")
    if lowest and "x" in layout.share:
        axes.tick_params(labelbottom=True)


def _folded(words: str, width: int) -> str:
    """In lines of at most so many letters; what stands in parentheses begins a line where it does not fit."""
    parts = [words] if len(words) <= width else words.replace(" (", "\n(", 1).split("\n")
    return "\n".join(line for part in parts for line in textwrap.wrap(part, width))


def _titled(title: str, width: int) -> str:
    """Where it has more letters than fit above a panel what follows the name stands below it."""
    return title if len(title) <= width else title.replace(": ", ":\n", 1)


def _below(figure: Figure, handles: Sequence[Artist]) -> None:
    figure.legend(
        handles=handles, loc="outside lower center", ncols=_columns(handles), handlelength=2.6, fontsize=9,
        columnspacing=1.2,
    )  # fmt: skip


def _columns(handles: Sequence[Artist]) -> int:
    longest = max(len(str(handle.get_label())) for handle in handles)
    most = 4 if longest <= 10 else 3 if longest <= 22 else 2 if longest <= 34 else 1
    lines = -(-len(handles) // most)
    return -(-len(handles) // lines)
