"""Every picture of a study as a function of a frame that was computed elsewhere: it draws on the axes it is given."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis import scales, style

MARKED = 12  # budgets up to which every point of a curve is marked
BOXED = 8  # settings from which a box says more than its points
QUIET = "#c8c8c8"
INK = "#333333"


def budget_curves(curves: pd.DataFrame, axes: Axes, highlight: str | None = None) -> Axes:
    """The expected score of the best of k settings against k, one line per loss.

    `curves` is `budget.curves` of one phase and data set. A line begins where the mean is finite; before that the
    median is dotted, as far as it is finite. With `highlight` one loss is in colour, with its band, the others grey.
    """
    for loss in style.ordered(curves["loss"]):
        rows, look = curves[curves["loss"] == loss], style.of(loss)
        quiet = highlight not in (None, loss)
        color, width = (QUIET, 1.0) if quiet else (look.color, 2.0)
        k, mean, median = (rows[name].to_numpy(dtype=float) for name in ("k", "mean", "median"))
        finite = np.isfinite(mean)
        marks = "" if quiet else look.marker
        every = 1 if len(k) <= MARKED else len(k) // 6
        line: dict[str, Any] = {
            "color": color,
            "lw": width,
            "marker": marks,
            "ms": 6,
            "markevery": every,
            "zorder": 1 if quiet else 3,
        }
        axes.plot(k[finite], mean[finite], look.line, label=_share(rows), **line)
        early = np.isfinite(median) & (k <= k[finite].min(initial=k.max()))
        if early.sum() > 1 and not finite.all():
            axes.plot(k[early], median[early], ":", color=color, lw=1.2, zorder=1)
        if highlight == loss:
            _band(axes, rows, look.color)
    axes.set_xlabel("settings tried, k")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    scales.scores(axes, curves[["mean", "median"]].to_numpy(dtype=float), "y")
    return axes


def score_boxes(settings: pd.DataFrame, spread: pd.DataFrame, axes: Axes) -> Axes:
    """The score of every setting, one row per loss, the default an open diamond; at the right how many ran and failed.

    `settings` is `frames.settings` and `spread` is `spread.quartiles` of one phase and data set. Boxes from eight
    settings on; below that a stroke at the median. A box that runs off the picture has its third quartile at infinity.
    """
    losses = style.ordered(spread["loss"])[::-1]
    scores = settings.loc[np.isfinite(settings["score"]), "score"].to_numpy(dtype=float)
    scales.scores(axes, scores, "x")
    edge = scores.max(initial=1.0) * 1.15
    for y, loss in enumerate(losses):
        row, look = spread[spread["loss"] == loss].iloc[0], style.of(loss)
        points = settings.loc[(settings["loss"] == loss) & np.isfinite(settings["score"]), ["sample", "score"]]
        shift = _shifts(len(points)) if len(points) >= BOXED else np.zeros(len(points))
        axes.scatter(
            points["score"],
            y + shift,
            s=14 if len(points) >= BOXED else 42,
            color=look.color,
            alpha=0.75,
            lw=0,
            zorder=3,
        )
        if np.isfinite(row["default"]):
            axes.scatter(row["default"], y, marker="D", s=95, facecolor="none", edgecolor=INK, lw=1.5, zorder=5)
        if row["n"] >= BOXED:
            _box(axes, row, y, look.color, edge)
        elif np.isfinite(row["median"]):
            axes.vlines(row["median"], y - 0.3, y + 0.3, color=look.color, lw=2.2, zorder=2)
        axes.text(1.01, y, _tally(row), transform=axes.get_yaxis_transform(), va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(losses)), losses)
    axes.set_ylim(-0.6, len(losses) - 0.4)
    axes.grid(visible=False, axis="y")
    return axes


def learning_curves(learning: pd.DataFrame, axes: Axes) -> Axes:
    """The score of the best setting of every loss against the step; the band is least to greatest over its seeds."""
    for loss in style.ordered(learning["loss"]):
        rows, look = learning[learning["loss"] == loss], style.of(loss)
        every = max(1, len(rows) // MARKED)
        axes.plot(
            rows["step"],
            rows["mean"],
            look.line,
            color=look.color,
            lw=2,
            marker=look.marker,
            ms=6,
            markevery=every,
            label=loss,
        )
        if (rows["n"] > 1).any():
            axes.fill_between(rows["step"].astype(float), rows["low"], rows["high"], color=look.color, alpha=0.15, lw=0)
    axes.set_xlabel("discriminator steps")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    scales.scores(axes, learning["mean"].to_numpy(dtype=float), "y")
    return axes


def sample_grid(image: npt.NDArray[np.float64], axes: Axes, caption: str) -> Axes:
    """A picture of generated images, grey [H, W] or coloured [H, W, 3], pixels in [0, 1], with its caption above."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(caption, fontsize=9)
    axes.set_axis_off()
    return axes


def _share(rows: pd.DataFrame) -> str:
    row = rows.iloc[0]
    return f"{row['loss']}: {row['failed']}/{row['n']} failed" if row["failed"] else str(row["loss"])


def _band(axes: Axes, rows: pd.DataFrame, color: str) -> None:
    """An infinite upper end is drawn to the top of the picture."""
    low, high = rows["low"].to_numpy(dtype=float), rows["high"].to_numpy(dtype=float)
    known = np.isfinite(low)
    upper = np.where(np.isfinite(high), high, 1e12)[known]
    filled = axes.fill_between(rows["k"].to_numpy(dtype=float)[known], low[known], upper, color=color, alpha=0.2, lw=0)
    filled.sticky_edges.y[:] = []
    axes.collections[-1].set_in_layout(False)


def _box(axes: Axes, row: pd.Series, y: int, color: str, edge: float) -> None:
    if not np.isfinite(row["q1"]):
        return
    q3 = row["q3"] if np.isfinite(row["q3"]) else edge * 10
    median = row["median"] if np.isfinite(row["median"]) else edge * 10
    whisker = row["high"] if np.isfinite(row["q3"]) else q3
    stats = {"q1": row["q1"], "med": median, "q3": q3, "whislo": row["low"], "whishi": whisker, "fliers": []}
    line = {"color": color, "lw": 1.4}
    parts: dict[str, Any] = dict.fromkeys(("boxprops", "whiskerprops", "capprops"), line)
    parts["medianprops"] = {"color": INK, "lw": 2.2}
    axes.bxp(
        [stats],
        positions=[y],
        widths=0.62,
        orientation="horizontal",
        showfliers=False,
        manage_ticks=False,
        zorder=4,
        **parts,
    )


def _shifts(count: int) -> npt.NDArray[np.float64]:
    """Points apart from each other by the golden ratio, so that the same study gives the same picture."""
    return np.asarray(((np.arange(count) * 0.618034) % 1 - 0.5) * 0.5, dtype=np.float64)


def _tally(row: pd.Series) -> str:
    run = f"{row['n']} run" + (f", {row['missing']} missing" if row["missing"] else "")
    lost = [f"{row[name]} {name}" for name in ("diverged", "failed") if row[name]]
    return "\n".join([run, ", ".join(lost)]) if lost else run
