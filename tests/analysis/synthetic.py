"""Studies that were never run: a plan and rows with known scores, divergences, failures and gaps, and sample grids."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
FINGERPRINT = {
    "dataset": "fashion",
    "extractor": {"name": "cnn28", "sha256": "ab12"},
    "generated": 1000,
    "split": "test",
}
OBJECTIVE = "fd_cnn28"


@dataclass(frozen=True)
class Recipe:
    """What to make. `ending` maps (loss, sample, seed) to done, diverged, failed, started or waiting."""

    losses: tuple[str, ...] = LOSSES
    datasets: tuple[str, ...] = ("fashion",)
    settings: int = 4
    seeds: int = 1
    measured: int = 3
    ending: Callable[[str, int, int], str] = lambda loss, sample, seed: "done"
    grids: bool = False


def write(folder: Path, recipe: Recipe) -> Path:
    """A folder as the harness leaves it; deterministic in the recipe."""
    store, plan = Store(folder), list(planned(recipe))
    store.write_plan(plan, "name: synthetic\n")
    for row in plan:
        ending = recipe.ending(row["loss"], row["sample"], row["seed"])
        rows = attempt(row, recipe, ending)
        if rows:
            store.write(row["trial"], 1, rows)
        if rows and recipe.grids:
            _draw(store, row["trial"], rows)
    return folder


def planned(recipe: Recipe) -> Iterator[dict[str, Any]]:
    position = 0
    for dataset in recipe.datasets:
        for loss in recipe.losses:
            for sample in range(recipe.settings):
                for seed in range(recipe.seeds):
                    search = f"wide/{loss}/{dataset}"
                    values = hyperparameters(loss, sample)
                    content = json.dumps({"loss": loss, "dataset": dataset, "seed": seed, "hyperparameters": values})
                    yield {
                        "position": position, "trial": hashlib.sha256(f"{content}{sample}".encode()).hexdigest()[:16],
                        "phase": "wide", "search": search, "sample": sample, "loss": loss, "dataset": dataset,
                        "seed": seed, "steps": 100 * recipe.measured, "objective": OBJECTIVE, "content": content,
                    }  # fmt: skip
                    position += 1


def hyperparameters(loss: str, sample: int) -> dict[str, Any]:
    values: dict[str, Any] = {"learning_rate": 1e-4 * (1 + sample), "beta1": 0.5, "batch_norm": sample % 2 == 0}
    if loss != "vae":
        values["disc_iters"] = 1 if sample % 2 else 5
    return values | dict.fromkeys(OWN.get(loss, []), 0.1 * (1 + sample))


def score(loss: str, sample: int, seed: int) -> float:
    """The best score of a trial: log-normal over settings, close to it over seeds."""
    setting = np.random.default_rng([LOSSES.index(loss) if loss in LOSSES else 99, sample])
    noise = np.random.default_rng([sample, seed, 7])
    return float(20 * np.exp(0.1 * len(loss) + 0.7 * setting.standard_normal() + 0.02 * noise.standard_normal()))


def attempt(row: dict[str, Any], recipe: Recipe, ending: str) -> list[dict[str, Any]]:
    """The rows of the one attempt of a trial, up to its ending."""
    if ending == "waiting":
        return []
    last = recipe.measured if ending == "done" else recipe.measured - 1
    best = score(row["loss"], row["sample"], row["seed"])
    rows = [_measured(row, 100 * i, best * (1 + 0.5 * (recipe.measured - i))) for i in range(1, last + 1)]
    if ending == "diverged":
        rows.append(_row(row, 100 * last + 37, "diverged") | {"message": "generator_loss is nan"})
    if ending == "failed":
        failure = {"exception": "RuntimeError", "message": "out of <memory> & time"}
        rows.append(_row(row, 100 * last + 5, "failed") | failure)
    return rows


def _measured(row: dict[str, Any], step: int, value: float) -> dict[str, Any]:
    losses = {"discriminator_loss": 1.0, "generator_loss": 0.7}
    return _row(row, step, "ok") | losses | {row["objective"]: value}


def _row(row: dict[str, Any], step: int, status: str) -> dict[str, Any]:
    small = row["loss"] == "began"
    return {
        **{name: row[name] for name in row if name != "position"},
        **json.loads(row["content"])["hyperparameters"],
        "attempt": 1, "step": step, "status": status, "generator_updates": step, "images_seen": 64 * step,
        "train_seconds": step / 50, "fingerprint": json.dumps(FINGERPRINT | {"dataset": row["dataset"]}),
        "generator_parameters": 6_642_241, "discriminator_parameters": 1_073_601 if small else 6_556_865,
        "commit": "0123456789abcdef", "dirty": False, "versions": json.dumps({"python": "3.11.2", "torch": "2.9"}),
        "hardware": json.dumps({"host": "h<1>", "device": "cpu", "threads": 2}),
    }  # fmt: skip


def _draw(store: Store, trial: str, rows: list[dict[str, Any]]) -> None:
    store.samples.mkdir(parents=True, exist_ok=True)
    for row in rows:
        if row["status"] == "ok":
            image = np.random.default_rng(row["step"]).random((224, 224)) ** (1 + row["sample"])
            matplotlib.image.imsave(store.sample_file(trial, row["step"]), image, cmap="gray", vmin=0, vmax=1)
