"""One evaluation: sample once, extract once, then arithmetic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from study.data.prepare import Prepared
from study.measures import EXTRACTORS, METRICS, columns, load_metric
from study.measures.contracts import Extractor
from study.measures.moments import Moments, MomentsStream
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


def evaluate(
    protocol: Protocol,
    extractor: Extractor,
    real: Mapping[str, Moments],
    latents: Tensor,
    generate: Callable[[Tensor], Tensor],
) -> Measurement:
    """Measures generate(latents) against the real images of every split of the protocol, from the same features.

    real: split -> moments. latents [generated, 64]; one wait for the device a batch.
    """
    stream, shown = MomentsStream(extractor.dimension), torch.empty(0)
    with torch.inference_mode():
        for z in torch.split(latents, BATCH):
            images = generate(z)
            if not len(shown):
                shown = images[:SHOWN].cpu()
            if not bool(images.isfinite().all()):
                return Measurement({}, shown, finite=False)
            stream.add(extractor(quantise(images) if protocol.quantised else images).features)
    return Measurement(_values(protocol, stream.moments(), real), shown, finite=True)


def _values(protocol: Protocol, generated: Moments, real: Mapping[str, Moments]) -> dict[str, float]:
    """Column -> value: every metric against every split, in the order of the protocol's columns."""
    values: dict[str, float] = {}
    for end, split in protocol.splits.items():
        for name in protocol.metrics:
            found = load_metric(name)(generated, real[split])
            names = [column + end for column in columns(name, protocol.extractor)]
            values |= zip(names, found, strict=True)
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
        "batch_norm": "running averages",
        "dtype": "features float32, moments float64",
    }
