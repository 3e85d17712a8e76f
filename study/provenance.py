"""Where a row comes from: code, study, packages, machine and job; the files that a row names are there before it is."""

import importlib
import importlib.metadata
import json
import os
import platform
import re
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from study import __version__, durable, source
from study.node import JOB
from study.results.store import Store

PACKAGES = ("torch", "numpy", "torchvision", "torch-fidelity", "ray", "pyarrow")
PROC = Path("/proc")
# Of the environment of a Slurm job; SLURM_JOB_ID is another number than `job` says for a task of an array.
SLURM = {
    "cluster": "SLURM_CLUSTER_NAME",
    "job_id": "SLURM_JOB_ID",
    "array_job_id": "SLURM_ARRAY_JOB_ID",
    "array_task_id": "SLURM_ARRAY_TASK_ID",
    "node": "SLURMD_NODENAME",
    "partition": "SLURM_JOB_PARTITION",
    "account": "SLURM_JOB_ACCOUNT",
    "qos": "SLURM_JOB_QOS",
    "gpus": "SLURM_JOB_GPUS",
}


def of_attempt(store: Store, device: str, threads: int) -> dict[str, Any]:
    """The columns that say where an attempt in this process runs: code, versions, hardware, job and slurm."""
    return {
        **keep_code(store),
        "versions": json.dumps(versions(), sort_keys=True),
        "hardware": json.dumps(hardware(device, threads), sort_keys=True),
        "job": os.environ.get(JOB),
        "slurm": slurm(),
    }


def keep_code(store: Store) -> dict[str, Any]:
    """The columns source, commit, dirty and diff; the files that source and diff name are in the study's folder then.

    Whoever runs a study says so before anything runs, so that its trials, on whatever node, find them there. One whose
    process began with other code, in a checkout that has changed meanwhile, writes its own.
    """
    _keep(store, "source", source.fingerprint(), source.archive)
    changes = source.patch()
    if changes:
        _keep(store, "diff", source.digest(changes), lambda: changes)
    return {"source": source.fingerprint(), **source.origin()}


def keep_study(store: Store, study_yaml: str) -> str:
    """The column study_yaml; the file that it names is in the study's folder then."""
    content = study_yaml.encode()
    return _keep(store, "study_yaml", source.digest(content), lambda: content)


def _keep(store: Store, column: str, digest: str, content: Callable[[], bytes]) -> str:
    """Writes a file of provenance where it is not there yet; what has the name has the content."""
    path = store.provenance_file(column, digest)
    if not path.exists():
        durable.write_bytes(path, content())
    return digest


@cache
def versions() -> dict[str, str]:
    """Of Python, this program and the packages that numbers depend on."""
    installed = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "gan-study": __version__, **installed}  # frozen code is not installed


@cache
def hardware(device: str, threads: int) -> dict[str, Any]:
    """This machine, and what a trial on this device and so many threads has of it."""
    cuda = importlib.import_module("torch").cuda if device == "cuda" else None
    return {
        "host": socket.gethostname(),
        "system": _system(),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "accelerator": cuda.get_device_name() if cuda else None,
        "driver": nvidia_driver(PROC),
        "threads": threads,
    }


def slurm() -> str | None:
    """JSON of what Slurm's environment tells of the job that this process is in; None outside of one."""
    told = {name: os.environ[variable] for name, variable in SLURM.items() if variable in os.environ}
    restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))  # unset until Slurm has requeued the job once
    return json.dumps({**told, "restarts": restarts}, sort_keys=True) if "job_id" in told else None


def nvidia_driver(proc: Path) -> str | None:
    """The version of NVIDIA's kernel module, such as 535.129.03; None on a machine without it."""
    table = proc / "driver" / "nvidia" / "version"
    found = re.search(r"^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s", table.read_text(), re.M) if table.exists() else None
    return found[1] if found else None


def _system() -> str:
    """The distribution's own name of itself where it has one, else the kernel's."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _processor() -> str:
    """The model's name where the kernel tells it (Linux), else the architecture."""
    table = PROC / "cpuinfo"
    lines = table.read_text().splitlines() if table.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
