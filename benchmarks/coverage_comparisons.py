"""How often the intervals of comparisons hold what they are about, in simulated studies whose truth is known."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.estimators import practical
from analysis.estimators.seeds import quantiles
from analysis.intervals.means import mean_interval
from analysis.intervals.quantiles import quantile_interval, quartile_ratio_interval

Array = npt.NDArray[np.float64]
Row = tuple[str, str, str, int, float, float, float]  # interval, truth, distribution, n, nominal, held, error
NOMINAL = 0.95
SIZES = (6, 10, 20, 50)
MORE = (13, 20, 50)  # of what has no interval of fewer
FAILING = 0.1  # share of the seeds, where seeds fail


@dataclass(frozen=True)
class Scores:
    """Scores exp(sigma z) of log-normal settings or seeds, or 10 + z where sigma is 0; z is standard normal.

    The share `collapsed` of them, those of the greatest z, is `factor` times as bad.
    """

    sigma: float
    collapsed: float = 0.0
    factor: float = 1.0

    def __str__(self) -> str:
        name = f"log-normal {self.sigma:g}" if self.sigma else "normal (mean 10)"
        return name + (f", {self.collapsed:.0%} {self.factor:g} times as bad" if self.collapsed else "")

    def of(self, z: Array) -> Array:
        scores = np.exp(self.sigma * z) if self.sigma else 10 + z
        return scores * np.where(z > stats.norm.ppf(1 - self.collapsed), self.factor, 1.0)

    def quantile(self, share: float) -> float:
        return float(self.of(np.array(stats.norm.ppf(share))))

    @property
    def mean(self) -> float:
        if not self.sigma:
            return 10.0
        rest = stats.norm.cdf(stats.norm.ppf(1 - self.collapsed) - self.sigma)
        return float(np.exp(self.sigma**2 / 2) * (rest + self.factor * (1 - rest)))


@dataclass(frozen=True)
class Steps:
    """Scores near 1, 2 and 4, a share of 27, 46 and 27 %: the quartiles lie at the steps, where nothing is."""

    def __str__(self) -> str:
        return "three narrow modes, quartiles between them"

    def of(self, z: Array) -> Array:
        u = stats.norm.cdf(z)
        return np.exp(0.03 * z) * np.where(u < 0.27, 1.0, np.where(u < 0.73, 2.0, 4.0))

    def quantile(self, share: float) -> float:
        return float(self.of(np.array(stats.norm.ppf(share))))


@dataclass(frozen=True)
class Jump:
    """Half of the scores between 9.5 and 10, the median, the others evenly up to 910."""

    def __str__(self) -> str:
        return "density 1,800 times less above the median"

    def of(self, z: Array) -> Array:
        u = stats.norm.cdf(z)
        return np.where(u < 0.5, 9.5 + u, 10 + 1800 * (u - 0.5))

    def quantile(self, share: float) -> float:
        return float(self.of(np.array(stats.norm.ppf(share))))


MODES = (Scores(0.05, 0.2, 2.0), Scores(0.05, 0.1, 4.0))  # some seeds collapse
ALL = (Scores(0.0), Scores(0.5), Scores(1.0))


def rows(studies: int) -> list[Row]:
    """(interval, truth, distribution, n, nominal, held, error): the share of `studies` in which it held, +- error."""
    return [*_means(studies), *_medians(studies), *_spreads(studies), *_false(studies)]


def _means(studies: int) -> Iterator[Row]:
    for scores in (*ALL, *MODES):
        for n in MORE:
            found = [mean_interval(values) for values in _drawn(scores, studies, n)]
            held = np.array([one.low <= scores.mean <= one.high for one in found])
            yield row("mean over seeds", "mean", str(scores), n, held)


def _medians(studies: int) -> Iterator[Row]:
    for share, name in ((0.0, ""), (FAILING, f", {FAILING:.0%} failed")):
        for scores in ALL:
            truth = scores.quantile(0.5 / (1 - share))
            for n in SIZES:
                values = _drawn(scores, studies, n)
                values[np.random.default_rng([n, 1]).random(values.shape) < share] = np.inf
                found = [quantile_interval(one) for one in values]
                held = np.array([one.low <= truth <= one.high for one in found])
                yield row("median over seeds", "median", f"{scores}{name}", n, held)


def _spreads(studies: int) -> Iterator[Row]:
    for scores in (*ALL, *MODES, Steps()):
        truth = scores.quantile(0.75) / scores.quantile(0.25)
        for n in MORE:
            found = [quartile_ratio_interval(values, _quartiles(values)) for values in _drawn(scores, studies, n)]
            held = np.array([one.low <= truth <= one.high for one in found])
            yield row("spread over seeds", "q3 / q1", str(scores), n, held)


def _quartiles(values: Array) -> tuple[float, float]:
    return float(quantiles(values, 0.25)), float(quantiles(values, 0.75))


def _drawn(scores: Scores | Steps, studies: int, n: int) -> Array:
    sigma = scores.sigma if isinstance(scores, Scores) else 9
    return scores.of(np.random.default_rng([n, int(10 * sigma)]).standard_normal((studies, n)))


def row(interval: str, truth: str, distribution: str, n: int, held: npt.NDArray[np.bool_]) -> Row:
    """`held` [studies], or [studies, things that are not independent]: the error is over studies."""
    each = held.reshape(len(held), -1).mean(axis=1)
    return interval, truth, distribution, n, NOMINAL, float(each.mean()), float(each.std() / np.sqrt(len(each)))


def _false(studies: int) -> Iterator[Row]:
    """Of two settings with one median, whether neither is found better with 95 % and more."""
    plain, rope = Scores(0.3), float(np.log1p(0.05))
    worlds = (
        (plain, str(plain), 0.0), (MODES[0], f"{MODES[0]} against none", 0.0), (plain, f"{plain}, 40% failed", 0.4),
        (Jump(), f"{Jump()} against log-normal 0.3", 0.0),
    )  # fmt: skip
    for scores, name, failing in worlds:
        for n in SIZES:
            held = []
            for number in range(studies):
                random = np.random.default_rng([n, number])
                one, other = np.log(scores.of(random.standard_normal(n))), np.log(plain.of(random.standard_normal(n)))
                logs = np.array([one, other + np.log(scores.quantile(0.5))])
                logs[random.random(logs.shape) < failing] = np.inf
                draws = (practical.posterior(each, draws=2000, seed=[number, i]) for i, each in enumerate(logs))
                found = practical.compared(*draws, rope)
                held.append(max(found.better, found.worse) < NOMINAL)
            yield row("practical equivalence", "no false 'better'", name, n, np.array(held))
