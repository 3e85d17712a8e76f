"""One evaluation: sample once, extract once, then arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from study.data.prepare import Prepared
from study.measures import EXTRACTORS, METRICS, columns, load_metric
from study.measures.contracts import Extractor
from study.measures.moments import Moments, MomentsStream
from study.measures.protocol import Protocol

BATCH = 500  # images generated and measured at once
SHOWN = 64  # images of the sample grid


@dataclass(frozen=True)
class Measurement:
    """What an evaluation found. Where an image is not finite there are no values."""

    values: dict[str, float]
    shown: Tensor  # the first images [<=64, C, H, W]
    finite: bool


def evaluate(
    protocol: Protocol, extractor: Extractor, real: Moments, latents: Tensor, generate: Callable[[Tensor], Tensor]
) -> Measurement:
    """Measures generate(latents) against the real moments. latents [generated, 64]; one wait for the device a batch."""
    stream, shown = MomentsStream(extractor.dimension), torch.empty(0)
    with torch.inference_mode():
        for z in torch.split(latents, BATCH):
            images = generate(z)
            if not len(shown):
                shown = images[:SHOWN].cpu()
            if not bool(images.isfinite().all()):
                return Measurement({}, shown, finite=False)
            stream.add(extractor(images).features)
    generated = stream.moments()
    values: dict[str, float] = {}
    for name in protocol.metrics:
        values |= zip(columns(name, protocol.extractor), load_metric(name)(generated, real), strict=True)
    return Measurement(values, shown, finite=True)


def fingerprint(protocol: Protocol, prepared: Prepared, extractor: Extractor) -> dict[str, Any]:
    """Everything that changes the metrics' values for the same generator. Equal fingerprints, comparable numbers."""
    return {
        "extractor": protocol.extractor,
        "extractor_sha256": extractor.sha256,
        "dataset": prepared.dataset.name,
        "dataset_sha256": prepared.sha256,
        "split": protocol.split,
        "real": protocol.real,
        "generated": protocol.generated,
        "metrics": {name: METRICS[name].version for name in protocol.metrics},
        "resize": "none" if EXTRACTORS[protocol.extractor].shape else "by the extractor",
        "quantised": False,
        "batch_norm": "running averages",
        "dtype": "features float32, moments float64",
    }
