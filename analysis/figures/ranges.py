"""How settings spread on both sides of a comparison, drawn on the axes it is given: a pair of ranges per loss."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis import scales, style
from analysis.comparison.sides import SHARES

APART = 0.17


def ranges(cells: pd.DataFrame, axes: Axes) -> Axes:
    """Per loss a line from the least score to the median, a dot at the first quartile; ours above, in colour.

    `cells` is `compare.Comparison.cells` of one data set. What is infinite or beyond what is known runs, dashed, off
    the right edge. A loss without a minimum on a side has no line there.
    """
    losses = style.ordered(cells["loss"])[::-1]
    spread = cells[cells["quantity"].isin(SHARES)]
    values = spread[["ours_value", "theirs_value"]].to_numpy(dtype=float)
    finite = values[np.isfinite(values) & (values > 0)]
    low, high = (finite.min() / 1.2, finite.max() * 1.35) if finite.size else (1.0, 10.0)
    scales.logarithmic(axes, float(low), float(high), "x")
    for y, loss in enumerate(losses):
        rows = spread[spread["loss"] == loss].set_index("quantity")
        for side, shift, color in (("ours", APART, style.of(loss).color), ("theirs", -APART, style.THEIRS)):
            found = {name: float(rows[f"{side}_value"].get(name, np.nan)) for name in SHARES}
            span(axes, found, (y + shift, float(high)), color, filled=side == "ours")
    axes.set_yticks(range(len(losses)), losses)
    axes.set_ylim(-0.6, len(losses) - 0.4)
    axes.grid(visible=False, axis="y")
    return axes


def keys(ours: str, theirs: str) -> list[Line2D]:
    """For a legend: what a filled and an open dot are."""
    return [
        Line2D([], [], color=style.of("ns").color, marker="o", ms=7, lw=2.4, label=f"{ours} (coloured, above)"),
        Line2D([], [], color=style.THEIRS, marker="o", ms=6, lw=1.4, mfc="white", label=f"{theirs} (grey, below)"),
    ]


def span(axes: Axes, found: Mapping[str, float], place: tuple[float, float], color: str, *, filled: bool) -> None:
    """From the least to the median with a dot at the first quartile; found: by the names of SHARES; place: y, edge."""
    least, dot, median = (found[name] for name in SHARES)
    y, edge = place
    if not np.isfinite(least):
        return
    width = 2.4 if filled else 1.4
    known = max(value for value in (least, dot, median) if np.isfinite(value))
    axes.plot([least, known], [y, y], color=color, lw=width, solid_capstyle="butt", zorder=2)
    axes.plot([least], [y], "|", color=color, ms=9, mew=width, zorder=2)
    if np.isfinite(median):
        axes.plot([median], [y], "|", color=color, ms=9, mew=width, zorder=2)
    else:
        axes.plot([known, edge], [y, y], "--", color=color, lw=1.0, zorder=1)
    if np.isfinite(dot):
        axes.plot([dot], [y], "o", color=color, ms=7 if filled else 6, mfc=color if filled else "white", zorder=3)
