"""The pictures that trials left, of samples and of distances: which ones show the best runs, and their pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib.image
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.formats import fixed
from analysis.frames import Study
from analysis.tables.manifold import METRIC
from study.results import Store

File = Callable[[Store, str, int], Path]  # of a trial and a step


@dataclass(frozen=True)
class Grid:
    """Images of one trial at one step. image: [height, width] or [height, width, 3] in [0, 1].

    heading: what stands above it among others.
    """

    heading: str
    caption: str
    alt: str
    path: Path
    image: npt.NDArray[np.float64]


def of_best(study: Study, ranking: pd.DataFrame) -> list[Grid]:
    """The sample grid of the best setting of every loss in the ranking's order; losses without one are left out."""
    found = []
    for _, row in ranking[ranking["done"] > 0].iterrows():
        mean = "mean " if row["done"] > 1 else ""
        score = f"its {mean}{row['reported']} is {row['mean']:.4g}"
        words = str(row["loss"]), _run(row), f"Generated images of the best {row['loss']} setting; {score}."
        found += _grids(study, row, words)
    return found


def of_distances(study: Study, rows: pd.DataFrame) -> list[Grid]:
    """Images and what is nearest to each, of these runs in their order; runs without such a picture are left out.

    `rows` has loss, sample, seed, trial and step, and the run's precision and recall.
    """
    found = []
    for _, row in rows.iterrows():
        shares = _shares(row)
        alt = (
            f"Generated images of {row['loss']} with their nearest valid ones, and test images with their "
            f"reconstructions; {shares}."
        )
        words = f"{row['loss']}\n{shares}", f"{_run(row)}: {shares}", alt
        found += _grids(study, row, words, _distances)
    return found


def of_corners(study: Study, corners: pd.DataFrame) -> list[Grid]:
    """The sample grids of `qualities.corners`, in their order; runs without one are left out."""
    found = []
    for _, row in corners.iterrows():
        corner, shares = str(row["corner"]), _shares(row)
        alt = f"Generated images of {row['loss']}, a run of {corner}; {shares}."
        words = f"{corner}\n{row['loss']}: {shares}", f"{corner}: {_run(row)}, {shares}", alt
        found += _grids(study, row, words)
    return found


def _grids(study: Study, row: pd.Series, words: tuple[str, str, str], file: File = Store.sample_file) -> list[Grid]:
    """The one of this run, with these heading, caption and alternative text, if it left one."""
    path = file(Store(study.folder), row["trial"], int(row["step"]))
    return [Grid(*words, path, matplotlib.image.imread(path))] if path.exists() else []


def _distances(store: Store, trial: str, step: int) -> Path:
    return store.picture_file(trial, step, METRIC)


def _run(row: pd.Series) -> str:
    return f"{row['loss']}, setting {row['sample']}, seed {row['seed']}, step {int(row['step']):,}"


def _shares(row: pd.Series) -> str:
    return f"precision {fixed(row['precision'], 2)}, recall {fixed(row['recall'], 2)}"
