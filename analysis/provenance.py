"""Where the numbers of a study come from: plan, seeds, code, packages, machines and how the metrics were made."""

import hashlib
import json
from typing import Any

import pandas as pd

from analysis.formats import listed
from analysis.frames import Study
from study.results import fingerprints

Facts = list[tuple[str, str]]


def facts(study: Study) -> Facts:
    """Pairs of a name and what is known of it; several values are each given with the number of their trials."""
    ids = "\n".join(study.trials["trial"])
    seeds = sorted(set(study.trials["seed"]))
    rows = study.evaluations
    dirty = rows["dirty"].map({True: " with uncommitted changes", False: ""}).fillna("")
    return [
        ("plan", f"{len(study.trials)} trials, sha256 of their ids {hashlib.sha256(ids.encode()).hexdigest()[:16]}"),
        ("datasets", ", ".join(dict.fromkeys(study.trials["dataset"]))),
        ("phases", ", ".join(dict.fromkeys(study.trials["phase"]))),
        (
            "seeds",
            ", ".join(str(seed) for seed in seeds) if len(seeds) < 8 else f"{seeds[0]} to {seeds[-1]} ({len(seeds)})",
        ),
        ("commit", _each(rows.assign(commit=rows["commit"].astype("string") + dirty.astype("string")), "commit")),
        ("versions", _each(rows, "versions")),
        ("hardware", _each(rows, "hardware")),
        ("last row written", newest(study)),
    ]


def newest(study: Study) -> str:
    """When the newest row was written."""
    written = study.evaluations["written_at"]
    return f"{written.max():%Y-%m-%d %H:%M:%S UTC}" if written.notna().any() else "unknown"


def commits(study: Study) -> str:
    """The commits that wrote the rows, the first twelve letters of each."""
    found = sorted(str(commit)[:12] for commit in study.evaluations["commit"].dropna().unique())
    return listed(found) if found else "unknown"


def measured(study: Study) -> list[tuple[str, Facts]]:
    """Per data set the fields of its metric fingerprint; a field in which mixed rows differ lists all its values."""
    found = fingerprints.by_dataset(study.evaluations).items()
    return [(dataset, _fields(several)) for dataset, several in found]


def _fields(several: list[fingerprints.Fingerprint]) -> Facts:
    names = sorted({name for fingerprint in several for name in fingerprint})
    return [(name, " or ".join(sorted({_words(one.get(name)) for one in several}))) for name in names]


def _each(rows: pd.DataFrame, column: str) -> str:
    trials = rows.dropna(subset=column).groupby(column)["trial"].nunique()
    if trials.empty:
        return "unknown"
    texts = [_words(_parsed(str(text))) for text in trials.index]
    return (
        texts[0]
        if len(texts) == 1
        else "; ".join(f"{text} ({n} trials)" for text, n in zip(texts, trials, strict=True))
    )


def _parsed(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else text


def _words(value: Any) -> str:
    return (
        ", ".join(f"{name} {_words(item)}" for name, item in value.items()) if isinstance(value, dict) else str(value)
    )
