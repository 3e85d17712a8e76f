"""Pictures of F1, precision and recall, of one phase and data set; better when higher, and they say so."""

from functools import partial

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style
from analysis.captions.qualities import NAMES
from analysis.figures import shares
from analysis.formats import Objective
from analysis.pictures.curves import LOWER, each_loss
from analysis.pictures.layout import HEIGHT, Layout, laid_out, loss_keys, named

HIGHER = "(higher is better)"


def qualities(curves: pd.DataFrame, published: pd.DataFrame | None = None) -> Figure:
    """What is expected of the best of k settings: a panel per quality that the frame has, a line per loss.

    `curves` is `manifold.curves`. published: rows of loss, budget and a column per quality.
    """
    names = [name for name in NAMES if name in set(curves["quality"])]
    panels = [
        (NAMES[name], partial(
            shares.quality_curves, curves[curves["quality"] == name], published=_of(published, name)
        )) for name in names
    ]  # fmt: skip
    handles: list[Artist] = [*loss_keys(curves[curves["quality"] == names[0]])]
    handles += [] if published is None or published.empty else [shares.published_key()]
    height = HEIGHT - 0.5 if len(panels) == 1 else 2.4
    return laid_out(panels, Layout(height, ylabel=f"expected of the best {HIGHER}"), handles)


def quality_bands(curves: pd.DataFrame) -> Figure:
    """One panel per loss: the median of one quality of the best of k with its band, the others in grey."""
    words = f"median {NAMES[str(curves['quality'].iloc[0])]} {HIGHER}"
    return each_loss(curves, partial(shares.quality_curves, statistic="median"), words)


def score_against_f1(settings: pd.DataFrame, objective: Objective) -> Figure:
    """F1 of every setting against the reported metric."""
    layout = Layout(HEIGHT - 0.3, f"{named(objective, settings)} of a setting {LOWER}", f"F1 {HIGHER}")
    looks = [style.of(loss) for loss in style.ordered(settings["loss"])]
    keys = [Line2D([], [], ls="none", marker=look.marker, ms=6, color=look.color, label=look.loss) for look in looks]
    default = Line2D([], [], ls="none", marker="D", ms=8, mfc="none", mec=style.INK, label="default")
    return laid_out([("", partial(shares.score_scatter, settings))], layout, [*keys, default])


def _of(published: pd.DataFrame | None, quality: str) -> pd.DataFrame | None:
    return None if published is None else published.rename(columns={quality: "value"})[["loss", "budget", "value"]]
