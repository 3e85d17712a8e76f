"""What is known of how one side's numbers on a data set came about, in words that both sides share."""

import json
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from analysis.formats import listed, span, value
from analysis.frames import AS_RUN, MISSING, Study
from study.results import fingerprints

Facts = Mapping[str, str]  # name, see `fairness.CAUSES` -> its value in words
USUAL = "the usual ones"  # weights that the extractor is known by


def of(study: Study, dataset: str, trials: pd.DataFrame, chosen: tuple[pd.DataFrame, pd.DataFrame]) -> Facts:
    """The facts of a data set. trials: those that are compared; chosen: their best settings, and all their settings."""
    rows = trials[trials["dataset"] == dataset]
    best, settings = (frame[frame["dataset"] == dataset] for frame in chosen)
    contents = [json.loads(text) for text in rows["content"].unique()]
    measures = [content["measure"] for content in contents]
    run = settings.dropna(subset="choice").groupby("loss").size()
    other = sorted({f"{row.loss} {row.variant}" for row in rows.itertuples() if row.variant != AS_RUN})
    facts = {
        "metric": _each(rows["reported"]),
        "weights": _each(USUAL if one["weights"] is None else f"sha256 {one['weights'][:12]}" for one in measures),
        **{name: _each(one[name] for one in measures) for name in ("generated", "real", "reporting", "selection")},
        "quantised": _each(one["quantised"] for one in measures),
        **{name: _each(one[name] for one in contents) for name in ("width", "batch_size", "batch_norm_decay")},
        "steps": _each(rows["steps"]),
        "evaluations": _each(len(one["evaluations"]) for one in contents),
        "variants": listed(other) or "none",
        **_draw(rows[rows["phase"].isin(settings["phase"])]),
    }
    if len(run) and run.max() > 1:
        facts["settings"] = span(run)
    ended = (best["seeds"] - best["missing"]).loc[lambda counts: counts > 0]
    if len(ended):
        candidates = _candidates(rows, best)
        facts |= {"seeds": span(ended)} | ({"candidates": candidates} if candidates != facts.get("settings") else {})
    made = fingerprints.by_dataset(study.evaluations).get(dataset, [])
    return facts | {"fingerprint": "\n".join(json.dumps(one, sort_keys=True) for one in made)}


def _draw(rows: pd.DataFrame) -> Facts:
    """How settings were chosen; nothing where all of them were selected elsewhere."""
    known = {name: rows[name].dropna() for name in ("space", "sampler")}
    return {name: _each(values) for name, values in known.items() if len(values)}


def _candidates(rows: pd.DataFrame, best: pd.DataFrame) -> str:
    """How many settings of a loss the best one was chosen among, here or in the search it was selected from."""
    evidence = rows.loc[rows["phase"].isin(best["phase"]), "evidence"].dropna()
    return span(
        pd.Series([json.loads(text)["settings"] for text in evidence])
        if len(evidence)
        else best.loc[best["settings_run"] > 0, "settings_run"]
    )


def warnings(dataset: str, trials: pd.DataFrame, chosen: tuple[pd.DataFrame, pd.DataFrame], where: str) -> list[str]:
    """Sentences about what this study alone lacks or flatters; `trials` and `chosen` as in `of`."""
    rows = trials[trials["dataset"] == dataset]
    best, settings = (frame[frame["dataset"] == dataset] for frame in chosen)
    missing, unfit = int(rows["status"].isin(MISSING).sum()), int(np.isinf(settings["choice"]).sum())
    lost, seeds = int((best["diverged"] + best["failed"]).sum()), int((best["seeds"] - best["missing"]).sum())
    repeats = rows[rows["phase"].isin(best["phase"])]
    found = [
        (missing, f"{missing} of {len(rows)} trials {where} have not ended: their side may still change"),
        (unfit, f"{unfit} of {settings['choice'].notna().sum()} settings {where} diverged or failed and count as "
                "infinite; where such settings are left out, quartiles are lower"),
        (lost, f"{lost} of {seeds} runs of best settings {where} diverged or failed, and the mean is of the others"),
        (seeds > len(best) and best["settings"].max() > 1 and repeats["evidence"].isna().any(),
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
