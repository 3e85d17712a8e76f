"""One side of a comparison: what a study's table holds, cell by cell, and the facts that decide whether it is fair."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import fingerprints, tables
from analysis.formats import listed, span, value
from analysis.frames import AS_RUN, SEARCH, Study
from analysis.frames import settings as all_settings
from analysis.intervals import FEWEST, bootstrap_deviation
from analysis.spread import quantiles
from study.errors import unknown

Facts = Mapping[str, str]  # name, see `fairness.CAUSES` -> its value in words
BEST = "best setting"
SHARES = {"minimum": 0.0, "first quartile": 0.25, "median": 0.5}
CELL = ["dataset", "loss", "quantity"]
NOTHING_ENDED = "nothing has ended"


@dataclass(frozen=True)
class Side:
    """`cells` has a row per data set, loss and quantity (BEST or one of SHARES): value, deviation, n and why.

    value: +infinity where failures reach it, NaN where there is none, and `why` says so. deviation: of BEST the sample
    standard deviation over n seeds; of the others the standard error over n settings; NaN where there is none.
    """

    name: str
    where: str  # in a sentence: "here", "published", "in mine"
    absent: str  # what a cell says of which this side has nothing: "not run", "not published"
    cells: pd.DataFrame
    facts: Mapping[str, Facts]  # data set ->
    warnings: Mapping[str, list[str]]  # data set -> sentences about this side alone
    remarks: list[str]  # about all of it


def of_study(study: Study, phase: str | None, where: str) -> Side:
    """A study's side. Raises StudyError where it has no phase of that name.

    Seeds are those of `phase`, or of the last phase that repeats settings, or else single runs of the largest search;
    settings are those of `phase` where it has several, or else of the phase with the most settings of a loss.
    """
    repeated, searched = _phases(study, phase)
    found = all_settings(study)
    best = tables.best(study)
    best, found = best[best["phase"] == repeated], found[found["phase"] == searched]
    cells = [_seeds(row) for _, row in best.iterrows()]
    if found.groupby(SEARCH).size().max() > 1:
        cells += [cell for _, group in found.groupby(SEARCH, sort=False) for cell in _settings(group)]
    trials = study.trials[study.trials["phase"].isin([repeated, searched])]
    datasets = list(dict.fromkeys(trials["dataset"]))
    return Side(
        name=study.name,
        where=where,
        absent="not run",
        cells=pd.DataFrame(cells),
        facts={name: _facts(study, name, trials, (best, found)) for name in datasets},
        warnings={name: _warnings(name, trials, (best, found), where) for name in datasets},
        remarks=[f"{study.name}: best settings of phase {repeated}, spread of settings of phase {searched}."],
    )


def _phases(study: Study, phase: str | None) -> tuple[str, str]:
    """The phase whose seeds, and the one whose settings are compared."""
    trials = study.trials
    names = [str(name) for name in dict.fromkeys(trials["phase"])]
    if phase is not None and phase not in names:
        raise unknown(f"a phase of {study.name}", phase, names)
    size = {name: int(_most(trials, name, "sample")) for name in names}
    widest = max(names, key=lambda name: size[name])
    searched = phase if phase is not None and size[phase] > 1 else widest
    repeats = [name for name in names if _most(trials, name, "seed") > 1]
    return phase or (repeats[-1] if repeats else searched), searched


def _most(trials: pd.DataFrame, phase: str, column: str) -> int:
    return int(trials[trials["phase"] == phase].groupby(SEARCH)[column].nunique().max())


def _seeds(row: pd.Series) -> dict[str, object]:
    done, ended = int(row["done"]), int(row["seeds"] - row["missing"])
    nothing = np.inf if ended else np.nan
    return {
        "dataset": row["dataset"], "loss": row["loss"], "quantity": BEST, "value": row["mean"] if done else nothing,
        "deviation": row["deviation"], "n": done, "why": "" if ended else NOTHING_ENDED,
    }  # fmt: skip


def _settings(group: pd.DataFrame) -> Iterable[dict[str, object]]:
    run = group["score"].dropna().to_numpy(dtype=float)
    for name, share in SHARES.items():
        found = float(quantiles(run, share)) if len(run) else np.nan
        error = bootstrap_deviation(run, lambda draws, share=share: quantiles(draws, share))
        yield {
            "dataset": group["dataset"].iloc[0], "loss": group["loss"].iloc[0], "quantity": name, "value": found,
            "deviation": error, "n": len(run), "why": "" if len(run) else NOTHING_ENDED,
        }  # fmt: skip


def _facts(study: Study, dataset: str, trials: pd.DataFrame, chosen: tuple[pd.DataFrame, pd.DataFrame]) -> Facts:
    rows = trials[trials["dataset"] == dataset]
    best, settings = (frame[frame["dataset"] == dataset] for frame in chosen)
    contents = [json.loads(text) for text in rows["content"].unique()]
    measures = [content["measure"] for content in contents]
    run = settings.dropna(subset="choice").groupby("loss").size()
    other = sorted({f"{row.loss} {row.variant}" for row in rows.itertuples() if row.variant != AS_RUN})
    facts = {
        "metric": _each(rows["reported"]),
        "weights": _each("its own" if one["weights"] is None else f"sha256 {one['weights'][:12]}" for one in measures),
        **{name: _each(one[name] for one in measures) for name in ("generated", "real", "reporting", "selection")},
        "quantised": _each(one["quantised"] for one in measures),
        **{name: _each(one[name] for one in contents) for name in ("width", "batch_size", "batch_norm_decay")},
        "steps": _each(rows["steps"]),
        "evaluations": _each(len(one["evaluations"]) for one in contents),
        "variants": listed(other) or "none",
    }
    if len(run) and run.max() > 1:
        facts["settings"] = span(run)
    ended = (best["seeds"] - best["missing"]).loc[lambda counts: counts > 0]
    if len(ended):
        facts |= {"seeds": span(ended), "candidates": _candidates(rows, best)}
    made = fingerprints.by_dataset(study.evaluations).get(dataset, [])
    return facts | {"fingerprint": " or ".join(json.dumps(one, sort_keys=True) for one in made)}


def _candidates(rows: pd.DataFrame, best: pd.DataFrame) -> str:
    """How many settings of a loss the best one was chosen among, here or in the search it was selected from."""
    evidence = rows.loc[rows["phase"].isin(best["phase"]), "evidence"].dropna()
    return span(pd.Series([json.loads(text)["settings"] for text in evidence]) if len(evidence) else best["settings_run"])


def _warnings(
    dataset: str, trials: pd.DataFrame, chosen: tuple[pd.DataFrame, pd.DataFrame], where: str
) -> list[str]:
    rows = trials[trials["dataset"] == dataset]
    best, settings = (frame[frame["dataset"] == dataset] for frame in chosen)
    missing, unfit = int(rows["status"].isin(("started", "waiting")).sum()), int(np.isinf(settings["choice"]).sum())
    lost, seeds = int((best["diverged"] + best["failed"]).sum()), int((best["seeds"] - best["missing"]).sum())
    repeats = rows[rows["phase"].isin(best["phase"])]
    found = [
        (missing, f"{missing} of {len(rows)} trials {where} have not ended: their side may still change"),
        (unfit, f"{unfit} of {settings['choice'].notna().sum()} settings {where} diverged or failed and count as "
                "infinite; how others count theirs moves minima not at all, but quartiles"),
        (lost, f"{lost} of {seeds} runs of best settings {where} diverged or failed, and the mean is of the others"),
        (seeds > len(best) and repeats["evidence"].isna().any(),
         f"the best settings {where} are repeated by the very seeds that chose them, which flatters their mean"),
    ]  # fmt: skip
    return [f"{dataset}: {sentence}." for applies, sentence in found if applies]


def _each(values: Iterable[object]) -> str:
    """The distinct values in words, in their order: '64', 'test', 'yes', or '64 or 128' where they are mixed."""
    return " or ".join(dict.fromkeys(map(_word, values)))


def _word(item: object) -> str:
    if isinstance(item, bool | np.bool_):
        return "yes" if item else "no"
    return item if isinstance(item, str) else value(item, 6)
