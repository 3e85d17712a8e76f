"""What Slurm says of the hosts, and waiting until it says that they work."""

import socket
import subprocess
import time

from cluster.development import hosts, machine
from cluster.development.layout import Host, Layout, Problem

PATIENCE = 90.0  # seconds until every host must work, on a busy machine
BOOT = 3.0  # seconds until a host must have processes
AT_WORK = ("idle", "mixed", "allocated", "completing")  # without a mark such as *, which says that it does not answer
SLURMCTLD, SLURMD = 6817, 6818  # Slurm's default ports; every host has an address of its own


def states(layout: Layout) -> dict[str, str]:
    """By host, Slurm's word for it: idle, mixed, allocated, down*, ... Raises Problem where Slurm does not answer."""
    done = subprocess.run(
        ["sinfo", "--noheader", "--Node", "--format=%N %T"],
        env=hosts.environment(layout), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise Problem(f"Slurm does not answer: {done.stderr.strip()}")
    return dict(line.split() for line in done.stdout.splitlines())


def tell(layout: Layout, host: Host, state: str) -> None:
    """What an administrator would tell Slurm of a host: DOWN or RESUME."""
    reason = () if state == "RESUME" else ("Reason=development",)
    machine.call(
        "scontrol", "update", f"NodeName={host.name}", f"State={state}", *reason, environment=hosts.environment(layout)
    )


def wait(layout: Layout, expected: list[Host]) -> None:
    """Until Slurm answers and these hosts work. Raises Problem with the end of the log of the one that fails."""
    started = time.monotonic()
    while fault := _fault(layout, expected):
        guilty, said = fault
        waited = time.monotonic() - started
        if f"{guilty.name} is drain" in said:  # by Slurm itself, as a job's processes took long to die
            tell(layout, guilty, "RESUME")
        if waited > PATIENCE or (waited > BOOT and hosts.first_process(guilty) is None):
            raise Problem(f"{said}, after {waited:.0f} s; {_log(layout, guilty)}")
        time.sleep(0.2)


def _fault(layout: Layout, expected: list[Host]) -> tuple[Host, str] | None:
    """The first host that does not work, and how that shows."""
    if not _listens(layout.controller, SLURMCTLD):  # sinfo would try for ten seconds
        return layout.controller, "slurmctld does not listen"
    try:
        known = states(layout)
    except Problem as problem:
        return layout.controller, str(problem)
    for host in expected:
        if known.get(host.name) not in AT_WORK:
            return host, f"Slurm says that {host.name} is {known.get(host.name, 'unknown')}"
        if not _listens(host, SLURMD):  # what Slurm says may be from before the host's death
            return host, f"slurmd of {host.name} does not listen"
    return None


def _listens(host: Host, port: int) -> bool:
    try:
        socket.create_connection((host.address, port), timeout=1).close()
    except OSError:
        return False
    return True


def _log(layout: Layout, host: Host) -> str:
    """The end of what the host's daemon said."""
    log = layout.log(host)
    for path in (log, log.with_suffix(".out")):
        if path.exists() and path.stat().st_size:
            return f"{path} ends with\n{machine.last_lines(path.read_text())}"
    return f"{log} is empty"
