"""The notice board: what the head, the workers and the person who submitted tell each other, as files of the study.

Everything below STUDY/cluster/ on the shared file system. Each file has one writer and is replaced whole, so that
readers need no lock; who has died is known by a `seen_at` that no longer moves.
"""

import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from study import durable
from study.errors import StudyError
from study.heartbeat import LOST, now, silent
from study.results.store import Store


@dataclass(frozen=True)
class Life:
    """One life of a job: from one start by Slurm to its end, after which it may be requeued and live again."""

    role: str  # head or worker
    job: str  # Slurm's id, 12 or 12_3; HOST-PID where another launcher started it
    restart: int  # 0, 1, ...: how often Slurm had requeued the job before
    host: str
    pid: int
    gpus: int
    slots: int  # trials at once; 0 for a head
    log: str | None  # the job's own output, below the study's folder
    started_at: str  # ISO times, UTC
    seen_at: str
    deadline: str | None = None  # when Slurm's time limit ends it
    ended_at: str | None = None
    ending: str | None = None  # why, in words of `ENDINGS`; None while it lives, and for one that was killed
    requeued: bool = False  # it asked Slurm to start it again

    @property
    def name(self) -> str:
        return f"{self.role}.{self.job}.{self.restart}"

    def silent(self) -> float:
        """Seconds since its last sign of life."""
        return silent(self.seen_at)

    def hours(self) -> float:
        """From its start to its end, or as long as it was seen."""
        end = datetime.fromisoformat(self.ended_at or self.seen_at)
        return (end - datetime.fromisoformat(self.started_at)).total_seconds() / 3600


ENDINGS = {
    "ended": "the study has no more to run, or the head stopped",
    "idle": "nothing was left to start",
    "preempted": "Slurm wanted the node for another job",
    "time limit": "no trial could reach its next evaluation before the job's limit",
    "cancelled": "by gan-study cancel or scancel",
    "no head": "no head could be reached for too long",
    "no workers": "a head's: no worker was up or queued any more",
    "failed": "its own program failed; the job's log tells why",
}


@dataclass(frozen=True)
class Head:
    """Where workers find the head, and what they need to know of the study."""

    address: str  # of Ray: host:port
    life: str  # the head's Life.name
    waiting: int  # trials that no worker has started, those of later phases included
    seen_at: str


@dataclass(frozen=True)
class Job:
    """What was sent to Slurm in one call of sbatch."""

    role: str  # head, worker, or both: a head on the first worker
    id: str  # without an array's index
    tasks: int  # of the array; 1 where it is none
    script: str  # the sbatch file, below the study's folder


@dataclass(frozen=True)
class Submission:
    """What one `gan-study submit` or `retry --cluster` asked for; jobs are added as Slurm accepts them."""

    number: int  # 1, 2, ...
    study: str  # as the user named it
    cluster: str  # the profile, as the user named it
    statuses: tuple[str, ...]  # trials in these states are run
    forgiven: Mapping[str, int]  # trial -> failures from before, which do not count against its retries
    data: str  # absolute path of the prepared data
    profile: Mapping[str, Any]
    source: str  # hash of the frozen code that its jobs run
    submitted_at: str
    jobs: tuple[Job, ...] = ()
    cancelled_at: str | None = None

    @property
    def again(self) -> str:
        """The arguments of gan-study that send what is still missing."""
        if "waiting" in self.statuses:
            return f"submit {self.study} --cluster {self.cluster}"
        return f"retry {self.study} --cluster {self.cluster}"


class Board:
    """The paths, and reading and writing what is on them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.folder / "cluster"
        self.token = self.folder / "token"
        self.jobs = self.folder / "jobs"  # submitit's folder: scripts and logs
        self.sources = self.folder / "source"
        self.submissions = self.folder / "submissions"
        self._head = self.folder / "head.json"
        self._lives = self.folder / "lives"

    def make_token(self) -> Path:
        """The study's secret, mode 0600: who cannot read it cannot run code in its Ray cluster. Made once."""
        if self.token.exists():
            self.token.chmod(0o600)  # a copy may have lost it
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            aside = self.folder / f".token.{secrets.token_hex(4)}.aside"
            with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, self.token)
        return self.token

    def study_file(self, number: int) -> Path:
        """The study as it was submitted, with every default spelt out: later edits do not reach a queued job."""
        return self.submissions / f"{number:04d}.yaml"

    def log_of(self, job: str) -> str:
        """Where Slurm writes what a job prints, below the study's folder."""
        return str((self.jobs / f"{job}_0_log.out").relative_to(self.store.folder))

    def write_submission(self, submission: Submission) -> None:
        durable.write_json(self.submissions / f"{submission.number:04d}.json", asdict(submission))

    def submission(self, number: int) -> Submission:
        values = _read(self.submissions / f"{number:04d}.json")
        if values is None:
            raise StudyError(f"{self.store.folder} has no submission {number}; gan-study submit makes them")
        values |= _read(self._cancellation(number)) or {}
        jobs = tuple(Job(**job) for job in values.pop("jobs"))
        return Submission(**{**values, "statuses": tuple(values["statuses"]), "jobs": jobs})

    def cancel(self, number: int) -> None:
        """Says that a submission's jobs are not to come back; in a file of its own: others add jobs to the record."""
        durable.write_json(self._cancellation(number), {"cancelled_at": now()})

    def _cancellation(self, number: int) -> Path:
        return self.submissions / f"{number:04d}.cancelled"

    def newest(self) -> Submission | None:
        """The last submission; None where the study was never sent to a cluster."""
        numbers = [int(path.stem) for path in self.submissions.glob("*.json")]
        return self.submission(max(numbers)) if numbers else None

    def all_submissions(self) -> list[Submission]:
        return [self.submission(int(path.stem)) for path in sorted(self.submissions.glob("*.json"))]

    def write_head(self, head: Head) -> None:
        durable.write_json(self._head, asdict(head))

    def remove_head(self, life: str | None = None) -> None:
        """Removes the head's notice; with a life's name only where it is that one's."""
        found = self.head()
        if life is None or (found is not None and found.life == life):
            self._head.unlink(missing_ok=True)

    def head(self) -> Head | None:
        """The head's notice; None where there is no head, or none yet."""
        found = _read(self._head)
        return Head(**found) if found else None

    def heads(self) -> list[Life]:
        """Every life of a head, in the order of their starts."""
        return self.lives("head")

    def last_head(self, number: int) -> Life | None:
        """The newest life of a head of this submission; None before its first."""
        submission = self.submission(number)
        jobs = {job.id for job in submission.jobs if job.role != "worker"}
        mine = [life for life in self.heads() if life.job in jobs or life.started_at >= submission.submitted_at]
        return mine[-1] if mine else None

    def leader(self) -> Life | None:
        """The head that is alive, or that seems so for a minute after it was killed; None where there is none."""
        return next(alive(self.heads()), None)

    def write_life(self, life: Life) -> None:
        durable.write_json(self._lives / f"{life.name}.json", asdict(life))

    def lives(self, role: str = "*") -> list[Life]:
        """Every life of every job of the study, in the order of their starts."""
        found = [Life(**values) for path in self._lives.glob(f"{role}.*.json") if (values := _read(path))]
        return sorted(found, key=lambda life: (life.started_at, life.name))

    def life(self, name: str) -> Life | None:
        found = _read(self._lives / f"{name}.json")
        return Life(**found) if found else None


def alive(lives: Iterable[Life]) -> Iterator[Life]:
    """Those that have neither ended nor fallen silent."""
    return (life for life in lives if life.ended_at is None and life.silent() < LOST)


def _read(path: Path) -> dict[str, Any] | None:
    """A file of the board; None where there is none. Asked again where a network file system has lost it in between:
    a file that is replaced while it is being opened may be answered with ESTALE.
    """
    for patience in (0.1, 0.5, 2.0, None):
        try:
            found: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, json.JSONDecodeError):
            if patience is None:
                raise
            time.sleep(patience)
        else:
            return found
    return None
