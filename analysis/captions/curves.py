"""What the pictures of curves show, in words for those who cannot see them."""

import numpy as np
import pandas as pd

from analysis import style
from analysis.captions.words import by_dataset, score
from analysis.formats import Objective, listed, measured, span

EXPECTED = {"mean": "expected", "median": "median"}  # what a curve is called that is a mean or a median


def budget(curves: pd.DataFrame, objective: Objective, statistic: str = "mean") -> str:
    """The mean or median score of what every loss's search chooses at the largest budget it was run for."""
    metric = measured(objective, curves["dataset"])
    what = f"{EXPECTED[statistic]} {metric} of the best setting against the number of settings tried"
    return _ends(curves, what, statistic, "k")


def published_budget(curves: pd.DataFrame, objective: Objective, finished: pd.DataFrame | None = None) -> str:
    """The published form at the largest budget, of what is finite in it."""
    metric, drawn = measured(objective, curves["dataset"]), curves if finished is None else finished
    what = f"minimum {metric} against budget in the published form, mean and deviation with replacement"
    known = drawn[np.isfinite(drawn["mean"])]
    lost = curves.loc[~np.isfinite(curves["mean"]), ["dataset", "loss"]].drop_duplicates()
    searches = "1 search" if len(lost) == 1 else f"{len(lost)} searches"
    drawn_of = "not drawn" if finished is None else "drawn without it"
    infinite = f" Infinite at every k, by a failed setting: {searches}, {drawn_of}." if len(lost) else ""
    return (_ends(known, what, "mean", "k") if len(known) else f"Line chart: {what}.") + infinite


def budget_bands(curves: pd.DataFrame, objective: Objective) -> str:
    """The medians, and which band."""
    return f"A panel per loss with its 10 to 90 % band. {budget(curves, objective, 'median')}"


def tuning(curves: pd.DataFrame, objective: Objective) -> str:
    """Median and band of every loss at the largest budget, of the metric that selects."""
    metric = measured(objective, curves["dataset"])
    rows = curves.sort_values("k").drop_duplicates("loss", keep="last").sort_values(["median", "loss"])
    each = [f"{row['loss']} {score(row['median'])} ({_between(row['low'], row['high'])})" for _, row in rows.iterrows()]
    return (
        f"A panel per loss: median {metric} of the best of k settings, with a {100 * rows['level'].iloc[0]:g} % band "
        f"for all k at once. At the end: {listed(each)}."
    )


def tunings(curves: pd.DataFrame, objective: Objective) -> str:
    """The medians at the largest budget."""
    metric = measured(objective, curves["dataset"])
    return _ends(curves, f"median {metric} of the best setting against the number of settings tried", "median", "k")


def compute(curves: pd.DataFrame, objective: Objective, spent: str, statistic: str = "mean") -> str:
    """The mean or median score of what every search chooses when all is spent."""
    metric = measured(objective, curves["dataset"])
    return _ends(curves, f"{EXPECTED[statistic]} {metric} of the best setting against {spent}", statistic, "spent")


def repeats(curves: pd.DataFrame, objective: Objective, spent: str) -> str:
    """The mean over repeats when the least that a repeat spent is spent."""
    metric = measured(objective, curves["dataset"])
    count = f"{span(curves['n'])} repeat{'s' if curves['n'].max() > 1 else ''}"
    return _ends(curves, f"mean {metric} of the best setting against {spent}, over {count}", "mean", "spent")


def learning(frame: pd.DataFrame, objective: Objective) -> str:
    """Where the best setting of every loss began and ended; of several data sets where it ended."""
    metric = measured(objective, frame["dataset"])
    what = f"Line chart: {metric} of the best setting against the step"
    rows = frame.sort_values("step")
    if frame["dataset"].nunique() > 1:
        ends = rows.drop_duplicates(["dataset", "loss"], keep="last")
        return f"{what}. At the end: {by_dataset(ends, 'mean', every=False)}."
    each = []
    for loss in style.ordered(rows["loss"]):
        means = rows.loc[rows["loss"] == loss, "mean"]
        each.append(f"{loss} from {score(means.iloc[0])} to {score(means.iloc[-1])}")
    return f"{what}. From the first to the last: {listed(each)}."


def _between(low: float, high: float) -> str:
    """An end at zero or at infinity is one of which nothing is known."""
    if low <= 0:
        return "nothing is known" if np.isinf(high) else f"up to {score(high)}"
    return f"{score(low)} or more" if np.isinf(high) else f"{score(low)} to {score(high)}"


def _ends(curves: pd.DataFrame, what: str, column: str, along: str) -> str:
    rows = curves.sort_values(along).drop_duplicates(["dataset", "loss"], keep="last")
    largest = f"after {span(rows['k'])}" if along == "k" else "when all is spent"
    return f"Line chart: {what}. At the end, {largest}: {by_dataset(rows, column, every=True)}."
