"""Precision, recall and F1 against a manifold that is known exactly (Lucic et al. 2018, section 5.2).

The published constants are delta = 0.75 and 1,024 samples; how the nearest valid image and the nearest image of the
generator were searched was not published.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from scipy.stats import binomtest
from torch import Tensor

from study.measures import DISTANCES
from study.measures.contracts import Generated, Geometry, Real
from study.measures.descent import Descent
from study.measures.inversion import Inverted, Inverting, invert
from study.measures.projection import Nearest, Projecting, nearest

LEVEL = 0.95  # of the intervals
SHOWN = 16  # of the generated and of the real images, spread from the least distance to the greatest
ROW = 8


@dataclass(frozen=True)
class Constants:
    """What decides the numbers, as a study says it (`parts.Manifold`)."""

    delta: float  # L2 of pixels in [0, 1]
    samples: int  # generated images, and real ones
    family: str  # of valid images
    restarts: int
    members: int  # valid images that are drawn for starts
    projection_steps: int
    projection_rate: float  # pixels
    rounds: int  # of the search in the exact raster
    latents: int  # that are drawn for starts
    inversion_steps: int
    inversion_rate: float  # of a latent's coordinate

    @property
    def projecting(self) -> Projecting:
        descent = Descent(self.restarts, self.projection_steps, self.projection_rate)
        return Projecting(self.members, descent, self.rounds)

    @property
    def inverting(self) -> Inverting:
        return Inverting(self.latents, Descent(self.restarts, self.inversion_steps, self.inversion_rate))


class Manifold:
    """The metric of one evaluation. Precision hangs on no real image: it is computed once for all splits."""

    def __init__(self, geometry: Callable[[str], Geometry], **constants: Any) -> None:
        """geometry: of a family. constants: those of `Constants`."""
        self._constants = Constants(**constants)
        self._geometry = geometry(self._constants.family)
        self._valid: Nearest | None = None
        self._shown: list[Tensor] = []

    def __call__(self, generated: Generated, real: Real) -> tuple[float, ...]:
        """In the order of `study.measures.MANIFOLD`."""
        given = self._constants
        images, tests = generated.images[: given.samples], real.images[: given.samples]
        if self._valid is None:
            self._valid = nearest(images, self._geometry, given.projecting)
        found = invert(tests, generated.model, given.inverting)
        if not self._shown:
            self._shown = _pairs(images, self._valid) + _pairs(tests, found)
        return values(self._valid.distances, found.distances, given.delta)

    def picture(self) -> Tensor:
        """Generated images over the nearest valid ones, then real ones over their reconstructions, of the first call.

        16 of each kind, from the least distance to the greatest: eight and theirs, the next eight and theirs.
        """
        return torch.cat(self._shown)


def values(to_manifold: Tensor, to_range: Tensor, delta: float) -> tuple[float, ...]:
    """The numbers of `study.measures.MANIFOLD` from the distances of generated images [N] and of real ones [M].

    Intervals of precision and recall are Clopper and Pearson's. Both are independent samples, so a box of two
    intervals at the level sqrt(0.95) holds both with 0.95 or more, and F1, which rises with either, lies between its
    values at the box's ends.
    """
    counts = [(int((each <= delta).sum()), len(each)) for each in (to_manifold, to_range)]
    shares = [near / total for near, total in counts]
    ends = [_interval(near, total, LEVEL) for near, total in counts]
    box = [_interval(near, total, math.sqrt(LEVEL)) for near, total in counts]
    f1 = [harmonic(*pair) for pair in (shares, *zip(*box, strict=True))]
    quantiles = [
        float(torch.quantile(each.double(), percent / 100)) for each in (to_manifold, to_range) for percent in DISTANCES
    ]
    return (f1[0], *shares, f1[1], f1[2], *ends[0], *ends[1], *quantiles)


def harmonic(precision: float, recall: float) -> float:
    """F1: 2 p r / (p + r); 0 where one of them is."""
    return 2 * precision * recall / (precision + recall) if precision and recall else 0.0


def _interval(near: int, total: int, level: float) -> tuple[float, float]:
    found = binomtest(near, total).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)


def _pairs(images: Tensor, found: Nearest | Inverted) -> list[Tensor]:
    """Rows of eight images and what was found for them, by rising distance."""
    images, theirs = images.cpu(), found.images.cpu()
    order = found.distances.cpu().argsort(stable=True)
    chosen = order[torch.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().long()]
    blank = torch.ones_like(images[:1]).expand(-len(chosen) % ROW, *images.shape[1:])
    rows = [torch.split(torch.cat([each[chosen], blank]), ROW) for each in (images, theirs)]
    return [row for pair in zip(*rows, strict=True) for row in pair]
