"""The critical-difference diagram (Demsar 2006): average ranks on a line, and which losses no test tells apart."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import style

STEP = 0.36  # between the names of two losses
LINE = 0.0  # where the ranks are


def critical_difference(ranks: pd.DataFrame, difference: float, cliques: Sequence[Sequence[str]], axes: Axes) -> Axes:
    """Average ranks, 1 (best) at the left, each led to its loss's name; thick bars join what differs insignificantly.

    `ranks` has the columns loss and rank; `difference` is the critical difference, drawn above as a bar (NaN: none).
    """
    rows = ranks.sort_values(["rank", "loss"], ignore_index=True)
    count = len(rows)
    cover = [tuple(rows.index[rows["loss"].isin(clique)]) for clique in cliques if len(clique) > 1]
    depth = LINE - 0.32 - 0.16 * len(cover)
    half = -(-count // 2)
    axes.set_xlim(0.55 - 0.08 * count, count + 0.45 + 0.08 * count)
    axes.set_ylim(depth - STEP * half - 0.15, LINE + (1.0 if np.isfinite(difference) else 0.45))
    axes.set_axis_off()
    _ruler(axes, count)
    for place, row in rows.iterrows():
        number = int(str(place))
        left = number < half
        y = depth - STEP * (number if left else count - 1 - number)
        end = 0.8 if left else count + 0.2
        look = style.of(str(row["loss"]))
        axes.plot([row["rank"], row["rank"], end], [LINE, y, y], color=look.color, lw=1.4, zorder=2)
        axes.plot([row["rank"]], [LINE], look.marker, color=look.color, ms=7, zorder=4)
        words = f"{row['loss']}  {row['rank']:.2f}" if left else f"{row['rank']:.2f}  {row['loss']}"
        axes.text(end + (-0.06 if left else 0.06), y, words, ha="right" if left else "left", va="center", fontsize=10)
    for number, members in enumerate(cover):
        low, high = rows.loc[members[0], "rank"], rows.loc[members[-1], "rank"]
        y = LINE - 0.22 - 0.16 * number
        axes.plot([low - 0.04, high + 0.04], [y, y], color=style.INK, lw=4, solid_capstyle="butt", zorder=3)
    if np.isfinite(difference):
        _bar(axes, min(difference, count - 1.0), difference)
    return axes


def _ruler(axes: Axes, count: int) -> None:
    axes.plot([1, max(count, 1.01)], [LINE, LINE], color=style.INK, lw=1.2, zorder=1)
    for rank in range(1, count + 1):
        axes.plot([rank, rank], [LINE, LINE + 0.08], color=style.INK, lw=1.0)
        axes.text(rank, LINE + 0.13, str(rank), ha="center", va="bottom", fontsize=9, color=style.INK)


def _bar(axes: Axes, drawn: float, difference: float) -> None:
    """As wide as the ranks at most; the words say how wide it is."""
    y = LINE + 0.62
    axes.plot([1, 1 + drawn], [y, y], "|-", color=style.INK, lw=1.6, ms=8)
    axes.text(1, y + 0.1, f"critical difference {difference:.2f}", va="bottom", fontsize=9, color=style.INK)
