"""The data sets on one page: shape, counts, grey levels, published schedule and the recipe that prepares them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from study.errors import unknown


@dataclass(frozen=True)
class Dataset:
    """One data set. Prepared, each split is a checked uint8 array [N, channels, height, width] of 0..levels."""

    name: str
    shape: tuple[int, int, int]  # channels, height, width
    splits: Mapping[str, int]  # images per split
    levels: int  # a stored grey value v stands for v / levels in [0, 1]
    classes: int  # 0: no labels
    steps: int  # published number of discriminator steps
    evaluations: tuple[int, ...]  # published evaluation points
    recipe: str  # module whose build(dataset, data) yields the splits
    options: Mapping[str, object] = field(default_factory=dict)


# 15,625 steps of batch 64 are 20 passes over 50,000 images. The published schedule also measured the last multiple
# of 3,906, one step before the end: the same weights on a 28x28 data set, so it is measured once, at the end.
GREY_STEPS, GREY_EVALUATIONS = 15_625, (3_906, 7_812, 11_718, 15_625)

# The published code turned each triangle by radians(U[0, 1) * 2 pi): 2 pi degrees, not a full turn.
PUBLISHED_TRIANGLES = {"vertices": 3, "rotation_turns": 2 * math.pi / 360}

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset("fashion", (1, 28, 28), {"train": 60_000, "test": 10_000}, 255, 10,
                GREY_STEPS, GREY_EVALUATIONS, "study.data.fashion"),
        Dataset("triangles", (1, 28, 28), {"train": 60_000, "test": 10_000, "holdout": 10_000}, 64, 0,
                GREY_STEPS, GREY_EVALUATIONS, "study.data.triangles", PUBLISHED_TRIANGLES),
        Dataset("triangles_tiny", (1, 28, 28), {"train": 1_024, "test": 256}, 64, 0,
                60, (20, 40, 60), "study.data.triangles", PUBLISHED_TRIANGLES),
    )
}  # fmt: skip


def find(name: str) -> Dataset:
    if name not in DATASETS:
        raise unknown("a data set", name, DATASETS)
    return DATASETS[name]
