"""F1, precision and recall against a manifold that is known exactly: per trial, per setting, and against the budget.

All three are better when higher and lie between 0 and 1. A diverged or failed trial counts as 0 in each, the least
there is: it leaves no generator, so none of its images is valid and no test image is reached. So its share of a mean is
finite, and nothing has to be left out.
"""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.estimators import budget
from analysis.frames import ENDED, SEARCH, SETTING, UNFIT, Study
from analysis.tables import validity

METRIC = "manifold"  # what a study's `measure.metrics` calls it
QUALITIES = ("f1", "precision", "recall")
ENDS = tuple(f"{name}_{end}" for name in QUALITIES for end in ("low", "high"))
PERCENT = (10, 25, 50, 75, 90)  # percent, of the quantiles of distances
DISTANCES = tuple(f"{name}_distance_{share}" for name in QUALITIES[1:] for share in PERCENT)
SELECTION = "_selection"  # ends a column that is measured against the images that select
LOW, HIGH = 0.025, 0.975  # the quantiles of the best of k that a band spans
CURVES = [*SEARCH, "by", "quality", "k", "mean", "low", "median", "high", "n", "failed"]


def measured(trials: pd.DataFrame) -> pd.Series:
    """Of trials: whether their plan measures distances to a manifold."""
    planned = trials["content"].map(lambda text: METRIC in json.loads(text)["measure"]["metrics"])
    return pd.Series(planned, index=trials.index, dtype=bool)


def trials(study: Study, by: str = "f1") -> pd.DataFrame:
    """One row per trial that is to measure them, in the order of the plan, with one of its evaluations.

    That is the one with the greatest BY_selection (BY where one split both selects and reports), the earliest of equal
    ones; `by` is of QUALITIES. choice: that number. f1, precision, recall, their ENDS, DISTANCES, step and score, the
    reported metric, are of that evaluation. A trial that diverged, failed or ended without a number has `failed`, 0 for
    choice, f1, precision and recall, +infinity for score, and null elsewhere. All are null where a trial is missing.
    """
    planned = study.trials.loc[measured(study.trials)]
    names = [*SETTING, "seed", "trial", "status", "sampler", "search_seed"]
    frame = planned[names].merge(_evaluations(study.evaluations, by), on="trial", how="left")
    frame["done"] = (frame["status"] == "done") & frame["choice"].notna()
    frame["missing"] = ~frame["status"].isin(ENDED)
    frame["failed"] = ~frame["done"] & ~frame["missing"]
    numbers = ["choice", *QUALITIES, *ENDS, *DISTANCES, "step", "score"]
    frame[numbers] = frame[numbers].where(frame["done"])
    frame.loc[frame["failed"], ["choice", *QUALITIES]] = 0.0
    frame.loc[frame["failed"], "score"] = np.inf
    return frame.assign(by=by)


def settings(study: Study, by: str = "f1") -> pd.DataFrame:
    """One row per setting, greatest `choice` first within a search: the means over its seeds of what `trials` has.

    Of equal ones that with more seeds done comes first: what failed stands behind what ran and got nowhere.

    choice, f1, precision and recall: over the seeds that have ended, a failed one as 0. score: the mean of the reported
    metric, +infinity with a failed seed. All are NaN where no seed has ended. Seeds are counted as `frames.settings`
    counts them. trial, seed, step, run_precision, run_recall and DISTANCES are of the lowest seed that is done,
    not of the best one; low, high: the 95 % interval of its F1 where it is the only seed.
    """
    runs = trials(study, by)
    for status in UNFIT:
        runs[f"ended_{status}"] = runs["failed"] & (runs["status"] == status)
    groups = runs.groupby(SETTING)
    counts = groups[["done", "ended_diverged", "failed", "missing"]].sum()
    counts = counts.rename(columns={"ended_diverged": "diverged"}).assign(seeds=groups.size())
    counts["failed"] -= counts["diverged"]
    means = groups[["choice", *QUALITIES, "score"]].mean()
    frame = counts.join(means).join(_representative(runs)).reset_index().assign(by=by)
    several = frame["seeds"] > 1
    frame[["low", "high"]] = frame[["low", "high"]].mask(several)
    order = {**dict.fromkeys(SEARCH, True), "choice": False, "done": False, "sample": True}
    return frame.sort_values(list(order), ascending=list(order.values()), ignore_index=True)


def curves(settings: pd.DataFrame, reported: Sequence[str] = QUALITIES) -> pd.DataFrame:
    """One row per search, quality and budget k: mean, low, median, high of what the best of k reports; n, failed.

    `settings` is of this module. The best of k is the setting with the greatest `choice`, and what is reported are its
    columns `reported`. Counted are the settings that were drawn (`validity.counted`). mean: `budget.expected_best`.
    low, median, high: exact 2.5, 50 and 97.5 % quantiles of the best of k of the settings that were run, drawn without
    replacement. It is no confidence interval: it says nothing of other settings, and at k = n it has no width. failed:
    settings with a failed seed. Raises StudyError where settings are no independent draws.
    """
    validity.check(settings, "a budget curve of F1, precision and recall")
    ended = validity.counted(settings).dropna(subset="choice")
    parts = [_curve(group, name) for _, group in ended.groupby(SEARCH) for name in reported]
    return pd.concat(parts, ignore_index=True)[CURVES] if parts else pd.DataFrame(columns=CURVES)


def best(settings: pd.DataFrame) -> pd.DataFrame:
    """One row per search of which something has ended: the setting with the greatest `choice`, the first of equals."""
    return settings.dropna(subset="choice").drop_duplicates(SEARCH, ignore_index=True)


def _evaluations(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Of every trial with a number the evaluation that it is known by."""
    names = ["trial", "status", "step", "score", *QUALITIES, *ENDS, *DISTANCES, f"{by}{SELECTION}"]
    found = rows.reindex(columns=list(dict.fromkeys(names)))
    numbers = found.columns.drop(["trial", "status"])
    found[numbers] = found[numbers].astype(float)
    found["choice"] = found[f"{by}{SELECTION}"].fillna(found[by])
    found = found[(found["status"] == "ok") & found["choice"].notna()]
    found = found.sort_values(["trial", "choice", "step"], ascending=[True, False, True])
    return found.drop_duplicates("trial").drop(columns=["status", f"{by}{SELECTION}"])


def _representative(runs: pd.DataFrame) -> pd.DataFrame:
    order = {**dict.fromkeys(SETTING, True), "done": False, "seed": True}
    rows = runs.sort_values(list(order), ascending=list(order.values())).drop_duplicates(SETTING).set_index(SETTING)
    renamed = {f"f1_{end}": end for end in ("low", "high")} | {name: f"run_{name}" for name in QUALITIES[1:]}
    names = ["trial", "seed", "step", "sampler", "search_seed", *renamed, *DISTANCES]
    return rows[names].rename(columns=renamed)


def _curve(group: pd.DataFrame, quality: str) -> pd.DataFrame:
    """The estimators keep the least choice, and here the greatest is the best; of the score they ask nothing."""
    choice, score = -group["choice"].to_numpy(dtype=float), group[quality].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            **{name: group[name].iloc[0] for name in (*SEARCH, "by")},
            "quality": quality,
            "k": np.arange(1, len(group) + 1),
            "mean": budget.expected_best(choice, score),
            "low": budget.quantile_of_best(choice, score, LOW),
            "median": budget.quantile_of_best(choice, score, 0.5),
            "high": budget.quantile_of_best(choice, score, HIGH),
            "n": len(group),
            "failed": int((group[["diverged", "failed"]].sum(axis=1) > 0).sum()),
        }
    )
