"""A comparison's page: one HTML file that holds all it shows; beside it the figure (PNG, PDF) and the tables (CSV)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import captions, pictures, style
from analysis.comparison import words
from analysis.comparison.compare import Comparison
from analysis.comparison.sides import BEST
from analysis.page import Picture, rendered, saved

TEMPLATE = "compare.html.j2"


@dataclass(frozen=True)
class Part:
    """All that one data set has to show. `spread` is empty where a side has no search of several settings."""

    dataset: str
    title: str
    sentences: list[str]
    order: str
    best: pd.DataFrame
    spread: pd.DataFrame


def write(comparison: Comparison, out: Path) -> Path:
    """The path of the page, compare.html in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    cells = comparison.cells
    repeated = cells["quantity"] == BEST
    for name, frame in (("best", cells[repeated]), ("spread", cells[~repeated]), ("ranks", comparison.ranks)):
        frame.to_csv(out / f"{name}.csv", index=False)
    losses = cells["loss"].unique()
    with style.beside(losses):
        page = rendered(
            TEMPLATE,
            comparison=comparison,
            parts=[_part(comparison, dataset) for dataset in comparison.datasets],
            others=[text for name, texts in comparison.sentences.items() if name not in comparison.datasets
                    for text in texts],
            picture=_picture(comparison, out),
            legend=words.legend(comparison),
            remarks=[*comparison.ours.remarks, *comparison.theirs.remarks],
            styles={loss: style.of(loss) for loss in losses},
        )  # fmt: skip
    path = out / "compare.html"
    path.write_text(page, encoding="utf-8")
    return path


def _part(comparison: Comparison, dataset: str) -> Part:
    return Part(
        dataset,
        words.title(comparison, dataset),
        list(comparison.sentences[dataset]),
        words.order(comparison, dataset),
        words.best(comparison, dataset),
        words.spread(comparison, dataset),
    )


def _picture(comparison: Comparison, out: Path) -> Picture | None:
    """None where no side has a number over settings."""
    spread = comparison.cells[comparison.cells["quantity"] != BEST]
    if not np.isfinite(spread[["ours_value", "theirs_value"]].to_numpy(dtype=float)).any():
        return None
    return saved(pictures.ranges(comparison), out / "ranges", captions.ranges(comparison))
