"""What the hyperparameters of a loss do to its score: scatter, and shares of importance."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, PercentFormatter

from analysis import scales, style
from analysis.figures import marks

FEW = 4  # distinct values up to which a hyperparameter is drawn as columns
APART = 4  # of the quartiles, from which an axis is logarithmic: 3 if drawn from 0 to 1, 10 if over two decades


def score_against(settings: pd.DataFrame, name: str, axes: Axes) -> Axes:
    """The score of every setting of one loss against the hyperparameter `name`; a cross at the top: infinite.

    `settings` is `frames.settings` of one phase and loss. Points of several data sets have the colours and markers of
    the data sets. Switches and hyperparameters of few values are columns; others are logarithmic where their quartiles
    are far apart.
    """
    rows = settings.dropna(subset=[name, "score"])
    values = rows[name]
    distinct = sorted(values.unique())
    columns = len(distinct) <= FEW
    at = values.map(distinct.index).astype(float) + marks.shifts(len(rows)) * 0.8 if columns else values.astype(float)
    finite = np.isfinite(rows["score"])
    datasets = style.ordered_datasets(rows["dataset"])
    for dataset in datasets:
        color, marker = style.of_dataset(dataset)
        if len(datasets) == 1:
            color, marker = style.of(str(rows["loss"].iloc[0])).color, "o"
        mine = finite & (rows["dataset"] == dataset)
        axes.scatter(
            at[mine], rows.loc[mine, "score"], s=15, color=color, marker=marker, alpha=0.7, lw=0, label=dataset
        )
    marks.beyond(axes, at[~finite].to_numpy(dtype=float), "y")
    scales.scores(axes, rows.loc[finite, "score"].to_numpy(dtype=float), "y")
    if finite.any():
        _room_above(axes)
    else:
        marks.nothing(axes, "all of them failed").xaxis.set_visible(True)
    if columns:
        axes.set_xticks(range(len(distinct)), [_word(value) for value in distinct])
        axes.set_xlim(-0.6, len(distinct) - 0.4)
    elif at.min() > 0 and at.quantile(0.75) / at.quantile(0.25) > APART:
        scales.logarithmic(axes, at.min() / 1.3, at.max() * 1.3, "x")
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_major_formatter(lambda number, _: f"{number:g}")
    axes.set_xlabel(name.replace("_", " "))
    return axes


def importance_bars(importances: pd.DataFrame, axes: Axes) -> Axes:
    """The share of each hyperparameter in what the score of one loss depends on, the greatest on top, with intervals.

    `importances` is `importance.importances` of one search.
    """
    rows = importances.sort_values(["importance", "hyperparameter"], ascending=[True, False], ignore_index=True)
    color = style.of(str(rows["loss"].iloc[0])).color
    axes.barh(rows.index, rows["importance"], color=color, alpha=0.75, height=0.6)
    axes.hlines(rows.index, rows["low"], rows["high"], color=style.INK, lw=1.6, zorder=4)
    axes.set_yticks(rows.index, [name.replace("_", " ") for name in rows["hyperparameter"]])
    return _shares(axes)


def importance_points(importances: pd.DataFrame, axes: Axes) -> Axes:
    """The shares of `importance_bars` on several data sets, whose points stand one below the other in each row.

    `importances` is `importance.importances` of one phase and loss; the greatest mean share is on top.
    """
    means = importances.groupby("hyperparameter")["importance"].mean().reset_index()
    names = list(means.sort_values(["importance", "hyperparameter"], ascending=[True, False])["hyperparameter"])
    datasets = style.ordered_datasets(importances["dataset"])
    for place, dataset in enumerate(datasets):
        rows, (color, marker) = importances[importances["dataset"] == dataset], style.of_dataset(dataset)
        y = rows["hyperparameter"].map(names.index) + 0.8 * (0.5 - (place + 0.5) / len(datasets))
        axes.hlines(y, rows["low"], rows["high"], color=color, lw=1.4)
        axes.plot(rows["importance"], y, marker, color=color, ms=5, clip_on=False, zorder=4)
    axes.hlines(np.arange(len(names) - 1) + 0.5, 0, 1, color=style.QUIET, lw=0.7)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set_ylim(-0.55, len(names) - 0.45)
    return _shares(axes)


def dataset_keys(datasets: Sequence[str]) -> list[Line2D]:
    """For a legend: which points are of which data set."""
    looks = {name: style.of_dataset(name) for name in datasets}
    return [Line2D([], [], color=color, marker=mark, ls="none", label=name) for name, (color, mark) in looks.items()]


def _shares(axes: Axes) -> Axes:
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.grid(visible=False, axis="y")
    return axes


def _room_above(axes: Axes) -> None:
    """So that no point hides among the crosses at the top."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.08 if axes.get_yscale() == "log" else high + 0.08 * (high - low))


def _word(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "on" if value else "off"
    return f"{value:g}"
