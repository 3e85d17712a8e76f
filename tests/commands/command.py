"""Calls gan-study as a user does: another process, its exit code, and what it prints."""

import os
import pty
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "study"]
ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}


def gan_study(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Waits for the command to end; its exit code is the caller's to judge."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=600)


def on_a_terminal(*arguments: str | Path, cwd: Path) -> str:
    """All that the command writes to a terminal until it ends, control codes included."""
    terminal, end = pty.openpty()
    child = subprocess.Popen([*COMMAND, *map(str, arguments)], cwd=cwd, env=environment(), stdout=end, stderr=end)
    os.close(end)
    said = b""
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # Linux's way of saying that nobody holds the other end any more
            break
        if not part:
            break
        said += part
    os.close(terminal)
    assert child.wait() == 0, said.decode()
    return said.decode()


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """The command as a process of its own group, with SIGINT as a terminal would have it."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
