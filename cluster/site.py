"""What a job's program was started for: the study, its submission, and what this machine offers."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.board import Board, Life, Submission
from cluster.profile import Profile
from study import spec
from study.heartbeat import now
from study.parts import Resources
from study.results.store import Store


@dataclass(frozen=True)
class Site:
    """The same for every job of a submission, but for `beside`."""

    board: Board
    submission: Submission
    profile: Profile
    resources: Resources  # of the study as it was submitted
    beside: bool = False  # a worker in the head's job: the head decides about their job

    @property
    def data(self) -> Path:
        return Path(self.submission.data)

    @property
    def slots(self) -> int:
        """Trials that a worker runs at once."""
        return self.profile.slots(self.resources)

    @property
    def gpus(self) -> int:
        return self.profile.workers.gpus

    @property
    def cpus_of_a_trial(self) -> float:
        """With GPUs a trial's share of the worker's processors follows from its share of the GPUs."""
        return self.profile.workers.cpus / self.slots if self.gpus else self.resources.cpus

    @property
    def gpus_of_a_trial(self) -> float:
        return self.profile.gpus_of_a_trial(self.resources)

    @property
    def device(self) -> str:
        return self.profile.device or ("cuda" if self.gpus else "cpu")

    def cancelled(self) -> bool:
        return self.board.submission(self.submission.number).cancelled_at is not None

    def life(self, role: str, deadline: str | None) -> Life:
        """A life of this job that begins now; the process may have been started by Slurm or by another launcher."""
        job, host, pid = my_job(), os.uname().nodename, os.getpid()
        worker = role == "worker"
        return Life(
            role=role, job=job or f"{host}-{pid}", restart=restarts(), host=host, pid=pid,
            gpus=self.gpus * worker, slots=self.slots * worker, log=self.board.log_of(job) if job else None,
            started_at=now(), seen_at=now(), deadline=deadline,
        )  # fmt: skip

    def ray_log(self, role: str) -> Path:
        """Where Ray's own words go, on the shared file system: a node's are gone with it."""
        return self.board.jobs / f"{my_job() or os.getpid()}.{restarts()}.{role}.ray.txt"

    def scratch(self, role: str) -> str:
        """The name of this job's folder below the profile's scratch; launch.py's teardown knows it too."""
        return f"gs{role[0]}-{os.getuid()}-{os.environ.get('SLURM_JOB_ID', os.getpid())}-{restarts()}"


def site(folder: Path, number: int, beside: bool = False) -> Site:
    """The site of a study's submission, by the study's folder."""
    board = Board(Store(folder))
    submission = board.submission(number)
    text = board.study_file(number).read_text()
    profile: dict[str, Any] = dict(submission.profile)
    return Site(board, submission, Profile.model_validate(profile), spec.parse(text, "study").resources, beside)


def my_job() -> str | None:
    """Slurm's id of this job, 12 or 12_3; None outside of Slurm."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


def restarts() -> int:
    """How often Slurm had requeued this job before."""
    return int(os.environ.get("SLURM_RESTART_COUNT", "0"))
