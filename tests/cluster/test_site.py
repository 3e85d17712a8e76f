"""What a job knows of itself: by its submission, and by the environment that a launcher gives it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster import launch
from cluster.board import Board
from cluster.profile import Profile
from cluster.site import Site, my_job, restarts, site
from study import durable, spec
from study.results.store import Store
from tests.cluster.stage import submission
from tests.commands.command import environment
from tests.conftest import tiny_study

WORKERS: dict[str, Any] = {"partition": "gpu", "time": "4:00:00", "cpus": 8, "memory": "16G", "number": 2}
Start = Callable[..., Site]


def profile(**changed: Any) -> Profile:
    """Without GPUs; the workers' keys can be changed, and with two underscores those of the profile."""
    top = {name.strip("_"): changed.pop(name) for name in list(changed) if name.startswith("__")}
    return Profile.model_validate({"workers": {**WORKERS, **changed}, **top})


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SLURM_") and name != "SLURM_CONF"]:
        monkeypatch.delenv(name)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """A job of a submission of the tiny study, its resources and the profile changed."""

    def start(resources: dict[str, Any] | None = None, **changed: Any) -> Site:
        board = Board(Store(tmp_path / "tiny"))
        board.write_submission(submission(profile=profile(**changed).model_dump(mode="json")))
        study = spec.dump(tiny_study(resources=resources or {}))
        durable.write_bytes(board.study_file(1), study.encode())
        return site(tmp_path / "tiny", 1)

    return start


@pytest.mark.parametrize(
    ("resources", "changed", "slots", "cpus", "gpus", "device"),
    [
        ({}, {}, 8, 1.0, 0.0, "cpu"),
        ({"cpus": 3.0}, {}, 2, 3.0, 0.0, "cpu"),
        ({"cpus": 0.5}, {}, 16, 0.5, 0.0, "cpu"),
        ({}, {"gpus": 2, "trials_per_gpu": 2}, 4, 2.0, 0.5, "cuda"),
        ({"gpus": 1.0, "cpus": 5.0}, {"gpus": 1, "trials_per_gpu": 4}, 4, 2.0, 0.25, "cuda"),
        ({}, {"gpus": 1, "__device": "cpu"}, 1, 8.0, 1.0, "cpu"),
        ({"gpus": 0.5}, {"gpus": 2}, 4, 2.0, 0.5, "cuda"),
        ({"gpus": 0.1}, {"gpus": 1}, 10, 0.8, 0.1, "cuda"),
        ({"gpus": 2.0}, {"gpus": 4}, 2, 4.0, 2.0, "cuda"),
    ],
)
def test_a_trials_share_is_the_profiles(
    resources: dict[str, Any], changed: dict[str, Any], slots: int, cpus: float, gpus: float, device: str, start: Start
) -> None:
    here = start(resources, **changed)
    assert (here.slots, here.cpus_of_a_trial, here.gpus_of_a_trial, here.device) == (slots, cpus, gpus, device)
    assert here.slots * here.cpus_of_a_trial <= 8
    assert here.slots * here.gpus_of_a_trial <= here.gpus
    assert here.data == Path("/data")


@pytest.mark.parametrize(
    ("given", "job", "again"),
    [
        ({}, None, 0),
        ({"SLURM_JOB_ID": "12"}, "12", 0),
        ({"SLURM_JOB_ID": "12", "SLURM_RESTART_COUNT": "3"}, "12", 3),
        ({"SLURM_JOB_ID": "15", "SLURM_ARRAY_JOB_ID": "13", "SLURM_ARRAY_TASK_ID": "0"}, "13_0", 0),
    ],
)
def test_a_job_knows_its_name(
    given: dict[str, str], job: str | None, again: int, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert (my_job(), restarts()) == (job, again)
    life = start(gpus=2).life("worker", "a time")
    host = os.uname().nodename
    assert life.name == f"worker.{job or f'{host}-{os.getpid()}'}.{again}"
    assert (life.host, life.pid, life.gpus, life.slots, life.deadline) == (host, os.getpid(), 2, 2, "a time")
    assert life.log == (f"cluster/jobs/{job}_0_log.out" if job else None)
    assert (life.ended_at, life.ending) == (None, None)
    assert life.silent() < 5
    head = start(gpus=2).life("head", None)
    assert (head.gpus, head.slots, head.role) == (0, 0, "head")


def test_a_cancelled_submission_is_seen_at_once(start: Start) -> None:
    here = start()
    assert not here.cancelled()
    here.board.write_submission(replace(here.submission, cancelled_at="now"))
    assert here.cancelled()


def test_the_folders_of_head_and_worker_differ_outside_of_slurm_too(start: Start) -> None:
    here = start()
    assert here.scratch("head") == f"gsh-{os.getuid()}-{os.getpid()}-0"
    assert here.scratch("worker") == f"gsw-{os.getuid()}-{os.getpid()}-0"
    assert here.ray_log("head") != here.ray_log("worker")
    assert here.ray_log("head").parent == here.board.jobs


@pytest.mark.parametrize(("again", "name"), [(None, "s"), ("7", "two words")])
def test_the_shell_lines_after_a_job_remove_its_own_folders(
    again: str | None, name: str, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    if again:
        monkeypatch.setenv("SLURM_RESTART_COUNT", again)
    here = start()
    scratch = tmp_path / name
    mine = [scratch / here.scratch(role) for role in ("head", "worker")]
    others = [scratch / name for name in (f"gsw-{os.getuid()}-12-8", f"gsw-{os.getuid()}-123-{again or 0}", "gs", "x")]
    for folder in (*mine, *others):
        (folder / "ray").mkdir(parents=True)
    lines = launch.teardown(here.profile.model_copy(update={"scratch": str(scratch)}), sys.executable)
    done = subprocess.run(["bash", "-c", "\n".join(["true", *lines])], env=environment())
    assert done.returncode == 0
    assert set(scratch.iterdir()) == set(others)
