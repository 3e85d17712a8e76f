"""This machine, as the place where a study runs."""

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from cluster import ray_node
from study.commands.common import cores
from study.errors import StudyError
from study.machines import Share
from study.parts import Resources, places


@dataclass(frozen=True)
class ThisMachine:
    """The machine of this process."""

    workers: int | None  # trials at once; None: as many as fit

    def share(self, resources: Resources) -> Share:
        """As many trials at once as fit on this machine, or the number asked for if it fits."""
        cpus, gpus = resources.cpus, resources.gpus
        devices = torch.cuda.device_count() if gpus else 0
        if gpus and not devices:
            raise StudyError(f"resources.gpus={gpus:g}: this machine has no CUDA device; 0 trains on its processors")
        most = min(int(cores() / cpus), places(devices, gpus) if gpus else cores())
        has = f"{cores()} processors" + f" and {devices} GPUs" * bool(gpus)
        if not most:
            raise StudyError(f"a trial takes {cpus:g} cpus and {gpus:g} gpus (resources), but this machine has {has}")
        if self.workers is not None and self.workers > most:
            raise StudyError(
                f"--workers {self.workers}: at most {most} trials of {cpus:g} cpus and {gpus:g} gpus fit on {has}"
            )
        return Share(cpus, gpus, "cuda" if gpus else "cpu", self.workers or most)

    @contextmanager
    def connect(self, share: Share) -> Iterator[Path]:
        workers = share.workers or 1
        with ray_node.local(math.ceil(workers * share.cpus), math.ceil(workers * share.gpus)) as scratch:
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill is a Ctrl-C; Ray took both
            signal.signal(signal.SIGINT, signal.default_int_handler)
            yield scratch

    def queued(self, count: int) -> None:
        """Nobody else waits on a machine of one's own."""
