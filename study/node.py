"""What a worker's program and the trials on its machine tell each other, through a folder of that machine alone."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from study import durable

FOLDER, JOB = "GAN_STUDY_NODE", "GAN_STUDY_JOB"  # environment of Ray's processes
DEADLINE, LIFETIME = "GAN_STUDY_DEADLINE", "GAN_STUDY_LIFETIME"
RUNNING, MEASURING, PARKED = "running", "measuring", "parked"  # what a trial is at; the last two have a checkpoint


@dataclass(frozen=True)
class Node:
    """This machine's part in a cluster; without a folder, the machine of a person, who stops trials by Ctrl-C."""

    folder: Path | None = None
    deadline: float | None = None  # seconds since the epoch
    lifetime: float = float("inf")  # seconds that this machine had in all: what another one like it offers

    @classmethod
    def here(cls) -> "Node":
        """By the environment that the worker's program started Ray with."""
        folder, deadline = os.environ.get(FOLDER), os.environ.get(DEADLINE)
        lifetime = float(os.environ.get(LIFETIME, "inf"))
        return cls(Path(folder) if folder else None, float(deadline) if deadline else None, lifetime)

    def stop(self) -> None:
        """Asks every trial on this machine to save a checkpoint and to stand still."""
        self._stop().touch()

    def clear(self) -> None:
        """Makes the folder anew, for a new Ray on this machine."""
        assert self.folder is not None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()

    def stopping(self) -> bool:
        return self.folder is not None and self._stop().exists()

    def seconds_left(self) -> float:
        """Until the job's limit; infinite where there is none."""
        return float("inf") if self.deadline is None else self.deadline - time.time()

    @contextmanager
    def occupied(self, trial: str) -> Iterator[None]:
        """Counts as a running trial of this machine meanwhile."""
        if self.folder is None:
            yield
            return
        self._trials().mkdir(exist_ok=True)
        self.tell(trial, RUNNING)
        try:
            yield
        finally:
            self._mark(trial).unlink(missing_ok=True)

    def tell(self, trial: str, state: str) -> None:
        """Says what the trial is at; parked: its process waits to be killed with the machine's Ray."""
        if self.folder is not None:
            durable.write_bytes(self._mark(trial), state.encode(), fsync=False)  # never half written

    def trials(self) -> dict[str, str]:
        """The trials on this machine and what each is at; those whose process has died are not counted."""
        found = {}
        for mark in self._trials().glob("[0-9]*.*"):
            pid, _, trial = mark.name.partition(".")
            try:
                state = mark.read_text()
            except FileNotFoundError:  # it ended just now
                continue
            if Path(f"/proc/{pid}").exists():
                found[trial] = state
        return found

    def _mark(self, trial: str) -> Path:
        return self._trials() / f"{os.getpid()}.{trial}"

    def _stop(self) -> Path:
        assert self.folder is not None
        return self.folder / "stop"

    def _trials(self) -> Path:
        assert self.folder is not None
        return self.folder / "trials"


NOWHERE = Node()
