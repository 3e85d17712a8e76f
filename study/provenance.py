"""Where a row comes from: code, packages and hardware, read once per process."""

import importlib.metadata
import json
import os
import platform
import socket
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "numpy", "ray", "pyarrow", "gan-study")


@cache
def provenance(device: str, threads: int) -> dict[str, Any]:
    """The columns commit, dirty, versions and hardware."""
    ours = _git("ls-files", "--error-unmatch", str(Path(__file__))) is not None  # not merely inside somebody's checkout
    commit = _git("rev-parse", "HEAD") if ours else None
    return {
        "commit": commit,
        "dirty": None if commit is None else bool(_git("status", "--porcelain", "--untracked-files=no")),
        "versions": json.dumps(_versions(), sort_keys=True),
        "hardware": json.dumps(_hardware(device, threads), sort_keys=True),
    }


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES}}


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


def _git(*arguments: str) -> str | None:
    """What git prints about the checkout that this file is in; None without git or outside a checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
