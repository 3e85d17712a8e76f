"""Losses against each other: by budget, pooled over data sets, and where differences do not matter."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from analysis import scales, style
from analysis.figures import marks

LEVELS = (0.5, 0.75)  # equal; what Bouthillier et al. 2021 call meaningful
NARROW = 0.12  # of a bar, below which no number fits in


def beats_by_budget(beats: pd.DataFrame, axes: Axes) -> Axes:
    """The probability that the first loss beats the second against the budget k, a line with its band per pair.

    `beats` is `pairs.by_budget` of one phase and data set, of the pairs that are to be shown. Lines have the colour of
    the first loss; the dotted lines are one half and three quarters.
    """
    for level in LEVELS:
        axes.axhline(level, color=style.INK, lw=0.9, ls=":", zorder=1)
    alone = beats["second"].nunique() == 1
    for first in style.ordered(beats["first"]):
        look = style.of(first)
        for second in style.ordered(beats.loc[beats["first"] == first, "second"]):
            rows = beats[(beats["first"] == first) & (beats["second"] == second)].sort_values("k")
            label = first if alone else f"{first} against {second}"
            axes.plot(
                rows["k"], rows["probability"], look.line, color=look.color, marker=look.marker, ms=5, lw=1.8,
                markevery=max(1, len(rows) // 6), label=label, zorder=3,
            )  # fmt: skip
            marks.band(axes, rows["k"], rows["low"], rows["high"], (look.color, 0.12))
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("settings tried of each, k")
    return axes


def crossing_budgets(crossings: pd.DataFrame, axes: Axes) -> Axes:
    """From which budget on the first loss beats the second: a dot with its interval per pair.

    `crossings` is `crossing.crossings` of one phase and data set, of the pairs that are to be shown. What lies beyond
    the largest budget is drawn at the right edge, on the grey.
    """
    pairs = [f"{row['first']} beats {row['second']}" for _, row in crossings.iterrows()]
    most = int(crossings["most"].max())
    beyond = most * 1.08 + 1
    axes.axvspan(most + 0.5, most * 1.16 + 2, color="#eeeeee", lw=0, zorder=0)
    axes.set_xlim(0, most * 1.16 + 2)
    for y, (_, row) in zip(range(len(pairs) - 1, -1, -1), crossings.iterrows(), strict=True):
        look = style.of(str(row["first"]))
        at, low, high = (beyond if np.isinf(row[name]) else row[name] for name in ("budget", "low", "high"))
        if not np.isnan(low):
            axes.hlines(y, low, high, color=look.color, lw=2.2, zorder=2)
        never = np.isnan(at)
        axes.plot(
            [beyond if never else at], [y], look.marker, ms=7, color=look.color, mfc="white" if never else look.color,
            zorder=3,
        )  # fmt: skip
    ticks = [
        tick
        for tick in MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]).tick_values(1, most)
        if 0 < tick < 0.93 * most
    ]
    axes.set_xticks([*ticks, beyond], [*(f"{tick:g}" for tick in ticks), f"> {most}"])
    axes.set_xlabel("settings tried of each, k")
    axes.tick_params(axis="y", labelsize=9)
    return marks.rows_of_losses(axes, pairs)


def interquartile_means(means: pd.DataFrame, axes: Axes) -> Axes:
    """A dot with its interval per loss; the failed runs counted at the right.

    `means` is `pooled.interquartile_means` of one phase. A mean that failures make infinite is a cross at the edge.
    """
    losses = style.ordered(means["loss"])
    scales.scores(axes, _finite(means[["mean", "low", "high"]]), "x")
    right = axes.get_xlim()[1]
    for _, row in means.iterrows():
        y, look = losses[::-1].index(row["loss"]), style.of(str(row["loss"]))
        if np.isfinite(row["low"]):
            axes.hlines(y, row["low"], min(row["high"], right), color=look.color, lw=2.6, zorder=2)
        if np.isfinite(row["mean"]):
            axes.plot([row["mean"]], [y], look.marker, color=look.color, ms=9, zorder=3)
        elif np.isinf(row["mean"]):
            marks.beyond(axes, np.array([y], dtype=float), "x", look.color)
        lost = f"\n{row['failed']} failed" if row["failed"] else ""
        marks.at_right(axes, y, f"{row['runs']} runs{lost}")
    return marks.rows_of_losses(axes, losses)


def profiles(frame: pd.DataFrame, axes: Axes) -> Axes:
    """The share of runs with at most a normalised score, against that score, a line with its band per loss.

    `frame` is `pooled.profiles` of one phase. Higher is better; a line that ends below 100 % has runs that failed.
    """
    for loss in style.ordered(frame["loss"]):
        rows, look = frame[frame["loss"] == loss].sort_values("at"), style.of(loss)
        axes.plot(rows["at"], rows["share"], look.line, color=look.color, lw=1.9, drawstyle="steps-post", label=loss)
        axes.fill_between(rows["at"], rows["low"], rows["high"], step="post", color=look.color, alpha=0.1, lw=0)
    scales.scores(axes, frame["at"].to_numpy(dtype=float), "x")
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    return axes


def practical_bars(practical: pd.DataFrame, axes: Axes) -> Axes:
    """Per pair a bar of three probabilities: the first loss is better, practically equivalent, worse.

    `practical` is `practical.practical` of one phase and data set, of the pairs that are to be shown.
    """
    rows = practical.dropna(subset="better").reset_index(drop=True)
    pairs = [f"{row['first']} against {row['second']}" for _, row in rows.iterrows()]
    at, left = np.arange(len(rows))[::-1], np.zeros(len(rows))
    for name, color in style.VERDICTS.items():
        share = rows[name].to_numpy(dtype=float)
        axes.barh(at, share, left=left, color=color, height=0.74, label=name)
        for y, start, width in zip(at, left, share, strict=True):
            if width >= NARROW:
                ink = "black" if name != "better" else "white"
                axes.text(start + width / 2, y, f"{100 * width:.0f} %", ha="center", va="center", fontsize=8, color=ink)
        left = left + share
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.tick_params(axis="y", labelsize=9)
    if not pairs:
        marks.nothing(axes, "too few seeds for a comparison")
    return marks.rows_of_losses(axes, pairs)


def _finite(frame: pd.DataFrame) -> marks.Array:
    values = frame.to_numpy(dtype=float).ravel()
    return np.asarray(values[np.isfinite(values)])
