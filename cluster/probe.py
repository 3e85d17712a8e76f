"""Runs on a node and prints what it sees there, as one line of JSON; sent by `gan-study doctor`.

python -m cluster.probe FOLDER SCRATCH DATA PACKAGES [cuda]: the folder of this probe on the shared file system, with a
file `sent` and a file `lock` that the sender holds; the node's scratch; the data; names of packages with commas.
"""

from __future__ import annotations  # an interpreter that is too old must be able to say so

import fcntl
import importlib
import importlib.metadata
import json
import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from typing import Any

MARK = "gan-study-probe: "  # before the JSON: set-up lines may print too


def versions(packages: list[str]) -> dict[str, str | None]:
    """Of Python and of packages; None where one is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def devices() -> list[str] | str:
    """The names of the CUDA devices that torch sees, or why it sees none."""
    try:
        cuda = importlib.import_module("torch").cuda
        return [cuda.get_device_name(number) for number in range(cuda.device_count())]
    except Exception as error:  # torch is missing or broken, the driver too old, ...: the sender wants to know which
        return "%s: %s" % (type(error).__name__, error)  # noqa: UP031


def shared(folder: str) -> dict[str, Any]:
    """What of the sender's folder is seen here, and what is left for the sender to see."""
    seen: dict[str, Any] = {"sent": None, "lock": None, "left": None}
    try:
        with open(os.path.join(folder, "sent")) as file:
            seen["sent"] = file.read()
        left = str(os.getpid()) + "@" + socket.gethostname()
        with open(os.path.join(folder, "left.aside"), "w") as file:
            file.write(left)
            file.flush()
            os.fsync(file.fileno())
        os.replace(os.path.join(folder, "left.aside"), os.path.join(folder, "left"))
        seen["left"] = left
        seen["lock"] = lock(os.path.join(folder, "lock"))
    except OSError as error:
        seen["error"] = str(error)
    return seen


def lock(path: str) -> str:
    """'held' where the sender's lock is seen here, 'free' where it is not; else why nobody can lock."""
    with open(path, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "held"
        except OSError as error:
            return str(error)
        return "free"


def room(scratch: str) -> dict[str, Any]:
    """Bytes free in the scratch folder, or why nothing can be written there."""
    try:
        with tempfile.TemporaryDirectory(dir=scratch):
            return {"free": shutil.disk_usage(scratch).free}
    except OSError as error:
        return {"error": str(error)}


def main(folder: str, scratch: str, data: str, packages: str, *cuda: str) -> None:
    found = {
        "time": time.time(),
        "host": socket.gethostname(),
        "versions": versions(packages.split(",")),
        "shared": shared(folder),
        "scratch": room(scratch),
        "data": sorted(os.listdir(data)) if os.path.isdir(data) else None,
        "devices": devices() if cuda else None,
    }
    sys.stdout.write("\n" + MARK + json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
