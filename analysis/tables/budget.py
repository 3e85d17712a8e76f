"""What a budget of k settings buys in every search: one row per k."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.estimators import budget
from analysis.frames import SEARCH
from analysis.intervals.bands import quantile_band
from analysis.tables import validity

LOW, HIGH = 0.1, 0.9  # the quantiles of the best of k that a band spans
LEAST = 0.0  # no score of this project is below it
CURVES = [*SEARCH, "k", "mean", "low", "median", "high", "deviation", "n", "failed"]
PUBLISHED = [*SEARCH, "k", "mean", "deviation", "n", "failed"]
TUNING = [*SEARCH, "k", "median", "low", "high", "level", "n", "failed"]


def curves(settings: pd.DataFrame) -> pd.DataFrame:
    """One row per search and budget k: mean, low, median, high, deviation of what is reported of the best of k; n.

    Of the settings that were drawn (`validity.counted`), the loss's default not among them. mean:
    `budget.expected_best`; deviation: `budget.deviation_of_best`. low, median, high: the exact 10, 50 and 90 %
    quantiles of the best of k of the settings that were run, drawn without replacement. It is the spread of what
    researchers with that budget would get out of these settings, and no confidence interval: it says nothing of other
    settings, and at k = n it has no width. Where settings fail, only the quantiles speak of the losses: the true mean
    is infinite at every k, and the k from which on this one is finite is the number of failures that were run. n:
    settings that count, failed: of them at infinity. Raises StudyError where
    settings are no independent draws.
    """
    validity.check(settings, "a budget curve")
    return _frame([_curve(group) for group in _searches(validity.counted(settings))], CURVES)


def published(settings: pd.DataFrame) -> pd.DataFrame:
    """One row per search and budget k: mean and deviation of the best of k with replacement, as in published figure 3.

    Of all settings that ended in turn, the loss's default among them, as the published study had it; so `n` counts it,
    which that of `curves` does not. Raises StudyError where settings are no independent draws.
    """
    validity.check(settings, "a published budget curve")
    return _frame([_published(group) for group in _searches(validity.in_turn(settings))], PUBLISHED)


def tuning(settings: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """One row per search and budget k: the median of the best `choice` of k independent draws, and a band; n, failed.

    Of the settings that were drawn (`validity.counted`). median: `budget.median_of_best`. low, high: they hold the true
    median at all k = 1 .. n together with the probability `level` or more, whatever the distribution
    (`intervals.bands`); low is 0 where nothing is known below, high +infinity where nothing is known above or failures
    reach it. It is a statement about all settings that the sampler may draw, not only those run, and about what
    chooses: on these images the best is flattered. Raises StudyError where settings are no independent draws.
    """
    validity.check(settings, "a tuning curve")
    return _frame([_tuned(group, level) for group in _searches(validity.counted(settings))], TUNING)


def _searches(settings: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The settings of every search of which something has ended."""
    return (group for _, group in settings.dropna(subset="choice").groupby(SEARCH))


def _frame(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _curve(group: pd.DataFrame) -> pd.DataFrame:
    choice, score = (group[name].to_numpy(dtype=float) for name in ("choice", "score"))
    return pd.DataFrame(
        {
            **_search(group),
            "mean": budget.expected_best(choice, score),
            "low": budget.quantile_of_best(choice, score, LOW),
            "median": budget.quantile_of_best(choice, score, 0.5),
            "high": budget.quantile_of_best(choice, score, HIGH),
            "deviation": budget.deviation_of_best(choice, score),
        }
    )


def _published(group: pd.DataFrame) -> pd.DataFrame:
    choice, score = (group[name].to_numpy(dtype=float) for name in ("choice", "score"))
    mean, deviation = (
        estimate(choice, score)
        for estimate in (budget.expected_best_with_replacement, budget.deviation_with_replacement)
    )
    return pd.DataFrame({**_search(group), "mean": mean, "deviation": deviation})


def _tuned(group: pd.DataFrame, level: float) -> pd.DataFrame:
    choice = group["choice"].to_numpy(dtype=float)
    band = quantile_band(choice, budget.median_share(np.arange(1, len(choice) + 1)), level)
    low = np.where(np.isneginf(band.low), LEAST, band.low)
    return pd.DataFrame(
        {**_search(group), "median": budget.median_of_best(choice), "low": low, "high": band.high, "level": level}
    )


def _search(group: pd.DataFrame) -> dict[str, object]:
    run = {"k": np.arange(1, len(group) + 1), "n": len(group), "failed": int(np.isinf(group["choice"]).sum())}
    return {name: group[name].iloc[0] for name in SEARCH} | run
