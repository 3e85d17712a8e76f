"""What training looks like: the score against the step, and the images that came of it."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from analysis import scales, style

MARKED = 12  # evaluations up to which each is marked


def learning_curves(learning: pd.DataFrame, axes: Axes) -> Axes:
    """The score of the best setting of every loss against the step; the band is least to greatest over its seeds."""
    for loss in style.ordered(learning["loss"]):
        rows, look = learning[learning["loss"] == loss], style.of(loss)
        every = 1 if len(rows) <= MARKED else len(rows) // 6
        axes.plot(
            rows["step"], rows["mean"], look.line, color=look.color, lw=2, marker=look.marker, ms=6, markevery=every,
            label=loss,
        )  # fmt: skip
        if (rows["n"] > 1).any():
            axes.fill_between(rows["step"].astype(float), rows["low"], rows["high"], color=look.color, alpha=0.15, lw=0)
    axes.set_xlabel("discriminator steps")
    scales.amounts(axes)
    scales.scores(axes, learning["mean"].to_numpy(dtype=float), "y")
    return axes


def sample_grid(image: npt.NDArray[np.float64], axes: Axes, caption: str) -> Axes:
    """A picture of generated images, grey [H, W] or coloured [H, W, 3], pixels in [0, 1], with its caption above."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(caption, fontsize=9)
    axes.set_axis_off()
    return axes
