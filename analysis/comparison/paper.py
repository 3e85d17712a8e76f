"""The published numbers (Lucic et al. 2018): table 2 and the wide search's box plots as one side of a comparison.

And F1, precision and recall on triangles, as points.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.comparison.facts import USUAL, Facts
from analysis.comparison.sides import BEST, CELL, SHARES, Side
from analysis.formats import listed, value
from analysis.tables import table2

NAME = "paper"
FOLDER = Path(__file__).parents[1] / "published"
READING_ERROR = 1.0  # of a number that was read off a figure
SETTINGS, SEEDS = 100, 50


@dataclass(frozen=True)
class Schedule:
    """How long the published trials trained, how often they were measured, and against which real images."""

    steps: int
    every: int  # the last multiple, at most five steps before the end, counts as the end
    split: str


# 20 "epochs" of 50,000 images in batches of 64; 100 of 50,000; 40 of 162,000.
SCHEDULES = {
    "mnist":   Schedule(15_625, 3_906, "test"),
    "fashion": Schedule(15_625, 3_906, "test"),
    "cifar10": Schedule(78_125, 3_906, "test"),
    "celeba":  Schedule(101_250, 12_656, "validation"),
}  # fmt: skip

TRIANGLES = "triangles"  # the data set that the published F1, precision and recall are of
TRIANGLES_ERROR = 0.005  # of them, as they were read off a figure
# How they were made: what a trial's content says, what its metric's constants say, and from which space it was drawn.
TRIANGLE_TRIALS = {"variant": "as_run", "width": 1.0, "batch_size": 64, "batch_norm_decay": 0.999, "steps": 15_625}
TRIANGLE_MANIFOLD = {"family": "recipe", "delta": 0.75, "samples": 1024}
TRIANGLE_SPACE, TRIANGLE_SPLITS = "wide", "test selects, test reports"

REMARKS = [
    "Published best settings: from their means over 50 seeds collapsed runs were left out, by a rule that was not "
    "published; a study's own numbers leave out none that finished.",
    "Published minima and quartiles, of 100 settings, were read off a figure: their ± is the reading error, about 1. "
    "Where a box left the figure, nothing is known; nor is how it counted failed runs.",
]


def side() -> Side:
    """The published side: deviations of best settings are over 50 seeds, those of the others the reading error."""
    return Side(
        name="published",
        where="published",
        absent="not published",
        cells=pd.concat([_best(), _search()], ignore_index=True),
        facts={dataset: _facts(schedule) for dataset, schedule in SCHEDULES.items()},
        warnings={},
        remarks=REMARKS,
        places=1,
    )


def triangles() -> pd.DataFrame:
    """loss, budget (settings), and the f1, precision and recall of the run with the best F1, to +-TRIANGLES_ERROR."""
    return pd.read_csv(FOLDER / "triangles.csv")


def triangles_unlike(trials: pd.DataFrame) -> list[str]:
    """In what trials of a study were made otherwise than the published ones: "width 0.125 (published 1)"."""
    contents = [json.loads(text) for text in trials["content"].unique()]
    ours = {name: {content.get(name) for content in contents} for name in TRIANGLE_TRIALS if name != "steps"}
    ours |= {"steps": set(trials["steps"])}
    ours |= {
        name: {content["measure"]["constants"]["manifold"][name] for content in contents} for name in TRIANGLE_MANIFOLD
    }
    splits = {"{selection} selects, {reporting} reports".format(**content["measure"]) for content in contents}
    ours |= {"space": set(trials["space"].dropna()), "splits": splits}
    theirs = TRIANGLE_TRIALS | TRIANGLE_MANIFOLD | {"space": TRIANGLE_SPACE, "splits": TRIANGLE_SPLITS}
    return [
        f"{name.replace('_', ' ')} {listed(sorted(map(_said, found)))} (published {_said(theirs[name])})"
        for name, found in ours.items()
        if found != {theirs[name]}
    ]


def _said(item: object) -> str:
    return item if isinstance(item, str) else value(item)


def _best() -> pd.DataFrame:
    table = table2.published().rename(columns={"published": "value", "published_deviation": "deviation"})
    return table.assign(quantity=BEST, n=SEEDS, why="")[[*CELL, "value", "deviation", "n", "why"]]


def _search() -> pd.DataFrame:
    columns = dict(zip(("fid_min", "fid_q1", "fid_median"), SHARES, strict=True))
    table = pd.read_csv(FOLDER / "wide_search.csv").rename(columns=columns)
    long = table.melt(["dataset", "loss"], list(SHARES), "quantity", "value")
    return long.assign(
        deviation=READING_ERROR, n=SETTINGS, why=long["value"].isna().map({True: "beyond the plot", False: ""})
    )


def _facts(schedule: Schedule) -> Facts:
    return {
        "metric": "fid",
        "weights": USUAL,
        "generated": "10,000",
        "real": "10,000",
        "reporting": schedule.split,
        "selection": schedule.split,
        "quantised": "no",
        "width": "1",
        "batch_size": "64",
        "batch_norm_decay": "0.999",
        "steps": value(schedule.steps),
        "evaluations": value(schedule.steps // schedule.every),
        "variants": "none",
        "space": "wide",
        "sampler": "published",
        "settings": value(SETTINGS),
        "candidates": value(SETTINGS),
        "seeds": value(SEEDS),
    }
