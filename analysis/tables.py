"""The tables of a study: the best setting of every loss, their ranking, and what went wrong."""

import numpy as np
import pandas as pd

from analysis.frames import SEARCH, SETTING, UNFIT, Study, settings
from analysis.intervals import bootstrap


def best(study: Study) -> pd.DataFrame:
    """One row per search (phase, dataset, loss), in the order of the plan: what it chose, and how the rest fared.

    The columns of `frames.settings` for that setting; low and high, a 95 % bootstrap interval of `mean` over its seeds
    (null below six); and for the search settings (planned), settings_run (at least one seed has ended: the n of every
    estimator), settings_failed (of those run, at infinity), trials, trials_done, trials_diverged, trials_failed and
    trials_missing. Where nothing has ended, or all of it failed, the row is there with `done` = 0.
    """
    found = settings(study)
    rows = found.drop_duplicates(SEARCH).set_index(SEARCH)
    rows = rows.join(_searched(found)).join(_intervals(study, rows.reset_index()))
    planned = study.trials.drop_duplicates(SEARCH)[SEARCH]
    return planned.merge(rows.reset_index(), on=SEARCH)


def ranking(study: Study) -> pd.DataFrame:
    """`best` ordered by reported score within phase and data set, with `rank` from 1; null where nothing has finished.

    Ties, and losses of which nothing has ended, keep the order of the plan.
    """
    rows = best(study).sort_values([*SEARCH[:2], "score", "share_failed", "mean"], ignore_index=True)
    finished = rows["score"].where(rows["done"] > 0)
    ranks = rows.assign(finished=finished).groupby(SEARCH[:2])["finished"].rank(method="min")
    return rows.assign(rank=ranks.astype("Int64"))


def failures(study: Study) -> pd.DataFrame:
    """What went wrong, most frequent first, equal things folded.

    Columns: status, exception, message, trials (how many), losses (which), example (one trial's id).
    """
    rows = study.trials.loc[study.trials["status"].isin(UNFIT)].fillna({"exception": "", "message": ""})
    groups = rows.groupby(["status", "exception", "message"])
    folded = groups.agg(
        trials=("trial", "size"),
        losses=("loss", lambda losses: ", ".join(dict.fromkeys(losses))),
        example=("trial", "first"),
    )
    return folded.reset_index().sort_values("trials", ascending=False, kind="stable", ignore_index=True)


def sizes(study: Study) -> pd.DataFrame:
    """How large the networks of every loss are, per data set.

    Columns: dataset, loss, and of generator and discriminator (the other network) the least and the greatest number of
    trainable parameters among the trials that have begun (batch norm adds some); ordered as the plan.
    """
    names = ["generator_parameters", "discriminator_parameters"]
    groups = study.trials.dropna(subset=names).groupby(["dataset", "loss"], sort=False)[names]
    least, greatest = groups.min().astype("int64"), groups.max().astype("int64")
    return least.add_suffix("_least").join(greatest.add_suffix("_greatest")).reset_index()


def _searched(found: pd.DataFrame) -> pd.DataFrame:
    run = found.assign(run=found["choice"].notna(), unfit=np.isinf(found["choice"]))
    groups = run.groupby(SEARCH)
    trials = groups[["seeds", "done", "diverged", "failed", "missing"]].sum().rename(columns={"seeds": "trials"})
    trials.columns = [name if name == "trials" else f"trials_{name}" for name in trials.columns]
    return trials.assign(
        settings=groups.size(), settings_run=groups["run"].sum(), settings_failed=groups["unfit"].sum()
    )


def _intervals(study: Study, chosen: pd.DataFrame) -> pd.DataFrame:
    scores = study.trials.loc[np.isfinite(study.trials["outcome"]), [*SETTING, "outcome"]].merge(
        chosen[SETTING], on=SETTING
    )
    found = scores.groupby(SEARCH)["outcome"].agg(lambda values: bootstrap(values.to_numpy(dtype=float)))
    low, high = ([getattr(interval, end) for interval in found] for end in ("low", "high"))
    return pd.DataFrame({"low": low, "high": high}, index=found.index, dtype=float)
