"""How often the bands and intervals of a budget hold the truth, over simulated studies: rows of the coverage table.

`rows(studies)` is read by benchmarks.coverage. Truths are exact, by quadrature, but for scores apart from what chose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.estimators import budget, pairs
from analysis.estimators.crossing import crossing
from analysis.intervals.bands import quantile_band
from analysis.intervals.crossing import crossing_interval
from analysis.intervals.probability import SHARE, probability_interval
from analysis.tables import budget as tables

Array = npt.NDArray[np.float64]
Row = tuple[str, str, str, int, float, float, float]  # interval, truth, distribution, n, nominal, held, its error
LEVEL = 0.95
FAILED = 0.2
RESAMPLES = 400


@dataclass(frozen=True)
class Scores:
    """Scores of settings: independent draws of `law`, `failed` of which are at infinity; reported with `noise` more."""

    name: str
    law: Any  # a frozen distribution of scipy.stats
    failed: float = 0.0
    noise: float = 0.0

    def draw(self, random: np.random.Generator, size: tuple[int, ...]) -> tuple[Array, Array]:
        """choice and score of settings."""
        choice = self.law.rvs(size=size, random_state=random)
        score = choice + self.noise * random.standard_normal(size)
        failed = random.random(size) < self.failed
        return np.where(failed, np.inf, choice), np.where(failed, np.inf, score)

    def quantile(self, share: Array) -> Array:
        """+infinity where failures reach it."""
        inside = share < 1 - self.failed
        return np.where(inside, self.law.ppf(np.where(inside, share / (1 - self.failed), 0.5)), np.inf)


def normal(shift: float = 0.0, failed: float = 0.0, noise: float = 0.0) -> Scores:
    told = "normal" + (f" + {shift:g}" if shift else "") + (f", {failed:.0%} failed" if failed else "")
    return Scores(told + (", scores apart from choice" if noise else ""), stats.norm(shift), failed, noise)


def lognormal(sigma: float, shift: float = 0.0) -> Scores:
    told = f"log-normal {sigma:g}" + (f", log + {shift:g}" if shift else "")
    return Scores(told, stats.lognorm(sigma, scale=np.exp(shift)))


def rows(studies: int) -> list[Row]:
    """Every interval over so many simulated studies; the same number of studies gives the same rows."""
    return [*_bands(studies), *_pairs(studies), *_regions(studies), *_crossings(studies)]


def _bands(studies: int) -> Iterator[Row]:
    for scores in (normal(), lognormal(0.5), normal(failed=FAILED)):
        for n in (5, 10, 20, 50, 100):
            shares = budget.median_share(np.arange(1, n + 1))
            truth = scores.quantile(shares)
            found = scores.draw(_random(scores.name, n), (studies, n))[0]
            bands = [quantile_band(y, shares, LEVEL) for y in found]
            held = [bool(((band.low <= truth) & (truth <= band.high)).all()) for band in bands]
            yield _row("tuning band", "median best of k, all k = 1..n at once", scores.name, n, held)
    told = "uniform, beside a default better than 98 %"
    yield _row("tuning band", "median best of k, all k = 1..n at once", told, 7, beside_a_default(7, studies))


def beside_a_default(n: int, studies: int) -> list[bool]:
    """Whether the band that `tables.budget` gives of n draws held, where every search began with the same default."""
    shares, random, held = budget.median_share(np.arange(1, n + 1)), _random("default", n), []
    where = {"phase": "wide", "dataset": "fashion", "loss": "ns", "sampler": "random", "sample": range(n + 1)}
    for _ in range(studies):
        scores = [0.02, *random.random(n)]  # sample 0 is the default
        found = tables.tuning(pd.DataFrame({**where, "choice": scores, "score": scores, "missing": 0}), LEVEL)
        held.append(len(found) == n and bool(((found["low"] <= shares) & (shares <= found["high"])).all()))
    return held


def _pairs(studies: int) -> Iterator[Row]:
    """Against the first's distribution the second's."""
    cases = [
        (first, second)
        for shift in (0.0, 1.5)
        for first, second in (
            (normal(), normal(shift)),
            (lognormal(0.5), lognormal(0.9, shift / 2)),
            (normal(failed=FAILED), normal(shift, failed=FAILED)),
            (normal(noise=0.7), normal(shift, noise=0.7)),
        )
    ]
    for first, second in cases:
        for n, k in ((10, 1), (20, 20 // SHARE), (50, 1), (50, 50 // SHARE), (100, 100 // SHARE)):
            held = _beaten(first, second, n, k, studies)
            told = f"{first.name} against {second.name}"
            yield _row("probability that one beats another", f"best of {k}", told, n, held)


def _beaten(first: Scores, second: Scores, n: int, k: int, studies: int) -> list[bool]:
    random = _random(first.name + second.name, n, k)
    truth = beats(first, second, k)
    ours, theirs = first.draw(random, (studies, n)), second.draw(random, (studies, n))
    held = []
    for i in range(studies):
        found = pairs.beats((ours[0][i], ours[1][i]), (theirs[0][i], theirs[1][i]), k)
        low, high = probability_interval(found.probability, found.without_first, found.without_second, k, LEVEL)
        held.append(bool(low <= truth <= high))
    return held


def beats(first: Scores, second: Scores, k: int) -> float:
    """The true probability that the best of k of the first reports less than that of the second, ties one half."""
    if first.noise or second.noise:
        random = np.random.default_rng(k)
        ours, theirs = (np.concatenate([_reported(one, random, k) for _ in range(20)]) for one in (first, second))
        return float((ours < theirs).mean() + 0.5 * (ours == theirs).mean())
    x = np.sort(np.concatenate([one.law.ppf(np.linspace(1e-9, 1 - 1e-9, 20001)) for one in (first, second)]))
    ours, theirs = (((1 - (1 - one.failed) * one.law.cdf(x)) ** k) for one in (first, second))
    lost = -np.diff(ours) * (theirs[1:] + theirs[:-1]) / 2
    return float(lost.sum() + 0.5 * (first.failed * second.failed) ** k)


def _reported(scores: Scores, random: np.random.Generator, k: int) -> Array:
    choice, score = scores.draw(random, (20_000, k))
    return np.take_along_axis(score, choice.argmin(axis=1)[:, None], axis=1)[:, 0]


def _regions(studies: int) -> Iterator[Row]:
    """A share of the first's settings beats all of the second, the others lose to all: one region, or failures."""
    for n, k in ((7, 1), (20, 1), (14, 2), (37, 5), (100, 14)):
        for share in (0.1, 0.3):
            p = 1 - (1 - share) ** k
            found = np.array([region_interval(heads, n, k) for heads in range(n + 1)])
            held = (found[:, 0] <= p) & (p <= found[:, 1])
            drawn = _random("region", n, k, int(100 * share)).binomial(n, share, studies)
            told = f"{share:.0%} better than all of the other"
            yield _row("probability that one beats another", f"best of {k}", told, n, held[drawn].tolist())


def region_interval(good: int, n: int, k: int) -> tuple[float, float]:
    """Of a search of n settings, so many of which are better than all n of another and the others worse than all."""
    first = np.where(np.arange(n) < good, 0.0, 2.0) + 1e-6 * np.arange(n)
    second = 1 + 1e-6 * np.arange(n)
    found = pairs.beats((first, first), (second, second), k)
    return probability_interval(found.probability, found.without_first, found.without_second, k, LEVEL)


def _crossings(studies: int) -> Iterator[Row]:
    """The first is worse and wider, so that it is ahead from some budget on; and losses that never cross."""
    for first, second in (
        (lognormal(0.9, 0.4), lognormal(0.4)),
        (Scores("normal 50 +- 10", stats.norm(50, 10)), Scores("normal 46 +- 6", stats.norm(46, 6))),
        (Scores("Student's t 2, 51 +- 2", stats.t(2, 51, 2)), Scores("normal 50 +- 2", stats.norm(50, 2))),
        (normal(-0.3, failed=FAILED), normal()),
        (normal(-0.001), normal()),
        (normal(), normal()),
        (lognormal(0.9), lognormal(0.9)),
    ):
        for n in (20, 50, 100):
            told = f"smallest k up to {n // SHARE}: {true_crossing(first, second, n // SHARE):.0f}"
            held = crossed(first, second, n, studies)
            yield _row("crossing budget", told, f"{first.name} against {second.name}", n, held)


def crossed(first: Scores, second: Scores, n: int, studies: int) -> list[bool]:
    """Whether the interval held the true crossing budget, per simulated study."""
    ks = range(1, n // SHARE + 1)
    truth, random = true_crossing(first, second, ks[-1]), _random(first.name + second.name, n)
    held = []
    for _ in range(studies):
        found = pairs.along(first.draw(random, (n,)), second.draw(random, (n,)), ks)
        ends = [
            probability_interval(one.probability, one.without_first, one.without_second, k, LEVEL)
            for k, one in zip(ks, found, strict=True)
        ]
        low, high = crossing_interval(*np.array(ends).T)
        held.append(bool(low <= truth <= high))
    return held


def true_crossing(first: Scores, second: Scores, most: int) -> float:
    """+infinity where it is not up to that budget."""
    if first == second:
        return np.inf
    found = float(crossing(np.array([beats(first, second, k) for k in range(1, most + 1)])))
    return np.inf if np.isnan(found) else found


def _random(name: str, *numbers: int) -> np.random.Generator:
    return np.random.default_rng([*numbers, *name.encode()])


def _row(interval: str, truth: str, distribution: str, n: int, held: list[bool]) -> Row:
    share = float(np.mean(held))
    return interval, truth, distribution, n, LEVEL, share, float(np.sqrt(share * (1 - share) / len(held)))
