"""The extractors and metrics on one page: names, what they take and what they yield; loaded when they are used."""

import importlib
from dataclasses import dataclass
from typing import Any

from study.errors import unknown


@dataclass(frozen=True)
class ExtractorEntry:
    """An extractor that can be named in a study."""

    name: str
    where: str  # module:class
    shape: tuple[int, int, int] | None  # channels, height, width it takes; None where it resizes
    dimension: int
    gflop: float  # per image, for the plan's cost
    meaning: str


@dataclass(frozen=True)
class MetricEntry:
    """A metric that can be named in a study."""

    name: str
    where: str
    columns: tuple[str, ...]  # '{extractor}' stands for the extractor's name
    lower_is_better: bool
    version: int  # raised whenever the same images would give another number
    meaning: str


EXTRACTORS = {
    entry.name: entry
    for entry in (
        ExtractorEntry("cnn28", "study.measures.cnn28:Cnn28", (1, 28, 28), 64, 0.015,
                       "a small classifier trained on Fashion-MNIST, shipped; for 28x28 grey images"),
    )
}  # fmt: skip

METRICS = {
    entry.name: entry
    for entry in (
        MetricEntry("fd", "study.measures.frechet:FrechetDistance", ("fd_{extractor}",), True, 1,
                    "Frechet distance of the extractor's features; the name fid is kept for Inception's"),
    )
}  # fmt: skip


def columns(metric: str, extractor: str) -> tuple[str, ...]:
    """The result columns that a metric fills with this extractor's features."""
    return tuple(column.format(extractor=extractor) for column in METRICS[metric].columns)


def load_extractor(name: str) -> Any:
    if name not in EXTRACTORS:
        raise unknown("an extractor", name, EXTRACTORS)
    return _load(EXTRACTORS[name].where)()


def load_metric(name: str) -> Any:
    if name not in METRICS:
        raise unknown("a metric", name, METRICS)
    return _load(METRICS[name].where)()


def _load(where: str) -> Any:
    module, _, attribute = where.partition(":")
    return getattr(importlib.import_module(module), attribute)
