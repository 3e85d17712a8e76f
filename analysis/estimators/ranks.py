"""Whether losses rank differently over data sets, and how likely that would be found (Demsar 2006).

Ranks are [datasets, losses], 1 is best, ties averaged. N data sets, k losses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]
SIMULATIONS = 20_000


@dataclass(frozen=True)
class Friedman:
    """Friedman's statistic and the share of random rankings of every data set that reach it."""

    statistic: float
    p_value: float


def friedman(ranks: Array, *, simulations: int = SIMULATIONS, seed: int) -> Friedman:
    """Friedman's test that no loss ranks better than another; NaN for one data set, two losses, or only ties.

    The p-value is that of `simulations` seeded permutations within the data sets (the observed one counted, so it is
    never 0): chi squared, which is usual, is meant for more than ten data sets. The order of losses and of data sets
    changes no number.
    """
    datasets, losses = ranks.shape
    if datasets < 2 or losses < 3 or (ranks == ranks[:, :1]).all():
        return Friedman(float("nan"), float("nan"))
    statistic = float(stats.friedmanchisquare(*ranks.T).statistic)
    rows = np.sort(ranks, axis=1)
    rows = rows[np.lexsort(rows.T)]
    drawn = np.random.default_rng(seed).permuted(np.broadcast_to(rows, (simulations, *rows.shape)), axis=2)
    spread = np.square(drawn.sum(axis=1)).sum(axis=1)  # the statistic rises with the sum of squared rank sums
    reached = np.count_nonzero(spread >= np.square(ranks.sum(axis=0)).sum() - 1e-9)
    return Friedman(statistic, (reached + 1) / (simulations + 1))


def critical_difference(losses: int, datasets: int, level: float = 0.95) -> float:
    """Nemenyi's: average ranks that differ by more are told apart. q sqrt(k (k + 1) / 6 N), q studentised range."""
    q = stats.studentized_range.ppf(level, losses, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(losses * (losses + 1) / (6 * datasets)))


def cliques(average: Sequence[float], critical: float) -> list[tuple[int, ...]]:
    """The largest groups, of two and more, whose average ranks lie within `critical`; positions, best rank first."""
    order = [int(i) for i in np.argsort(average, kind="stable")]
    found: list[tuple[int, ...]] = []
    for start in range(len(order)):
        group = tuple(i for i in order[start:] if average[i] - average[order[start]] <= critical)
        if len(group) > 1 and not (found and set(group) <= set(found[-1])):
            found.append(group)
    return found


def sign_test(wins: int, losses: int) -> float:
    """P that so uneven a split of wins and losses, on either side, comes from a fair coin: exact; ties are left out.

    It looks at two losses alone. A test of their average ranks (Nemenyi's, Siegel and Castellan's, Eisinga et al.'s)
    also depends on the others, and tells apart two that beat each other equally often where the others stand between
    them when the one wins and not when the other does (Benavoli, Corani and Mangili 2016, who recommend this test).
    Scores of different data sets have no common unit, so Wilcoxon's, which compares the sizes of differences, is not
    used.
    """
    return float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def holm(p_values: Array) -> Array:
    """Adjusted for their number (Holm 1979): at most a share alpha of studies of equal losses has any below alpha."""
    order = np.argsort(p_values, kind="stable")
    scaled = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(scaled, 1.0)
    return adjusted


def power(losses: int, datasets: int, share: float, *, simulations: int = SIMULATIONS, seed: int) -> float:
    """P that Nemenyi's test tells the best loss from a given other, simulated.

    The model: on every data set the scores are normal with equal deviation, all losses but one have one mean, and the
    best beats each other with probability `share`.
    """
    lead = np.sqrt(2) * stats.norm.ppf(share)
    scores = np.random.default_rng(seed).standard_normal((simulations, datasets, losses))
    scores[..., 0] -= lead
    averages = (scores.argsort(axis=2).argsort(axis=2) + 1.0).mean(axis=1)
    return float(np.mean(averages[:, 1:] - averages[:, :1] > critical_difference(losses, datasets)))
