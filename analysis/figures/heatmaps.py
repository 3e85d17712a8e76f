"""Tables of numbers as colours, with each number in its cell: which loss beats which, and how settings carry over."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle

from analysis import style

WORST = 3.0  # times the best score: the darkest colour, unless nothing comes near it


def beats_heatmap(beats: pd.DataFrame, axes: Axes) -> Axes:
    """The probability that the loss of the row beats the loss of the column; framed and bold where meaningful.

    `beats` is `pairs.beats` of one phase, data set and budget.
    """
    losses = style.ordered([*beats["first"], *beats["second"]])
    cells = beats.set_index(["first", "second"])
    table = _square(cells["probability"].astype(float), losses, losses)
    _heatmap(table, table.map(probability), axes, {"cmap": style.DIVERGING, "vmin": 0, "vmax": 1})
    for number in range(len(losses)):
        axes.add_patch(Rectangle((number, number), 1, 1, color="#eeeeee", lw=0))
    for first, second in cells.index[cells["meaningful"].astype(bool)]:
        corner = losses.index(second) + 0.04, losses.index(first) + 0.04
        axes.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, edgecolor=style.INK, lw=2.0))
    return axes


def transfer_heatmap(transfers: pd.DataFrame, axes: Axes) -> Axes:
    """The regret of using on the data set of the column what was chosen on that of the row: 1 is no loss.

    `transfers` is `transfer.transfers` of one phase and loss.
    """
    datasets = style.ordered_datasets([*transfers["chosen_on"], *transfers["used_on"]])
    cells = transfers.set_index(["chosen_on", "used_on"])["regret"].astype(float)
    table = _square(cells, datasets, datasets)
    values = table.to_numpy(dtype=float)
    most = max(WORST, float(values[np.isfinite(values)].max(initial=WORST)))
    looks = {"cmap": style.RISING, "norm": LogNorm(1.0, most, clip=True)}
    return _heatmap(table.clip(1.0, most), table.map(regret), axes, looks)


def probability(share: float) -> str:
    """'.73', and '<.01' rather than a rounded 0."""
    if np.isnan(share):
        return ""
    if share in (0.0, 1.0):
        return f"{share:.0f}"
    return "<.01" if share < 0.005 else ">.99" if share >= 0.995 else f"{share:.2f}".lstrip("0")


def regret(times: float) -> str:
    if np.isnan(times):
        return ""
    if np.isinf(times):
        return "∞"
    return f"{times:.2f}" if times < 10 else f"{times:.0f}"


def _square(cells: pd.Series, rows: list[str], columns: list[str]) -> pd.DataFrame:
    return cells.unstack().reindex(index=rows, columns=columns)


def _heatmap(table: pd.DataFrame, words: pd.DataFrame, axes: Axes, looks: dict[str, object]) -> Axes:
    table, words = (frame.rename(index=style.short, columns=style.short) for frame in (table, words))
    sns.heatmap(
        table, ax=axes, annot=words, fmt="", cbar=False, linewidths=1.5, linecolor="white",
        annot_kws={"fontsize": 9}, xticklabels=False, yticklabels=False, **looks,
    )  # fmt: skip
    # Its own labels would be measured one by one, each on a new canvas.
    axes.set_xticks(np.arange(table.shape[1]) + 0.5, table.columns)
    axes.set_yticks(np.arange(table.shape[0]) + 0.5, table.index)
    axes.grid(visible=False)
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0, labelsize=9)
    axes.tick_params(axis="x", rotation=35 if table.columns.str.len().max() > 3 else 0)
    axes.tick_params(axis="y", rotation=0)
    return axes
