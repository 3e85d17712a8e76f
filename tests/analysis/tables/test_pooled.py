"""Interquartile means and profiles over data sets: by hand, what is drawn anew, and how often they hold."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import frames
from analysis.tables import pooled
from analysis.tables.runs import runs
from tests.analysis.synthetic import Recipe, write

INF = math.inf
RUN = ["phase", "dataset", "loss", "sample", "seed", "score"]


def frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """Runs whose normalised score is known to be a number: only that is read of it."""
    return pd.DataFrame(rows, columns=RUN).assign(normalised=1.0, chosen=True, even=True, sampler="random")


def study(random: np.random.Generator, n: int, *, shared: bool, failing: float = 0.0) -> pd.DataFrame:
    """Three losses on three data sets of very different scale; n settings that data sets share, or n seeds."""
    rows = []
    for place, loss in enumerate(("mm", "ns", "ls")):
        common = random.standard_normal(n)
        for scale, dataset in enumerate(("a", "b", "c")):
            z = random.standard_normal(n)
            z = math.sqrt(0.7) * common + math.sqrt(0.3) * z if shared else z
            y = np.where(random.random(n) < failing, INF, np.exp(3 * scale + 0.3 * place + 0.5 * z))
            rows += [("p", dataset, loss, i + 1 if shared else 0, 0 if shared else i, y[i]) for i in range(n)]
    return frame(rows)


def truth() -> list[float]:
    """Interquartile means of the three losses, over the median of all, from a million runs each."""
    z = np.random.default_rng(0).standard_normal(1_000_000)
    values = np.exp(0.3 * np.arange(3)[:, None] + 0.5 * z)
    return [stats.trim_mean(row, 0.25) / np.median(values) for row in values]


def test_by_hand_and_a_data_set_of_large_scores_does_not_dominate() -> None:
    small = [("p", "a", "mm", 0, seed, score) for seed, score in enumerate([1.0, 2.0, 3.0, 4.0])]
    small += [("p", "a", "ns", 0, seed, score) for seed, score in enumerate([2.0, 3.0, 4.0, 5.0])]
    large = [("p", "b", *row[2:5], 1000 * row[5]) for row in small]
    found = pooled.interquartile_means(frame(small + large)).set_index("loss")
    assert found.loc["mm", "mean"] == pytest.approx(2.5 / 3)  # median 3; of 1, 1, 2, 2, 3, 3, 4, 4 the middle four
    assert found.loc["ns", "mean"] == pytest.approx(3.5 / 3)
    assert found.loc["mm", ["runs", "datasets", "failed"]].tolist() == [8, 2, 0]
    assert math.isnan(found.loc["mm", "low"])  # four seeds are too few


def test_the_mean_is_scipys_and_failures_reach_it(tmp_path: Path) -> None:
    recipe = Recipe(("mm", "ns", "ls"), ("fashion", "mnist"), 16,
                    ending=lambda loss, sample, seed: "failed" if loss == "ls" and sample < 5 else "done")  # fmt: skip
    table = runs(frames.load(write(tmp_path, recipe)))
    found = pooled.interquartile_means(table).set_index("loss")
    drawn = table[table["sample"] > 0]
    scale = drawn["dataset"].map(drawn[np.isfinite(drawn["score"])].groupby("dataset")["score"].median())
    for loss in ("mm", "ns"):
        want = stats.trim_mean((drawn["score"] / scale)[drawn["loss"] == loss], 0.25)
        assert found.loc[loss, "mean"] == pytest.approx(want)
        assert found.loc[loss, "low"] < want < found.loc[loss, "high"]
    assert found.loc["ls", ["mean", "high", "failed"]].tolist() == [INF, INF, 8]
    assert math.isfinite(found.loc["ls", "low"])


def test_settings_that_data_sets_share_are_drawn_together() -> None:
    """The same numbers as if each data set had drawn its own: the interval must be wider."""
    shared = study(np.random.default_rng(1), 40, shared=True)
    apart = shared.assign(seed=shared["sample"], sample=0)
    wide, narrow = (pooled.interquartile_means(table) for table in (shared, apart))
    np.testing.assert_allclose(wide["mean"], narrow["mean"])
    assert ((wide["high"] - wide["low"]) > 1.15 * (narrow["high"] - narrow["low"])).all()


def test_the_order_of_rows_changes_no_number() -> None:
    table = study(np.random.default_rng(2), 13, shared=False)
    shuffled = table.sample(frac=1, random_state=1)
    for function in (pooled.interquartile_means, pooled.profiles):
        keys = ["loss", "at"] if function is pooled.profiles else ["loss"]
        one, other = (function(rows, resamples=50).sort_values(keys, ignore_index=True) for rows in (table, shuffled))
        pd.testing.assert_frame_equal(one, other)


def test_profiles_rise_to_the_share_that_works() -> None:
    table = study(np.random.default_rng(3), 20, shared=True, failing=0.1)
    found = pooled.profiles(table, resamples=100)
    assert found.columns.tolist() == pooled.PROFILES
    for loss, rows in found.groupby("loss"):
        assert rows["at"].is_monotonic_increasing
        assert rows["share"].is_monotonic_increasing
        assert rows["share"].iloc[-1] == pytest.approx(np.isfinite(table.loc[table["loss"] == loss, "score"]).mean())
        assert ((rows["low"] <= rows["share"]) & (rows["share"] <= rows["high"])).all()


def test_nothing_and_data_sets_without_a_scale(unstarted: Path) -> None:
    empty = runs(frames.load(unstarted))
    assert pooled.interquartile_means(empty).columns.tolist() == pooled.MEANS
    assert pooled.profiles(empty).columns.tolist() == pooled.PROFILES
    table = study(np.random.default_rng(4), 8, shared=False)
    table.loc[table["dataset"] == "c", "normalised"] = math.nan
    assert pooled.interquartile_means(table)["datasets"].tolist() == [2, 2, 2]


def lost(loss: str, dataset: str) -> bool:
    """Three of five losses fail on data set c."""
    return dataset == "c" and loss in ("mm", "ns", "wgan")


def test_a_data_set_that_most_losses_fail_on_counts() -> None:
    random = np.random.default_rng(5)
    rows = [("p", dataset, loss, 0, seed, INF if lost(loss, dataset) else math.exp(0.3 * random.standard_normal()))
            for dataset in "abc" for loss in ("mm", "ns", "wgan", "ls", "vae") for seed in range(13)]  # fmt: skip
    found = pooled.interquartile_means(frame(rows), resamples=100).set_index("loss")
    assert found["datasets"].tolist() == [3] * 5
    assert found["failed"].tolist() == [13, 13, 13, 0, 0]
    assert found.loc["mm", ["mean", "low", "high"]].tolist() == [INF, INF, INF]
    assert np.isfinite(found.loc["vae", ["mean", "low", "high"]].to_numpy(dtype=float)).all()
    ends = pooled.profiles(frame(rows), resamples=20).groupby("loss")["share"].max()
    assert ends[["mm", "vae"]].tolist() == pytest.approx([2 / 3, 1.0])


def test_a_data_set_on_which_everything_failed_counts_for_every_loss() -> None:
    table = study(np.random.default_rng(6), 13, shared=False)
    table.loc[table["dataset"] == "c", "score"] = INF
    found = pooled.interquartile_means(table, resamples=100)
    assert found[["datasets", "failed"]].to_numpy().tolist() == [[3, 13]] * 3
    assert np.isinf(found["mean"]).all()


def test_failures_leave_an_interval_that_may_be_infinite() -> None:
    """A resample whose runs of a data set have all failed, or whose middle half has a failure, is +infinity."""
    table = study(np.random.default_rng(7), 13, shared=False, failing=0.4)
    found = pooled.interquartile_means(table, resamples=200)
    assert found[["low", "high"]].notna().to_numpy().all()
    assert np.isinf(found["high"]).all()


def test_settings_that_nobody_drew_have_no_interval_and_the_default_is_none_of_them() -> None:
    table = study(np.random.default_rng(8), 20, shared=True)
    default = table.drop_duplicates(["dataset", "loss"]).assign(sample=0, score=1e-9)
    for function, shown in ((pooled.interquartile_means, "mean"), (pooled.profiles, "share")):
        drawn = function(table, resamples=50)
        pd.testing.assert_frame_equal(function(pd.concat([default, table]), resamples=50), drawn)
        assert drawn["low"].notna().all()
        for other in ("tpe", None):
            found = function(table.assign(sampler=other), resamples=50)
            assert found[["low", "high"]].isna().to_numpy().all()
            assert found[shown].tolist() == drawn[shown].tolist()


@pytest.mark.parametrize("shared", [True, False])
def test_coverage(shared: bool) -> None:
    """150 studies of three losses, which are dependent, have an error of at most 1.8 %."""
    want, held = truth(), []
    for number in range(150):
        table = study(np.random.default_rng([number, shared]), 13, shared=shared)
        found = pooled.interquartile_means(table, resamples=300)
        held.append((found["low"] <= want) & (want <= found["high"]))
    assert np.mean(held) == pytest.approx(0.95, abs=0.035)


@pytest.mark.parametrize("shared", [True, False])
def test_coverage_of_a_profile_at_every_point(shared: bool) -> None:
    """100 studies of three losses: an error of 1.3 % at most at each of 60 points, the first and last among them."""
    middle, logs = 0.3, np.array([0.0, 0.3, 0.6])[:, None]  # by symmetry the median of all is that of the second
    held = []
    for number in range(100):
        found = pooled.profiles(study(np.random.default_rng([number, shared]), 13, shared=shared), resamples=200)
        at, low, high = (found[name].to_numpy().reshape(3, -1) for name in ("at", "low", "high"))
        want = stats.norm.cdf((np.log(at) + middle - logs) / 0.5)
        held.append((low <= want) & (want <= high))
    assert np.mean(held, axis=(0, 1)).min() >= 0.93


def test_losses_are_compared_by_equally_many_runs_of_every_data_set(tmp_path: Path) -> None:
    """mm has only begun on cifar10, where everything is worse; without the others' runs there it is no better."""
    study = frames.load(write(tmp_path, Recipe(("mm", "ns"), ("fashion", "cifar10"), 20)))
    late = (study.trials["dataset"] == "cifar10") & (study.trials["loss"] == "mm") & (study.trials["sample"] > 2)
    study.trials.loc[late, ["outcome", "choice"]] = np.nan
    study.trials.loc[late, "status"] = "waiting"
    found = pooled.interquartile_means(runs(study)).set_index("loss")
    assert found["runs"].tolist() == [19 + 2, 19 + 2]
