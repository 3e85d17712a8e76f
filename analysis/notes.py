"""What a reader has to know before believing the numbers: plain sentences, each only where it applies."""

import json
from collections import defaultdict

import numpy as np
import pandas as pd

from analysis.formats import listed, span
from analysis.frames import AS_RUN, DEFAULT, ENDED, MISSING, SEARCH, UNFIT, Study
from analysis.intervals.means import FEWEST
from analysis.tables import validity
from study.results import fingerprints

SAME = ("width", "batch_size", "batch_norm_decay", "evaluations", "measure")  # of a search and its repeats


def notes(study: Study, table: pd.DataFrame, settings: pd.DataFrame) -> list[str]:
    """The caveats that hold for this study, given its `searches.ranking` as `table` and its `frames.settings`."""
    found = [
        mixed(study),
        _missing(study),
        _uneven(study),
        _failed(study),
        *_selection(study, settings),
        *_evidence(study),
        _variants(study),
        _seeds(table),
        _overtaken(table, settings),
        _unsound(table),
        _default(settings),
        _parameters(table),
        _one_number(study),
    ]
    return [note for note in found if note]


def mixed(study: Study) -> str:
    """In which fields the metrics of a data set were not measured alike; "" where they were."""
    found = {name: fingerprints.differing(ways) for name, ways in fingerprints.by_dataset(study.evaluations).items()}
    each = [f"{name} ({', '.join(fields)})" for name, fields in found.items() if fields]
    if not each:
        return ""
    return (
        f"Mixed: rows that were not measured alike stand together here, on {listed(each)}. Their scores may differ for "
        "that reason only."
    )


def _missing(study: Study) -> str:
    missing, planned = study.count(*MISSING), len(study.trials)
    if not missing:
        return ""
    early = int((study.trials["outcome"].notna() & ~validity.trials_in_turn(study.trials)).sum())
    return (
        f"{missing} of {planned} trials are missing: every number is of what has ended and may still change. Those "
        "that end first are no random part, as a failure ends early. So what is said of settings or seeds that could "
        "be drawn (curves, which loss beats which, pooled runs, ranks, what seeds give, importances, claims) "
        f"counts those that ended in turn, and {early} trials wait for one before them; ranks and pooled runs count "
        "equally many of every loss."
    )


def _uneven(study: Study) -> str:
    """Of a study that has ended, why some of its trials are in no rank and in no pooled number."""
    more = int((~validity.even(study.trials)).sum())
    if study.count(*MISSING) or not more:
        return ""
    return (
        f"Losses have different numbers of trials. Ranks and pooled runs count as many of every loss, the first ones: "
        f"{more} trials are not among them."
    )


def _failed(study: Study) -> str:
    unfit, ended = study.count(*UNFIT), study.count(*ENDED)
    if not unfit:
        return ""
    return (
        f"{unfit} of {ended} ended trials ({unfit / ended:.0%}) diverged or failed; each stays in the count of "
        "settings with an infinite score, because leaving them out would flatter a loss."
    )


def _selection(study: Study, settings: pd.DataFrame) -> list[str]:
    """Which split chose and which is reported: a sentence per pair of splits."""
    run = settings.dropna(subset="choice").groupby(SEARCH).size()
    if run.empty:
        return []
    splits: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for dataset, found in fingerprints.by_dataset(study.evaluations).items():
        count = _counted(run[run.index.get_level_values("dataset") == dataset])
        for selection, reporting in sorted({(str(one["selection"]), str(one["reporting"])) for one in found}):
            splits[selection, reporting, count].append(dataset)
    return [_chosen(*splits_and_count, listed(names)) for splits_and_count, names in splits.items() if names]


def _counted(run: pd.Series) -> str:
    """How many settings of a loss were run, in every phase that searched; '1 setting' where none did."""
    phases = {str(phase): sizes for phase, sizes in run.groupby("phase", sort=False) if sizes.max() > 1}
    several = len(phases) > 1
    each = [f"{span(sizes)} settings" + (f" (phase {name})" if several else "") for name, sizes in phases.items()]
    return listed(each) if each else "1 setting"


def _chosen(selection: str, reporting: str, count: str, datasets: str) -> str:
    if selection == reporting:
        return (
            f"Warning, {datasets}: the minimum over every step measured and over {count} of a loss is reported on the "
            f"very images that chose it (split {reporting}). It flatters, and more so for a loss with more settings."
        )
    return (
        f"{datasets}: checkpoints, and the best of {count} of a loss, were chosen by the split {selection} of real "
        f"images; the scores shown are of the split {reporting}, whose images the choice could not exploit. The luck "
        "of the chosen run stays in its score until other seeds repeat it."
    )


def _evidence(study: Study) -> list[str]:
    """Where the settings of a phase that searched none were selected: a sentence per phase."""
    notes = []
    for phase, rows in study.trials.dropna(subset="evidence").groupby("phase", sort=False):
        found = pd.DataFrame([json.loads(text) for text in rows.drop_duplicates(SEARCH)["evidence"]])
        sources = listed(
            [f"phase {row.phase} of {row.study}" for row in found[["study", "phase"]].drop_duplicates().itertuples()]
        )
        notes.append(
            f"The settings of phase {phase} were selected in {sources}, by {listed(sorted(set(found['objective'])))} "
            f"out of {span(found['settings'])} settings of each loss and data set; {found['failed'].sum()} of these "
            f"{found['settings'].sum()} had diverged or failed. The rule: {listed(sorted(set(found['rule'])))}."
            + _elsewhere(rows.drop_duplicates(SEARCH))
        )
    return notes


def _elsewhere(rows: pd.DataFrame) -> str:
    """In what the selected settings are repeated otherwise than they were searched."""
    differing: dict[str, None] = {}
    for row in rows.itertuples():
        here, there = json.loads(str(row.content)), json.loads(str(row.evidence))["content"]
        names = (name for name in SAME if here[name] != there[name])
        differing |= {f"{name} {there[name]} there and {here[name]} here": None for name in names}
    return f" They were searched otherwise: {'; '.join(differing)}." if differing else ""


def _variants(study: Study) -> str:
    other = study.trials.loc[study.trials["variant"] != AS_RUN, ["phase", "loss", "variant"]].drop_duplicates()
    several = study.trials["phase"].nunique() > 1
    each = [f"{row.loss} {row.variant}" + (f" in phase {row.phase}" if several else "") for row in other.itertuples()]
    return f"Not computed as in the published study's released code: {listed(each)}." if each else ""


def _seeds(table: pd.DataFrame) -> str:
    finished = table[table["done"] > 0]
    single, few = (finished["done"] == 1).sum(), (finished["done"] < FEWEST).sum()
    of_best = "of the best settings"
    if single:
        which = _all_or(single, len(finished))
        return f"1 seed: no error can be given for {which} {of_best}; small differences mean nothing."
    chosen = (finished["settings"] > 1).sum()
    if chosen:
        return (
            f"No interval is given for {_all_or(chosen, len(finished))} {of_best}: its seeds chose it among several "
            "settings and flatter it. Seeds that run it alone, as a phase that selects it runs them, have one."
        )
    if few:
        return f"Fewer than {FEWEST} seeds: no interval is given for {_all_or(few, len(finished))} {of_best}."
    return "" if finished.empty else "Intervals are over seeds of the chosen setting, not over which one was chosen."


def _overtaken(table: pd.DataFrame, settings: pd.DataFrame) -> str:
    """Settings that would have been chosen, had no seed of theirs diverged or failed."""
    chosen = table.loc[table["done"] > 0, [*SEARCH, "choice_mean"]].rename(columns={"choice_mean": "chosen"})
    behind = settings[np.isinf(settings["choice"])].merge(chosen, on=SEARCH)
    behind = behind[behind["choice_mean"] < behind["chosen"]].sort_values("choice_mean").drop_duplicates(SEARCH)
    each = [
        f"{row['loss']} on {row['dataset']} (sample {row['sample']}, score {row['mean']:.4g} in {row['done']} of "
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
    return (
        "Sample 0 is the loss's default, chosen by its authors and not drawn at random. It counts in a search's best "
        "setting, among the settings run, and in the published form of the budget curve. What speaks of settings that "
        "could be drawn (budget, tuning and compute curves, which loss beats which, pooled settings, importances, "
        "claims A to E and H) leaves it out."
    )


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
    names = listed(sorted(study.trials["reported"].unique()))
    return f"{names}: a Fréchet distance compares two moments of features and cannot see memorised images."


def _all_or(part: int, whole: int) -> str:
    return "any" if part == whole else f"{part} of {whole}"
