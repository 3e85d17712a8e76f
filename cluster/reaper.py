"""A small process that outlives its caller just long enough to remove what the caller's Ray cluster left behind.

python -m cluster.reaper SCRATCH waits until its standard input closes, which the kernel does however the caller dies.
"""

import os
import shutil
import signal
import sys
from pathlib import Path


def reap(scratch: Path) -> None:
    """Kills every process that was started with this scratch folder in its environment, and removes the folder.

    Ray's agents look for their dead parent once a minute; a kill -9 of the caller would leave them for as long.
    """
    mark = f"{scratch}/".encode()
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        if pid != os.getpid() and mark in _environment(process):
            _kill(pid)
    shutil.rmtree(scratch, ignore_errors=True)


def _environment(process: Path) -> bytes:
    """What the process was started with; empty for one that is another user's or has ended."""
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # it ended by itself
        return


if __name__ == "__main__":
    sys.stdin.read()
    reap(Path(sys.argv[1]))
