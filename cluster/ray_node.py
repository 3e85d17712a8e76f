"""A Ray cluster of this machine alone: its own token, its own folder, and nothing of it left afterwards."""

import logging
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cluster.environment import OBJECT_STORE_BYTES, RAY

os.environ |= RAY
if "ray" in sys.modules:
    raise RuntimeError("import cluster.ray_node before anything that imports ray: its environment comes first")

import ray

from cluster.reaper import reap

PARENT = Path("/tmp")  # short, because Ray's Unix sockets below it must stay under 107 bytes
PREFIX = "gan-study-"


@contextmanager
def local(cpus: int, gpus: int) -> Iterator[Path]:
    """Starts Ray with these resources and yields a scratch folder that disappears with it.

    Nothing of it is left afterwards, even when this process is killed: a reaper waits for that.
    """
    _sweep()
    scratch = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=PARENT))
    token = scratch / "token"
    token.touch(mode=0o600)
    token.write_text(_token())
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
    reaper = subprocess.Popen(
        [sys.executable, "-m", "cluster.reaper", str(scratch)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        ray.init(
            address="local",  # whatever RAY_ADDRESS says
            num_cpus=cpus,
            num_gpus=gpus,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=str(scratch / "ray"),
        )
        yield scratch
    finally:
        ray.shutdown()
        reaper.communicate()


@contextmanager
def connected(address: str, token: Path) -> Iterator[None]:
    """This process drives the cluster at this address meanwhile; its nodes are others' to start and to end."""
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


@cache
def _token() -> str:
    """One for every cluster that this process starts: Ray reads it once, and would refuse a second cluster's."""
    return secrets.token_hex(32)


def _sweep() -> None:
    """Reaps after processes that were killed together with their reapers."""
    for folder in PARENT.glob(f"{PREFIX}*"):
        owner = re.fullmatch(rf"{PREFIX}(\d+)-\w+", folder.name)
        if owner and folder.stat().st_uid == os.getuid() and not Path(f"/proc/{owner[1]}").exists():
            reap(folder)
