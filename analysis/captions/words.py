"""How captions say numbers, and the few that stand for many."""

import numpy as np
import pandas as pd

from analysis import style
from analysis.formats import listed, value

LIMIT = 400  # characters: what a screen reader reads at a stretch


def score(number: float) -> str:
    return "infinite" if np.isinf(number) else value(number, 3)


def chance(probability: float) -> str:
    """To two digits; less than 0.01 and more than 0.99 where these would say 0.00 or 1.00 of what may be."""
    if 0 < probability < 0.005:
        return "less than 0.01"
    return "more than 0.99" if 0.995 <= probability < 1 else f"{probability:.2f}"


def over_datasets(count: int) -> str:
    """', over 3 data sets'; nothing of one."""
    return f", over {count} data sets" if count > 1 else ""


def by_dataset(rows: pd.DataFrame, column: str, *, every: bool) -> str:
    """'mm 12, ns 14' from the least; of several data sets the least and the greatest loss of each, in their order.

    `rows` has a row per data set and loss. With `every` all losses of an only data set are told.
    """
    datasets = style.ordered_datasets(rows["dataset"])
    told = []
    for dataset in datasets:
        mine = rows[rows["dataset"] == dataset].dropna(subset=column).sort_values([column, "loss"])
        each = [f"{row['loss']} {score(row[column])}" for _, row in mine.iterrows()]
        short = len(each) > 2 and not (every and len(datasets) == 1)
        words = f"from {each[0]} to {each[-1]}" if short else listed(each) if each else "none"
        told.append(words if len(datasets) == 1 else f"{dataset} {words}")
    return "; ".join(told)
