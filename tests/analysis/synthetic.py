"""Studies that were never run: a plan and rows with known scores, divergences, failures and gaps, and sample grids."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np

from study.results import Store

LOSSES = ("mm", "ns", "ls", "wgan", "wgan_gp", "dragan", "began", "vae")
OWN = {
    "wgan": ["clip"],
    "wgan_gp": ["penalty_weight"],
    "dragan": ["penalty_weight"],
    "began": ["k_learning_rate", "gamma"],
}
MEASURE = {
    "extractor": "cnn28",
    "weights": None,
    "metrics": ["fd"],
    "generated": 1000,
    "real": 1000,
    "selection": "train",
    "reporting": "test",
    "quantised": False,
}
SELECTION = "_selection"


def score(loss: str, sample: int, seed: int) -> float:
    """The reported score of a trial: log-normal over settings, close to it over seeds."""
    setting = np.random.default_rng([LOSSES.index(loss) if loss in LOSSES else 99, sample])
    noise = np.random.default_rng([sample, seed, 7])
    return float(20 * np.exp(0.1 * len(loss) + 0.7 * setting.standard_normal() + 0.02 * noise.standard_normal()))


def flattered(loss: str, sample: int, seed: int) -> float:
    """The selection score of a trial: less than what is reported, and in the same order."""
    return 0.9 * score(loss, sample, seed)


@dataclass(frozen=True)
class Recipe:
    """What to make of one phase. `ending` maps (loss, sample, seed) to done, diverged, failed, started or waiting."""

    losses: tuple[str, ...] = LOSSES
    datasets: tuple[str, ...] = ("fashion",)
    settings: int = 4
    seeds: int = 1
    points: tuple[int, ...] = (100, 200, 300)
    ending: Callable[[str, int, int], str] = lambda loss, sample, seed: "done"
    grids: bool = False
    phase: str = "wide"
    samples: tuple[int, ...] | None = None  # of the settings; None: 0 to settings - 1
    reported: Callable[[str, int, int], float] = score
    chooses: Callable[[str, int, int], float] = flattered
    column: str = "fd_cnn28"
    measure: Mapping[str, Any] = field(default_factory=lambda: MEASURE)
    content: Mapping[str, Any] = field(default_factory=dict)  # beside width, batch_size and batch_norm_decay
    variants: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, Any] | None = None
    space: str = "wide"
    sampler: str = "published"
    beside: Callable[[str, int, int, float], Mapping[str, float]] = lambda loss, sample, seed, part: {}  # other metrics

    @property
    def objective(self) -> str:
        return self.column if self.measure["selection"] == self.measure["reporting"] else self.column + SELECTION


def write(folder: Path, *recipes: Recipe) -> Path:
    """A folder as the harness leaves it, a recipe per phase; deterministic in the recipes."""
    store = Store(folder)
    plans = [(recipe, list(planned(recipe))) for recipe in recipes]
    rows = [row for _, plan in plans for row in plan]
    for position, row in enumerate(rows):
        row["position"] = position
    store.write_plan(rows, "name: synthetic\n")
    for recipe, plan in plans:
        for row in plan:
            found = attempt(row, recipe, recipe.ending(row["loss"], row["sample"], row["seed"]))
            if found:
                store.write(row["trial"], 1, found)
            if found and recipe.grids:
                _draw(store, row["trial"], found)
    return folder


def planned(recipe: Recipe) -> Iterator[dict[str, Any]]:
    for dataset in recipe.datasets:
        for loss in recipe.losses:
            for sample in recipe.samples or range(recipe.settings):
                for seed in range(recipe.seeds):
                    variant = recipe.variants.get(loss, "as_run")
                    content = json.dumps({
                        "loss": loss, "variant": variant, "dataset": dataset, "own": None, "seed": seed,
                        "hyperparameters": hyperparameters(loss, sample), "width": 1.0, "batch_size": 64,
                        "batch_norm_decay": 0.999, "evaluations": recipe.points, "measure": dict(recipe.measure),
                        **recipe.content,
                    })  # fmt: skip
                    name = f"{content}{sample}{recipe.phase}".encode()
                    yield {
                        "position": 0, "trial": hashlib.sha256(name).hexdigest()[:16],
                        "phase": recipe.phase, "search": f"{recipe.phase}/{loss}/{dataset}", "sample": sample,
                        "loss": loss, "variant": variant, "dataset": dataset, "seed": seed, "steps": recipe.points[-1],
                        "objective": recipe.objective, "reported": recipe.column,
                        "space": None if recipe.evidence else recipe.space, "search_seed": None,
                        "sampler": None if recipe.evidence else recipe.sampler,
                        "evidence": _evidence(recipe, content),
                        "content": content,
                    }  # fmt: skip


def _evidence(recipe: Recipe, content: str) -> str | None:
    """As it was searched where the recipe does not say otherwise."""
    return None if recipe.evidence is None else json.dumps({"content": json.loads(content), **recipe.evidence})


def hyperparameters(loss: str, sample: int) -> dict[str, Any]:
    values: dict[str, Any] = {"learning_rate": 1e-4 * (1 + sample), "beta1": 0.5, "batch_norm": sample % 2 == 0}
    if loss != "vae":
        values["disc_iters"] = 1 if sample % 2 else 5
    return values | dict.fromkeys(OWN.get(loss, []), 0.1 * (1 + sample))


def attempt(row: dict[str, Any], recipe: Recipe, ending: str) -> list[dict[str, Any]]:
    """The rows of the one attempt of a trial, up to its ending."""
    if ending == "waiting":
        return []
    points = recipe.points if ending == "done" else recipe.points[:-1]
    which = row["loss"], row["sample"], row["seed"]
    values = {recipe.objective: recipe.chooses(*which), recipe.column: recipe.reported(*which)}
    rows = [_measured(row, recipe, step, values) for step in points]
    last = points[-1] if points else 0
    if ending == "diverged":
        rows.append(_row(row, recipe, last + 37, "diverged") | {"message": "generator_loss is nan"})
    if ending == "failed":
        failure = {"exception": "RuntimeError", "message": "out of <memory> & time"}
        rows.append(_row(row, recipe, last + 5, "failed") | failure)
    return rows


def _measured(row: dict[str, Any], recipe: Recipe, step: int, values: dict[str, float]) -> dict[str, Any]:
    losses = {"discriminator_loss": 1.0, "generator_loss": 0.7}
    worse = 1 + 0.5 * (len(recipe.points) - 1 - recipe.points.index(step))
    beside = recipe.beside(row["loss"], row["sample"], row["seed"], step / recipe.points[-1])
    return _row(row, recipe, step, "ok") | losses | {name: best * worse for name, best in values.items()} | beside


def fingerprint(recipe: Recipe, dataset: str) -> dict[str, Any]:
    measure = dict(recipe.measure)
    del measure["weights"]
    return measure | {"dataset": dataset, "extractor_sha256": "ab12", "metrics": dict.fromkeys(measure["metrics"], 1)}


def _row(row: dict[str, Any], recipe: Recipe, step: int, status: str) -> dict[str, Any]:
    small = row["loss"] == "began"
    return {
        **{name: row[name] for name in row if name not in ("position", "space", "sampler", "search_seed", "evidence")},
        **json.loads(row["content"])["hyperparameters"],
        "written_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "attempt": 1, "step": step, "status": status, "generator_updates": step, "images_seen": 64 * step,
        "train_seconds": step / 50, "fingerprint": json.dumps(fingerprint(recipe, row["dataset"])),
        "generator_parameters": 6_642_241,
        "discriminator_parameters": (1_073_601 if small else 6_556_865) + 2_304 * (row["sample"] % 2 == 0),
        "commit": "0123456789abcdef", "dirty": False, "versions": json.dumps({"python": "3.11.2", "torch": "2.9"}),
        "hardware": json.dumps({"host": "h<1>", "device": "cpu", "threads": 2}),
    }  # fmt: skip


def _draw(store: Store, trial: str, rows: list[dict[str, Any]]) -> None:
    store.samples.mkdir(parents=True, exist_ok=True)
    for row in rows:
        if row["status"] == "ok":
            image = np.random.default_rng(row["step"]).random((224, 224)) ** (1 + row["sample"])
            matplotlib.image.imsave(store.sample_file(trial, row["step"]), image, cmap="gray", vmin=0, vmax=1)
