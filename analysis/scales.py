"""An axis of scores, or of what was spent: its scale, its limits and its ticks."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

DECADE = 10


def scores(axes: Axes, values: npt.NDArray[np.float64], which: str) -> None:
    """Fits the axis `which` (x or y) to the finite values; logarithmic, in plain numbers, where they span a decade."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return
    low, high = float(finite.min()), float(finite.max())
    if low > 0 and high / low > DECADE:
        logarithmic(axes, low / 1.15, high * 1.15, which)
    else:
        margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
        axes.set(**{f"{which}lim": (low - margin, high + margin)})


def shares(axes: Axes, values: npt.NDArray[np.float64], which: str) -> None:
    """Fits the axis `which` to shares, from 0 to a little above the greatest."""
    finite = values[np.isfinite(values)]
    most = float(finite.max(initial=0.0)) or 1.0
    axes.set(**{f"{which}lim": (-0.03 * most, 1.05 * most)})


def amounts(axes: Axes) -> None:
    """The x axis counts steps, seconds or hours: few ticks, thousands and more as 20k or 3M, fractions as they are."""
    thousands = EngFormatter(sep="")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda number, _: thousands.format_eng(number) if number >= 1e3 else f"{number:g}")


def counts(axes: Axes, most: float) -> None:
    """The x axis counts from 1 to `most`, logarithmic."""
    logarithmic(axes, 0.85, 1.3 * most, "x")
    axes.xaxis.set_major_formatter(lambda number, _: f"{number:g}")


def logarithmic(axes: Axes, low: float, high: float, which: str) -> None:
    """A logarithmic axis from low to high, both above zero, with its ticks in plain numbers."""
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low, high)})
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 400 else (1.0,)))
    axis.set_major_formatter(ScalarFormatter())
    axis.set_minor_formatter(NullFormatter())
