"""The sample grids that trials left: which ones show the best settings, and their pixels."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.image
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.frames import Study
from study.results import Store


@dataclass(frozen=True)
class Grid:
    """Generated images of one trial at one step. image: [height, width] or [height, width, 3] in [0, 1]."""

    loss: str
    caption: str
    alt: str
    path: Path
    image: npt.NDArray[np.float64]


def of_best(study: Study, ranking: pd.DataFrame) -> list[Grid]:
    """The grid of the best setting of every loss in the ranking's order; losses without one are left out."""
    found = []
    for _, row in ranking[ranking["done"] > 0].iterrows():
        path = Store(study.folder).sample_file(row["trial"], int(row["step"]))
        if path.exists():
            caption = f"{row['loss']}, setting {row['sample']}, seed {row['seed']}, step {int(row['step']):,}"
            mean = "mean " if row["done"] > 1 else ""
            score = f"its {mean}{row['reported']} is {row['mean']:.4g}"
            alt = f"Generated images of the best {row['loss']} setting; {score}."
            found.append(Grid(str(row["loss"]), caption, alt, path, matplotlib.image.imread(path)))
    return found
