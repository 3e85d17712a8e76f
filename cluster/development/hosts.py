"""A host's processes: started in its namespaces, found by them, killed by them."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from cluster.development import network
from cluster.development.layout import Host, Layout, Problem
from cluster.development.machine import PATH, clean_environment

HERE = Path(__file__).resolve().parent
PATIENCE = 10.0  # seconds for killed processes to vanish


def boot(layout: Layout, host: Host) -> None:
    """Starts the host's first process and its daemon; returns at once."""
    daemon = _controller_daemons(layout) if host == layout.controller else _worker_daemon(layout)
    command = [
        "setsid", "--fork", "nsenter", f"--net={network.NAMESPACES / host.namespace}",
        "unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--mount",
        "sh", str(HERE / "boot.sh"), str(HERE.parents[1]), host.hostname, *daemon,
    ]  # fmt: skip
    with layout.log(host).with_suffix(".out").open("ab") as out:
        environment = {"PATH": PATH, "LANG": "C.UTF-8"}  # the same whoever starts it, for what jobs inherit
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", check=True)


def _worker_daemon(layout: Layout) -> list[str]:
    return ["slurmd", "-D", "-f", str(layout.configuration)]


def _controller_daemons(layout: Layout) -> list[str]:
    """munged answers once its command has returned."""
    munge = layout.munge
    munged = [
        "munged", f"--socket={munge}/socket", f"--key-file={munge}/key", f"--pid-file={munge}/pid",
        f"--seed-file={munge}/seed", f"--log-file={munge}/log",
    ]  # fmt: skip
    slurmctld = ["slurmctld", "-D", "-f", str(layout.configuration)]
    return ["sh", "-c", f"{' '.join(munged)} && exec {' '.join(slurmctld)}"]


def processes(namespace: str) -> list[int]:
    """Every process in the network namespace, by the machine's own numbers."""
    try:
        wanted = (network.NAMESPACES / namespace).stat().st_ino
    except FileNotFoundError:
        return []
    return [pid for pid in everything() if network_of(pid) == wanted]


def everything() -> list[int]:
    """Every process of the machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def network_namespaces(layout: Layout) -> set[int]:
    """The numbers of the cluster's network namespaces, by which processes are known even when the names are gone."""
    return {(network.NAMESPACES / name).stat().st_ino for name in network.namespaces(layout)}


def network_of(pid: int) -> int | None:
    """The number of the network namespace that a process is in; None where that cannot be known."""
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:  # it has just ended, or is the machine's own and closed even to root
        return None


def first_process(host: Host) -> int | None:
    """The one that is number 1 inside; None where the host is dead."""
    for pid in processes(host.namespace):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
        if len(numbers) > 2 and numbers[-1] == "1":
            return pid
    return None


def kill(namespace: str) -> None:
    """SIGKILL to all that a host runs; returns when nothing is left. Raises Problem where something will not end."""
    deadline = time.monotonic() + PATIENCE
    while left := processes(namespace):
        if time.monotonic() > deadline:
            raise Problem(f"processes of {namespace} do not end: {', '.join(map(str, left))}")
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:  # it ended with the first process
                continue
        time.sleep(0.02)


def end_slurmctld(host: Host) -> None:
    """Asks it to save and end, and waits."""
    for pid in processes(host.namespace):
        if _name(pid) != "slurmctld":
            continue
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while _name(pid) and time.monotonic() < deadline:
            time.sleep(0.05)


def _name(pid: int) -> str:
    """Of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def inside(layout: Layout, name: str, command: Sequence[str]) -> list[str]:
    """The command line that runs a command in a host, where possible in the same folder as here.

    Raises Problem where the host is dead.
    """
    host = layout.host(name)
    first = first_process(host)
    if first is None:
        raise Problem(f"{name} is dead; revive it first")
    here = os.getcwd()
    there = here if Path(f"/proc/{first}/root{here}").is_dir() else "/"
    return ["nsenter", f"--target={first}", "--net", "--uts", "--pid", "--mount", f"--wdns={there}", "--", *command]


def environment(layout: Layout) -> dict[str, str]:
    """For commands that talk to this cluster's Slurm."""
    return clean_environment({"SLURM_CONF": str(layout.configuration)})
