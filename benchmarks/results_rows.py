"""What a trial that nobody trained would have written: curves that fall, and ends of every kind."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from study.results.rowfile import Row

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
SHA = "2c8cb863120a5c8737cf5cdc227dfc18f360bb94fcc18a1ee5a4d06a1e4b142d"
WAY = {
    "batch_norm": "running averages", "dataset_sha256": SHA, "dtype": "features float32, moments float64",
    "extractor": "cnn28", "extractor_sha256": SHA, "generated": 10_000,
    "metrics": {"fd": "study.measures.frechet:FrechetDistance"}, "quantised": False, "real": 10_000,
    "reporting": "test", "resize": "none", "selection": "train",
}  # fmt: skip
VERSIONS = {"gan-study": "0.1.0", "numpy": "2.4.6", "pyarrow": "26.0.1", "python": "3.11.7", "torch": "2.14.1"}
HARDWARE = {
    "accelerator": "NVIDIA H100 80GB HBM3", "cores": 64, "driver": "535.129.03", "kernel": "6.1.0", "processor": "EPYC",
    "system": "Debian GNU/Linux 12", "threads": 2,
}  # fmt: skip
FAILURE = {"exception": "OutOfMemoryError", "message": "CUDA out of memory: tried to allocate 512 MiB"}
IN_ROWS = (
    "trial", "phase", "search", "sample", "space", "sampler", "search_seed", "loss", "variant", "dataset", "seed",
    "content", "steps", "objective", "reported",
)  # fmt: skip


def attempts(place: Mapping[str, Any]) -> list[list[Row]]:
    """The rows of each attempt at the trial in this place of the plan. Nine in ten need one attempt.

    Learning rates above 1e-3 diverge three times in ten; of the others 2 % diverge, 2 % fail, 3 % fail once and are
    retried, 3 % are killed and measure one step again.
    """
    draw = np.random.default_rng(place["position"])
    points = json.loads(place["content"])["evaluations"]
    rows = _measured(place, points, draw)
    end = int(draw.integers(1, len(points))) if len(points) > 1 else 1
    luck = draw.random()
    if luck < (0.3 if place["learning_rate"] > 1e-3 else 0.02):
        return [[*rows[: end - 1], _unmeasured(rows[end - 1]) | _diverged()]]
    if luck > 0.98:
        return [[*rows[:end], _unmeasured(rows[end - 1]) | {"status": "failed"} | FAILURE]]
    if luck > 0.95:
        failed = [*rows[:end], _unmeasured(rows[end - 1]) | {"status": "failed"} | FAILURE]
        return [failed, _again(rows[end:])]
    if luck > 0.92:
        return [rows[:end], _again(rows[end - 1 :])]
    return [rows]


def _measured(place: Mapping[str, Any], points: list[int], draw: np.random.Generator) -> list[Row]:
    """All that it measures when nothing comes between."""
    setting = np.random.default_rng([place["sample"], *place["search"].encode()])
    level = 15 * np.exp(0.7 * setting.standard_normal() + 0.05 * draw.standard_normal())
    steps = np.array(points)
    curve = level * (1 + 4 * np.exp(-6 * steps / steps[-1])) * np.exp(0.05 * draw.standard_normal(len(steps)))
    chosen_by = 0.95 * curve * np.exp(0.01 * draw.standard_normal(len(steps)))
    losses = np.exp(0.3 * draw.standard_normal((2, len(steps))))
    seconds = (0.02 + 0.01 * setting.random()) * steps
    began = BEGAN + timedelta(minutes=place["position"])
    common = _common(place, began)
    return [
        {
            **common, "step": step, "generator_updates": step // (place["disc_iters"] or 1), "images_seen": 64 * step,
            "train_seconds": float(seconds[i]), "evaluation_seconds": 4 + float(losses[0, i]), "status": "ok",
            "discriminator_loss": float(losses[0, i]), "generator_loss": float(losses[1, i]),
            "fd_cnn28": float(curve[i]), "fd_cnn28_selection": float(chosen_by[i]),
            "written_at": began + timedelta(seconds=float(seconds[i])),
        }
        for i, step in enumerate(points)
    ]  # fmt: skip


def _common(place: Mapping[str, Any], began: datetime) -> dict[str, Any]:
    """What is the same on every row of a trial."""
    job = str(100_000 + place["position"] // 50)
    host = f"gpu{place['position'] % 40:02d}"
    return {
        **{name: place[name] for name in IN_ROWS},
        **json.loads(place["content"])["hyperparameters"],
        "attempt": 1, "started_at": began, "generator_parameters": 6_642_241, "discriminator_parameters": 6_556_865,
        "fingerprint": json.dumps({**WAY, "dataset": place["dataset"]}, sort_keys=True), "source": SHA[:16],
        "commit": SHA[:40], "dirty": False, "diff": None, "study_yaml": SHA[:16],
        "versions": json.dumps(VERSIONS), "hardware": json.dumps({**HARDWARE, "host": host}), "job": job,
        "slurm": json.dumps({"job_id": job, "node": host, "partition": "gpu", "restarts": 0}), "energy_joules": None,
    }  # fmt: skip


def _unmeasured(row: Row) -> dict[str, Any]:
    gone = ("fd_cnn28", "fd_cnn28_selection", "evaluation_seconds", "discriminator_loss", "generator_loss")
    return {name: value for name, value in row.items() if name not in gone}


def _diverged() -> dict[str, Any]:
    return {"status": "diverged", "message": "the generator loss is nan"}


def _again(rows: list[Row]) -> list[Row]:
    """By the second attempt."""
    return [{**row, "attempt": 2} for row in rows]
