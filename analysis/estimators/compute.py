"""What a search reports for the compute it has spent, where settings differ in cost.

A search tries one setting after another. One that the budget does not pay to the end yields nothing; a failed one costs
what it cost. Of those that have finished the one with the least `choice` is kept, of equal ones the first, and its
`score` is reported; before anything has finished, and while all that has finished failed, that is +infinity.
"""

from collections.abc import Sequence

import numpy as np

from analysis.estimators.order import Array, ordered

SIMULATIONS = 2000
ROUNDING = 1e-9  # of a sum of costs, beside what was spent


def recorded(choice: Array, score: Array, cost: Array, spent: Array) -> Array:
    """What one search that tried the settings in the order given reports at every amount spent, [len(spent)].

    Valid for every sampler. cost: of each setting, in the unit of `spent`.
    """
    _check(choice, score, cost)
    c, r, paid = (np.asarray(values, dtype=float)[None] for values in (choice, score, cost))
    return np.asarray(_reported(c, r, paid, spent)[0])


def simulated(
    choice: Array, score: Array, cost: Array, spent: Array, *, seed: int, simulations: int = SIMULATIONS
) -> Array:
    """The same for searches that try the settings in random orders, [simulations, len(spent)].

    Every order is as likely as every other where settings were drawn independently of each other, and for no other
    sampler. The settings' own order changes nothing.
    """
    _check(choice, score, cost)
    c, r, paid = (np.asarray(values, dtype=float) for values in (choice, score, cost))
    alike = np.lexsort((paid, r, c))
    orders = np.random.default_rng(seed).permuted(np.tile(alike, (simulations, 1)), axis=1)
    return _reported(c[orders], r[orders], paid[orders], spent)


def expectation(reported: Array, score: Array, cost: Array, spent: Array) -> Array:
    """The mean over simulated searches, +infinity where one of all orders, simulated or not, reports +infinity.

    That is below the cost of all failures and of the dearest setting that did not fail.
    """
    failed = np.isinf(score)
    last = cost[failed].sum() + cost[~failed].max(initial=-np.inf)
    safe = spent * (1 + ROUNDING) >= (last if not failed.all() else np.inf)
    return np.where(safe, reported.mean(axis=0), np.inf)


def quantiles(reported: Array, shares: Sequence[float]) -> Array:
    """The smallest values that at least these shares of the searches, the rows, are at or below, [shares, columns]."""
    rising = np.sort(reported, axis=0)
    return np.array([rising[max(int(np.ceil(share * len(rising) - 1e-9)), 1) - 1] for share in shares])


def _reported(choice: Array, score: Array, cost: Array, spent: Array) -> Array:
    """One search per row, its settings in the order tried."""
    best = np.minimum.accumulate(choice, axis=1)
    leads = np.ones(choice.shape, dtype=bool)
    leads[:, 1:] = choice[:, 1:] < best[:, :-1]
    kept = np.maximum.accumulate(np.where(leads, np.arange(choice.shape[1]), 0), axis=1)
    shown = np.take_along_axis(score, kept, axis=1)
    nothing = np.full((len(shown), 1), np.inf)
    paid = np.asarray(spent) * (1 + ROUNDING)
    finished = [np.searchsorted(row, paid, side="right") for row in np.cumsum(cost, axis=1)]
    return np.take_along_axis(np.hstack([nothing, shown]), np.array(finished, dtype=int), axis=1)


def _check(choice: Array, score: Array, cost: Array) -> None:
    ordered(choice, score)
    if not (np.isfinite(cost).all() and (np.asarray(cost) >= 0).all()):
        raise ValueError("a cost is a number, at least 0; leave settings whose cost is not known out")
