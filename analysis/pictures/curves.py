"""Pictures of curves: against the budget, against compute, against the step; a line per loss."""

from collections.abc import Callable
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import style
from analysis.captions.curves import EXPECTED
from analysis.figures import budgets
from analysis.figures.budgets import Statistic
from analysis.figures.learning import learning_curves
from analysis.formats import Objective, span
from analysis.pictures.layout import HEIGHT, Layout, laid_out, loss_keys, named, of_datasets

Draw = Callable[..., Axes]  # a figure: frame, axes
LOWER = "(lower is better)"


def budget(curves: pd.DataFrame, objective: Objective, statistic: Statistic = "mean") -> Figure:
    """The score of the best against the number of settings, its mean or median; a panel per data set of one phase."""
    draw = partial(budgets.budget_curves, statistic=statistic)
    return _against(curves, draw, f"{EXPECTED[statistic]} {named(objective, curves)} of the best", objective)


def published_budget(curves: pd.DataFrame, objective: Objective, finished: pd.DataFrame | None = None) -> Figure:
    """The published form of figure 3: minimum against budget, mean and one standard deviation with replacement.

    `curves` is `budget.published`. With replacement one failed setting makes a loss infinite at every budget.
    `finished`: the curves of the settings that did not fail; where it is given, these are drawn, and the legend has
    the failed share of `curves`. A data set on which none finished keeps its panel, which says so.
    """
    drawn = curves if finished is None else finished
    words = f"minimum {named(objective, curves)}, mean ± 1 sd"
    panels = [
        (title, partial(budgets.published_curves, drawn[drawn["dataset"] == name]))
        for name, title, _ in of_datasets(curves, objective)
    ]
    return laid_out(panels, _size(len(panels), words), loss_keys(curves))


def budget_bands(curves: pd.DataFrame, objective: Objective) -> Figure:
    """One panel per loss: median of the best of k with its band, the others in grey; of one phase and data set."""
    draw = partial(budgets.budget_curves, statistic="median")
    return each_loss(curves, draw, f"median {named(objective, curves)} of the best")


def tuning(curves: pd.DataFrame, objective: Objective) -> Figure:
    """One panel per loss: median of the best of k with its simultaneous band; of one phase and data set.

    objective: the metric that selects, of which the curve is.
    """
    return each_loss(curves, budgets.tuning_curves, f"median {named(objective, curves)} of the best")


def tunings(curves: pd.DataFrame, objective: Objective) -> Figure:
    """The median of the best of k without bands; a panel per data set of one phase. objective: as of `tuning`."""
    return _against(curves, budgets.tuning_curves, f"median {named(objective, curves)} of the best", objective)


def compute(curves: pd.DataFrame, objective: Objective, spent: str, statistic: Statistic = "mean") -> Figure:
    """The score of the best against what was spent, named `spent`, its mean or median; a panel per data set."""
    words = f"{EXPECTED[statistic]} {named(objective, curves)} of the best"
    return _against(curves, partial(budgets.compute_curves, statistic=statistic), words, objective, spent)


def repeats(curves: pd.DataFrame, objective: Objective, spent: str) -> Figure:
    """What whole searches report for what they spent, over their repeats; a panel per data set of one phase."""
    words = f"mean {named(objective, curves)} of the best {LOWER}"
    panels = [(title, partial(budgets.replica_curves, rows)) for _, title, rows in of_datasets(curves, objective)]
    keys = loss_keys(curves)
    for key, loss in zip(keys, style.ordered(curves["loss"]), strict=True):
        counts = curves.loc[curves["loss"] == loss, "n"]
        key.set_label(f"{loss}: {span(counts)} repeat{'s' if counts.max() > 1 else ''}")
    return laid_out(panels, Layout(HEIGHT - 0.5 if len(panels) == 1 else 2.3, spent, words), keys)


def learning(frame: pd.DataFrame, objective: Objective) -> Figure:
    """Score against step for the best setting of every loss; a panel per data set of one phase."""
    return _against(frame, learning_curves, named(objective, frame), objective)


def _against(frame: pd.DataFrame, draw: Draw, ylabel: str, objective: Objective, xlabel: str = "") -> Figure:
    panels = [(title, partial(draw, rows)) for _, title, rows in of_datasets(frame, objective)]
    return laid_out(panels, _size(len(panels), ylabel, xlabel), loss_keys(frame))


def _size(panels: int, ylabel: str, xlabel: str = "") -> Layout:
    """One large panel, or small ones."""
    height = HEIGHT - 0.5 if panels == 1 else 2.3
    return Layout(height, xlabel, f"{ylabel} {LOWER}")


def each_loss(curves: pd.DataFrame, draw: Draw, ylabel: str) -> Figure:
    """A panel per loss, the others grey."""
    losses = style.ordered(curves["loss"])
    panels = [(_title(curves, loss), partial(draw, curves, highlight=loss)) for loss in losses]
    return laid_out(panels, Layout(1.9 if len(losses) > 1 else 3.0, ylabel=ylabel, share="xy"))


def _title(curves: pd.DataFrame, loss: str) -> str:
    row = curves[curves["loss"] == loss].iloc[0]
    if row["failed"]:
        return f"{loss}: {row['failed']} of {row['n']} failed"
    return f"{loss}: {row['n']} setting{'s' if row['n'] > 1 else ''}"
