"""Jobs that never ran: submissions, lives and squeue's answers, as data."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.board import Head, Job, Life, Submission
from cluster.papers import Papers
from cluster.slurm import Task

WORKERS = {"number": 4, "gpus": 2, "trials_per_gpu": 4, "cpus": 8, "partition": "a", "time": "60", "memory": "9G"}
PROFILE = {"workers": WORKERS, "patience": 15}


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def life(job: str, role: str = "worker", seen: float = 3, **changed: Any) -> Life:
    """One that began an hour ago. seen: seconds ago."""
    values: dict[str, Any] = {
        "role": role, "job": job, "restart": 0, "host": f"n{job[-1]}", "pid": 7, "gpus": 2 * (role == "worker"),
        "slots": 8 * (role == "worker"), "log": f"cluster/jobs/{job}.out", "started_at": ago(3600),
        "seen_at": ago(seen),
    }  # fmt: skip
    return Life(**{**values, **changed})


def ended(job: str, ending: str, role: str = "worker", **changed: Any) -> Life:
    return life(job, role, 600, ended_at=ago(600), ending=ending, **changed)


def task(id: str, state: str = "RUNNING", reason: str = "", restarts: int = 0, start: str | None = None) -> Task:
    return Task(id, state, reason, "n1" if state == "RUNNING" else "", restarts, start)


def submission(**changed: Any) -> Submission:
    """The first: a head, 12, and four workers, 13_0 to 13_3."""
    values: dict[str, Any] = {
        "number": 1, "study": "tiny", "cluster": "lab", "statuses": ("waiting", "started"), "forgiven": {},
        "data": "/data", "profile": PROFILE, "source": "ab", "submitted_at": ago(4000),
        "jobs": (Job("head", "12", 1, "a.sh"), Job("worker", "13", 4, "b.sh")),
    }  # fmt: skip
    return Submission(**{**values, **changed})


def notice(seen: float = 3) -> Head:
    return Head("10.0.0.1:6379", "head.12.0", 5, ago(seen))


def papers(lives: Sequence[Life], queue: Sequence[Task] | None, **changed: Any) -> Papers:
    values: dict[str, Any] = {
        "folder": "results/tiny", "submissions": [submission()], "lives": lives, "head": notice(), "queue": queue,
        "unasked": None if queue is not None else "no such command", "accounts": None,
    }  # fmt: skip
    return Papers(**{**values, **changed})
