"""Pictures of what searches found: scores of settings and seeds, hyperparameters, samples."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from analysis import style
from analysis.comparison.compare import Comparison
from analysis.figures import hyperparameters, spreads
from analysis.figures import learning as training
from analysis.figures import ranges as paired
from analysis.figures.drawing import drawing
from analysis.formats import Objective
from analysis.pictures.layout import WIDTH, Layout, laid_out, named, of_datasets
from analysis.tables import shown

Image = np.ndarray[Any, np.dtype[np.float64]]


def boxes(
    settings: pd.DataFrame, spread: pd.DataFrame, objective: Objective, published: pd.DataFrame | None = None
) -> Figure:
    """The scores of all settings, a row per loss; a panel per data set, a box per phase.

    `published`: rows of dataset, loss, quantity and value whose numbers are on the scale of ours.
    """
    phases = shown.phases(spread)
    panels = []
    for dataset, title, rows in of_datasets(spread, objective):
        theirs = None if published is None else published[published["dataset"] == dataset]
        mine = settings[settings["dataset"] == dataset]
        panels.append((title, partial(spreads.score_boxes, mine, rows, published=theirs)))
    handles: list[Artist] = [*(spreads.phase_keys(phases) if len(phases) > 1 else [])]
    handles += [] if published is None or published.empty else [spreads.published_key()]
    row = 0.48 if len(panels) == 1 else 0.34
    layout = Layout(
        0.7 + (row + 0.2 * (len(phases) > 1)) * spread["loss"].nunique(),
        f"{named(objective, spread)} of a setting (lower is better; \N{WHITE DIAMOND} default)",
        across=1,
    )
    return laid_out(panels, layout, handles)


def seeds(runs: pd.DataFrame, stability: pd.DataFrame, objective: Objective) -> Figure:
    """The scores of the best setting over its seeds, a row per loss; a panel per data set of one phase.

    `runs` may hold more settings than `stability` chose.
    """
    keys = ["phase", "dataset", "loss", "sample"]
    mine = runs.merge(stability[keys], on=keys)
    panels = [
        (title, partial(spreads.seed_strips, mine[mine["dataset"] == dataset], rows))
        for dataset, title, rows in of_datasets(stability, objective)
    ]
    words = f"{named(objective, stability)} of a seed (stroke: median; shaded: its 95 % interval)"
    return laid_out(panels, Layout(0.7 + 0.36 * stability["loss"].nunique(), words, across=1))


def sensitivity(settings: pd.DataFrame, objective: Objective) -> Figure:
    """The score against every hyperparameter that varies, a panel each; `settings` of one phase and loss."""
    names = shown.varied(settings)
    panels = [("", partial(hyperparameters.score_against, settings, name)) for name in names]
    layout = Layout(2.2, ylabel=f"{named(objective, settings)} of a setting", share="y", own=True)
    datasets = style.ordered_datasets(settings["dataset"])
    return laid_out(panels, layout, hyperparameters.dataset_keys(datasets) if len(datasets) > 1 else ())


def importances(frame: pd.DataFrame) -> Figure:
    """What the score depends on: a panel per loss of one phase; bars, or of several data sets their points together."""
    losses, datasets = style.ordered(frame["loss"]), style.ordered_datasets(frame["dataset"])
    several = len(datasets) > 1
    draw = hyperparameters.importance_points if several else hyperparameters.importance_bars
    panels = [(loss, partial(draw, frame[frame["loss"] == loss])) for loss in losses]
    most = frame.groupby("loss")["hyperparameter"].nunique().max()
    row = max(0.27, 0.09 * len(datasets))
    keys = hyperparameters.dataset_keys(datasets) if several else ()
    return laid_out(panels, Layout(0.75 + row * most, "share of importance"), keys)


def ranges(comparison: Comparison) -> Figure:
    """A panel per data set: how the settings of every loss spread on both sides."""
    datasets = comparison.datasets
    with drawing():
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
    lines = 1 + max(caption.count("\n") for caption, _ in images)
    with drawing():
        figure = Figure(figsize=(2.4 * columns, (2.47 + 0.18 * lines) * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, (caption, image) in zip(panels, images, strict=False):
            training.sample_grid(image, panel, caption)
        for panel in panels[len(images) :]:
            panel.set_axis_off()
    return figure
