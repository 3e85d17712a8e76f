"""The reaper ends what belongs to a scratch folder and nothing else, however its caller dies."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import reaper

ENDLESS = "import sys; print('up', flush=True); sys.stdin.read()"
CALLER = """
import subprocess, sys
subprocess.Popen([sys.executable, "-m", "cluster.reaper", sys.argv[1]], stdin=subprocess.PIPE, start_new_session=True)
print("up", flush=True)
sys.stdin.read()
"""


class Children:
    """Processes that wait until they are killed."""

    def __init__(self) -> None:
        self.all: list[subprocess.Popen[str]] = []

    def start(self, code: str, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, **(environment or {})}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.all.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        return child


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children()
    yield made
    for child in made.all:
        child.kill()
        child.communicate()


def test_kills_by_environment_and_by_open_file_and_spares_the_rest(tmp_path: Path, children: Children) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "log").write_text("kept open")
    marked = children.start(ENDLESS, environment={"RAY_AUTH_TOKEN_PATH": f"{scratch}/token"})
    reading = children.start(f"log = open({str(scratch / 'log')!r}); " + ENDLESS)
    neighbour = children.start(ENDLESS, environment={"RAY_AUTH_TOKEN_PATH": f"{scratch}2/token"})
    reaper.reap(scratch)
    assert marked.wait(10) == -signal.SIGKILL
    assert reading.wait(10) == -signal.SIGKILL
    assert neighbour.poll() is None
    assert not scratch.exists()


def test_a_killed_caller_is_reaped_after(tmp_path: Path, children: Children) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    marked = children.start(ENDLESS, environment={"RAY_AUTH_TOKEN_PATH": f"{scratch}/token"})
    caller = children.start(CALLER, str(scratch))
    assert marked.poll() is None
    caller.send_signal(signal.SIGKILL)
    assert marked.wait(20) == -signal.SIGKILL
