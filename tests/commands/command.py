"""Calls gan-study as a user does: another process, its exit code, and what it prints."""

import os
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


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """The command as a process of its own group, with SIGINT as a terminal would have it."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
