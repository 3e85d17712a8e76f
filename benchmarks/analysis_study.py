"""A study that was never run, as large as the published one: scores that depend on loss, data set and learning rate.

Settings with a high learning rate often diverge. The files are the harness's own, written without fsync.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis import style
from study import durable
from study.results import Store, rowfile

LOSSES, DATASETS = tuple(style.STYLES), tuple(style.DATASETS)
SETTINGS, EVALUATIONS, SEEDS = 100, 20, 20
BEST = 7  # the setting that the phase of seeds repeats
HARD = {"mnist": 8.0, "fashion": 24.0, "cifar10": 60.0, "celeba": 40.0, "triangles": 5.0}
OWN = {
    "wgan": ["clip"], "wgan_gp": ["penalty_weight"], "dragan": ["penalty_weight"], "began": ["k_learning_rate", "gamma"]
}  # fmt: skip
MEASURE = {
    "extractor": "cnn28", "weights": None, "metrics": ["fd"], "generated": 1000, "real": 1000, "selection": "train",
    "reporting": "test", "quantised": False,
}  # fmt: skip
Row = dict[str, Any]


def study(folder: Path, settings: int = SETTINGS, evaluations: int = EVALUATIONS, seeds_of_best: int = SEEDS) -> Path:
    """A folder with a search of every loss on every data set, and phases that search half as widely and repeat one."""
    store = Store(folder)
    wide = list(_planned("wide", range(settings), 1, evaluations))
    plan = (
        wide
        + list(_planned("narrow", range(settings // 2), 1, 2))
        + list(_planned("seeds", [min(BEST, settings - 1)], seeds_of_best, 2))
    )
    store.write_plan([row | {"position": position} for position, row in enumerate(plan)], "name: never run\n")
    store.rows.mkdir()
    for row in plan:
        durable.write_bytes(store.row_file(row["trial"], 1), rowfile.encode(list(_rows(row))), fsync=False)
    return folder


def _planned(phase: str, samples: Sequence[int], repeats: int, evaluations: int) -> Iterator[Row]:
    points = [1000 * (1 + number) for number in range(evaluations)]
    for dataset in DATASETS:
        for loss in LOSSES:
            for sample in samples:
                for seed in range(repeats):
                    content = json.dumps({
                        "loss": loss, "variant": "as_run", "dataset": dataset, "seed": seed, "own": None, "width": 1.0,
                        "hyperparameters": _hyperparameters(loss, sample), "batch_size": 64, "batch_norm_decay": 0.999,
                        "evaluations": points, "measure": MEASURE,
                    })  # fmt: skip
                    yield {
                        "trial": hashlib.sha256(f"{phase}{sample}{content}".encode()).hexdigest()[:16], "phase": phase,
                        "search": f"{phase}/{loss}/{dataset}", "sample": sample, "loss": loss, "variant": "as_run",
                        "dataset": dataset, "seed": seed, "steps": points[-1], "objective": "fd_cnn28_selection",
                        "reported": "fd_cnn28", "space": "wide", "sampler": "random", "search_seed": 0,
                        "evidence": None, "content": content, **_hyperparameters(loss, sample),
                    }  # fmt: skip


def _hyperparameters(loss: str, sample: int) -> Row:
    draw = np.random.default_rng([sample, LOSSES.index(loss)])
    values = {
        "learning_rate": float(10 ** draw.uniform(-5, -2)), "beta1": float(draw.uniform()),
        "batch_norm": bool(draw.integers(2)), "disc_iters": int(draw.choice([1, 5])),
    }  # fmt: skip
    if loss == "vae":
        del values["disc_iters"]
    return values | {name: float(10 ** draw.uniform(-3, 0)) for name in OWN.get(loss, [])}


def _rows(place: Row) -> Iterator[Row]:
    """Scores fall with the step; far from a loss's best learning rate they are worse, and far above it diverge."""
    loss, content = LOSSES.index(place["loss"]), json.loads(place["content"])
    values = content["hyperparameters"]
    draw = np.random.default_rng([*place["trial"].encode()])
    far = np.log10(values["learning_rate"]) + 3.7 - 0.1 * loss
    level = HARD[place["dataset"]] * (1 + 0.07 * loss) * np.exp(0.8 * abs(far) + 0.3 * (not values["batch_norm"]))
    level *= np.exp((0.25 if place["phase"] == "wide" else 0.04) * draw.standard_normal())
    lost = draw.random() < (0.5 if far > 1 else 0.03)
    common = {name: place[name] for name in place if name not in ("space", "sampler", "search_seed", "evidence")}
    common |= values | {
        "attempt": 1, "fingerprint": json.dumps(_fingerprint(place["dataset"])), "commit": "0" * 40, "dirty": False,
        "generator_parameters": 6_642_241, "discriminator_parameters": 6_556_865, "versions": "{}", "hardware": "{}",
    }  # fmt: skip
    points = content["evaluations"]
    for number, step in enumerate(points):
        row = common | {"step": step, "images_seen": 64 * step, "train_seconds": step * (1 + 0.1 * loss) / 50}
        if lost and number == len(points) - 1:
            yield row | {"status": "diverged", "message": "generator_loss is nan"}
            return
        score = level * (1 + 2 * np.exp(-4 * (number + 1) / len(points)))
        yield row | {"status": "ok", "generator_updates": step, "fd_cnn28": score, "fd_cnn28_selection": 0.97 * score}


def _fingerprint(dataset: str) -> Row:
    way = {name: value for name, value in MEASURE.items() if name != "weights"}
    return way | {"dataset": dataset, "extractor_sha256": "ab12", "metrics": {"fd": 1}}
