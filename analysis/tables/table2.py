"""The study's table 2: of every loss the score of its best setting over seeds, with the published one beside it."""

from pathlib import Path

import pandas as pd

from analysis.frames import SEARCH, Study
from analysis.tables import phases, searches

PUBLISHED = Path(__file__).parents[1] / "published" / "table2.csv"
OURS = ("mean", "deviation", "seeds", "failed")
THEIRS = ("published", "published_deviation")


def published() -> pd.DataFrame:
    """loss, dataset, and the published mean and standard deviation of the FID over 50 seeds of the best setting."""
    return pd.read_csv(PUBLISHED).rename(columns=dict(zip(("fid_mean", "fid_std"), THEIRS, strict=True)))


def table2(study: Study, phase: str | None = None) -> pd.DataFrame:
    """One row per loss in the order of the plan; of `phase`, or of the last that repeats settings or searched most.

    Per data set the columns DATASET_mean and DATASET_deviation (sample standard deviation) of the reported score over
    the seeds of the best setting that are done; where they chose it among several settings the mean flatters it.
    DATASET_seeds, how many these are, DATASET_failed, how many diverged or failed; DATASET_metric, in which ours are;
    and DATASET_published and DATASET_published_deviation (Lucic et al. 2018, over 50 seeds, fid, collapsed runs left
    out), on the scale of ours only where that is fid too. Numbers are NaN where there are none. Raises StudyError where
    the study has no such phase.
    """
    chosen = phases.of(study, phase)
    planned = study.trials[study.trials["phase"] == (phase or chosen.repeated or chosen.searched)]
    best = searches.best(study).merge(planned.drop_duplicates(SEARCH)[SEARCH], on=SEARCH)
    rows = best.assign(failed=best["diverged"] + best["failed"], seeds=best["done"])
    rows = rows.merge(published(), on=["loss", "dataset"], how="left")
    losses, datasets = (list(dict.fromkeys(planned[name])) for name in ("loss", "dataset"))
    table = pd.DataFrame({"loss": losses})
    for dataset in datasets:
        mine = rows[rows["dataset"] == dataset].set_index("loss").reindex(losses)
        for name in (*OURS, *THEIRS):
            table[f"{dataset}_{name}"] = mine[name].to_numpy()
        table[f"{dataset}_metric"] = study.objective(dataset)
    return table.astype({f"{dataset}_{name}": "Int64" for dataset in datasets for name in ("seeds", "failed")})
