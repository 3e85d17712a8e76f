"""How often claims get a verdict that is wrong, in simulated studies in which each stands at its very threshold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from scipy import optimize, stats

from analysis.claims import QUESTIONS
from analysis.claims.base import CONTRADICTED, SUPPORTED, UNDECIDED
from analysis.claims.bounds import Array
from analysis.claims.evidence import Evidence

Row = tuple[str, str, str, int, float, float, float]  # interval, truth, distribution, n, nominal, held, error
Where = tuple[str, str]  # data set, loss
Draw = Callable[[np.random.Generator, int], Evidence]
NOMINAL, ROPE, SEED = 0.95, 0.1, 7
DATASETS = ("fashion", "cifar10")
ONE = DATASETS[:1]
TEST = {question.letter: question.test for question in QUESTIONS}
EITHER = (SUPPORTED, CONTRADICTED)  # at the threshold both are wrong


@dataclass(frozen=True)
class World:
    """Studies in which a claim stands at its threshold. wrong: the verdicts that the truth forbids."""

    letter: str
    truth: str
    distribution: str
    n: int
    draw: Draw
    wrong: Sequence[str] = EITHER


def rows(studies: int) -> list[Row]:
    """(interval, truth, distribution, n, nominal, held, error): the share of studies without a wrong verdict."""
    found = []
    for world in WORLDS:
        wrong = sum(share for verdict, share in verdicts(world, studies).items() if verdict in world.wrong)
        error = float(np.sqrt(wrong * (1 - wrong) / studies))
        found.append((f"claim {world.letter}", world.truth, world.distribution, world.n, NOMINAL, 1 - wrong, error))
    return found


def verdicts(world: World, studies: int) -> dict[str, float]:
    """How often each verdict was given."""
    random = np.random.default_rng([SEED, ord(world.letter), world.n])
    given = [TEST[world.letter](world.draw(random, world.n), ROPE).verdict(1) for _ in range(studies)]
    return {verdict: given.count(verdict) / studies for verdict in (SUPPORTED, CONTRADICTED, UNDECIDED)}


def searched(scores: Mapping[Where, Array]) -> Evidence:
    """A study of random searches of these settings, one seed of each; what chooses is what is reported."""
    parts = [
        pd.DataFrame({"dataset": dataset, "loss": loss, "sample": range(1, len(score) + 1), "score": score})
        for (dataset, loss), score in scores.items()
    ]
    settings = pd.concat(parts, ignore_index=True).assign(phase="wide", sampler="random", seeds=1, missing=0)
    return Evidence(pd.DataFrame(), "wide", None, settings.assign(choice=settings["score"]), pd.DataFrame())


def seeded(scores: Mapping[Where, Array]) -> Evidence:
    """A study of random searches of these settings and seeds, [setting, seed]."""
    settings = searched({where: each.mean(axis=1) for where, each in scores.items()}).settings
    parts = [
        pd.DataFrame({"dataset": dataset, "loss": loss, "sample": sample, "seed": seed, "outcome": each[:, seed]})
        for (dataset, loss), each in scores.items()
        for sample in [range(1, len(each) + 1)]
        for seed in range(each.shape[1])
    ]
    trials = pd.concat(parts, ignore_index=True).assign(phase="wide")
    seeds = next(iter(scores.values())).shape[1]
    return Evidence(trials.assign(choice=trials["outcome"]), "wide", None, settings.assign(seeds=seeds), pd.DataFrame())


def repeated(scores: Mapping[Where, Array]) -> Evidence:
    """A study of the best setting of every search, repeated."""
    parts = [pd.DataFrame({"dataset": dataset, "loss": loss, "outcome": x}) for (dataset, loss), x in scores.items()]
    return Evidence(pd.DataFrame(), None, "seeds", pd.DataFrame(), pd.concat(parts, ignore_index=True))


def drawn(
    score: Callable[[np.random.Generator, str, int], Array], losses: Sequence[str], datasets: Sequence[str]
) -> Draw:
    """Every loss has n scores of its own, drawn anew on every data set."""

    def draw(random: np.random.Generator, n: int) -> Evidence:
        return searched({(dataset, loss): score(random, loss, n) for dataset in datasets for loss in losses})

    return draw


def log_normal(sigma: float, datasets: Sequence[str] = DATASETS, **factors: float) -> Draw:
    """Every loss has log-normal scores, on all data sets alike, times its factor."""

    def score(random: np.random.Generator, loss: str, n: int) -> Array:
        return np.asarray(20 * factors[loss] * np.exp(sigma * random.standard_normal(n)))

    return drawn(score, tuple(factors), datasets)


def exponential(datasets: Sequence[str] = DATASETS, **rates: float) -> Draw:
    """The best of k is exponential with k times the rate: a beats b with probability rate_a / (rate_a + rate_b)."""
    return drawn(lambda random, loss, n: random.exponential(1 / rates[loss], n), tuple(rates), datasets)


def basin(shares: Mapping[str, float], level: Mapping[str, float], datasets: Sequence[str] = DATASETS) -> Draw:
    """Scores near a loss's level, but of a share of its settings near GOOD: a small part of the space that is good."""

    def score(random: np.random.Generator, loss: str, n: int) -> Array:
        mostly = np.where(random.random(n) < shares[loss], GOOD, level[loss])
        return np.asarray(mostly * np.exp(0.02 * random.standard_normal(n)))

    return drawn(score, tuple(shares), datasets)


def seeds(datasets: Sequence[str] = DATASETS, **sigmas: float) -> Draw:
    """The best setting of every loss has log-normal scores over seeds."""

    def draw(random: np.random.Generator, n: int) -> Evidence:
        each = ((dataset, loss) for dataset in datasets for loss in sigmas)
        return repeated({where: 20 * np.exp(sigmas[where[1]] * random.standard_normal(n)) for where in each})

    return draw


def correlated(correlation: float | None, sigma: float = 0.5, noise: float = 0.0, seeds: int = 2) -> Draw:
    """The logarithms of a setting's scores on the two data sets have this correlation; None: see `even`.

    Every seed of them has a deviation of `noise` from these.
    """

    def draw(random: np.random.Generator, n: int) -> Evidence:
        found = {}
        for loss in ("mm", "ns", "ls", "vae"):
            same = even(n // 4, noise) if correlation is None else correlation
            for dataset, score in zip(DATASETS, _pair(random, n, same, sigma), strict=True):
                found[dataset, loss] = score[:, None] * np.exp(noise * random.standard_normal((n, seeds)))
        return seeded(found)

    return draw


def of_both(settings: float, seeds: float) -> Draw:
    """One loss: log-normal over its settings, with the spread of its seeds too, and n seeds of the best one."""

    def draw(random: np.random.Generator, n: int) -> Evidence:
        search = searched({(ONE[0], "ns"): 20 * np.exp(np.hypot(settings, seeds) * random.standard_normal(n))})
        best = repeated({(ONE[0], "ns"): 20 * np.exp(seeds * random.standard_normal(n))})
        return replace(search, repeated="seeds", repeats=best.repeats)

    return draw


def spread(ratio: float) -> float:
    """The sigma of log-normal scores whose third quartile is so many times the first."""
    return float(np.log(ratio) / (2 * stats.norm.ppf(0.75)))


@cache
def even(k: int, noise: float) -> float:
    """The correlation at which the best of k settings of one data set is worse on the other in half of all searches."""

    def excess(correlation: float) -> float:
        random, searches = np.random.default_rng(SEED), 40_000
        here, there = _pair(random, (searches, k), correlation, 0.5)
        by = [scores * np.exp(noise * random.standard_normal(scores.shape)) for scores in (here, there)]
        kept = [scores.argmin(axis=1) for scores in by]
        told = there * np.exp(noise * random.standard_normal(there.shape))
        carried, own = (told[np.arange(searches), each] for each in kept)
        return float(np.mean(carried > (1 + ROPE) * own) - 0.5)

    return float(optimize.brentq(excess, 0.5, 0.9999, xtol=1e-4))


def _pair(random: np.random.Generator, size: int | tuple[int, int], correlation: float, sigma: float) -> list[Array]:
    common, *own = (random.standard_normal(size) for _ in range(3))
    return [np.exp(3 + sigma * (correlation**0.5 * common + (1 - correlation) ** 0.5 * each)) for each in own]


JUST = 1.0001  # above a threshold
FAR = 3.0
LEVEL = 1 + ROPE
GOOD, USUAL = 20.0, 60.0
ROBUST, FRAIL = spread(1.02), spread(2.0)
RARE = {"ns": 0.0, "vae": 0.02}
BOTH = {"mm": 0.0, "ns": 0.0, "ls": 0.02, "vae": 0.02}
SEEDS = 1.2 * spread(1.5)  # alone more than claim E asks of settings


def level(share: float, k: int) -> float:
    """The expected best of k of a loss with a basin of this share, which another one without one has for its level."""
    return USUAL * (1 - share) ** k + GOOD * (1 - (1 - share) ** k)


WORLDS = (
    World("A", "share 1/2", "log-normal 0.1", 40, log_normal(0.1, mm=1, ns=1, ls=LEVEL * JUST, vae=LEVEL * JUST),
          (SUPPORTED,)),
    World("A", "share 3/4", "log-normal 0.1", 40, log_normal(0.1, mm=1, ns=1, ls=LEVEL, vae=FAR), (CONTRADICTED,)),
    World("A", "share 1/2", "log-normal 0.5", 100, log_normal(0.5, mm=1, ns=1, ls=LEVEL * JUST, vae=LEVEL * JUST),
          (SUPPORTED,)),
    World("A", "share 1/2", "2 % good", 40, basin(BOTH, dict.fromkeys(BOTH, USUAL)), (SUPPORTED,)),
    World("A", "share 1/2", "0.3 % good", 1200, basin({"mm": 0.003, "ns": 0.0}, {"mm": USUAL, "ns": USUAL}),
          (SUPPORTED,)),
    World("B", "ratio 1.1", "log-normal 0.1", 40, log_normal(0.1, ONE, ns=1, vae=LEVEL)),
    World("B", "ratio 1.1", "log-normal 0.5", 100, log_normal(0.5, mm=1, ns=1, ls=1, vae=LEVEL)),
    World("B", "ratio 1.1", "log-normal 0.1", 700, log_normal(0.1, ONE, ns=1, vae=LEVEL)),
    World("B", "ratio 1.16", "2 % good", 37, basin(RARE, dict.fromkeys(RARE, USUAL), ONE), (SUPPORTED,)),
    World("B", "ratio 1.19", "2 % good", 100, basin(RARE, dict.fromkeys(RARE, USUAL), ONE), (SUPPORTED,)),
    World("B", "ratio 1.1", "1 % good", 700, basin({"ns": 0.0, "vae": 0.01},
          {"ns": level(0.01, 14) * LEVEL * JUST, "vae": USUAL}, ONE), (SUPPORTED,)),
    World("B", "ratio 1.0", "3 % good", 40, basin({"ns": 0.0, "vae": 0.03}, {"ns": level(0.03, 10), "vae": USUAL}, ONE),
          (CONTRADICTED,)),
    World("C", "probability 1/2", "equal losses", 64, exponential(mm=1, ns=1, vae=1)),
    World("C", "probability 1/2", "exponential, 4 to 1", 64, exponential(mm=1, ns=4)),
    World("C", "probability 1/2", "exponential, 4 to 1", 200, exponential(ONE, mm=1, ns=4)),
    World("D", "probability 3/4", "exponential, 3 to 1", 40, exponential(ONE, mm=3, ns=1)),
    World("D", "probability 3/4", "exponential, 3 to 1", 100, exponential(ONE, mm=3, ns=1)),
    World("D", "probability 3/4", "2 % good", 100, basin({"mm": 0.0, "ns": 1 - 0.75 ** (1 / 14)},
          {"mm": 50.0, "ns": USUAL}, ONE)),
    World("E", "ratio 1.5", "log-normal", 40, of_both(spread(1.5), ROBUST), EITHER),
    World("E", "ratio 1.5", "log-normal", 100, of_both(spread(1.5), ROBUST)),
    World("E", "ratio 1.0", "seeds of 1.63", 40, of_both(0.0, SEEDS), (SUPPORTED,)),
    World("E", "ratio 1.5", "seeds of 1.63", 100, of_both(spread(1.5), SEEDS), (SUPPORTED,)),
    World("F", "ratio 1.21", "log-normal", 20, seeds(ONE, ls=FRAIL, ns=spread(LEVEL**2), vae=ROBUST)),
    World("F", "ratio 1.21", "log-normal", 50, seeds(ls=FRAIL, ns=spread(LEVEL**2), vae=ROBUST)),
    World("F", "ls at 1.21", "log-normal", 50, seeds(ONE, ls=spread(LEVEL**2), ns=ROBUST, vae=ROBUST)),
    World("H", "probability 1/2", "log-normal 0.5", 40, correlated(None)),
    World("H", "probability 1/2", "seeds of 0.2", 40, correlated(None, noise=0.2)),
    World("H", "equal settings", "seeds of 0.4", 40, correlated(1.0, 0.0, 0.4), (SUPPORTED,)),
    World("H", "perfect transfer", "seeds of 0.2", 100, correlated(1.0, 0.7, 0.2), (SUPPORTED,)),
)  # fmt: skip
