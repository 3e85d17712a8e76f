"""A study's folder as frames: its trials, their evaluations, and one row per setting with failures kept at infinity."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import snapshot
from study.errors import StudyError
from study.results import connect, fingerprints, schema

SEARCH = ["phase", "dataset", "loss"]
SETTING = [*SEARCH, "sample"]
HYPERPARAMETERS = [column.name for column in schema.SETTING]
DEFAULT = 0  # the sample that is the loss's default setting
AS_RUN = "as_run"  # the variant of a loss that the published study's code computed
ENDED = ("done", "diverged", "failed")
UNFIT = ("diverged", "failed")
MISSING = ("started", "waiting")
AMOUNTS = {"step": "steps", "images_seen": "images", "train_seconds": "seconds"}  # of a row, all of it until then
ATTEMPTED = ("trial", "attempt", "status", *AMOUNTS, "started_at", "written_at")


@dataclass(frozen=True)
class Study:
    """What one folder holds. `trials` has the columns `outcome` (shown) and `choice` (chooses), see `outcomes`.

    `attempts`, what every attempt at a trial consumed, has those of `consumed`. `losses`: all of the plan, also where
    `trials` are some of its searches.
    """

    folder: Path
    name: str
    trials: pd.DataFrame
    evaluations: pd.DataFrame
    attempts: pd.DataFrame
    losses: tuple[str, ...] = ()

    def objective(self, dataset: str) -> str:
        """The metric column that is reported on this data set; one per data set, or `load` refuses."""
        return str(self.trials.loc[self.trials["dataset"] == dataset, "reported"].iloc[0])

    def selector(self, dataset: str) -> str:
        """The metric column that chooses on this data set; one per data set, or `load` refuses."""
        return str(self.trials.loc[self.trials["dataset"] == dataset, "objective"].iloc[0])

    def count(self, *statuses: str) -> int:
        """How many planned trials stand at one of these statuses."""
        return int(self.trials["status"].isin(statuses).sum())

    def keep(self, path: Path) -> None:
        """Writes all of it into one file, which `load` takes in the folder's place: the study as it was now."""
        words = {"folder": str(self.folder.resolve()), "name": self.name}
        frames = {name: getattr(self, name) for name in ("trials", "evaluations", "attempts")}
        snapshot.write(path, words, frames)


def load(folder: Path, *, mixed: bool = False) -> Study:
    """The study in `folder`, finished or not; or as it was when `Study.keep` wrote the file that is given instead.

    Raises StudyError where one data set was measured in more than one way: with different objectives always, with
    different metric fingerprints unless `mixed` says that the caller knows; the error names the differing fields. And
    where one search holds two variants of its loss, which no plan has: they are two losses.
    """
    folder = Path(folder)
    study = _kept(folder) if folder.is_file() else _read(folder)
    _one_per(study.trials, ["dataset"], ["objective", "reported"], folder)
    _one_per(study.trials, SEARCH, ["variant"], folder)
    if not mixed:
        fingerprints.check(study.evaluations, str(folder))
    return study


def _read(folder: Path) -> Study:
    with connect(folder) as database:
        trials, evaluations = (database.table(view).df() for view in ("trials", "evaluations"))
        attempts = database.table("attempts").project(", ".join(ATTEMPTED)).df()
    name, losses = folder.resolve().name, tuple(trials["loss"].unique())
    return Study(folder, name, trials.join(outcomes(trials)), evaluations, consumed(attempts), losses)


def _kept(path: Path) -> Study:
    words, frames = snapshot.read(path)
    losses = tuple(frames["trials"]["loss"].unique())
    return Study(Path(words["folder"]), words["name"], **frames, losses=losses)


def outcomes(trials: pd.DataFrame) -> pd.DataFrame:
    """What a trial counts as: `outcome`, its score, in what is shown; `choice`, its selection_score, in what chooses.

    Both are of the one evaluation that selection chose; both are +infinity if the trial diverged or failed and NaN if
    it is missing. A trial that is done and has no finite scores (its metric was null) got nowhere either: +infinity.
    """
    scores = trials[["score", "selection_score"]].astype(float)
    good = (trials["status"] == "done") & np.isfinite(scores["score"]) & np.isfinite(scores["selection_score"])
    ended = trials["status"].isin(ENDED)
    counted = {"outcome": scores["score"], "choice": scores["selection_score"]}
    return pd.DataFrame({name: values.where(good, np.inf).where(ended) for name, values in counted.items()})


def consumed(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per attempt at a trial: trial, attempt, began, and what it consumed: steps, images, seconds, hours.

    Steps, images and seconds of training are those since the evaluation that it went on from: the last one before its
    first row that an earlier attempt left. hours: from its beginning to its last row. What it did after that is not in
    them. `rows` has the columns ATTEMPTED of every row of every attempt.
    """
    names, amounts = ["trial", "attempt"], list(AMOUNTS)
    attempts = rows.groupby(names)
    last, first = attempts[amounts].max().astype(float), attempts["step"].min().rename("first").reset_index()
    pairs = rows[rows["status"] == "ok"].merge(first, on="trial", suffixes=("_earlier", ""))
    before = pairs[(pairs["attempt_earlier"] < pairs["attempt"]) & (pairs["step"] < pairs["first"])]
    before = before.sort_values(["step", "attempt_earlier"]).drop_duplicates(names, keep="last")
    found = last - before.set_index(names)[amounts].astype(float).reindex(last.index).fillna(0.0)
    found = found.mask(found["step"] == 0, found.fillna(0.0))  # it failed before its first step
    began, ended = attempts["started_at"].min(), attempts["written_at"].max()
    hours = (ended - began).dt.total_seconds() / 3600
    return found.rename(columns=AMOUNTS).assign(began=began, hours=hours).reset_index()


def settings(study: Study) -> pd.DataFrame:
    """One row per setting (phase, dataset, loss, sample), best first within a search, by `choice`.

    `mean`, `deviation` and `standard_error` (null below two seeds) are of the reported score, over the seeds that are
    done; `choice_mean` is the mean of what chose. `score` and `choice` are what estimators read: those means over all
    ended seeds with a diverged or failed seed at +infinity, so a setting with any such seed stands behind all that
    never failed, and among its like by the share that failed, then by `choice_mean`. NaN: no seed has ended. Seeds are
    counted as seeds = done + diverged + failed + missing. `trial`, `seed` and `step` lead to the sample grid: the
    lowest seed that is done, not the best one. `sampler` and `search_seed` are null where nobody drew the setting.
    """
    trials = study.trials.assign(done=np.isfinite(study.trials["outcome"]))
    trials["reported_done"], trials["chose"] = (trials[name].where(trials["done"]) for name in ("outcome", "choice"))
    for status in UNFIT:
        trials[status] = trials["status"] == status
    trials["failed"] |= (trials["status"] == "done") & ~trials["done"]
    trials["missing"] = trials["status"].isin(MISSING)
    groups = trials.groupby(SETTING)
    reported = groups["reported_done"]
    frame = groups[["done", "diverged", "failed", "missing"]].sum()
    frame = frame.assign(seeds=groups.size(), mean=reported.mean(), deviation=reported.std())
    frame["standard_error"] = frame["deviation"] / np.sqrt(frame["done"].where(frame["done"] > 0))
    frame["choice_mean"] = groups["chose"].mean()
    ended = frame["seeds"] - frame["missing"]
    frame["share_failed"] = (frame["diverged"] + frame["failed"]) / ended.where(ended > 0)
    for name, mean in (("score", "mean"), ("choice", "choice_mean")):
        frame[name] = frame[mean].where(frame["done"] == ended, np.inf).where(ended > 0)
    frame = frame.join(_representative(trials)).reset_index()
    return frame.sort_values([*SEARCH, "choice", "share_failed", "choice_mean", "sample"], ignore_index=True)


def learning(study: Study, chosen: pd.DataFrame) -> pd.DataFrame:
    """The reported score of chosen settings against the step: mean, least and greatest over the seeds that are done.

    `chosen` has the columns of a setting (SETTING); what comes back adds step, mean, low, high and n, the seeds.
    """
    done = study.trials.loc[study.trials["status"] == "done", [*SETTING, "trial"]]
    rows = study.evaluations.loc[study.evaluations["status"] == "ok", ["trial", "step", "score"]]
    rows = done.merge(chosen[SETTING], on=SETTING).merge(rows, on="trial").dropna(subset="score")
    groups = rows.groupby([*SETTING, "step"])["score"]
    return groups.agg(mean="mean", low="min", high="max", n="size").reset_index()


def _representative(trials: pd.DataFrame) -> pd.DataFrame:
    rows = trials.sort_values([*SETTING, "done", "seed"], ascending=[True] * len(SETTING) + [False, True])
    columns = {"score_step": "step"}
    drawn = ("sampler", "search_seed")
    columns |= {name: name for name in ("steps", "trial", "seed", "reported", "variant", *drawn, *HYPERPARAMETERS)}
    columns |= {name: name for name in ("generator_parameters", "discriminator_parameters")}
    return rows.drop_duplicates(SETTING).set_index(SETTING)[list(columns)].rename(columns=columns)


def _one_per(trials: pd.DataFrame, where: list[str], names: list[str], folder: Path) -> None:
    """Raises StudyError where a group of trials does not agree on columns that make its numbers what they are."""
    for place, rows in trials.groupby(where):
        for name in names:
            if rows[name].nunique() > 1:
                values = ", ".join(sorted(rows[name].unique()))
                raise StudyError(
                    f"{folder}: {'/'.join(map(str, place))} has more than one {name} ({values}); "
                    "report them as two studies"
                )
