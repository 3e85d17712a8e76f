"""What the pictures of searches show, in words, made from the frames they show."""

import numpy as np
import pandas as pd

from analysis import style
from analysis.captions.words import by_dataset, over_datasets, score
from analysis.comparison.compare import Comparison
from analysis.formats import Objective, listed, measured, span, value
from analysis.tables import shown


def boxes(spread: pd.DataFrame, objective: Objective) -> str:
    """The median setting of every loss and how many of its settings came to nothing."""
    metric = measured(objective, spread["dataset"])
    rows = spread[spread["n"] > 0]
    lost, run = int((rows["diverged"] + rows["failed"]).sum()), int(rows["n"].sum())
    what = f"Box plot: {metric} of every setting, a row per loss"
    phases = shown.phases(rows)
    if len(phases) > 1:
        middle = rows.groupby(["phase", "dataset"])["median"].min().rename("median").reset_index()
        each = [f"{name} " + _least(middle[middle["phase"] == name]) for name in phases]
        told = f"Least median of a loss: {'; '.join(each)}"
    else:
        told = f"Medians: {by_dataset(rows, 'median', every=True)}"
    return f"{what}. {told}. {lost} of {run} settings diverged or failed."


def seeds(stability: pd.DataFrame, objective: Objective) -> str:
    """The median over seeds of every loss and how many of its seeds came to nothing."""
    metric = measured(objective, stability["dataset"])
    lost, run = int(stability["failed"].sum()), int(stability["seeds"].sum())
    told = by_dataset(stability, "median", every=True)
    return (
        f"Strip plot: {metric} of the best setting of every loss over {span(stability['seeds'])} seeds. "
        f"Medians: {told}. {lost} of {run} seeds diverged or failed."
    )


def sensitivity(settings: pd.DataFrame, objective: Objective) -> str:
    """Which hyperparameters vary, and how far the score does."""
    metric = measured(objective, settings["dataset"])
    names = [_spaced(name) for name in shown.varied(settings)]
    ran = settings.dropna(subset="score")
    finite = ran.loc[np.isfinite(ran["score"]), "score"]
    scores = f"from {score(finite.min())} to {score(finite.max())}" if len(finite) else "none finite"
    sets = over_datasets(ran["dataset"].nunique())
    return (
        f"Scatter plots: {metric} of {len(ran)} points, a setting of {listed(style.ordered(ran['loss']))} each{sets}, "
        f"against {listed(names)}. Scores {scores}; {len(ran) - len(finite)} diverged or failed, crosses at the top."
    )


def importances(frame: pd.DataFrame) -> str:
    """The most important hyperparameter of every loss; of several data sets, in how many searches each is that."""
    first = frame.sort_values(["importance", "hyperparameter"], ascending=[False, True])
    first = first.drop_duplicates(["dataset", "loss"]).assign(name=lambda rows: rows["hyperparameter"].map(_spaced))
    if first["dataset"].nunique() > 1:
        counts = first["name"].value_counts()
        each = [f"{name} in {count} of {len(first)} searches" for name, count in counts.items()]
    else:
        told = {str(row["loss"]): f"{row['loss']} {row['name']} ({_share(row)})" for _, row in first.iterrows()}
        each = [told[loss] for loss in style.ordered(told)]
    return f"Bar charts: shares of importance of the hyperparameters. The most important: {listed(each)}."


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


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _share(row: pd.Series) -> str:
    """With its interval where it has one."""
    ends = "" if np.isnan(row["low"]) else f", {_percent(row['low'])} to {_percent(row['high'])}"
    return f"{_percent(row['importance'])} %{ends}"


def _percent(share: float) -> str:
    return "less than 1" if 0 < share < 0.005 else f"{100 * share:.0f}"


def _least(middle: pd.DataFrame) -> str:
    datasets = style.ordered_datasets(middle["dataset"])
    medians = middle.set_index("dataset")["median"]
    if len(datasets) == 1:
        return score(medians.iloc[0])
    return ", ".join(f"{name} {score(medians[name])}" for name in datasets)


def _reached(row: pd.Series, side: str) -> str:
    number = float(row[f"{side}_value"])
    return str(row[f"{side}_why"]) if np.isnan(number) else "infinite" if np.isinf(number) else value(number, 4)
