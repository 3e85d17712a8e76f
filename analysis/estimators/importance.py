"""How much each hyperparameter matters: shares by Optuna's PED-ANOVA (Watanabe, Bansal and Hutter 2023).

It asks what sets the best settings apart from all: for every hyperparameter, how far its distribution among the best
is from that among all (Pearson divergence). Few settings differ by chance too, and a divergence is never negative; so
what the same settings give when their scores are shuffled is subtracted.
"""

import math
import warnings
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import create_trial
from scipy import stats

Array = npt.NDArray[np.float64]
Kept = npt.NDArray[np.bool_]
FEWEST = 10  # settings
BEST = 0.25  # share of the settings that are set apart: of 20 settings the 5 that Optuna asks for
FEW = 5  # whole numbers with at most as many values are names
DECADE = 10
SHUFFLES = 20
EVALUATOR = f"PED-ANOVA, best {BEST:.0%}, less chance"


class Importance:
    """The importances of one search's hyperparameters: [settings] each, all known, of which those that vary count.

    choice [settings]: less is better, +infinity failed. Only its ranks matter, ties averaged, so failures are simply
    last; where fewer than BEST worked, those that worked are the best. Raises ValueError for fewer than FEWEST of them.
    """

    def __init__(self, hyperparameters: Mapping[str, Array], choice: Array, *, seed: int) -> None:
        if len(choice) < FEWEST:
            raise ValueError(f"importances need {FEWEST} settings, not {len(choice)}")
        order = np.lexsort([*hyperparameters.values(), choice])  # so that the order of the settings changes no digit
        self.choice = choice[order]
        values = {name: column[order] for name, column in hyperparameters.items() if len(np.unique(column)) > 1}
        self.names = list(values)
        self._search = _recorded(values, len(choice))
        random = np.random.default_rng(seed)
        # [SHUFFLES, hyperparameters]
        self.chance = np.array([self._divergences(random.permutation(self.choice)) for _ in range(SHUFFLES)])

    def shares(self, kept: Kept | None = None) -> Array:
        """[hyperparameters], of sum 1: of all settings or of those kept. Equal where none sets the best apart."""
        choice = self.choice if kept is None else np.where(kept, self.choice, np.nan)
        beyond = self._beyond(choice)
        total = beyond.sum()
        return np.asarray(beyond / total if total > 0 else np.full(len(self.names), 1 / max(len(self.names), 1)))

    def chance_deviations(self) -> Array:
        """[hyperparameters]: the standard deviation of a share that chance alone makes; infinite if it makes all."""
        total = self._beyond(self.choice).sum()
        return np.asarray(self.chance.std(axis=0, ddof=1) / total if total > 0 else np.full(len(self.names), np.inf))

    def _beyond(self, choice: Array) -> Array:
        return np.asarray(np.clip(self._divergences(choice) - self.chance.mean(axis=0), 0.0, None))

    def _divergences(self, choice: Array) -> Array:
        """[hyperparameters]; NaN in choice leaves a setting out. 0 where the best are all there are."""
        known = choice[~np.isnan(choice)]
        ranks = np.full(len(choice), np.nan)
        ranks[~np.isnan(choice)] = stats.rankdata(known)
        best = min(BEST, (np.isfinite(known).sum() - 0.5) / len(known))  # the half: rounding must reach no failure
        if best < 0 or not self.names or (known <= np.sort(known)[math.ceil(best * len(known)) - 1]).all():
            return np.zeros(len(self.names))
        with warnings.catch_warnings():  # that a target is minimised
            warnings.filterwarnings("ignore", message="PedAnovaImportanceEvaluator computes the importances")
            found = PedAnovaImportanceEvaluator(target_quantile=best).evaluate(
                self._search, self.names, target=lambda trial: float(ranks[trial.number])
            )
        return np.array([found[name] for name in self.names])


def distribution(values: Array) -> BaseDistribution:
    """The range of what was observed; logarithmic above zero over more than a decade; names for few whole numbers."""
    different = np.unique(values)
    if len(different) <= FEW and (different == np.round(different)).all():
        return CategoricalDistribution([float(value) for value in different])
    low, high = float(different[0]), float(different[-1])
    return FloatDistribution(low, high, log=low > 0 and high / low > DECADE)


def _recorded(values: Mapping[str, Array], settings: int) -> optuna.Study:
    """The settings as Optuna keeps them; without their scores, which come as the target of each evaluation."""
    spaces = {name: distribution(column) for name, column in values.items()}
    trials = [
        create_trial(params={name: float(values[name][i]) for name in spaces}, distributions=spaces, value=0.0)
        for i in range(settings)
    ]
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # or it says that it has made a study
    search = optuna.create_study()
    optuna.logging.set_verbosity(before)
    search.add_trials(trials)
    for trial in search.get_trials(deepcopy=False):
        trial.distributions = spaces  # not a copy for each: Optuna compares them all, one thing with itself quickly
    return search
