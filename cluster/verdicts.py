"""What the probe saw on a node, judged against what is seen here."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cluster.finding import Finding, ok, problem, warning
from study.heartbeat import HEARTBEAT, LOST

VISIBLE = 15  # seconds until a file that another host renamed is seen: network file systems look again that seldom
LEAST_FREE = 2 * 10**9  # bytes of scratch: Ray's logs and its store of objects
DECISIVE = ("python", "ray", "torch", "numpy", "pyarrow")  # of others rows, or hosts that do not understand each other


def versions(name: str, there: Mapping[str, str | None], here: Mapping[str, str | None]) -> Iterator[Finding]:
    """Whether a node's Python and packages are those of the submitter."""
    other = {key: (there.get(key), mine) for key, mine in here.items() if there.get(key) != mine}
    told = ", ".join(f"{key} {theirs or 'missing'} (here {mine or 'missing'})" for key, (theirs, mine) in other.items())
    remedy = "install there what is here: pip install --constraint constraints.txt, or set python in the profile"
    if any(key in DECISIVE or theirs is None for key, (theirs, _) in other.items()):
        yield problem(name, f"another environment: {told}", remedy)
    elif other:
        yield warning(name, f"another environment, though not where rows depend on it: {told}", remedy)
    else:
        yield ok(name, f"Python {there['python']} and {len(there) - 1} packages are those of this machine")


def shared(name: str, said: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    """Whether the results folder is one and the same on both hosts, its renames atomic and its locks common."""
    elsewhere = "name a folder on a file system that all nodes share: --results DIR"
    if said["sent"] is None:
        yield problem(name, f"{folder.parent} is not the folder that it is here ({said.get('error')})", elsewhere)
        return
    if said["left"] is None or said["sent"] != (folder / "sent").read_text():
        yield problem(name, f"{folder.parent} cannot be written ({said.get('error', 'other content')})", elsewhere)
        return
    if not _seen(folder / "left", said["left"]):
        yield problem(name, f"a file renamed in {folder.parent} there was not seen here within {VISIBLE} s", elsewhere)
        return
    yield ok(name, f"{folder.parent} is shared, and a file renamed there is seen here whole")
    if said["lock"] == "free":
        yield warning(
            name,
            f"locks in {folder.parent} hold on one host only; heartbeats tell who is alive, and two heads "
            "could run one study",
            "mount it with locks for all hosts (Lustre: flock, not localflock; NFS: "
            "without local_lock), or never submit a study twice at once",
        )
    elif said["lock"] != "held":
        yield problem(
            name,
            f"files in {folder.parent} cannot be locked: {said['lock'] or said.get('error')}",
            "mount it with locks (Lustre: flock), or name another folder: --results DIR",
        )
    else:
        yield ok(name, "a lock that is held here is seen there")


def _seen(path: Path, content: str) -> bool:
    """Whether a file has this content, at last: what a network file system lists may be some seconds old."""
    end = time.monotonic() + VISIBLE
    while not (path.exists() and path.read_text() == content):
        if time.monotonic() > end:
            return False
        os.listdir(path.parent)  # makes NFS look again
        time.sleep(0.2)
    return True


def clock(name: str, there: float, before: float, after: float) -> Iterator[Finding]:
    """Whether the node's clock lies between those moments of this one."""
    apart = max(before - there, there - after, 0.0)
    remedy = "ask the administrators to run chrony or ntpd on every node"
    if apart > LOST / 2:
        yield problem(name, f"its clock is {apart:.0f} s off: it would be taken for dead, or never", remedy)
    elif apart > HEARTBEAT / 2:
        yield warning(name, f"its clock is {apart:.0f} s off; a silence of {LOST:.0f} s counts as death", remedy)


def data(name: str, there: list[str] | None, folder: Path) -> Iterator[Finding]:
    here = sorted(os.listdir(folder)) if folder.is_dir() else None
    if here is None:
        yield warning(name, f"there is no data folder {folder}", "run gan-study prepare STUDY, or name it: --data DIR")
    elif there is None or not set(here) <= set(there):
        yield problem(
            name,
            f"{folder} is not the folder that it is here",
            "name one on a file system that all nodes share: --data DIR",
        )
    else:
        yield ok(name, f"{folder} is seen there")


def scratch(name: str, said: Mapping[str, Any], path: str) -> Iterator[Finding]:
    """Whether the node's scratch can be written and has room; its length was checked with the profile."""
    if "error" in said:
        yield problem(name, f"nothing can be written to {path}: {said['error']}", "set scratch in the profile")
    elif said["free"] < LEAST_FREE:
        yield warning(
            name,
            f"{path} has {said['free'] / 1e9:.1f} GB free, less than {LEAST_FREE / 1e9:.0f} GB",
            "set scratch in the profile to a larger local disk",
        )
    else:
        yield ok(name, f"{path} can be written, {said['free'] / 1e9:.0f} GB free")


def cuda(name: str, seen: list[str] | str) -> Iterator[Finding]:
    """Whether torch sees the GPU that was asked for."""
    if isinstance(seen, str) or not seen:
        why = seen if isinstance(seen, str) else "torch sees no CUDA device"
        yield problem(
            name,
            why,
            "load the driver's module in setup, let the container see it (apptainer exec --nv), or set device: cpu",
        )
    else:
        yield ok(name, f"torch sees {', '.join(seen)}")
