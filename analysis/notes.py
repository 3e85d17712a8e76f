"""What a reader has to know before believing the numbers: plain sentences, each only where it applies."""

import numpy as np
import pandas as pd

from analysis.formats import listed
from analysis.frames import DEFAULT, ENDED, MISSING, SEARCH, UNFIT, Study
from analysis.intervals import FEWEST


def notes(study: Study, table: pd.DataFrame, settings: pd.DataFrame) -> list[str]:
    """The caveats that hold for this study, given its `tables.ranking` as `table` and its `frames.settings`."""
    found = [
        _missing(study),
        _failed(study),
        _selection(settings),
        _seeds(table),
        _overtaken(table, settings),
        _unsound(table),
        _default(settings),
        _parameters(table),
        _one_number(study),
    ]
    return [note for note in found if note]


def _missing(study: Study) -> str:
    missing, planned = study.count(*MISSING), len(study.trials)
    if not missing:
        return ""
    return f"{missing} of {planned} trials are missing: every number is of what has ended and may still change."


def _failed(study: Study) -> str:
    unfit, ended = study.count(*UNFIT), study.count(*ENDED)
    if not unfit:
        return ""
    return (
        f"{unfit} of {ended} ended trials ({unfit / ended:.0%}) diverged or failed; each stays in the count of "
        "settings with an infinite score, because leaving them out would flatter a loss."
    )


def _selection(settings: pd.DataFrame) -> str:
    most = settings.dropna(subset="score").groupby(SEARCH).size()
    if most.empty:
        return ""
    count = f"{most.min()}" if most.min() == most.max() else f"{most.min()} to {most.max()}"
    return (
        f"Each score is the best of {count} settings and of every step measured, selected on the same images that are "
        "reported: it is optimistic, and more so for a loss with more settings."
    )


def _seeds(table: pd.DataFrame) -> str:
    finished = table[table["done"] > 0]
    single, few = (finished["done"] == 1).sum(), (finished["done"] < FEWEST).sum()
    of_best = "of the best settings"
    if single:
        which = _all_or(single, len(finished))
        return f"1 seed: no error can be given for {which} {of_best}; small differences mean nothing."
    if few:
        return f"Fewer than {FEWEST} seeds: no interval is given for {_all_or(few, len(finished))} {of_best}."
    return "" if finished.empty else "Intervals are over seeds of the chosen setting, not over which one was chosen."


def _overtaken(table: pd.DataFrame, settings: pd.DataFrame) -> str:
    """Settings whose mean beats the chosen one's, and that rank behind because a seed of theirs diverged or failed."""
    chosen = table.loc[table["done"] > 0, [*SEARCH, "mean"]].rename(columns={"mean": "chosen"})
    behind = settings[np.isinf(settings["score"])].merge(chosen, on=SEARCH)
    behind = behind[behind["mean"] < behind["chosen"]].sort_values("mean").drop_duplicates(SEARCH)
    each = [
        f"{row['loss']} on {row['dataset']} (sample {row['sample']}, {row['mean']:.4g} in {row['done']} of "
        f"{row['done'] + row['diverged'] + row['failed']} seeds)"
        for _, row in behind.iterrows()
    ]
    return f"Ranked behind because other seeds of theirs diverged or failed: {listed(each)}." if each else ""


def _unsound(table: pd.DataFrame) -> str:
    """Losses that have no setting all of whose seeds are done."""
    rows = table[(table["done"] > 0) & np.isinf(table["score"])]
    each = [f"{row['loss']} on {row['dataset']}" for _, row in rows.iterrows()]
    if not each:
        return ""
    return (
        f"Every setting had a diverged or failed seed; the score shown is of the seeds that finished: {listed(each)}."
    )


def _default(settings: pd.DataFrame) -> str:
    if not (settings["sample"] == DEFAULT).any():
        return ""
    return "Sample 0 is the loss's default, chosen by its authors and not drawn at random; it counts as a setting."


def _parameters(table: pd.DataFrame) -> str:
    counts = (
        table.dropna(subset="discriminator_parameters").groupby("loss")["discriminator_parameters"].max().astype(int)
    )
    small = counts[counts < 0.8 * counts.max()]
    if small.empty:
        return ""
    each = listed([f"{loss} has {count:,} ({counts.max() / count:.1f} times fewer)" for loss, count in small.items()])
    return f"The networks are not equally large: the largest second network has {counts.max():,} parameters, {each}."


def _one_number(study: Study) -> str:
    names = listed(sorted(study.trials["objective"].unique()))
    return f"{names}: a Fréchet distance compares two moments of features and cannot see memorised images."


def _all_or(part: int, whole: int) -> str:
    return "any" if part == whole else f"{part} of {whole}"
