"""Small studies that were never run, attempt by attempt, with all that attempts leave behind."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from study import durable
from study.results import Store, connect, schema
from study.results.metrics import PICTURED
from study.results.query import VIEWS
from tests.analysis import synthetic
from tests.analysis.synthetic import Recipe

RECIPE = Recipe(losses=("ns", "vae"), settings=2)
YAML = "name: synthetic\n"
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
STEPS = RECIPE.points
HASH = "0123456789abcdef"


@dataclass(frozen=True)
class Made:
    """An attempt: when it began in minutes, the evaluations that it measured, and how it ended."""

    began: int
    first: int = 0  # evaluation that it measured first
    count: int = 3  # of evaluations
    ending: str = "killed"  # or failed, diverged; what measured the last evaluation is done
    host: str = "one"
    better: float = 0.0  # than the trial's score: what no other machine measures

    @property
    def over(self) -> bool:
        return self.ending == "diverged" or self.first + self.count >= len(STEPS)


def plan(recipe: Recipe = RECIPE) -> list[dict[str, Any]]:
    """The plan's rows."""
    return [row | {"position": position} for position, row in enumerate(synthetic.planned(recipe))]


def rows(planned: Mapping[str, Any], number: int, made: Made, recipe: Recipe = RECIPE) -> list[dict[str, Any]]:
    """What the attempt writes, as the number-th at its trial."""
    whole = synthetic.attempt(dict(planned), recipe, "done")
    kept = whole[made.first : made.first + made.count]
    metrics = [name for name in whole[0] if schema.METRIC.fullmatch(name)]
    kept = [row | {name: row[name] - made.better for name in metrics} for row in kept]
    if made.ending in ("failed", "diverged"):
        last = {name: value for name, value in whole[0].items() if name not in metrics}
        last |= {"step": STEPS[made.first + made.count - 1] + 5 if made.count else 0, "status": made.ending}
        trace = f"trials/{planned['trial']}/trace-{number}.txt"
        last |= {"exception": "OSError", "trace": trace} if made.ending == "failed" else {"message": "it is nan"}
        kept.append(last)
    began = BEGAN + timedelta(minutes=made.began)
    common = {
        "attempt": number,
        "started_at": began,
        "hardware": json.dumps({"host": made.host}),
        "source": HASH,
        "diff": HASH[::-1],
        "study_yaml": durable.sha256_text(YAML)[:16],
    }
    return [row | common | {"written_at": began + timedelta(seconds=row["step"])} for row in kept]


def study(folder: Path, histories: Mapping[str, Sequence[Made]], recipe: Recipe = RECIPE) -> Store:
    """A folder with this plan, and the attempts at these trials, oldest first, with all that they leave behind."""
    store, places = Store(folder), {row["trial"]: row for row in plan(recipe)}
    store.write_plan(list(places.values()), YAML)
    durable.write_bytes(store.provenance_file("source", HASH), b"the code")
    durable.write_bytes(store.provenance_file("diff", HASH[::-1]), b"its changes")
    durable.write_bytes(store.provenance_file("study_yaml", durable.sha256_text(YAML)[:16]), YAML.encode())
    for trial, attempts in histories.items():
        for number, made in enumerate(attempts, 1):
            found = rows(places[trial], number, made, recipe)
            if found:
                store.write(trial, number, found)
            _leave(store, trial, number, made, found)
    return store


def _leave(store: Store, trial: str, number: int, made: Made, found: list[dict[str, Any]]) -> None:
    """Marker, log, traceback, pictures and generator."""
    began = (BEGAN + timedelta(minutes=made.began)).isoformat()
    durable.write_json(
        store.marker_file(trial, number), {"attempt": number, "host": made.host, "pid": made.began, "started_at": began}
    )
    with store.log_file(trial).open("a") as log:
        log.write(f"{began} on {made.host}\n")
    for row in found:
        if row["status"] == "failed":
            durable.write_bytes(store.trace_file(trial, number), f"failed {began}".encode())
        else:
            durable.write_bytes(store.sample_file(trial, row["step"]), f"{trial} {row['step']}".encode())
            for metric in (metric for metric, column in PICTURED.items() if column in row):
                durable.write_bytes(store.picture_file(trial, row["step"], metric), f"{metric} of {trial}".encode())
    if made.over:
        durable.write_bytes(store.generator_file(trial), trial.encode())


def view(folder: Path, name: str) -> pa.Table:
    """All rows of a view, in an order of their own."""
    return views(folder, only=[name])[name]


def views(folder: Path, without: Sequence[str] = (), only: Sequence[str] = VIEWS) -> dict[str, pa.Table]:
    """All views, or some; without some columns of trials and plan."""
    with connect(folder) as database:
        kept = {name: f"* EXCLUDE ({', '.join(without)})" if without else "*" for name in ("trials", "plan")}
        return {
            name: database.sql(f"SELECT {kept.get(name, '*')} FROM {name} ORDER BY ALL").to_arrow_table()
            for name in only
        }


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its hash."""
    return {str(path.relative_to(folder)): durable.sha256(path) for path in folder.rglob("*") if path.is_file()}
