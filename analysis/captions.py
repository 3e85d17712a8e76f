"""What a picture shows, in words for those who cannot see it, made from the frames it was drawn from."""

import numpy as np
import pandas as pd

from analysis import style
from analysis.compare import Comparison
from analysis.formats import listed, value


def budget(curves: pd.DataFrame, objective: str) -> str:
    """The expected score of what every loss's search chooses at the largest budget it was run for."""
    ends = curves.sort_values("k").drop_duplicates("loss", keep="last").sort_values(["mean", "loss"])
    each = [f"{row['loss']} {_score(row['mean'])} after {row['k']}" for _, row in ends.iterrows()]
    what = f"expected {objective} of the best setting against the number of settings tried"
    return f"Line chart: {what}. At the end: {listed(each)}."


def boxes(spread: pd.DataFrame, objective: str) -> str:
    """The median setting of every loss and how many of its settings came to nothing."""
    rows = spread[spread["n"] > 0].sort_values(["median", "loss"])
    each = [
        f"{row['loss']} {_score(row['median'])} ({row['diverged'] + row['failed']} of {row['n']} diverged or failed)"
        for _, row in rows.iterrows()
    ]
    return f"Box plot: {objective} of every setting, a row per loss. Medians: {listed(each)}."


def learning(frame: pd.DataFrame, objective: str) -> str:
    """Where the best setting of every loss began and ended."""
    each = []
    for loss in style.ordered(frame["loss"]):
        means = frame.loc[frame["loss"] == loss, "mean"]
        each.append(f"{loss} from {_score(means.iloc[0])} to {_score(means.iloc[-1])}")
    return f"Line chart: {objective} of the best setting against the step. From the first to the last: {listed(each)}."


def ranges(comparison: Comparison) -> str:
    """Per data set the median of every loss on both sides."""
    medians = comparison.cells[comparison.cells["quantity"] == "median"]
    told = [
        f"{dataset}: "
        + listed(
            [f"{row['loss']} {_reached(row, 'ours')} against {_reached(row, 'theirs')}" for _, row in rows.iterrows()]
        )
        for dataset, rows in medians.groupby("dataset", sort=False)
    ]
    sides = f"{comparison.ours.where} against {comparison.theirs.where}"
    return f"Ranges from minimum to median over settings, {sides}. Medians, {'; '.join(told)}."


def _reached(row: pd.Series, side: str) -> str:
    number = float(row[f"{side}_value"])
    return str(row[f"{side}_why"]) if np.isnan(number) else _score(number)


def _score(number: float) -> str:
    return "infinite" if np.isinf(number) else value(number, 4)
