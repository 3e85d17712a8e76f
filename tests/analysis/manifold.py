"""Studies that measured precision and recall: synthetic ones with these columns and pictures beside their rows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np

from analysis import frames
from analysis.tables.manifold import METRIC, PERCENT, QUALITIES
from study.results import Store
from tests.analysis.synthetic import LOSSES, MEASURE, Recipe, score, write

CONSTANTS = {"delta": 0.75, "samples": 1024, "family": "recipe", "restarts": 5}
MEASURED = MEASURE | {"metrics": ["fd", METRIC], "constants": {METRIC: CONSTANTS}}
Shares = tuple[float, float]  # precision and recall
Found = Callable[[str, int, int, float], Shares]  # of loss, sample, seed and the part of the training that is over


def recipe(losses: tuple[str, ...] = LOSSES, settings: int = 4, **more: Any) -> Recipe:
    """Of a phase on triangles that measures both; with `measure` another protocol."""
    return Recipe(**{"losses": losses, "datasets": ("triangles",), "settings": settings, "measure": MEASURED} | more)


def shares(loss: str, sample: int, seed: int, part: float) -> Shares:
    """Greater where the score is less, rising along the training, with a noise of their own."""
    random = np.random.default_rng([LOSSES.index(loss) if loss in LOSSES else 99, sample, seed, 11])
    good = np.exp(-score(loss, sample, seed) / 60) * part
    precision, recall = good ** random.uniform(0.2, 2.0), good ** random.uniform(0.5, 3.0)
    return float(round(1024 * precision) / 1024), float(round(1024 * recall) / 1024)


def written(folder: Path, *recipes: Recipe, found: Found = shares, selected: bool = True) -> Path:
    """The folder of these recipes with precision and recall as `found` has them; `selected`: on two splits."""

    def beside(loss: str, sample: int, seed: int, part: float) -> dict[str, float]:
        return _columns(*found(loss, sample, seed, part), selected=selected)

    write(folder, *(replace(one, beside=beside) if METRIC in one.measure["metrics"] else one for one in recipes))
    store = Store(folder)
    for path in sorted(store.samples.glob("*.png")):
        trial, step, _ = path.name.split(".")
        image = np.random.default_rng(int(step)).random((224, 224))
        matplotlib.image.imsave(store.picture_file(trial, int(step), METRIC), image, cmap="gray", vmin=0, vmax=1)
    return folder


def load(folder: Path, *recipes: Recipe, **more: Any) -> frames.Study:
    return frames.load(written(folder, *recipes, **more))


def _columns(precision: float, recall: float, *, selected: bool) -> dict[str, float]:
    """On the images that select, recall is 0.02 less."""
    found = {}
    splits = {"": recall} | ({"_selection": max(0.0, recall - 0.02)} if selected else {})
    for ending, reached in splits.items():
        values = {"precision": precision, "recall": reached, "f1": f1(precision, reached)}
        for name in QUALITIES:
            value = values[name]
            found[name + ending] = value
            found[f"{name}_low{ending}"], found[f"{name}_high{ending}"] = 0.95 * value, 0.05 + 0.95 * value
        for name in QUALITIES[1:]:
            for share in PERCENT:
                found[f"{name}_distance_{share}{ending}"] = (1.5 - values[name]) * share / 50
    return found


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
