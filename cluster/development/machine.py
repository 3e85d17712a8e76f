"""What the machine itself must offer, and how its commands are called."""

import os
import shutil
import subprocess

from cluster.development.layout import Problem

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # a user's own may lack sbin
PACKAGES = {  # command -> Debian's package
    "munged": "munge",
    "slurmctld": "slurm-wlm",
    "slurmd": "slurm-wlm",
    "sinfo": "slurm-wlm",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
LEAKING = ("SLURM_", "SBATCH_", "SRUN_", "SALLOC_", "PMI")  # of a job, which its daemons and jobs must not inherit


def missing_packages() -> list[str]:
    """Debian's packages whose commands are not here."""
    return sorted({package for command, package in PACKAGES.items() if not shutil.which(command, path=PATH)})


def why_not() -> str | None:
    """Why no cluster can be started here, with the remedy; None where one can."""
    if os.geteuid() != 0:
        return "the development cluster needs root, for network namespaces: sudo make slurm"
    missing = missing_packages()
    if missing:
        return f"missing packages: apt-get install --no-install-recommends {' '.join(missing)}"
    return None


def require() -> None:
    """Raises Problem where no cluster can be started here."""
    reason = why_not()
    if reason:
        raise Problem(reason)


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what an outer Slurm job left in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEAKING)}
    return {**kept, "PATH": f"{kept.get('PATH', '')}:{PATH}".lstrip(":"), **(extra or {})}


def call(*command: str, environment: dict[str, str] | None = None) -> str:
    """What the command prints. Raises Problem with its own words where it fails."""
    done = subprocess.run(command, env=environment or clean_environment(), capture_output=True, text=True)
    if done.returncode:
        raise Problem(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def last_lines(text: str, number: int = 6) -> str:
    """Indented, for the end of a message."""
    return "\n".join(f"    {line.rstrip()}" for line in text.splitlines()[-number:])
