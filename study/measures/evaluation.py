"""One evaluation: sample once, extract once, then arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from study.data.catalogue import Dataset
from study.data.prepare import Prepared
from study.measures import EXTRACTORS, METRICS, columns, load_geometry, load_metric
from study.measures.contracts import Extractor, Generated, Metric, Model, Picturing, Real
from study.measures.moments import MomentsStream
from study.measures.protocol import Protocol
from study.measures.rounding import quantise

BATCH = 500  # images generated and measured at once
SHOWN = 64  # images of the sample grid


@dataclass(frozen=True)
class Measurement:
    """What an evaluation found. Where an image is not finite there are no values."""

    values: dict[str, float]
    shown: Tensor  # the first images [<=64, C, H, W]
    finite: bool
    pictures: dict[str, Tensor] = field(default_factory=dict)  # metric -> images [N, C, H, W], eight to a row


def evaluate(
    protocol: Protocol, dataset: Dataset, extractor: Extractor, real: Mapping[str, Real], model: Model
) -> Measurement:
    """Measures what a model generates against the real images of every split of the protocol.

    The latents are the same for every model of a prior, and at every step. One wait for the device a batch, and what
    the metrics wait.
    """
    latents = model.latents(protocol.generated, "evaluation")
    stream, shown, kept = MomentsStream(extractor.dimension), torch.empty(0), list[Tensor]()
    with torch.inference_mode():
        for z in torch.split(latents, BATCH):
            images = model.sample(z)
            shown = shown if len(shown) else images[:SHOWN].cpu()
            if not bool(images.isfinite().all()):
                return Measurement({}, shown, finite=False)
            measured = quantise(images) if protocol.quantised else images
            stream.add(extractor(measured).features)
            kept += [measured] if len(kept) * BATCH < max(protocol.images, 1) else []
    generated = Generated(stream.moments(), torch.cat(kept)[: protocol.images].clone(), model)  # not of inference mode
    metrics = load_metrics(protocol, dataset)
    found = _values(protocol, metrics, generated, real)
    pictures = {name: metric.picture() for name, metric in metrics.items() if isinstance(metric, Picturing)}
    return Measurement(found, shown, finite=True, pictures=pictures)


def load_metrics(protocol: Protocol, dataset: Dataset) -> dict[str, Metric]:
    """The protocol's metrics, made anew for one evaluation of a model on this data set."""
    geometry = None if dataset.geometry is None else load_geometry(dataset.geometry, dataset.options)
    return {name: load_metric(name, protocol.constants.get(name, {}), geometry) for name in protocol.metrics}


def _values(
    protocol: Protocol, metrics: Mapping[str, Metric], generated: Generated, real: Mapping[str, Real]
) -> dict[str, float]:
    """Column -> value: every metric against every split, in the order of the protocol's columns."""
    values: dict[str, float] = {}
    for end, split in protocol.splits.items():
        for name, metric in metrics.items():
            names = [column + end for column in columns(name, protocol.extractor)]
            values |= zip(names, metric(generated, real[split]), strict=True)
    return values


def fingerprint(protocol: Protocol, prepared: Prepared, extractor: Extractor) -> dict[str, Any]:
    """Everything that changes the metrics' values for the same generator. Equal fingerprints, comparable numbers."""
    entry = EXTRACTORS[protocol.extractor]
    return {
        "extractor": protocol.extractor,
        "extractor_sha256": extractor.sha256,
        "dataset": prepared.dataset.name,
        "dataset_sha256": prepared.sha256,
        "selection": protocol.selection,
        "reporting": protocol.reporting,
        "real": protocol.real,
        "generated": protocol.generated,
        "metrics": {name: METRICS[name].version for name in protocol.metrics},
        "resize": entry.resize,
        "tiled": entry.tiles_grey and prepared.dataset.shape[0] == 1,
        "quantised": protocol.quantised,
        **({"constants": protocol.content()["constants"]} if protocol.constants else {}),
        "batch_norm": "running averages",
        "dtype": "features float32, moments float64",
    }
