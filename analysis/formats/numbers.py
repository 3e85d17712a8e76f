"""Numbers and names as a person reads them."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

NONE = "-"
Objective = str | Mapping[str, str]  # the name of the metric, or that of each data set


def value(item: object, digits: int = 3) -> str:
    """One cell: '-' for null, on/off for switches, thousands separated, fractions to that many digits, ∞."""
    if item is None or item is pd.NA or (isinstance(item, float) and math.isnan(item)):
        return NONE
    if isinstance(item, bool | np.bool_):
        return "on" if item else "off"
    number = float(str(item))
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    return f"{int(number):,}" if number.is_integer() and number else f"{number:.{digits}g}"


def fixed(number: float, places: int) -> str:
    return f"{number:,.{places}f}" if math.isfinite(number) else value(number)


def decimals(numbers: pd.Series) -> int:
    """How many decimals give the smallest positive number three significant digits: 1 to 6."""
    least = numbers[numbers > 0].min()
    return 2 if math.isnan(least) else int(np.clip(2 - math.floor(math.log10(least)), 1, 6))


def of(part: object, whole: object) -> str:
    return f"{value(part)} of {value(whole)}"


def span(numbers: pd.Series) -> str:
    """'4' where all are equal, else '4 to 10'."""
    least, greatest = numbers.min(), numbers.max()
    return value(least) if least == greatest else f"{value(least)} to {value(greatest)}"


def interval(low: float, high: float, most: float = math.inf) -> str:
    """'1.2 to 3', and '-' where there is none; an end at +infinity in words.

    most: up to where it was looked for, where an infinite end only says that it is not up to there.
    """
    if math.isnan(low) or math.isnan(high):
        return NONE
    beyond = "infinite" if math.isinf(most) else f"more than {value(most)}"
    if math.isinf(low):
        return beyond
    if math.isinf(high) and math.isinf(most):
        return f"{value(low)} or more"
    return f"{value(low)} to {beyond if math.isinf(high) else value(high)}"


def listed(names: Sequence[str]) -> str:
    """'a, b and c'."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def metric(objective: Objective, dataset: str) -> str:
    """The metric of a data set."""
    return objective if isinstance(objective, str) else objective[dataset]


def measured(objective: Objective, datasets: Iterable[str]) -> str:
    """The metric of all of these data sets: its name, or "score" where they differ in it."""
    names = {metric(objective, name) for name in datasets}
    return names.pop() if len(names) == 1 else "score"
