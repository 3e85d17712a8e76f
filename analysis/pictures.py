"""Figures laid out on paper: which axes, what size, titles and legends; one matplotlib Figure per picture."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import figures, style
from analysis import ranges as paired
from analysis.compare import Comparison

Image = np.ndarray[Any, np.dtype[np.float64]]
WIDTH, HEIGHT = 5.6, 4.2  # inches: at 11 points the text stays readable on a phone's 390 pixels


def budget(curves: pd.DataFrame, objective: str) -> Figure:
    """All losses in one picture: the expected score of the best against the budget."""
    return _single(
        lambda axes: figures.budget_curves(curves, axes), f"expected {objective} of the best\n(lower is better)"
    )


def budget_bands(curves: pd.DataFrame, objective: str) -> Figure:
    """One panel per loss with its band, the others in grey."""
    losses = style.ordered(curves["loss"])
    with mpl.rc_context(style.RC):
        rows = -(-len(losses) // 2)
        figure = Figure(figsize=(WIDTH, 1.0 + 1.9 * rows), layout="constrained")
        panels = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).ravel()
        for panel, loss in zip(panels, losses, strict=False):
            figures.budget_curves(curves, panel, highlight=loss).set(title=_title(curves, loss), xlabel="")
        for panel in panels[len(losses) :]:
            panel.set_axis_off()
        figure.supxlabel("settings tried, k (band: 10 to 90 % of the best of k)", fontsize=11)
        figure.supylabel(f"expected {objective} of the best", fontsize=11)
    return figure


def boxes(settings: pd.DataFrame, spread: pd.DataFrame, objective: str) -> Figure:
    """The scores of all settings, a row per loss."""
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(WIDTH, 1.1 + 0.48 * len(spread)), layout="constrained")
        axes = figures.score_boxes(settings, spread, figure.add_subplot())
        axes.set_xlabel(f"{objective} of a setting (lower is better; \N{WHITE DIAMOND} default)")
    return figure


def learning(frame: pd.DataFrame, objective: str) -> Figure:
    """Score against step for the best setting of every loss."""
    return _single(lambda axes: figures.learning_curves(frame, axes), f"{objective}\n(lower is better)")


def ranges(comparison: Comparison) -> Figure:
    """A panel per data set: how the settings of every loss spread on both sides."""
    datasets = comparison.datasets
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(WIDTH, 0.7 + 3.5 * len(datasets)), layout="constrained")
        panels = figure.subplots(len(datasets), 1, squeeze=False).ravel()
        for panel, dataset in zip(panels, datasets, strict=True):
            cells = comparison.cells[comparison.cells["dataset"] == dataset]
            mine, other = comparison.metrics(dataset)
            metric = mine if mine == other else f"{mine} {comparison.ours.where}, {other} {comparison.theirs.where}"
            paired.ranges(cells, panel).set(title=dataset, xlabel=metric)
        handles = paired.keys(comparison.ours.where, comparison.theirs.name)
        figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=9)
        figure.suptitle("minimum, first quartile (dot) and median over settings", fontsize=10)
    return figure


def samples(images: Sequence[tuple[str, Image]]) -> Figure:
    """Captions and sample grids, four in a row."""
    columns = min(4, len(images))
    rows = -(-len(images) // columns)
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(2.4 * columns, 2.65 * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, (caption, image) in zip(panels, images, strict=False):
            figures.sample_grid(image, panel, caption)
        for panel in panels[len(images) :]:
            panel.set_axis_off()
    return figure


def _single(draw: Callable[[Axes], Axes], ylabel: str) -> Figure:
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = draw(figure.add_subplot())
        axes.set_ylabel(ylabel)
        handles, labels = axes.get_legend_handles_labels()
        columns = 3 if max(map(len, labels), default=0) > 10 else 4
        figure.legend(
            handles, labels, loc="outside lower center", ncols=columns, handlelength=2.6, fontsize=9, columnspacing=1.2
        )
    return figure


def _title(curves: pd.DataFrame, loss: str) -> str:
    row = curves[curves["loss"] == loss].iloc[0]
    return f"{loss}: {row['failed']} of {row['n']} failed" if row["failed"] else f"{loss}: {row['n']} settings"
