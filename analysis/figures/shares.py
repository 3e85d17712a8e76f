"""F1, precision and recall, which are better when higher: against the budget, and against the score."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from analysis import scales, style
from analysis.figures import budgets, marks
from analysis.figures.budgets import Statistic
from analysis.frames import DEFAULT

NOTHING = "no setting finished"
HALO = [withStroke(linewidth=2.4, foreground="white")]


def quality_curves(
    curves: pd.DataFrame,
    axes: Axes,
    highlight: str | None = None,
    statistic: Statistic = "mean",
    published: pd.DataFrame | None = None,
) -> Axes:
    """One quality of the best of k settings against k, its mean or its median, one line per loss.

    `curves` is `manifold.curves` of one phase, data set and quality. With `highlight` one loss is in colour, with its
    band, the others grey. published: rows of loss, budget and value, drawn as hollow marks in the losses' colours;
    with them, as they reach to budgets that few studies have, the axis of budgets is logarithmic.
    """
    budgets.lines(curves, axes, ("k", statistic), highlight)
    budgets.tried(axes, budgets.SETTINGS, curves)
    values = curves[statistic if highlight is None else "high"].to_numpy(dtype=float)
    if published is not None and len(published):
        for loss in style.ordered(published["loss"]):
            rows, look = published[published["loss"] == loss], style.of(loss)
            axes.plot(
                rows["budget"], rows["value"], ls="none", marker=look.marker, ms=7, mfc="white", mec=look.color,
                mew=1.4, zorder=5,
            )  # fmt: skip
        values = np.append(values, published["value"].to_numpy(dtype=float))
        scales.counts(axes, max(curves["k"].max(), published["budget"].max()))
    scales.shares(axes, values, "y")
    return axes


def published_key() -> Line2D:
    return Line2D([], [], ls="none", marker="o", ms=7, mfc="white", mec=style.THEIRS, mew=1.5, label="published")


def score_scatter(settings: pd.DataFrame, axes: Axes) -> Axes:
    """F1 of every setting of which all seeds are done against its score, the default an open diamond around its mark.

    `settings` is `manifold.settings` of one phase and data set.
    """
    rows = settings[(settings["done"] == settings["seeds"]) & np.isfinite(settings["score"])]
    for loss in style.ordered(rows["loss"]):
        mine, look = rows[rows["loss"] == loss], style.of(loss)
        axes.scatter(mine["score"], mine["f1"], s=26, marker=look.marker, color=look.color, alpha=0.8, lw=0, zorder=3)
    default = rows[(rows["sample"] == DEFAULT) & rows["sampler"].notna()]
    axes.scatter(
        default["score"], default["f1"], marker="D", s=72, facecolor="none", edgecolor=style.INK, lw=1.3, zorder=5,
        path_effects=HALO,
    )  # fmt: skip
    if rows.empty:
        return marks.nothing(axes, NOTHING)
    scales.scores(axes, rows["score"].to_numpy(dtype=float), "x")
    scales.shares(axes, rows["f1"].to_numpy(dtype=float), "y")
    return axes
