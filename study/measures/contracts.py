"""What an extractor and a metric promise; whatever drives them names neither."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from study.measures.moments import Moments


@dataclass(frozen=True)
class Features:
    """What an extractor sees in a batch of images."""

    features: Tensor  # [N, d]
    probabilities: Tensor | None  # [N, classes], rows sum to 1; None where the extractor classifies nothing


class Extractor(Protocol):
    """Images [N, C, H, W] float32 in [0, 1] -> Features. A fixed function: same weights, same numbers."""

    name: str
    dimension: int
    weights: Path
    origin: str  # where the weights come from
    sha256: str  # of the weights
    module: nn.Module

    def __call__(self, images: Tensor) -> Features: ...


class Metric(Protocol):
    """A pure function of what an evaluation collected about generated and real images."""

    def __call__(self, generated: Moments, real: Moments) -> tuple[float, ...]:
        """One value per column of the metric's entry, in that order."""
        ...
