"""A study's folder as frames: its trials, their evaluations, and one row per setting with failures kept at infinity."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import fingerprints
from study.errors import StudyError
from study.results import load as read
from study.results import schema

SEARCH = ["phase", "dataset", "loss"]
SETTING = [*SEARCH, "sample"]
HYPERPARAMETERS = [column.name for column in schema.SETTING]
DEFAULT = 0  # the sample that is the loss's default setting
ENDED = ("done", "diverged", "failed")
UNFIT = ("diverged", "failed")
MISSING = ("started", "waiting")


@dataclass(frozen=True)
class Study:
    """What one folder holds. `trials` has the column `outcome` that every estimator reads, see `outcomes`."""

    folder: Path
    name: str
    trials: pd.DataFrame
    evaluations: pd.DataFrame

    def objective(self, dataset: str) -> str:
        """The metric column that selection minimises on this data set; one per data set, or `load` refuses."""
        return str(self.trials.loc[self.trials["dataset"] == dataset, "objective"].iloc[0])

    def count(self, *statuses: str) -> int:
        """How many planned trials stand at one of these statuses."""
        return int(self.trials["status"].isin(statuses).sum())


def load(folder: Path, *, mixed: bool = False) -> Study:
    """The study in `folder`, finished or not.

    Raises StudyError where one data set was measured in more than one way: with different objectives always, with
    different metric fingerprints unless `mixed` says that the caller knows; the error names the differing fields.
    """
    folder = Path(folder)
    trials, evaluations = read(folder)
    for dataset, rows in trials.groupby("dataset"):
        if rows["objective"].nunique() > 1:
            names = ", ".join(sorted(rows["objective"].unique()))
            raise StudyError(f"{folder}: {dataset} has more than one objective ({names}); report them as two studies")
    if not mixed:
        fingerprints.check(evaluations, str(folder))
    return Study(folder, folder.resolve().name, trials.assign(outcome=outcomes(trials)), evaluations)


def outcomes(trials: pd.DataFrame) -> pd.Series:
    """What a trial counts as in an estimator: its best score if done, +infinity if diverged or failed, NaN if missing.

    A trial that is done and has no finite score (its metric was null) got nowhere either: +infinity.
    """
    score = trials["score"].astype(float)
    ended = score.where((trials["status"] == "done") & np.isfinite(score), np.inf)
    return ended.where(trials["status"].isin(ENDED))


def settings(study: Study) -> pd.DataFrame:
    """One row per setting (phase, dataset, loss, sample), best first within a search.

    `mean` and `standard_error` (null below two seeds) are over the seeds that are done. `score` is what ranks and what
    estimators read: the mean over all ended seeds with a diverged or failed seed at +infinity, so a setting with any
    such seed stands behind all that never failed, and among its like by the share that failed, then by `mean`. NaN: no
    seed has ended. Seeds are counted as seeds = done + diverged + failed + missing. `trial`, `seed` and `step` lead to
    the sample grid: the lowest seed that is done, not the best one.
    """
    trials = study.trials.assign(finite=study.trials["outcome"].where(np.isfinite(study.trials["outcome"])))
    trials["unscored"] = (trials["status"] == "done") & trials["finite"].isna()
    for status in UNFIT:
        trials[status] = trials["status"] == status
    trials["failed"] |= trials["unscored"]
    trials["done"] = trials["finite"].notna()
    trials["missing"] = trials["status"].isin(MISSING)
    groups = trials.groupby(SETTING)
    counted = groups[["done", "diverged", "failed", "missing"]].sum()
    frame = counted.assign(seeds=groups.size(), mean=groups["finite"].mean(), deviation=groups["finite"].std())
    frame["standard_error"] = frame.pop("deviation") / np.sqrt(frame["done"].where(frame["done"] > 0))
    ended = frame["seeds"] - frame["missing"]
    frame["share_failed"] = (frame["diverged"] + frame["failed"]) / ended.where(ended > 0)
    frame["score"] = frame["mean"].where(frame["done"] == ended, np.inf).where(ended > 0)
    frame = frame.join(_representative(trials)).reset_index()
    return frame.sort_values([*SEARCH, "score", "share_failed", "mean", "sample"], ignore_index=True)


def learning(study: Study, chosen: pd.DataFrame) -> pd.DataFrame:
    """The score of chosen settings against the step: mean, least and greatest over the seeds that are done.

    `chosen` has the columns of a setting (SETTING); what comes back adds step, mean, low, high and n, the seeds.
    """
    done = study.trials.loc[study.trials["status"] == "done", [*SETTING, "trial"]]
    rows = study.evaluations.loc[study.evaluations["status"] == "ok", ["trial", "step", "score"]]
    rows = done.merge(chosen[SETTING], on=SETTING).merge(rows, on="trial").dropna(subset="score")
    groups = rows.groupby([*SETTING, "step"])["score"]
    return groups.agg(mean="mean", low="min", high="max", n="size").reset_index()


def _representative(trials: pd.DataFrame) -> pd.DataFrame:
    rows = trials.sort_values([*SETTING, "done", "seed"], ascending=[True] * len(SETTING) + [False, True])
    columns = {"score_step": "step", "steps": "steps", "trial": "trial", "seed": "seed", "objective": "objective"}
    columns |= {name: name for name in [*HYPERPARAMETERS, "generator_parameters", "discriminator_parameters"]}
    return rows.drop_duplicates(SETTING).set_index(SETTING)[list(columns)].rename(columns=columns)
