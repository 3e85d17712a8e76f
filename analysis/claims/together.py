"""Confidence bounds of a greatest or a least of several quantities, and of how many of several statements hold.

Of a greatest, an upper bound needs no correction: the greatest of the upper bounds is one, whichever part is the
greatest (intersection-union, Berger 1982). A lower bound needs Bonferroni's, because the part that looks greatest was
picked by looking. Of a least it is the other way round. So picking the best or worst of several losses biases nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.claims.bounds import Array, Bounded


@dataclass(frozen=True)
class Greatest:
    """The greatest of parts, of which there is one at least."""

    parts: Sequence[Bounded]

    @property
    def estimate(self) -> float:
        return max(_known(self.parts), default=math.nan)

    def low(self, alpha: float, growth: float = 1.0) -> float:
        return max(part.low(alpha / len(self.parts), growth) for part in self.parts)

    def high(self, alpha: float, growth: float = 1.0) -> float:
        return max(part.high(alpha, growth) for part in self.parts)


@dataclass(frozen=True)
class Least:
    """The least of parts, of which there is one at least."""

    parts: Sequence[Bounded]

    @property
    def estimate(self) -> float:
        return min(_known(self.parts), default=math.nan)

    def low(self, alpha: float, growth: float = 1.0) -> float:
        return min(part.low(alpha, growth) for part in self.parts)

    def high(self, alpha: float, growth: float = 1.0) -> float:
        return min(part.high(alpha / len(self.parts), growth) for part in self.parts)


def surely(p_values: Array, alpha: float) -> int:
    """How many of the statements hold at least, of each of which a p-value says how far its contrary is refuted.

    Partial conjunction (Benjamini and Heller 2008): at least u of m hold where u p-values are at most alpha / (m - u +
    1). The largest u up to which all are shown exceeds the true number with probability alpha at most, under any
    dependence.
    """
    ranked = np.sort(p_values)
    shown = ranked * np.arange(len(ranked), 0, -1) <= alpha
    return int(np.logical_and.accumulate(shown).sum())


def _known(parts: Sequence[Bounded]) -> list[float]:
    return [part.estimate for part in parts if not math.isnan(part.estimate)]
