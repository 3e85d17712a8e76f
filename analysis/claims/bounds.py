"""Quantities with one-sided confidence bounds: means on a scale, probabilities, and ratios of quartiles.

`growth` asks what bounds to expect of `growth` times as many settings or seeds, if the estimates stay as they are.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import special

from analysis.estimators.seeds import quantiles
from analysis.intervals.quantiles import quartile_ratio_bounds

Array = npt.NDArray[np.float64]
ALPHA = 0.025  # with which each of two bounds is missed: together they are a 95 % interval


class Bounded(Protocol):
    """A quantity with an estimate and one-sided confidence bounds, each missed with probability alpha at most."""

    @property
    def estimate(self) -> float: ...

    def low(self, alpha: float, growth: float = 1.0) -> float: ...

    def high(self, alpha: float, growth: float = 1.0) -> float: ...


@dataclass(frozen=True)
class Normal:
    """An estimate with a standard error of that many degrees of freedom; of an infinite error nothing is known."""

    estimate: float
    error: float
    freedom: float = 1.0

    def low(self, alpha: float, growth: float = 1.0) -> float:
        return self.estimate - self._reach(alpha, growth) if math.isfinite(self.error) else -math.inf

    def high(self, alpha: float, growth: float = 1.0) -> float:
        return self.estimate + self._reach(alpha, growth) if math.isfinite(self.error) else math.inf

    def _reach(self, alpha: float, growth: float) -> float:
        return -float(special.stdtrit(self.freedom * growth, alpha)) * self.error / math.sqrt(growth)


@dataclass(frozen=True)
class Ratio:
    """The logarithm of a ratio of two expected bests, as `seen` in the settings that were run, and what they hide.

    n settings of which none fell into a part of the space leave it a probability of 1 - alpha^(1/n), whatever the
    distribution; if it held scores near 0, the expected best of k would be alpha^(k/n) times what it seems. So the
    bounds are further out by -log(alpha) k / n: the lower one of the first, the upper one of the second. first, second:
    n / k. Each bound is missed with probability 2 alpha at most, alpha for what was seen and alpha for what was not.
    """

    seen: Normal
    first: float
    second: float

    @property
    def estimate(self) -> float:
        return self.seen.estimate

    def low(self, alpha: float, growth: float = 1.0) -> float:
        return self.seen.low(alpha, growth) + math.log(alpha) / (self.first * growth)

    def high(self, alpha: float, growth: float = 1.0) -> float:
        return self.seen.high(alpha, growth) - math.log(alpha) / (self.second * growth)


@dataclass(frozen=True)
class AtBudget:
    """A quantity `at` a budget k, where a study of `growth` times as many settings is tested at k = budget(growth).

    n: settings there are; of as many or more no estimate is made.
    """

    at: Callable[[int], Bounded]
    budget: Callable[[float], int]
    n: int

    @property
    def estimate(self) -> float:
        return self.at(self.budget(1)).estimate

    def low(self, alpha: float, growth: float = 1.0) -> float:
        return self.at(min(self.budget(growth), self.n - 1)).low(alpha, growth)

    def high(self, alpha: float, growth: float = 1.0) -> float:
        return self.at(min(self.budget(growth), self.n - 1)).high(alpha, growth)


@dataclass(frozen=True)
class Probability:
    """A probability of which as much is known as that many tosses of a coin tell, with these degrees of freedom.

    The bounds are Clopper and Pearson's, of alpha made smaller as a t quantile is larger than a normal one. Or those of
    what no setting shows, where they are further out: as in `Ratio`, all but alpha^(1/apart) of the draws, of which
    `apart` share no setting, may hold one of a part of the space that decides otherwise.
    """

    estimate: float
    tosses: float
    freedom: float
    apart: float = math.inf

    def low(self, alpha: float, growth: float = 1.0) -> float:
        heads, tails, level = self._counts(alpha, growth)
        seen = float(special.betaincinv(heads, tails + 1, level)) if heads > 0 else 0.0
        return min(seen, self.estimate * alpha ** (1 / (self.apart * growth)))

    def high(self, alpha: float, growth: float = 1.0) -> float:
        heads, tails, level = self._counts(alpha, growth)
        seen = float(special.betainccinv(heads + 1, tails, level)) if tails > 0 else 1.0
        return max(seen, 1 - (1 - self.estimate) * alpha ** (1 / (self.apart * growth)))

    def _counts(self, alpha: float, growth: float) -> tuple[float, float, float]:
        tosses = self.tosses * growth
        level = float(special.ndtr(special.stdtrit(self.freedom * growth, alpha)))
        return self.estimate * tosses, (1 - self.estimate) * tosses, level


@dataclass(frozen=True)
class Quartiles:
    """The logarithm of the third quartile over the first of whatever continuous distribution positive values are of.

    Its bounds are those of `intervals.quantiles.quartile_ratio_bounds`. Values at +infinity are failures.
    """

    values: tuple[float, ...]

    @property
    def estimate(self) -> float:
        q1, q3 = self._quartiles()
        return math.log(q3 / q1) if math.isfinite(q1) else math.nan

    def low(self, alpha: float, growth: float = 1.0) -> float:
        low, _ = self._bounds(alpha, growth)
        return math.log(low) if low > 0 else -math.inf

    def high(self, alpha: float, growth: float = 1.0) -> float:
        return math.log(self._bounds(alpha, growth)[1])

    def _quartiles(self) -> tuple[float, float]:
        values = np.array(self.values)
        return float(quantiles(values, 0.25)), float(quantiles(values, 0.75))

    def _bounds(self, alpha: float, growth: float) -> tuple[float, float]:
        n = len(self.values)
        more = np.sort(self.values)[np.arange(round(n * growth)) * n // round(n * growth)]
        return quartile_ratio_bounds(more, self._quartiles(), level=1 - 2 * alpha)
