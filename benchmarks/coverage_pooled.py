"""How often intervals over many runs hold what they are about: of pooled runs, and of hyperparameters' importance."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.tables import importance, pooled
from benchmarks.coverage_comparisons import Array, Row, Scores, row

LOSSES, DATASETS, APART = 3, 3, 0.3  # of pooled runs: scores exp(2 data set + APART loss) times those of one loss
SHARED = 0.7  # of the variance of a setting's score, what data sets have in common
SHARES = (0.1, 0.5, 0.9)  # where a profile is looked at
SLOWER = 5  # importances take a sixth of a second: of so many fewer studies
POOLED = (Scores(0.5), Scores(0.05, 0.4, 3.0))


def rows(studies: int) -> list[Row]:
    """As `coverage_comparisons.rows`."""
    return [*_pooled(studies), *_importances(studies)]


def _pooled(studies: int) -> Iterator[Row]:
    for scores in POOLED:
        values = _values(scores)
        means = np.array([stats.trim_mean(each, 0.25) for each in values])
        for shared, name in ((False, "seeds"), (True, "settings that data sets share")):
            for n in (13, 30):
                held, profiles = [], []
                for number in range(studies):
                    runs = _runs(np.random.default_rng([n, shared, number]), n, shared, scores)
                    found = pooled.interquartile_means(runs, resamples=300)
                    held.append(((found["low"] <= means) & (means <= found["high"])).to_numpy())
                    profiles.append(_profile(pooled.profiles(runs, resamples=300), values))
                about = f"{scores}, {DATASETS} data sets, {name}", n
                yield row("interquartile mean", "interquartile mean of all", *about, np.array(held))
                for i, share in enumerate(SHARES):
                    yield row("performance profile", f"share where {share:.0%}", *about, np.array(profiles)[..., i])


def _runs(random: np.random.Generator, n: int, shared: bool, scores: Scores) -> pd.DataFrame:
    """n runs of each loss on each data set, whose scales are far apart: seeds, or settings that data sets share."""
    common, own = random.standard_normal((LOSSES, 1, n)), random.standard_normal((LOSSES, DATASETS, n))
    z = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own if shared else own
    loss, dataset, number = (axis.ravel() for axis in np.indices(z.shape))
    score = np.exp(2 * dataset + APART * loss) * scores.of(z.ravel())
    numbers = {"sample": number + 1, "seed": 0} if shared else {"sample": 0, "seed": number}
    return pd.DataFrame({
        "phase": "p", "dataset": dataset, "loss": loss, **numbers, "score": score, "normalised": 1.0,
        "sampler": "random", "even": True,
    })  # fmt: skip


def _values(scores: Scores) -> Array:
    """[losses, many]: all normalised scores of every loss, rising."""
    share = (np.arange(100_000) + 0.5) / 100_000
    values = np.exp(APART * np.arange(LOSSES))[:, None] * scores.of(stats.norm.ppf(share))
    return np.asarray(values / np.median(values))


def _profile(found: pd.DataFrame, values: Array) -> npt.NDArray[np.bool_]:
    """[losses, SHARES]: whether the band holds at the points where the true shares are nearest to those."""
    parts = found.to_numpy()[:, 2:].astype(float).reshape(LOSSES, -1, 4)  # at, share, low, high
    truth = np.stack(
        [np.searchsorted(each, at, "right") / len(each) for each, at in zip(values, parts[..., 0], strict=True)]
    )
    nearest = np.abs(truth[..., None] - np.array(SHARES)).argmin(axis=1)
    low, high, true = (np.take_along_axis(each, nearest, axis=1) for each in (parts[..., 2], parts[..., 3], truth))
    return (low <= true) & (true <= high)


def _importances(studies: int) -> Iterator[Row]:
    """Of hyperparameters that matter, decide and do nothing; the truth is the mean share over the studies."""
    names = ("learning_rate", "beta1", "clip")
    for n in (20, 100):
        found = [_importance(np.random.default_rng([n, number]), n, names) for number in range(studies // SLOWER)]
        share, low, high = np.moveaxis(np.array(found), 2, 0)
        truth = share.mean(axis=0)
        held = (low <= truth) & (truth <= high)
        for i, name in enumerate(("matters", "decides", "does nothing")):
            yield row("importance", f"mean share of what {name}: {truth[i]:.2f}", "uniform settings", n, held[:, i])


def _importance(random: np.random.Generator, n: int, names: tuple[str, ...]) -> Array:
    """[hyperparameters, (share, low, high)]."""
    values = {name: random.random(n) for name in names}
    noise = 0.5 * random.standard_normal(n)
    choice = 8 * (values["learning_rate"] - 0.5) ** 2 + 1.5 * values["beta1"] + noise
    names_of = {"phase": "p", "dataset": "d", "loss": "l", "sample": range(1, n + 1), "sampler": "random", "missing": 0}
    settings = pd.DataFrame({**names_of, **values, "choice": choice})
    table = importance.importances(settings).set_index("hyperparameter")
    return table.loc[list(names), ["importance", "low", "high"]].to_numpy(dtype=float)
