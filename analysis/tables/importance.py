"""How much each hyperparameter of a loss matters on a data set."""

import numpy as np
import pandas as pd

from analysis.estimators.importance import EVALUATOR, FEWEST, Importance
from analysis.frames import HYPERPARAMETERS, SEARCH
from analysis.intervals import groups
from analysis.intervals.bootstrap import SEED
from analysis.tables import validity

COLUMNS = [*SEARCH, "hyperparameter", "importance", "low", "high", "n", "failed", "evaluator", "seed"]


def importances(settings: pd.DataFrame, *, seed: int = SEED) -> pd.DataFrame:
    """One row per search and hyperparameter that varies in it, in the order of the page; shares that sum to 1.

    importance: see `estimators.importance`, of what selects, failures last. low, high: a 95 % interval of the share
    that searches of so many settings find on average, t times the root of two variances, that of leaving out tenths of
    the settings and that of chance; cut at 0 and 1. Simulated, it holds in 95 to 100 % of searches of 20 to 100
    settings. Few settings say little: of 20 it often spans 0 and 1. It is no interval of what infinitely many settings
    would find, from which the average of few differs. n: settings, of which failed are at infinity; the loss's default,
    which nobody drew, is left out, and those count that ended in turn. Searches of fewer than `FEWEST` settings, or in
    which nothing worked, have no row. NaN for low and high where the settings are no independent draws
    (`validity.reasons`): the shares are then of the settings that were visited.
    """
    searched = validity.without_defaults(validity.in_turn(settings))
    rows = [row for _, group in searched.groupby(SEARCH) for row in _rows(group, seed)]
    found = pd.DataFrame(rows, columns=COLUMNS)
    wrong = validity.reasons(settings)
    names = found[SEARCH].astype(str).itertuples(index=False, name=None)
    drawn = pd.Series([name not in wrong for name in names], index=found.index, dtype=bool)
    return found.assign(low=found["low"].where(drawn), high=found["high"].where(drawn))


def _rows(group: pd.DataFrame, seed: int) -> list[tuple[object, ...]]:
    choice = group["choice"].to_numpy(dtype=float)
    if len(choice) < FEWEST or np.isinf(choice).all():
        return []
    known = [name for name in HYPERPARAMETERS if name in group and group[name].notna().all()]
    found = Importance({name: group[name].to_numpy(dtype=float) for name in known}, choice, seed=seed)
    shares = found.shares()
    errors = np.hypot(groups.deviations(len(choice), found.shares, seed=seed), found.chance_deviations())
    reach = groups.quantile() * errors
    low, high = np.clip(shares - reach, 0.0, 1.0), np.clip(shares + reach, 0.0, 1.0)
    search = group[SEARCH].iloc[0].to_list()
    about = len(choice), int(np.isinf(choice).sum()), EVALUATOR, seed
    return [
        (*search, name, float(share), float(least), float(most), *about)
        for name, share, least, most in zip(found.names, shares, low, high, strict=True)
    ]
