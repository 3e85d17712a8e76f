"""The tables of a study: the best setting of every loss, their ranking, and what went wrong."""

import numpy as np
import pandas as pd

from analysis.frames import SEARCH, SETTING, UNFIT, Study, settings
from analysis.intervals.means import mean_interval
from analysis.tables import validity


def best(study: Study) -> pd.DataFrame:
    """One row per search (phase, dataset, loss), in the order of the plan: what it chose, and how the rest fared.

    The columns of `frames.settings` for that setting; low and high, a 95 % interval of the mean over its seeds that
    ended in turn (`validity.trials_in_turn`; null below `means.FEWEST` of them, and where the search had several
    settings: the seeds that chose one flatter it, and of 40 alike with 6 seeds each the interval would hold in 54 %);
    and for the search settings (planned), settings_run (at least one seed has ended: the n of every estimator),
    settings_failed (of those run, at infinity), trials, trials_done, trials_diverged, trials_failed and trials_missing.
    Where nothing has ended, or all of it failed, the row is there with `done` = 0.
    """
    found = settings(study)
    rows = found.drop_duplicates(SEARCH).set_index(SEARCH)
    rows = rows.join(_searched(found)).join(_intervals(study, rows.reset_index()))
    planned = study.trials.drop_duplicates(SEARCH)[SEARCH]
    return planned.merge(rows.reset_index(), on=SEARCH)


def ranking(study: Study) -> pd.DataFrame:
    """`best` in the order of `standing` within phase and data set, with `rank` from 1; null where nothing has finished.

    Ties have the same rank, the least; they, and losses of which nothing has ended, keep the order of the plan.
    """
    rows = best(study)
    rows = rows.assign(standing=standing(rows).where(rows["score"].notna()))
    rows = rows.sort_values([*SEARCH[:2], "standing"], kind="stable", ignore_index=True)
    finished = rows.assign(standing=rows["standing"].where(rows["done"] > 0))
    ranks = finished.groupby(SEARCH[:2])["standing"].rank(method="min")
    return rows.drop(columns="standing").assign(rank=ranks.astype("Int64"))


def standing(rows: pd.DataFrame) -> pd.Series:
    """Numbers that order settings by what they report; equal ones tie. Meaningless where nothing has ended.

    A setting with a failed seed is behind all without, and among its like by the share that failed, then by the mean of
    the others; those of which everything failed tie.
    """
    order = pd.MultiIndex.from_frame(rows[["score", "share_failed", "mean"]].fillna(np.inf))
    return pd.Series(order.factorize(sort=True)[0], index=rows.index, dtype=float)


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
    known = np.isfinite(study.trials["outcome"]) & validity.given(study.trials)
    known &= validity.trials_in_turn(study.trials)
    scores = study.trials.loc[known, [*SETTING, "outcome"]].merge(chosen[SETTING], on=SETTING)
    found = scores.groupby(SEARCH)["outcome"].agg(lambda values: mean_interval(values.to_numpy(dtype=float)))
    low, high = ([getattr(interval, end) for interval in found] for end in ("low", "high"))
    return pd.DataFrame({"low": low, "high": high}, index=found.index, dtype=float)
