"""How often what is said of losses over data sets is right, of losses that are all equal.

The settings of a study are the same on every data set, so a lucky one is lucky on several. Tests over data sets ask
about other data sets with these settings, and not about other settings: how far apart that is the rows show.
"""

from collections.abc import Iterator

import numpy as np

from analysis.estimators import practical, ranks
from benchmarks.coverage_comparisons import NOMINAL, Array, Row, row

LOSSES, DATASETS, SETTINGS = 8, 4, 20
CORRELATIONS = (0.0, 0.5, 0.9)  # of a setting's score on one data set with that on another
OVER = (6, 8, 20)  # data sets
GAP = 1.0  # deviation of the logarithm of one loss's score over another's, over data sets: wide against the region
SIMULATIONS = 1000  # of a test, and draws of a posterior: fewer than in use, which makes neither likelier


def rows(studies: int) -> list[Row]:
    """As `coverage_comparisons.rows`."""
    return [*_ranks(studies), *_signed_rank(studies)]


def _ranks(studies: int) -> Iterator[Row]:
    for correlation in CORRELATIONS:
        random = np.random.default_rng([7, int(10 * correlation)])
        tables = [_ranked(random, correlation) for _ in range(studies)]
        about = f"{LOSSES} equal losses, {DATASETS} data sets, correlation {correlation:g} of their settings", SETTINGS
        p_values = [ranks.friedman(table, simulations=SIMULATIONS, seed=i).p_value for i, table in enumerate(tables)]
        critical = ranks.critical_difference(LOSSES, DATASETS)
        together = [np.ptp(table.mean(axis=0)) <= critical for table in tables]
        yield row("Friedman's test", "nothing of other settings", *about, np.array(p_values) > 1 - NOMINAL)
        yield row("critical difference", "nothing of other settings", *about, np.array(together))


def _ranked(random: np.random.Generator, correlation: float) -> Array:
    """[data sets, losses]: ranks of the best settings."""
    common = random.standard_normal((1, LOSSES, SETTINGS))
    own = random.standard_normal((DATASETS, LOSSES, SETTINGS))
    best = (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own).min(axis=2)
    return np.asarray(best.argsort(axis=1).argsort(axis=1) + 1.0)


def _signed_rank(studies: int) -> Iterator[Row]:
    """Of two losses that other data sets would find equally good."""
    rope = float(np.log1p(0.05))
    for n in OVER:
        gaps = GAP * np.random.default_rng([11, n]).standard_normal((studies, n))
        found = [practical.signed_rank(gap, rope, draws=SIMULATIONS, seed=i) for i, gap in enumerate(gaps)]
        held = np.array([max(one.better, one.worse) < NOMINAL for one in found])
        yield row("practical equivalence over data sets", "no false 'better'", "equal losses", n, held)
