"""The data sets on one page: shape, counts, grey levels, published schedule and the recipe that prepares them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from study.errors import unknown


@dataclass(frozen=True)
class Dataset:
    """One data set. Prepared, each split is a checked uint8 array [N, channels, height, width] of 0..levels.

    Every data set is trained on its split `train`. `reporting` is the split whose images a reported number is measured
    against, as in the published study; `selection` is another one, against which checkpoints and settings are chosen.
    """

    name: str
    shape: tuple[int, int, int]  # channels, height, width
    splits: Mapping[str, int | None]  # images per split; None: as many as the files hold
    selection: str
    reporting: str
    levels: int  # a stored grey value v stands for v / levels in [0, 1]
    classes: int  # 0: no labels
    steps: int | None  # published number of discriminator steps; None: there is none
    evaluations: tuple[int, ...]  # published evaluation points
    recipe: str  # module whose build(dataset, data) yields the splits
    options: Mapping[str, object] = field(default_factory=dict)
    geometry: str | None = None  # "module:class" of what knows the distance of any image to the valid ones exactly


def _every(steps: int, multiple: int) -> tuple[int, ...]:
    """The published evaluation points: the multiples, the last of them replaced by the final step.

    The study measured both; they are one to five steps apart (on a 28x28 data set even the same weights).
    """
    return (*range(multiple, steps - steps % multiple, multiple), steps)


# 20 "epochs" of 50,000 images in batches of 64; 100 of 50,000; 40 of 162,000.
GREY = 15_625, _every(15_625, 3_906)
CIFAR = 78_125, _every(78_125, 3_906)
CELEBA = 101_250, _every(101_250, 12_656)

# How far a polygon may be turned, in turns. The published code took radians(U[0, 1) * 2 pi): 2 pi degrees at most.
ROTATIONS = {"published": 2 * math.pi / 360, "full": 1.0}
POLYGONS, EXACT = "study.data.triangles", "study.measures.polygons:Polygons"
MOST_VERTICES = 35  # of 36, the recipe's least angle of 10 degrees would leave none of a segment's 10


def _turned(vertices: int, rotation: str) -> dict[str, object]:
    """The options of the polygons' recipe."""
    return {"vertices": vertices, "rotation_turns": ROTATIONS[rotation]}


#           shape        images per split                                        selection reporting levels classes
GENERATED = (1, 28, 28), {"train": 60_000, "test": 10_000, "holdout": 10_000}, "holdout", "test", 64, 0

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        #       name       shape        images per split                          selection reporting levels classes
        Dataset("mnist", (1, 28, 28), {"train": 60_000, "test": 10_000}, "train", "test", 255, 10,
                *GREY, "study.data.idx"),
        Dataset("fashion", (1, 28, 28), {"train": 60_000, "test": 10_000}, "train", "test", 255, 10,
                *GREY, "study.data.idx"),
        Dataset("cifar10", (3, 32, 32), {"train": 50_000, "test": 10_000}, "train", "test", 255, 10,
                *CIFAR, "study.data.cifar10"),
        Dataset("celeba", (3, 64, 64), {"train": 162_770, "validation": 19_867, "test": 19_962},
                "test", "validation", 255, 0, *CELEBA, "study.data.celeba"),
        Dataset("triangles", *GENERATED, *GREY, POLYGONS, _turned(3, "published"), EXACT),
        Dataset("triangles_turned", *GENERATED, *GREY, POLYGONS, _turned(3, "full"), EXACT),
        Dataset("triangles_tiny", (1, 28, 28), {"train": 1_024, "test": 256}, "train", "test", 64, 0,
                60, (20, 40, 60), POLYGONS, _turned(3, "published"), EXACT),
    )
}  # fmt: skip


def find(name: str, own: Mapping[str, object] | None = None) -> Dataset:
    """The entry of that name, or the one that a study describes: a person's own images, or generated polygons."""
    if own is not None:
        return describe_own(name, own)
    if name not in DATASETS:
        raise unknown("a data set", name, DATASETS)
    return DATASETS[name]


def describe_own(name: str, own: Mapping[str, object]) -> Dataset:
    """The entry of polygons by `vertices` and `rotation`, or of a person's own images by `size` and `channels`.

    To prepare a person's own images takes `images` too, where they are. That is no part of what they are: a study may
    move with its images.
    """
    if "vertices" in own:
        options = _turned(int(str(own["vertices"])), str(own["rotation"]))
        return Dataset(name, *GENERATED, None, (), POLYGONS, options, EXACT)
    size, channels = int(str(own["size"])), int(str(own["channels"]))
    splits = {"train": None, "validation": None, "test": None}
    shape = (channels, size, size)
    return Dataset(name, shape, splits, "validation", "test", 255, 0, None, (), "study.data.own", dict(own))
