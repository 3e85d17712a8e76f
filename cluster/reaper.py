"""A small process that outlives its caller just long enough to remove what the caller's Ray cluster left behind.

python -m cluster.reaper SCRATCH waits until its standard input closes, which the kernel does however the caller dies.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

PATIENCE = 20.0  # seconds: a process that waits for a broken device cannot be killed, and is left to who watches it


def reap(scratch: Path, *spared: int) -> None:
    """Ends every process that was started for this scratch folder, and removes the folder. spared: pids."""
    end(scratch, *spared)
    shutil.rmtree(scratch, ignore_errors=True)


def end(scratch: Path, *spared: int) -> None:
    """Kills every process that was started for this scratch folder, but for this one and the spared ones.

    Ray's agents look for their dead parent once a minute; a kill -9 of the caller would leave them for as long. The
    raylet goes first: it would report its actors' ends as crashes of theirs. Again, until none has begun meanwhile.
    """
    others = {os.getpid(), *spared}  # which have files open there too
    deadline = time.monotonic() + PATIENCE
    while found := [process for process in _processes(others) if _belongs(process, scratch)]:
        if time.monotonic() > deadline:
            return
        for process in sorted(found, key=lambda process: _name(process) != "raylet"):
            _kill(int(process.name))
        time.sleep(0.05)


def _processes(spared: set[int]) -> list[Path]:
    return [process for process in Path("/proc").glob("[0-9]*") if int(process.name) not in spared]


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:  # it has just ended
        return ""


def _belongs(process: Path, scratch: Path) -> bool:
    """By the environment it was started with or by a file it has open: Ray's titles overwrite the one in memory."""
    mark = f"{scratch}/"
    try:
        if b"cluster.reaper" in (process / "cmdline").read_bytes():  # another one, which has the folder's files open
            return False
        if mark.encode() in (process / "environ").read_bytes():
            return True
        handles = list((process / "fd").iterdir())
    except OSError:  # another user's, or it has just ended
        return False
    return any(_target(handle).startswith(mark) for handle in handles)


def _target(handle: Path) -> str:
    """What an open file is; empty where it was closed meanwhile."""
    try:
        return os.readlink(handle)
    except OSError:
        return ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # it ended by itself
        return


if __name__ == "__main__":
    # As a grandchild it is in no tree of processes that Slurm kills, where it goes by trees; who waits for the end of
    # its output waits for it all the same.
    caller = os.getppid()
    if os.fork() == 0:
        sys.stdin.read()
        reap(Path(sys.argv[1]), caller)
