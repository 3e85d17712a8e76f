"""How the scores of a loss spread, over its settings or over seeds of one: a row per loss."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from analysis import scales, style
from analysis.figures import marks
from analysis.figures.ranges import span
from analysis.tables import shown

BOXED = 8  # settings from which a box says more than its points
HALO = [withStroke(linewidth=4.4, foreground="white")]  # so that it is seen on the black of began, too
SLIM = 0.6  # of a row's height, where it holds two boxes or a published range


@dataclass(frozen=True)
class Place:
    """Where a box stands: its middle, its share of a row's height, and how opaque it is filled."""

    y: float
    share: float
    opacity: float


def score_boxes(
    settings: pd.DataFrame, spread: pd.DataFrame, axes: Axes, published: pd.DataFrame | None = None
) -> Axes:
    """The score of every setting, one row per loss, the default an open diamond; at the right how many ran and failed.

    `settings` is `frames.settings` and `spread` is `spread.quartiles` of one data set; of each phase a row has a box,
    that of the largest above and filled. Boxes from eight settings on; below that a stroke at the median. A box that
    runs off the picture has its third quartile at infinity. `published`: rows of loss, quantity and value, drawn below
    ours as a grey line from the minimum to the median with a dot at the first quartile.
    """
    losses, phases = style.ordered(spread["loss"]), shown.phases(spread)
    scores = settings.loc[np.isfinite(settings["score"]), "score"].to_numpy(dtype=float)
    theirs = pd.DataFrame(columns=["loss", "quantity", "value"]) if published is None else published
    values = np.append(scores, theirs["value"].dropna().to_numpy(dtype=float))
    scales.scores(axes, values, "x")
    slim = len(phases) > 1 or len(theirs) > 0
    for _, row in spread.iterrows():
        row_of, phase = losses[::-1].index(row["loss"]), phases.index(row["phase"])
        y = row_of + (0.2 - 0.42 * phase if slim else 0.0)
        place = Place(y, SLIM if slim else 1.0, 0.25 if phase == 0 else 0.0)
        mine = (settings["loss"] == row["loss"]) & (settings["phase"] == row["phase"])
        _points(axes, settings.loc[mine & np.isfinite(settings["score"]), "score"], row, place)
        _summary(axes, row, place, values.max(initial=1.0) * 1.15)
        marks.at_right(axes, y, tally(row, brief=slim), 8 if slim else 9)
    for loss, rows in theirs.groupby("loss"):
        found = {str(name): float(value) for name, value in zip(rows["quantity"], rows["value"], strict=True)}
        if loss in losses:
            span(axes, found, (losses[::-1].index(str(loss)) - 0.3, axes.get_xlim()[1]), style.THEIRS, filled=False)
    if not len(values):
        marks.nothing(axes, "nothing finite: all settings\ndiverged or failed")
    return marks.rows_of_losses(axes, losses)


def phase_keys(phases: list[str]) -> list[Patch]:
    """For a legend: which phase is which box."""
    return [
        Patch(facecolor="#00000040" if place == 0 else "none", edgecolor=style.INK, label=phase)
        for place, phase in enumerate(phases)
    ]


def published_key() -> Line2D:
    return Line2D(
        [],
        [],
        color=style.THEIRS,
        marker="o",
        mfc="white",
        ms=6,
        lw=1.4,
        label="published: minimum, first quartile and median",
    )


def seed_strips(runs: pd.DataFrame, stability: pd.DataFrame, axes: Axes) -> Axes:
    """The score of every seed of the best setting, a row per loss; a stroke at the median, a bar over its interval.

    `runs` is `runs.runs` and `stability` is `seeds.stability` of one phase and data set. A cross at the right edge for
    each seed that diverged or failed, counted beside it.
    """
    losses = style.ordered(stability["loss"])
    finite = runs.loc[np.isfinite(runs["score"]), "score"].to_numpy(dtype=float)
    scales.scores(axes, finite, "x")
    for _, row in stability.iterrows():
        y, look = losses[::-1].index(row["loss"]), style.of(str(row["loss"]))
        scores = runs.loc[runs["loss"] == row["loss"], ["seed", "score"]].sort_values("seed")["score"]
        known = scores[np.isfinite(scores)]
        axes.scatter(known, y + marks.shifts(len(known)) * 0.8, s=16, color=look.color, alpha=0.7, lw=0, zorder=3)
        if np.isfinite(row["median"]):
            axes.vlines(row["median"], y - 0.36, y + 0.36, color=style.INK, lw=2.0, zorder=5)
        if np.isfinite(row["low"]):
            high = row["high"] if np.isfinite(row["high"]) else axes.get_xlim()[1]
            axes.fill_betweenx([y - 0.36, y + 0.36], row["low"], high, color=look.color, alpha=0.25, lw=0, zorder=1)
        lost = int(row["failed"])
        marks.beyond(axes, y + marks.shifts(lost) * 0.8, "x")
        marks.at_right(axes, y, f"{row['seeds']} seeds" + (f"\n{lost} failed" if lost else ""))
    if not len(finite):
        marks.nothing(axes, "no seed finished")
    return marks.rows_of_losses(axes, losses)


def tally(row: pd.Series, *, brief: bool) -> str:
    """How many settings ran, are missing, diverged and failed; brief: on one line."""
    missing = f"{row['missing']} missing" if row["missing"] else ""
    if brief:
        lost = row["diverged"] + row["failed"]
        return ", ".join(filter(None, [str(row["n"]), f"{lost} failed" if lost else "", missing]))
    lost_each = [f"{row[name]} {name}" for name in ("diverged", "failed") if row[name]]
    return "\n".join(filter(None, [", ".join(filter(None, [f"{row['n']} run", missing])), ", ".join(lost_each)]))


def _points(axes: Axes, scores: pd.Series, row: pd.Series, place: Place) -> None:
    look, many = style.of(str(row["loss"])), len(scores) >= BOXED
    shift = marks.shifts(len(scores)) * place.share if many else np.zeros(len(scores))
    axes.scatter(scores, place.y + shift, s=14 if many else 42, color=look.color, alpha=0.75, lw=0, zorder=3)
    if np.isfinite(row["default"]):
        size = 95 * place.share
        axes.scatter(
            row["default"],
            place.y,
            marker="D",
            s=size,
            facecolor="none",
            edgecolor=style.INK,
            lw=1.5,
            zorder=5,
            path_effects=[withStroke(linewidth=3.2, foreground="white")],
        )


def _summary(axes: Axes, row: pd.Series, place: Place, edge: float) -> None:
    """The box, from eight settings on; below that a stroke at the median. `edge` is beyond every finite score."""
    color, half = style.of(str(row["loss"])).color, 0.31 * place.share
    if row["n"] < BOXED:
        if np.isfinite(row["median"]):
            axes.vlines(row["median"], place.y - half, place.y + half, color=color, lw=2.2, zorder=2)
        return
    if not np.isfinite(row["q1"]):
        return
    q3, median = (row[name] if np.isfinite(row[name]) else edge * 10 for name in ("q3", "median"))
    whisker = row["high"] if np.isfinite(row["q3"]) else q3
    stats = {"q1": row["q1"], "med": median, "q3": q3, "whislo": row["low"], "whishi": whisker, "fliers": []}
    stroke = {"color": color, "lw": 1.3}
    axes.bxp(
        [stats], positions=[place.y], widths=2 * half, orientation="horizontal", showfliers=False, manage_ticks=False,
        zorder=4, patch_artist=True, boxprops={"facecolor": (color, place.opacity), "edgecolor": color, "lw": 1.3},
        whiskerprops=stroke, capprops=stroke, medianprops={"color": style.INK, "lw": 2.2, "path_effects": HALO},
    )  # fmt: skip
