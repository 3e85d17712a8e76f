"""The extractors and metrics on one page: names, what they take and what they yield; loaded when they are used."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from study.errors import unknown


@dataclass(frozen=True)
class ExtractorEntry:
    """An extractor that can be named in a study."""

    name: str
    where: str  # module:class
    shape: tuple[int, int, int] | None  # channels, height, width it takes; None where it takes any and resizes
    dimension: int
    gflop: float  # per image, for the plan's cost
    sha256: str | None  # of the weights it is known by; None: shipped with the program, and no others can be named
    meaning: str
    resize: str = "none"  # how images become the size it takes
    tiles_grey: bool = False  # whether it takes colour, and grey three times over
    url: str = ""  # where the weights it is known by are published
    files: tuple[str, ...] = ()  # what they are called in torch.hub's cache, by the programs that keep them there


@dataclass(frozen=True)
class MetricEntry:
    """A metric that can be named in a study."""

    name: str
    where: str
    columns: tuple[str, ...]  # '{extractor}' stands for the extractor's name
    lower_is_better: bool
    version: int  # raised whenever the same images would give another number
    extractor: str | None  # the only one it is defined for; None: any that no other metric is named after
    meaning: str
    needs: frozenset[str] = frozenset({"features"})  # of what an evaluation has: features, images, model, geometry
    passes: Callable[[Mapping[str, Any]], float] = lambda constants: 0.0  # images through the generator, for one split
    gflop: Callable[[Mapping[str, Any]], float] = lambda constants: 0.0  # of an evaluation, beside those


# weights-inception-2015-12-05-6726825d.pth, as torch-fidelity and pytorch-fid publish it.
INCEPTION_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"

EXTRACTORS = {
    entry.name: entry
    for entry in (
        ExtractorEntry("cnn28", "study.measures.cnn28:Cnn28", (1, 28, 28), 64, 0.015, None,
                       "a small classifier trained on Fashion-MNIST, shipped; for 28x28 grey images"),
        ExtractorEntry("inception", "study.measures.inception:Inception", None, 2048, 11.4, INCEPTION_SHA256,
                       "the Inception network of 2015-12-05 with TensorFlow's resize; grey is tiled to three channels",
                       "bilinear to 299x299 as TensorFlow 1: no antialiasing, corners not aligned", True,
                       "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
                       "weights-inception-2015-12-05-6726825d.pth",
                       ("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth")),
    )
}  # fmt: skip

DISTANCES = (10, 25, 50, 75, 90)  # percent: the quantiles of distances that are kept
MANIFOLD = (
    "f1", "precision", "recall",
    *(f"{name}_{end}" for name in ("f1", "precision", "recall") for end in ("low", "high")),
    *(f"{name}_distance_{percent}" for name in ("precision", "recall") for percent in DISTANCES),
)  # fmt: skip


def _inverting(constants: Mapping[str, Any]) -> float:
    """Images through the generator, and back, which costs two more, for one split."""
    return float(constants["latents"] + 3 * constants["samples"] * constants["inversion_steps"] * _halved(constants))


def _projecting(constants: Mapping[str, Any]) -> float:
    """GFLOP at the pace of `study.cost`: some 13 microseconds a member and step, and 50 an image and round."""
    descending = 8e-4 * constants["projection_steps"] * _halved(constants)
    return float(constants["samples"] * (descending + 3e-3 * constants["rounds"]))


def _halved(constants: Mapping[str, Any]) -> float:
    """Starts of a descent in the mean of its steps: after each quarter of them one half goes on."""
    return sum(-(-constants["restarts"] // 2**quarter) for quarter in range(4)) / 4


METRICS = {
    entry.name: entry
    for entry in (
        MetricEntry("fd", "study.measures.frechet:FrechetDistance", ("fd_{extractor}",), True, 1, None,
                    "Frechet distance of the extractor's features"),
        MetricEntry("fid", "study.measures.frechet:FrechetDistance", ("fid",), True, 1, "inception",
                    "Frechet distance of Inception's features, the published score"),
        MetricEntry("manifold", "study.measures.manifold:Manifold", MANIFOLD, False, 1, None,
                    "precision, recall and F1 against images that are known to be valid, where a data set has such",
                    frozenset({"images", "model", "geometry"}), _inverting, _projecting),
    )
}  # fmt: skip


def columns(metric: str, extractor: str) -> tuple[str, ...]:
    """The result columns that a metric fills with this extractor's features."""
    return tuple(column.format(extractor=extractor) for column in METRICS[metric].columns)


def fits(metric: str, extractor: str) -> bool:
    """Whether this metric may be taken of this extractor's features; fid is Inception's, and Inception's is fid."""
    if "features" not in METRICS[metric].needs:
        return True
    owners = {entry.extractor for entry in METRICS.values()}
    return METRICS[metric].extractor == (extractor if extractor in owners else None)


def load_extractor(name: str, weights: Path | None) -> Any:
    """The extractor with the weights in a file that `weights.find` checked; None: with those that ship."""
    if name not in EXTRACTORS:
        raise unknown("an extractor", name, EXTRACTORS)
    extractor = _load(EXTRACTORS[name].where)
    return extractor() if weights is None else extractor(weights)


def load_metric(name: str, constants: Mapping[str, Any], geometry: Callable[[str], Any] | None = None) -> Any:
    """The metric with its constants; geometry: the data set's, a family's name -> Geometry, for those that need it."""
    if name not in METRICS:
        raise unknown("a metric", name, METRICS)
    given = {"geometry": geometry} if "geometry" in METRICS[name].needs else {}
    return _load(METRICS[name].where)(**constants, **given)


def load_geometry(where: str, options: Mapping[str, object]) -> Callable[[str], Any]:
    """The exact geometry that a data set's entry names: a family's name -> Geometry."""
    return partial(_load(where), options)


def _load(where: str) -> Any:
    module, _, attribute = where.partition(":")
    return getattr(importlib.import_module(module), attribute)
