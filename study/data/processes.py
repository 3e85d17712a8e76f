"""Programs of this package that run beside this one, each a process, and what they write read as it comes.

A process of its own imports nothing of the caller's and shares no thread or lock with it, as a fork would, and the pipe
is all the memory that waits between the two.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from study.errors import StudyError

ROOT = Path(__file__).parents[2]


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def outputs(module: str, arguments: Sequence[Sequence[str]]) -> Iterator[list[IO[bytes]]]:
    """What `python -m module` writes for each list of arguments. They are ended with the block, if not before.

    They are in process groups of their own: Ctrl-C is for who reads, and a pipe that nobody reads ends who writes.
    """
    places = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": places, "OPENBLAS_NUM_THREADS": "1"}
    with ExitStack() as stack:
        pipes = []
        for each in arguments:
            command = [sys.executable, "-P", "-m", module, *each]  # -P: nothing of the working directory
            process = stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, process_group=0)
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            pipes.append(process.stdout)
        yield pipes


def read(pipe: IO[bytes], count: int) -> bytes:
    """The next `count` bytes. Raises StudyError where the program ended before it wrote them."""
    found = pipe.read(count)
    if len(found) < count:
        raise StudyError(
            f"a process that was started to help ended too early: {len(found)} bytes of {count}; run the command again"
        )
    return found
