"""The heavy half of run and retry: prepares the data, starts Ray, and runs what is missing."""

import math
import signal
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cluster import ray_node
from study.commands.common import console, cores
from study.commands.screen import Screen
from study.data.prepare import changed, open_prepared
from study.errors import StudyError
from study.plan import Planned
from study.preparation import prepare_study
from study.results.query import connect
from study.results.store import Store
from study.spec import Study
from study.trial import Options
from study.tune import Needs, run_missing


@dataclass(frozen=True)
class Job:
    """What is run, where its files are, and how many trials at once (None: as many as fit)."""

    study: Study
    store: Store
    data: Path
    workers: int | None


def run(job: Job, missing: list[Planned], before: dict[str, dict[str, Any]]) -> None:
    """Runs the missing trials to their ends. before: where every trial of the plan stood, by id."""
    wanted = job.study.resources
    workers = _workers(job.study, job.workers)
    needs = Needs(wanted.cpus, wanted.gpus, wanted.retries, workers)
    options = Options(
        data=job.data.resolve(),
        threads=wanted.threads,
        device="cuda" if wanted.gpus else "cpu",
        checkpoint_seconds=wanted.checkpoint_minutes * 60,
        keep_checkpoints=job.study.keep_checkpoints,
    )
    if job.study.measure.caution():
        console.print(job.study.measure.caution())
    measured = _measured_images(job)
    for name in measured:
        if changed(job.study.dataset(name), job.data):  # before preparation replaces the arrays that were measured
            raise _other_images(job, name)
    for thing in prepare_study(job.study, job.data):
        if thing.made:
            console.print(f"prepared {thing.name}: {thing.size_bytes:,} bytes from {thing.origin}")
    for name, hashes in measured.items():
        if hashes != {open_prepared(job.study.dataset(name), job.data).sha256}:
            raise _other_images(job, name)
    screen = Screen(job.study.name, missing, before, workers)
    cluster = ray_node.local(math.ceil(workers * wanted.cpus), math.ceil(workers * wanted.gpus))
    with cluster as scratch, screen:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill is a Ctrl-C; Ray's start took both
        signal.signal(signal.SIGINT, signal.default_int_handler)
        run_missing(missing, job.store, options, needs, screen, scratch)
    console.print(screen.overhead())


def _measured_images(job: Job) -> dict[str, set[str]]:
    """Data set -> hashes of the images that the study's rows were measured with."""
    found: dict[str, set[str]] = defaultdict(set)
    with connect(job.store.folder) as database:
        rows = database.execute(
            "SELECT DISTINCT dataset, json_extract_string(fingerprint, '$.dataset_sha256') FROM evaluations "
            "WHERE fingerprint IS NOT NULL"
        ).fetchall()
    for name, sha256 in rows:
        found[name].add(sha256)
    return found


def _other_images(job: Job, name: str) -> StudyError:
    return StudyError(
        f"{name}: its images are not those that {job.store.folder} was measured with, and could not be compared; bring "
        "those back, or give the study and the data set other names"
    )


def _workers(study: Study, asked: int | None) -> int:
    """As many workers as trials fit on this machine, or the number asked for if it fits."""
    cpus, gpus = study.resources.cpus, study.resources.gpus
    devices = torch.cuda.device_count() if gpus else 0
    if gpus and not devices:
        raise StudyError(f"resources.gpus={gpus:g}: this machine has no CUDA device; 0 trains on its processors")
    most = min(int(cores() / cpus), int(devices / gpus) if gpus else cores())
    has = f"{cores()} processors" + f" and {devices} GPUs" * bool(gpus)
    if not most:
        raise StudyError(f"a trial takes {cpus:g} cpus and {gpus:g} gpus (resources), but this machine has {has}")
    if asked is not None and asked > most:
        raise StudyError(f"--workers {asked}: at most {most} trials of {cpus:g} cpus and {gpus:g} gpus fit on {has}")
    return asked or most
