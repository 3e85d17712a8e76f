"""Where a row comes from: code, packages and hardware, read once per process."""

import importlib.metadata
import json
import os
import platform
import socket
from functools import cache
from pathlib import Path
from typing import Any

import torch

from study import __version__, source
from study.node import JOB

PACKAGES = ("torch", "numpy", "ray", "pyarrow")


@cache
def provenance(device: str, threads: int) -> dict[str, Any]:
    """The columns source, commit, dirty, job, versions and hardware."""
    return {
        "source": source.fingerprint(),
        **source.origin(),
        "job": os.environ.get(JOB),
        "versions": json.dumps(_versions(), sort_keys=True),
        "hardware": json.dumps(_hardware(device, threads), sort_keys=True),
    }


def _versions() -> dict[str, str]:
    installed = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "gan-study": __version__, **installed}  # frozen code is not installed


def _hardware(device: str, threads: int) -> dict[str, Any]:
    accelerator = torch.cuda.get_device_name() if device == "cuda" else None
    return {
        "host": socket.gethostname(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "accelerator": accelerator,
        "threads": threads,
    }


def _processor() -> str:
    """The model's name where the kernel tells it (Linux), else the architecture."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
