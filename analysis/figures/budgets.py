"""Curves against what a search may use, one line per loss, from a frame that was computed elsewhere."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis import scales, style
from analysis.figures import marks

MARKED = 12  # budgets up to which every point of a curve is marked
STEPS = [1, 2, 5, 10]  # between ticks
TICKS = 5  # at most so many along a budget: three-digit numbers side by side in half a phone's width
SETTINGS = "settings tried, k"
NOTHING = "nothing finite: too many\nsettings diverged or failed"
Statistic = Literal["mean", "median"]


def budget_curves(
    curves: pd.DataFrame, axes: Axes, highlight: str | None = None, statistic: Statistic = "mean"
) -> Axes:
    """The score of the best of k settings against k, its mean or its median, one line per loss.

    `curves` is `budget.curves` of one phase and data set. A line begins where the statistic is finite; before a mean
    the median is dotted, as far as it is finite. With `highlight` one loss is in colour, with its band, the others
    grey.
    """
    lines(curves, axes, ("k", statistic), highlight)
    if statistic == "mean":
        _early(curves, axes, "k", highlight)
    tried(axes, SETTINGS, curves)
    return _fitted(axes, curves[[statistic, "median"]].to_numpy(dtype=float))


def published_curves(curves: pd.DataFrame, axes: Axes) -> Axes:
    """The published form of figure 3: mean and standard deviation of the minimum over k draws with replacement.

    `curves` is `budget.published` of one phase and data set. Strokes reach one standard deviation up and down, those of
    each loss a little aside. A loss of which a setting failed is infinite at every k and has no line; where that is so
    of all, or where there is none, the axes say it.
    """
    losses, shown = style.ordered(curves["loss"]), [np.array([np.inf])]
    for place, loss in enumerate(losses):
        rows, look = curves[curves["loss"] == loss], style.of(loss)
        k, mean, deviation = (rows[name].to_numpy(dtype=float) for name in ("k", "mean", "deviation"))
        if not np.isfinite(mean).any():
            axes.plot([], [], look.line, color=look.color, marker=look.marker, label=marks.failed_share(rows))
            continue
        shown += [mean, _strokes(axes, (k, mean, deviation), look, (place + 0.5) / len(losses) - 0.5)]
    tried(axes, "budget: settings tried", curves)
    failed = "every k is infinite:\na setting of each loss failed"
    return _fitted(axes, np.concatenate(shown), failed if losses else "no setting finished")


def tuning_curves(tuning: pd.DataFrame, axes: Axes, highlight: str | None = None) -> Axes:
    """The median of the best of k independent draws against k, one line per loss.

    `tuning` is `budget.tuning` of one phase and data set. With `highlight` one loss is in colour, the others grey, and
    its band, which holds for all k at once, is shaded; where nothing is known above, up to the edge of the picture.
    """
    lines(tuning, axes, ("k", "median"), highlight)
    tried(axes, SETTINGS, tuning)
    return _fitted(axes, tuning[["median"]].to_numpy(dtype=float))


def compute_curves(
    curves: pd.DataFrame, axes: Axes, highlight: str | None = None, statistic: Statistic = "mean"
) -> Axes:
    """The score of the best setting against what was spent, its mean or its median, one line per loss.

    `curves` is `compute.curves` or `compute.by_replica` of one phase, data set and unit. As `budget_curves`: dotted is
    the median where the mean is infinite, because a search may have finished nothing yet.
    """
    lines(curves, axes, ("spent", statistic), highlight)
    if statistic == "mean":
        _early(curves, axes, "spent", highlight)
    scales.amounts(axes)
    return _fitted(axes, curves[[statistic, "median"]].to_numpy(dtype=float))


def replica_curves(curves: pd.DataFrame, axes: Axes) -> Axes:
    """The mean score over repeats of whole searches against what was spent, with a band from low to high per loss.

    `curves` is `compute.by_replica` of one phase, data set and unit: n counts repeats. Of few repeats there is no band.
    """
    for loss in style.ordered(curves["loss"]):
        rows = curves[curves["loss"] == loss].sort_values("spent")
        marks.band(axes, rows["spent"], rows["low"], rows["high"], (style.of(loss).color, 0.12))
    lines(curves, axes, ("spent", "mean"), None, marks.repeats)
    scales.amounts(axes)
    return _fitted(axes, curves[["mean"]].to_numpy(dtype=float))


def lines(
    frame: pd.DataFrame,
    axes: Axes,
    columns: tuple[str, str],
    highlight: str | None,
    label: Callable[[pd.DataFrame], str] = marks.failed_share,
) -> None:
    """A line per loss where it is finite, with the highlighted loss in colour, in front, with its band."""
    for loss in style.ordered(frame["loss"]):
        rows, look = frame[frame["loss"] == loss], style.of(loss)
        quiet = highlight not in (None, loss)
        x, y = (rows[name].to_numpy(dtype=float) for name in columns)
        finite = np.isfinite(y)
        axes.plot(
            x[finite], y[finite], look.line, color=style.QUIET if quiet else look.color, lw=1.0 if quiet else 2.0,
            marker="" if quiet else look.marker, ms=6, markevery=1 if len(x) <= MARKED else len(x) // 6,
            zorder=1 if quiet else 3, label=label(rows),
        )  # fmt: skip
        if highlight == loss and not finite.any():
            axes.text(0.5, 0.93, f"no finite {columns[1]}", transform=axes.transAxes, ha="center", va="top", fontsize=9)
        if highlight == loss:
            marks.band(axes, rows[columns[0]], rows["low"], rows["high"], (look.color, 0.2))


def tried(axes: Axes, words: str, curves: pd.DataFrame) -> None:
    """The x axis counts settings: ticks at whole numbers, also where there is one budget only."""
    axes.set_xlabel(words)
    if curves["k"].nunique() == 1:
        axes.set_xticks(curves["k"].unique())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(TICKS, integer=True, steps=STEPS))


def _early(curves: pd.DataFrame, axes: Axes, along: str, highlight: str | None) -> None:
    """Of every loss the median, dotted, up to where the mean begins."""
    for loss in style.ordered(curves["loss"]):
        rows, quiet = curves[curves["loss"] == loss], highlight not in (None, loss)
        x, mean, median = (rows[name].to_numpy(dtype=float) for name in (along, "mean", "median"))
        finite = np.isfinite(mean)
        early = np.isfinite(median) & (x <= x[finite].min(initial=x.max()))
        if early.sum() > 1 and not finite.all():
            color = style.QUIET if quiet else style.of(loss).color
            axes.plot(x[early], median[early], ":", color=color, lw=1.2, zorder=1)


def _strokes(axes: Axes, curve: tuple[marks.Array, ...], look: style.Style, aside: float) -> marks.Array:
    """A line with strokes of one deviation, so far aside in units of their distance that no two losses' coincide.

    Returns the ends of the strokes that the axes must hold. Where a deviation is near the mean the lower end is near
    zero, and on a logarithmic axis presses all lines together; so lower ends count down to half of the least mean.
    """
    k, mean, deviation = curve
    every = max(1, len(k) // 8)
    axes.plot(
        k,
        mean,
        look.line,
        color=look.color,
        lw=1.8,
        marker=look.marker,
        ms=5,
        markevery=every,
        label=look.loss,
        zorder=3,
    )
    at, middle, reach = (values[every - 1 :: every] for values in (k, mean, np.nan_to_num(deviation)))
    axes.vlines(at + 0.5 * aside * every, middle - reach, middle + reach, color=look.color, lw=1.0)
    return np.concatenate([np.maximum(middle - reach, mean.min() / 2), middle + reach])


def _fitted(axes: Axes, values: marks.Array, words: str = NOTHING) -> Axes:
    if not np.isfinite(values).any():
        return marks.nothing(axes, words)
    scales.scores(axes, values, "y")
    return axes
