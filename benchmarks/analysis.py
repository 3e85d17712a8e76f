"""The published budget curve: the exact sum (V-statistic) against the bootstrap that it replaces.

python -m benchmarks analysis [--settings 100] [--resamples 5000]: mean and standard deviation of the best of k = 1 .. n
draws with replacement out of n settings. Exits with 1 where they do not agree, or where the sum is not LEAST times as
quick as a bootstrap of every k.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.estimators import budget
from benchmarks.timing import print_table, side_by_side

Array = npt.NDArray[np.float64]
SEED = 20180101
LEAST = 100  # times as quick
ERRORS = 5.0  # standard errors within which the bootstrap lies at every k, all but surely


def main(options: Sequence[str] = ()) -> None:
    wanted = _parse(options)
    scores = 50 * np.random.default_rng(SEED).lognormal(0, 0.5, wanted.settings)
    works: dict[str, Callable[[], tuple[Array, Array]]] = {
        "exact sum": lambda: exact(scores),
        "bootstrap, each k by itself": lambda: bootstrap(scores, wanted.resamples),
        "bootstrap, draws shared by all k": lambda: shared_bootstrap(scores, wanted.resamples),
    }
    seconds = side_by_side({**works}, rounds=7)
    truth = works["exact sum"]()
    rows, agree = [], True
    for name, work in works.items():
        off = distances(truth, work(), moments(scores), wanted.resamples)
        agree &= name == "exact sum" or max(off) < ERRORS
        rows.append((name, f"{1e3 * seconds[name]:.3f}", f"{seconds[name] / seconds['exact sum']:.0f}",
                     *("" if name == "exact sum" else f"{each:.1f}" for each in off)))  # fmt: skip
    columns = ("how", "milliseconds", "times the exact sum", "mean: most errors off", "deviation: most errors off")
    print_table(f"best of k = 1 .. {wanted.settings} settings, {wanted.resamples:,} resamples", columns, rows)
    middle, most = (by_chance(wanted.settings, share) for share in (0.5, 0.95))
    chance = f"By chance the greatest of {wanted.settings} normal errors is {middle:.1f} in the median, {most:.1f} at"
    print(f"{chance} 95 %; where all k share their draws it is less.")
    if not agree or seconds["bootstrap, each k by itself"] < LEAST * seconds["exact sum"]:
        sys.exit(f"the sum must agree within {ERRORS} errors and be {LEAST} times as quick")


def exact(scores: Array) -> tuple[Array, Array]:
    return (
        budget.expected_best_with_replacement(scores, scores),
        budget.deviation_with_replacement(scores, scores),
    )


def bootstrap(scores: Array, resamples: int) -> tuple[Array, Array]:
    """Of every k its own draws, as the published figure was made."""
    random = np.random.default_rng(SEED)
    found = [_summary(scores[random.integers(len(scores), size=(resamples, k))].min(axis=1)) for k in _budgets(scores)]
    return np.array([mean for mean, _ in found]), np.array([deviation for _, deviation in found])


def shared_bootstrap(scores: Array, resamples: int) -> tuple[Array, Array]:
    """One draw of n serves every k: the quickest bootstrap that we know; its errors at neighbouring k go together."""
    draws = scores[np.random.default_rng(SEED).integers(len(scores), size=(resamples, len(scores)))]
    best = np.minimum.accumulate(draws, axis=1)
    return best.mean(axis=0), best.std(axis=0)


def moments(scores: Array) -> tuple[Array, Array]:
    """Second and fourth central moments of the best of k, of which the bootstrap's errors are made."""
    mean, deviation = exact(scores)
    powers = [budget.expected_best_with_replacement(scores, scores**p) for p in (1, 2, 3, 4)]
    fourth = powers[3] - 4 * mean * powers[2] + 6 * mean**2 * powers[1] - 3 * mean**4
    return deviation**2, fourth


def distances(
    truth: tuple[Array, Array], found: tuple[Array, Array], central: tuple[Array, Array], resamples: int
) -> tuple[float, float]:
    """The greatest distance over k, in standard errors of a bootstrap, of the mean and of the standard deviation."""
    second, fourth = central
    of_mean = np.sqrt(second / resamples)
    of_deviation = np.sqrt(np.maximum(fourth - second**2, 0) / resamples) / (2 * np.sqrt(second))
    errors = (of_mean, of_deviation)
    mean, deviation = (
        float(np.max(np.abs(one - other) / error)) for one, other, error in zip(truth, found, errors, strict=True)
    )
    return mean, deviation


def by_chance(budgets: int, share: float) -> float:
    """What the greatest of so many independent normal errors, in either direction, is below with that probability."""
    return float(stats.norm.isf((1 - share ** (1 / budgets)) / 2))


def _summary(best: Array) -> tuple[float, float]:
    return float(best.mean()), float(best.std())


def _budgets(scores: Array) -> range:
    return range(1, len(scores) + 1)


def _parse(options: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks analysis")
    parser.add_argument("--settings", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=5000)
    return parser.parse_args(list(options))
