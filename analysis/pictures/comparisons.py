"""Pictures of losses against each other: a panel per data set where there are several; frames are of one phase."""

from functools import partial

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import style
from analysis.figures import comparisons, heatmaps
from analysis.figures import ranks as ranked
from analysis.pictures.layout import HEIGHT, Layout, laid_out, loss_keys, of_datasets
from analysis.tables import shown
from analysis.tables.ranks import Ranks

LINE = 0.19  # inches of a row of small words


def beats(frame: pd.DataFrame) -> Figure:
    """How probably the loss of the row beats that of the column, at one budget."""
    panels = [(title, partial(heatmaps.beats_heatmap, rows)) for _, title, rows in of_datasets(frame, "")]
    size = 0.7 + 0.36 * pd.concat([frame["first"], frame["second"]]).nunique()
    return laid_out(panels, Layout(size, across=1))


def beats_by_budget(frame: pd.DataFrame) -> Figure:
    """The probability to beat, against the budget; `frame` holds the pairs to show, of one second loss or few pairs."""
    seconds = style.ordered(frame["second"])
    panels = [(title, partial(comparisons.beats_by_budget, rows)) for _, title, rows in of_datasets(frame, "")]
    words = f"probability to beat {seconds[0]}" if len(seconds) == 1 else "probability that the first is better"
    layout = Layout(HEIGHT - 0.5 if len(panels) == 1 else 2.3, ylabel=words, share="y")
    return laid_out(panels, layout, _pair_keys(frame))


def crossings(frame: pd.DataFrame) -> Figure:
    """From which budget on one loss stays better than another; `frame` holds the pairs to show."""
    panels = [
        (title, partial(comparisons.crossing_budgets, _in_order(rows))) for _, title, rows in of_datasets(frame, "")
    ]
    most = frame.groupby("dataset").size().max()
    return laid_out(panels, Layout(0.75 + LINE * most, across=1))


def interquartile_means(frame: pd.DataFrame) -> Figure:
    """The interquartile mean of every loss over all data sets of a phase."""
    words = "interquartile mean of the normalised score (lower is better)"
    height = 0.7 + 0.42 * frame["loss"].nunique()
    return laid_out([("", partial(comparisons.interquartile_means, frame))], Layout(height, words))


def profiles(frame: pd.DataFrame) -> Figure:
    """Performance profiles of every loss over all data sets of a phase."""
    layout = Layout(HEIGHT - 0.5, "normalised score, τ", "share of runs of at most τ (higher is better)")
    keys = loss_keys(frame)
    for key in keys:
        key.set_marker("")
    return laid_out([("", partial(comparisons.profiles, frame))], layout, keys)


def ranks(found: Ranks) -> Figure:
    """The critical-difference diagram of one phase."""
    draw = partial(ranked.critical_difference, found.frame, found.critical_difference, found.cliques)
    count = len(found.frame)
    return laid_out([("", draw)], Layout(1.0 + 0.2 * count + 0.08 * len(found.cliques)))


def practical(frame: pd.DataFrame) -> Figure:
    """How probably one loss is better than, equivalent to or worse than another.

    Over all data sets where `frame` has that, or else a panel per data set.
    """
    rows = shown.equivalence(frame)
    panels = [(title, partial(comparisons.practical_bars, part)) for _, title, part in of_datasets(rows, "")]
    panels = panels or [("", partial(comparisons.practical_bars, rows))]
    most = rows.groupby("dataset").size().max() if len(rows) else 1
    handles = [Patch(color=color, label=f"first loss {name}") for name, color in style.VERDICTS.items()]
    return laid_out(panels, Layout(0.75 + LINE * most, "probability", across=1), handles)


def transfers(frame: pd.DataFrame) -> Figure:
    """What is lost by taking the settings of a data set (row) to another (column); a panel per loss."""
    panels = [
        (loss, partial(heatmaps.transfer_heatmap, frame[frame["loss"] == loss]))
        for loss in style.ordered(frame["loss"])
    ]
    datasets = pd.concat([frame["chosen_on"], frame["used_on"]]).nunique()
    return laid_out(panels, Layout(0.8 + 0.34 * datasets))


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    order = style.ordered([*frame["first"], *frame["second"]])
    places = frame[["first", "second"]].map(order.index)
    return frame.loc[places.sort_values(["first", "second"]).index]


def _pair_keys(frame: pd.DataFrame) -> list[Line2D]:
    alone, keys = frame["second"].nunique() == 1, []
    for first in style.ordered(frame["first"]):
        for second in style.ordered(frame.loc[frame["first"] == first, "second"]):
            look, label = style.of(first), first if alone else f"{first} against {second}"
            keys.append(Line2D([], [], color=look.color, ls=look.line, marker=look.marker, ms=5, label=label))
    return keys
