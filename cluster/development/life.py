"""A cluster's life: up, down, what is left of it, and hosts that fail and come back."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.development import configuration, hosts, machine, network, watch
from cluster.development.layout import Layout, Problem, check, load


def up(layout: Layout) -> bool:
    """Starts the cluster and returns when every host is idle; False where it is up already.

    Remains of one that was killed are removed first. Raises Problem, with the end of the log that tells why, after
    removing what was started.
    """
    check(layout)
    machine.require()
    with _alone(layout.base):
        if _is_up(layout):
            return False
        _remove(layout)
        network.refuse_conflicts(layout)
        try:
            _start(layout)
        except BaseException:
            _remove(layout)
            raise
    return True


def down(layout: Layout) -> list[str]:
    """Removes every trace of the cluster of this name and says what there was."""
    machine.require()
    with _alone(layout.base):
        there = traces(layout)
        _remove(layout)
        left = traces(layout)
        if not any(layout.base.iterdir()):
            layout.base.rmdir()
    if left:
        raise Problem(f"could not be removed: {'; '.join(left)}")
    return there


def traces(layout: Layout) -> list[str]:
    """What the cluster of this name has on the machine, a line for each thing; empty where there is none."""
    spaces = network.namespaces(layout)
    return [
        *(f"process {pid} of {space}" for space in spaces for pid in hosts.processes(space)),
        *(f"namespace {space}" for space in spaces),
        *(f"interface {interface}" for interface in network.interfaces(layout)),
        *(f"line in {network.NAMES}: {line}" for line in network.lines(layout)),
        *([f"folder {layout.folder}"] if layout.folder.exists() else []),
    ]


def kill(layout: Layout, name: str) -> None:
    """All processes of a host at once, its slurmd included. Its /tmp goes with them, as at a power cut.

    slurmctld is asked to end first: it seldom saves what it knows, and would be confused by old knowledge.
    """
    host = layout.host(name)
    if host == layout.controller:
        hosts.end_slurmctld(host)
    hosts.kill(host.namespace)


def revive(layout: Layout, name: str) -> None:
    """Boots a dead host, and returns when Slurm has it back. Raises Problem where that fails."""
    host = layout.host(name)
    if hosts.first_process(host) is None:
        hosts.kill(host.namespace)  # what was killed half
        if host != layout.controller:
            # A real host takes so long to boot that Slurm has missed it; this one would be back before.
            watch.tell(layout, host, "DOWN")
        hosts.boot(layout, host)
    watch.wait(layout, [host] if host != layout.controller else [])


def cut(layout: Layout, name: str) -> None:
    """Pulls a host's network cable. Slurm takes the host for down after half a minute."""
    network.set_link(layout, name, "down")


def heal(layout: Layout, name: str) -> None:
    """Puts the cable back, and lets Slurm look at once: by itself it does after two minutes."""
    network.set_link(layout, name, "up")
    host = layout.host(name)
    if watch.states(layout)[name].startswith("down") and hosts.first_process(host) is not None:
        watch.tell(layout, host, "RESUME")


def _start(layout: Layout) -> None:
    configuration.write(layout)
    network.build(layout)
    for host in (layout.controller, *layout.workers()):
        hosts.boot(layout, host)
    watch.wait(layout, layout.workers())
    layout.ready.touch()


def _is_up(layout: Layout) -> bool:
    """Raises Problem where another one of this name is."""
    running = load(layout.name, layout.base)
    if running is None or not running.ready.exists() or hosts.first_process(running.controller) is None:
        return False
    if running != layout:
        raise Problem(
            f"the cluster {layout.name!r} is up with other settings (hosts {','.join(running.hosts)}, subnet"
            f" {running.subnet}): take it down first, or choose another --name"
        )
    return True


def _remove(layout: Layout) -> None:
    for space in network.namespaces(layout):
        hosts.kill(space)
    network.remove(layout)
    if layout.folder.exists():
        shutil.rmtree(layout.folder)


@contextmanager
def _alone(base: Path) -> Iterator[None]:
    """Nobody else starts or stops a cluster here meanwhile."""
    base.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle = os.open(base, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
