"""The shell lines around a job's program, run by bash, and the program itself."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster.launch import RESTARTS, setup, teardown
from study import __version__
from tests.cluster.test_site import profile
from tests.commands.command import environment

SCONTROL = """#!/bin/sh
echo "scontrol $*"
exit 1
"""


def shell(lines: list[str], path: str | None = None, **given: str) -> subprocess.CompletedProcess[str]:
    before = {**os.environ, **({"PATH": f"{path}:{os.environ['PATH']}"} if path else {}), **given}
    return subprocess.run(["bash", "-c", "\n".join(lines)], env=before, capture_output=True, text=True)


def test_a_program_becomes_the_command_in_the_same_process() -> None:
    code = "import os; print(os.getpid(), end=' '); from cluster.launch import Program; Program(('--version',))()"
    child = subprocess.Popen([sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE, text=True)
    said = child.communicate()[0]
    assert said == f"{child.pid} {__version__}\n"
    assert child.returncode == 0


def test_a_program_takes_its_exit_code_with_it() -> None:
    code = "from cluster.launch import Program; Program(('no-such-command',))(); print('still here')"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "gan-study has no command 'no-such-command'" in done.stderr


@pytest.mark.parametrize(
    ("before", "expected"), [({}, "/frozen code"), ({"PYTHONPATH": "/mine"}, "/frozen code:/mine")]
)
def test_the_frozen_code_comes_first(before: dict[str, str], expected: str) -> None:
    lines = setup(
        profile(__setup=["export MODULE=loaded", "export RAY_ADDRESS=elsewhere:1 TORCHINDUCTOR_CACHE_DIR=/tmp/mine"]),
        "/frozen code",
    )
    tell = 'echo "$PYTHONPATH|$PYTHONSAFEPATH|$MODULE|${RAY_ADDRESS-unset}${TORCHINDUCTOR_CACHE_DIR-}"'
    done = shell(["unset PYTHONPATH"] * (not before) + [*lines, tell], **before)
    assert done.stdout == f"{expected}|1|loaded|unset\n"


def test_a_profiles_own_path_comes_after_the_frozen_code() -> None:
    done = shell([*setup(profile(__setup=["export PYTHONPATH=/site"]), "/frozen"), "echo $PYTHONPATH"])
    assert done.stdout == "/frozen:/site\n"


@pytest.mark.parametrize(
    ("code", "restarts", "again"),
    [
        (0, None, False),
        (1, None, False),
        (128, None, False),
        (137, None, True),  # its program was killed
        (143, str(RESTARTS - 1), True),
        (143, str(RESTARTS), False),
    ],
)
def test_a_job_whose_program_was_killed_is_requeued(
    code: int, restarts: str | None, again: bool, tmp_path: Path
) -> None:
    """Whatever scontrol answers, the job ends with the program's own exit code."""
    (tmp_path / "scontrol").write_text(SCONTROL)
    (tmp_path / "scontrol").chmod(0o755)
    given: dict[str, Any] = {"SLURM_JOB_ID": "12"} | ({"SLURM_RESTART_COUNT": restarts} if restarts else {})
    before = ["unset SLURM_RESTART_COUNT"] * (restarts is None)
    done = shell([*before, f"(exit {code})", *teardown(profile(), "true")], str(tmp_path), **given)
    assert done.returncode == code
    assert done.stdout == "scontrol requeue 12\n" * again
    assert done.stderr == ""
