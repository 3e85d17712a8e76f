"""What the pictures of losses against each other show, in words."""

import numpy as np
import pandas as pd

from analysis import style
from analysis.captions.words import LIMIT, chance, over_datasets, score
from analysis.formats import interval, listed, span
from analysis.tables import shown
from analysis.tables.practical import ALL
from analysis.tables.ranks import Ranks

TOLD = 6  # of a list, before it is counted instead


def beats(frame: pd.DataFrame) -> str:
    """Which loss meaningfully beats which, or on how many data sets."""
    budgets = span(frame["k"])
    return _meaningful(frame, f"Heatmap: probability that one loss beats another, best of k = {budgets} settings")


def beats_by_budget(frame: pd.DataFrame) -> str:
    """The probabilities at the largest budget, of several data sets their range."""
    ends = frame.sort_values("k").drop_duplicates(["dataset", "first", "second"], keep="last")
    each = []
    for (first, second), rows in _pairs(ends):
        shares = rows["probability"].dropna()
        to = "" if len(shares) == 1 else f" to {chance(shares.max())}"
        told = chance(shares.min()) + to if len(shares) else "none"
        each.append(f"{first} over {second} {told}")
    where = over_datasets(ends["dataset"].nunique())
    what = f"Line chart: probability to beat against the budget. At {span(ends['k'])} settings{where}"
    return f"{what}: {_few(each)}."


def crossings(frame: pd.DataFrame) -> str:
    """From which budget on which loss beats which."""
    found, several = frame.dropna(subset="budget"), frame["dataset"].nunique() > 1
    each = [
        f"{row['first']} beats {row['second']}{' on ' + row['dataset'] if several else ''} from "
        f"{row['budget']:.0f} ({interval(row['low'], row['high'], row['most'])})"
        for _, row in found.sort_values(["probability", "first"], ascending=[False, True]).iterrows()
    ]
    told = _few(each) if each else "None in what was run"
    return f"Dots with intervals: smallest budget from which on one loss probably beats another. {told}."


def interquartile_means(frame: pd.DataFrame) -> str:
    """Every loss with its interval, best first."""
    each = [
        f"{row['loss']} {score(row['mean'])}"
        + ("" if np.isnan(row["low"]) else f" ({score(row['low'])} to {score(row['high'])})")
        for _, row in frame.sort_values(["mean", "loss"]).iterrows()
    ]
    where = over_datasets(int(frame["datasets"].max()))
    return f"Dots with intervals: interquartile mean of the normalised score{where}: {listed(each)}."


def profiles(frame: pd.DataFrame) -> str:
    """Of every loss the share of runs that are at most as bad as the median run, and the share that finished."""
    each = []
    for loss in style.ordered(frame["loss"]):
        rows = frame[frame["loss"] == loss].sort_values("at")
        below = rows.loc[rows["at"] <= 1, "share"]
        middle = below.iloc[-1] if len(below) else 0.0
        each.append(f"{loss} {100 * middle:.0f} ({100 * rows['share'].iloc[-1]:.0f})")
    return (
        "Line chart: per cent of the runs with at most a normalised score. At 1, the median of all losses, and in "
        f"parentheses at the end: {listed(each)}."
    )


def ranks(found: Ranks) -> str:
    """The average ranks, the critical difference and what cannot be told apart."""
    each = [f"{row['loss']} {row['rank']:.2f}" for _, row in found.frame.sort_values(["rank", "loss"]).iterrows()]
    cliques = "; ".join(listed(list(clique)) for clique in found.cliques)
    test = f" Critical difference {found.critical_difference:.2f}." if np.isfinite(found.critical_difference) else ""
    apart = f" Not told apart: {cliques}." if cliques else ""
    return f"Average ranks{over_datasets(len(found.datasets))}: {listed(each)}.{test}{apart}"


def practical(frame: pd.DataFrame) -> str:
    """The pairs of which one is probably better, or probably equivalent."""
    rows = shown.equivalence(frame)
    sure = rows[rows[["better", "worse"]].max(axis=1) >= 0.95]
    same = rows[rows["equivalent"] >= 0.95]
    several = rows["dataset"].nunique() > 1
    each = [
        (f"{row['first']} over {row['second']}" if row["better"] >= 0.95 else f"{row['second']} over {row['first']}")
        + (f" on {row['dataset']}" if several else "")
        for _, row in sure.iterrows()
    ]
    to = " in most of the weight over data sets" if (rows["dataset"] == ALL).any() else ""
    told = f"Better with 95 % or more: {_few(each)}" if each else "No loss is better with 95 % or more"
    return (
        f"Stacked bars: probabilities that a loss is better than another, practically equivalent or worse{to}, of "
        f"{len(rows)} pairs. {told}. Equivalent with 95 % or more: {len(same)} of {len(rows)}."
    )


def transfers(frame: pd.DataFrame) -> str:
    """Median and greatest regret of every loss, between different data sets, with the luck of the own choice."""
    away = frame[frame["chosen_on"] != frame["used_on"]].dropna(subset="regret")
    each = [
        f"{loss} {score(rows.median())} ({score(rows.max())})"
        for loss in style.ordered(away["loss"])
        for rows in [away.loc[away["loss"] == loss, "regret"]]
    ]
    return (
        "Heatmaps: score of a setting chosen on another data set, over the score of the data set's own choice. Median, "
        f"and in parentheses greatest: {listed(each) if each else 'none'}. The own choice is scored by the runs that "
        "chose it, whose luck is in these numbers."
    )


def _meaningful(frame: pd.DataFrame, what: str) -> str:
    found = frame[frame["meaningful"].astype(bool)]
    sets = frame["dataset"].nunique()
    each = []
    for (first, second), rows in _pairs(found):
        on = (
            f" on {rows['dataset'].nunique()} of {sets} data sets"
            if sets > 1
            else f" {chance(rows['probability'].iloc[0])}"
        )
        each.append((-len(rows), f"{first} over {second}{on}"))
    told = _few([words for _, words in sorted(each, key=lambda one: one[0])]) if each else "none"
    return f"{what}. Meaningful: {told}."


def _pairs(frame: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Rows by pair, in the order of the losses."""
    order = style.ordered([*frame["first"], *frame["second"]])
    groups = {(str(first), str(second)): rows for (first, second), rows in frame.groupby(["first", "second"])}
    return sorted(groups.items(), key=lambda one: tuple(map(order.index, one[0])))


def _few(each: list[str]) -> str:
    """The first few, and how many more."""
    shown = each[:TOLD]
    while len(", ".join(shown)) > LIMIT // 2 and len(shown) > 1:
        shown = shown[:-1]
    more = len(each) - len(shown)
    return f"{', '.join(shown)} and {more} more" if more else listed(shown)
