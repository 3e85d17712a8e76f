"""What a job runs: one of the study's programs, from the frozen code, whoever starts it and wherever from."""

import os
import shlex
import sys
from dataclasses import dataclass

from cluster.profile import Profile

RESTARTS = 50  # after which a job whose program is killed again and again is no longer requeued


@dataclass(frozen=True)
class Program:
    """Becomes `python -m study ARGUMENTS`. Replaces the process, so that nobody's signal handlers stay in it."""

    arguments: tuple[str, ...]

    def __call__(self) -> None:
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "study", *self.arguments])


def setup(profile: Profile, source: str) -> list[str]:
    """A job's shell lines before Python: the profile's, then what makes the frozen code the code that runs.

    PYTHONSAFEPATH, because `python -m` looks in the working directory first: a checkout, perhaps, that moved on.
    """
    return [
        *profile.setup,
        "unset RAY_ADDRESS TORCHINDUCTOR_CACHE_DIR",  # the second is torch's own doing, in the process that submits
        "export PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1",
        f"export PYTHONPATH={shlex.quote(source)}${{PYTHONPATH:+:$PYTHONPATH}}",
    ]


def teardown(profile: Profile, python: str) -> list[str]:
    """Shell lines after it, which come to pass even where the program was killed, but not where Slurm ends the job.

    They remove what a killed program left on the node, and requeue its job: an exit code over 128 is that of a signal.
    """
    folder = f'{shlex.quote(profile.scratch)}/"gs$role-$(id -u)-$SLURM_JOB_ID-${{SLURM_RESTART_COUNT:-0}}"'
    return [
        "code=$?",
        f"for role in h w; do {python} -m cluster.reaper {folder} < /dev/null | cat; done",
        f"if [ $code -gt 128 ] && [ ${{SLURM_RESTART_COUNT:-0}} -lt {RESTARTS} ]; then",
        "    scontrol requeue $SLURM_JOB_ID",
        "fi",
        "exit $code",
    ]
