"""A cluster profile: how a study's jobs are sent to one Slurm cluster, as a person writes it in YAML."""

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from cluster.profile_fields import Memory, Minutes, Options, Text
from study import reading
from study.parts import Resources, places
from study.reading import Part

PROFILES = Path(__file__).parent / "profiles"

# The kernel takes 107 bytes for the path of a Unix socket. Ray's longest is of 68 bytes, below a folder of ours:
#   /ray/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store
# The folder is SCRATCH/gsw-UID-JOB-RESTART: with a slash, a user id of 6 digits, a job of 8 and 2 digits of restarts
# it is of 1 + 4 + 6 + 1 + 8 + 1 + 2 = 23 bytes, which leaves 107 - 68 - 23 = 16 for SCRATCH.
SOCKET_BYTES = 107
RAY_SOCKET = "/ray/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store"


class Slurm(Part):
    """What is asked of Slurm for one kind of job."""

    partition: Text
    account: Text | None = None
    qos: Text | None = None
    constraint: Text | None = None
    time: Minutes = Field(description="the limit, in quotes: '4:00:00', '2-00:00:00', '90'")
    cpus: int = Field(ge=1, le=4096)
    memory: Memory
    options: Options = Field(default_factory=dict, description="of sbatch, without the dashes: exclude: node7")

    @property
    def memory_mb(self) -> int:
        return int(self.memory[:-1]) * {"M": 1, "G": 1024, "T": 1024**2}[self.memory[-1]]


class Workers(Slurm):
    """The array of workers: one node each."""

    number: int = Field(ge=1, le=100_000, description="how many workers; each takes trials until none is left")
    at_once: int | None = Field(None, ge=1, description="how many of them may run at a time; left out: all")
    gpus: int = Field(0, ge=0, le=64, description="of each worker")
    gpu_type: Text | None = Field(None, description="as Slurm names it: a100; left out: any")
    trials_per_gpu: int | None = Field(
        None, ge=1, le=64, description="they share its memory and its time; left out: as the study's resources say"
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.trials_per_gpu and not self.gpus:
            raise ValueError(
                f"trials_per_gpu={self.trials_per_gpu}, but the workers have no GPU: say how many with gpus, or leave "
                "trials_per_gpu out; without GPUs a worker runs as many trials as it has cpus for"
            )
        if self.gpu_type is not None and not self.gpus:
            raise ValueError(f"gpu_type={self.gpu_type!r}, but the workers have no GPU: say how many with gpus")
        if self.at_once is not None and self.at_once > self.number:
            raise ValueError(f"at_once={self.at_once} is more than number={self.number}; leave it out to run all")
        return self

    @property
    def gres(self) -> str | None:
        """What sbatch takes as --gres: gpu:4 or gpu:a100:4; None where no GPU is asked for."""
        return ":".join(part for part in ("gpu", self.gpu_type, str(self.gpus)) if part) if self.gpus else None


class Profile(Part):
    """A cluster: its workers, the head that drives them, and what a node needs before Python starts."""

    workers: Workers
    head: Slurm | None = Field(None, description="a small job without a GPU; left out: beside the first worker")
    device: Literal["cuda", "cpu"] | None = Field(None, description="left out: cuda where workers have GPUs")
    setup: list[str] = Field(default_factory=list, description="shell lines of a job before Python: modules, a venv")
    python: Text | None = Field(
        None, description="the command of the interpreter, a container's perhaps; left out: this"
    )
    scratch: Text = Field("/tmp", description="a short path on the node itself, for sockets and temporary files")
    grace: int = Field(90, ge=10, le=3600, description="seconds before the limit at which Slurm warns a job")
    patience: int = Field(15, ge=1, le=10_000, description="minutes that a worker waits for a head before it leaves")

    @field_validator("scratch")
    @staticmethod
    def _absolute(scratch: str) -> str:
        if not scratch.startswith("/"):
            raise ValueError(f"{scratch!r} must begin with a slash, and hold no variables: it is a path on the node")
        if set(scratch) & set("$%{}*?"):
            raise ValueError(f"{scratch!r}: variables are not put in here; give the path itself, such as /tmp")
        return scratch.rstrip("/") or "/"

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.device == "cuda" and not self.workers.gpus:
            raise ValueError("device=cuda, but the workers have no GPU: give workers.gpus, or leave device out")
        for role, job in self.roles().items():
            if self.grace > job.time * 60 / 2:
                raise ValueError(
                    f"grace={self.grace} s is more than half of {role}.time={job.time} minutes: a job would do little "
                    "but end; lower grace or raise the time"
                )
        room = self.socket_room()
        if len(self.scratch.encode()) > room:
            raise ValueError(
                f"scratch={self.scratch!r} is {len(self.scratch.encode())} bytes long, but Ray's sockets below it "
                f"leave {room} (the kernel takes {SOCKET_BYTES} in all); take a shorter path, such as /tmp"
            )
        return self

    def roles(self) -> dict[str, Slurm]:
        """The kinds of jobs by the keys that describe them."""
        return {"workers": self.workers} | ({} if self.head is None else {"head": self.head})

    def socket_room(self) -> int:
        """Bytes that `scratch` may have, for this user's id."""
        return SOCKET_BYTES - len(RAY_SOCKET) - len(f"/gsw-{os.getuid()}-12345678-99")

    def gpus_of_a_trial(self, resources: Resources) -> float:
        """The profile's word goes before the study's, which speaks of a machine of one's own; 1 where neither says."""
        if not self.workers.gpus:
            return 0.0
        return 1 / self.workers.trials_per_gpu if self.workers.trials_per_gpu else resources.gpus or 1.0

    def slots(self, resources: Resources) -> int:
        """Trials of a study with these resources that a worker runs at once; 0 where none fits."""
        share = self.gpus_of_a_trial(resources)
        return places(self.workers.gpus, share) if share else int(self.workers.cpus / resources.cpus)


def load(profile: str) -> Profile:
    """The profile of a shipped name or a YAML file's path. Raises StudyError with every fault, as a study does."""
    return reading.load(Profile, profile, profiles(), "a cluster profile")


def profiles() -> dict[str, Path]:
    """The shipped ones, by name."""
    return reading.shipped(PROFILES)
