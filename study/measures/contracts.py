"""What an extractor and a metric promise; whatever drives them names neither."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

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


class Geometry(Protocol):
    """A manifold of valid images whose members are known by a few numbers each [..., p]."""

    levels: int  # of the exact raster: its images hold v / levels for whole v

    def draws(self, count: int) -> Tensor:
        """Members [count, p] as the data set draws them, always the same."""
        ...

    def valid(self, members: Tensor) -> Tensor:
        """The members themselves, [..., p] -> [..., p], where they are of the manifold; else such that are near."""
        ...

    def soft(self, members: Tensor) -> Tensor:
        """Images [..., C, H, W] that can be differentiated."""
        ...

    def exact(self, members: Tensor) -> Tensor:
        """Images [N, C, H, W] of members [N, p], as the data set is made."""
        ...


class Model(Protocol):
    """A generator under evaluation: batch norm's running averages, and weights that stay as they are."""

    def latents(self, count: int, key: str) -> Tensor:
        """z [count, 64] from the prior, a function of the key."""
        ...

    def support(self, z: Tensor) -> Tensor:
        """The nearest latents that the prior can draw."""
        ...

    def sample(self, z: Tensor) -> Tensor:
        """Images [N, C, H, W] in [0, 1] of z [N, 64], without gradients."""
        ...

    def differentiable(self, z: Tensor) -> Tensor:
        """The same images, with gradients to z alone."""
        ...


@dataclass(frozen=True)
class Generated:
    """What an evaluation has of a generator."""

    moments: Moments
    images: Tensor  # the first ones it was measured by [n, C, H, W], as many as metrics ask for
    model: Model


@dataclass(frozen=True)
class Real:
    """What a trial is measured against: of one split."""

    moments: Moments
    images: Tensor  # its first ones [n, C, H, W] in [0, 1], as many as metrics ask for


class Metric(Protocol):
    """A function of one evaluation; the same instance may be called for one split after another."""

    def __call__(self, generated: Generated, real: Real) -> tuple[float, ...]:
        """One value per column of the metric's entry, in that order."""
        ...


@runtime_checkable
class Picturing(Protocol):
    """A metric that has something to show of its last call."""

    def picture(self) -> Tensor:
        """Images [N, C, H, W] in [0, 1], eight to a row."""
        ...
