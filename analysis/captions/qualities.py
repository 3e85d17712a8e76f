"""What the pictures of F1, precision and recall show, in words."""

import numpy as np
import pandas as pd

from analysis.captions.words import by_dataset
from analysis.formats import Objective, listed, measured, span

NAMES = {"f1": "F1", "precision": "precision", "recall": "recall"}  # as words say them, in their order


def qualities(curves: pd.DataFrame) -> str:
    """What is expected at the largest budget: of the first quality for every loss, of the others from least to most."""
    ends = curves.sort_values("k").drop_duplicates(["dataset", "loss", "quality"], keep="last")
    names = [name for name in NAMES if name in set(ends["quality"])]
    each = [
        f"{NAMES[name]} {by_dataset(ends[ends['quality'] == name], 'mean', every=place == 0)}"
        for place, name in enumerate(names)
    ]
    what = f"expected {listed([NAMES[name] for name in names])} of the best setting against the number of settings"
    return f"Line chart: {what} tried, higher is better. At the end, after {span(ends['k'])}: {'; '.join(each)}."


def quality_bands(curves: pd.DataFrame) -> str:
    """The medians at the largest budget, and which band."""
    name = NAMES[str(curves["quality"].iloc[0])]
    ends = curves.sort_values("k").drop_duplicates(["dataset", "loss"], keep="last")
    return (
        f"A panel per loss with its 2.5 to 97.5 % band. Line chart: median {name} of the best setting against the "
        f"number of settings tried, higher is better. At the end: {by_dataset(ends, 'median', every=True)}."
    )


def score_against_f1(settings: pd.DataFrame, objective: Objective) -> str:
    """How many settings there are and how far both numbers reach."""
    metric = measured(objective, settings["dataset"])
    rows = settings[(settings["done"] == settings["seeds"]) & np.isfinite(settings["score"])]
    return (
        f"Scatter plot: F1, higher is better, of {len(rows)} settings against {metric}, lower is better. "
        f"F1 {span(rows['f1'])}; {metric} {span(rows['score'])}."
    )
