"""What figures share: marks of what is infinite or not there, and points that keep apart."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from analysis.style import INK, short

Array = npt.NDArray[np.float64]
FAR = 1e12  # infinity in a band: beyond every axis, and what a PDF can hold
EDGE = 0.975  # of the axes: where what is infinite is marked


def rows_of_losses(axes: Axes, names: list[str]) -> Axes:
    """A row per name, the first on top; row i is at y = len(names) - 1 - i."""
    axes.set_yticks(range(len(names)), [short(name) for name in names[::-1]])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.yaxis.set_visible(True)
    axes.grid(visible=False, axis="y")
    return axes


def nothing(axes: Axes, words: str) -> Axes:
    """Says in the middle of empty axes why they are empty."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=INK, fontsize=9)
    axes.xaxis.set_visible(False)
    axes.yaxis.set_visible(False)
    return axes


def at_right(axes: Axes, y: float, words: str, size: float = 9) -> None:
    """Words beside a row, outside the axes."""
    axes.text(1.01, y, words, transform=axes.get_yaxis_transform(), va="center", fontsize=size, color=INK)


def beyond(axes: Axes, places: Array, along: str, color: str = INK) -> None:
    """A cross at the right (along x) or upper (along y) edge for each thing that is infinite; places: where across."""
    edge = np.full(len(places), EDGE)
    x, y = (edge, places) if along == "x" else (places, edge)
    transform = axes.get_yaxis_transform() if along == "x" else axes.get_xaxis_transform()
    axes.plot(x, y, "x", color=color, ms=6, mew=1.3, transform=transform, zorder=4, ls="none")


def band(axes: Axes, x: pd.Series, low: pd.Series, high: pd.Series, look: tuple[str, float]) -> None:
    """Shades from low to high in a (colour, opacity); an infinite upper end is drawn to the top of the picture."""
    at, lower, upper = (values.to_numpy(dtype=float) for values in (x, low, high))
    known = np.isfinite(lower) & ~np.isnan(upper)
    upper = np.where(np.isfinite(upper), upper, FAR)
    filled = axes.fill_between(at[known], lower[known], upper[known], color=look[0], alpha=look[1], lw=0)
    filled.sticky_edges.y[:] = []
    filled.set_in_layout(False)


def shifts(count: int) -> Array:
    """Points apart from each other by the golden ratio, so that the same study gives the same picture."""
    return np.asarray(((np.arange(count) * 0.618034) % 1 - 0.5) * 0.5, dtype=np.float64)


def failed_share(rows: pd.DataFrame) -> str:
    """The loss, and how many of its settings failed where any did; of rows that all say so."""
    row = rows.iloc[0]
    return f"{row['loss']}: {row['failed']}/{row['n']} failed" if row["failed"] else str(row["loss"])


def repeats(rows: pd.DataFrame) -> str:
    """The loss, and over how many repeats of its search its curve is."""
    row = rows.iloc[0]
    return f"{row['loss']}: {row['n']} repeat{'s' if row['n'] > 1 else ''}"
