"""The machines that a study runs on, as the driver sees them: this one, or a cluster whose head it is on."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from study.parts import Resources


@dataclass(frozen=True)
class Share:
    """What one trial gets of a machine, and how many run at once (None: as many as there are places)."""

    cpus: float
    gpus: float
    device: str
    workers: int | None


class Machines(Protocol):
    """What differs between this machine and a cluster."""

    def share(self, resources: Resources) -> Share:
        """Raises StudyError where a trial does not fit."""
        ...

    def connect(self, share: Share) -> AbstractContextManager[Path]:
        """Meanwhile this process is connected to Ray, and a signal to stop is a KeyboardInterrupt; yields a folder."""
        ...

    def queued(self, count: int) -> None:
        """So many trials wait for a place, now or in a later phase."""
        ...
