"""What searches of k settings report, as estimates with errors that speak of settings that were not run, too.

Each is an average over all draws of k of the n settings of a search, exact by order weights (a U-statistic of order k);
its error is the delete-one jackknife's, which for such averages is too large rather than too small (Efron and Stein
1981). The draws share settings, so of a search the error has but n / k degrees of freedom, and k stays below n / 4.
Draws of different searches are independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.claims.bounds import Array, Normal, Probability, Ratio
from analysis.estimators.order import order_weights, ordered, shared, weights_without_each

TOSSES = 3  # simulated: with 4, and with fewer degrees of freedom, bounds are missed too often or too rarely
EDGE = 1e-9  # of p (1 - p): nearer to 0 or 1 there is rounding only
EMPTY = 0.05  # share of draws that may hold failures only


@dataclass(frozen=True)
class Draws:
    """The settings of a search by choice: their scores [n], and how likely each is the best of k of them.

    weights: [n], of all n settings; without: [n, n], its row i where the i-th setting had not been run.
    """

    score: Array
    weights: Array
    without: Array
    freedom: float

    @property
    def empty(self) -> bool:
        """Whether more than EMPTY of the draws hold failures only: then nothing is known of the best."""
        return bool(self.weights @ np.isinf(self.score) > EMPTY)


def draws(choice: Array, score: Array, k: int) -> Draws:
    """All draws of k of the settings of a search, 1 <= k < n."""
    ranked, r = ordered(choice, score)
    weights = shared(order_weights(len(r))[k - 1 : k], ranked)[0]
    return Draws(r, weights, weights_without_each(ranked, k), len(r) / k)


def logarithm_of_best(search: Draws) -> Normal:
    """The logarithm of the expected score of the best of k, over the draws that hold anything but failures.

    +infinity, of unknown error, where too many draws are `Draws.empty`.
    """
    if search.empty:
        return Normal(np.inf, np.inf)
    finite = np.isfinite(search.score)
    r, worked = np.where(finite, search.score, 0.0), search.weights @ finite
    without = np.log((search.without @ r) / (search.without @ finite))
    return Normal(float(np.log(search.weights @ r / worked)), float(np.sqrt(variance(without))), search.freedom)


def ratio(first: Normal, second: Normal) -> Ratio:
    """The logarithm of the first over the second. Unknown of two that are infinite."""
    if np.isinf(first.error) or np.isinf(second.error):
        unknown = np.nan if first.estimate == second.estimate else first.estimate - second.estimate
        return Ratio(Normal(unknown, np.inf), first.freedom, second.freedom)
    variances = [first.error**2, second.error**2]
    freedom = degrees(variances, [first.freedom, second.freedom])
    seen = Normal(first.estimate - second.estimate, float(np.sqrt(sum(variances))), freedom)
    return Ratio(seen, first.freedom, second.freedom)


def beats(first: Draws, second: Draws) -> Probability:
    """That what a search of the first reports is lower than what one of the second does; ties count one half."""
    wins = np.less.outer(first.score, second.score) + 0.5 * np.equal.outer(first.score, second.score)
    against, by = wins @ second.weights, first.weights @ wins
    variances = [variance(first.without @ against), variance(second.without @ by)]
    freedoms = [first.freedom, second.freedom]
    return probability(float(first.weights @ against), variances, freedoms, min(freedoms))


def probability(estimate: float, variances: Sequence[float], freedoms: Sequence[float], apart: float) -> Probability:
    """A probability whose estimate is a sum of independent parts with these variances.

    apart: how many draws share no setting. It is known as well as by p (1 - p) / variance tosses, but no better than by
    TOSSES for each of these: where nearly all draws agree the jackknife sees no variance that is there.
    """
    p = min(max(estimate, 0.0), 1.0)  # rounding may go beyond
    most, total = TOSSES * apart, sum(variances)
    tosses = most if most * total <= p * (1 - p) or p * (1 - p) < EDGE else p * (1 - p) / total
    return Probability(p, tosses, degrees(variances, [2 * freedom for freedom in freedoms]), apart)


def variance(without: Array) -> float:
    """The jackknife's, from the statistic without each of n settings."""
    n = len(without)
    return float((n - 1) / n * np.sum((without - without.mean()) ** 2))


def degrees(variances: Sequence[float], freedoms: Sequence[float]) -> float:
    """Of a sum of independent parts, after Welch and Satterthwaite."""
    if not sum(variances):
        return min(freedoms)
    parts = sum(one**2 / freedom for one, freedom in zip(variances, freedoms, strict=True))
    return float(sum(variances) ** 2 / parts)
