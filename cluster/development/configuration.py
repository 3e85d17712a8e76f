"""Fills in Slurm's configuration files for a layout."""

import os
import secrets
import stat
from pathlib import Path
from string import Template

from cluster.development.layout import Layout

DELAY = 10  # seconds that a requeued job waits; Slurm's own default is 120
LEAST_MEMORY = 3072  # MB of a host: a worker of 2 GB and a head of 1 GB, whatever the machine has
HERE = Path(__file__).parent


def write(layout: Layout) -> None:
    """Makes the cluster's folder with everything that the daemons need to start."""
    for name in ("dev", "log", "munge", "run", "spool", "state"):
        (layout.folder / name).mkdir(parents=True)
    layout.save()
    for number in range(2):  # slurmd wants devices; these are like /dev/null
        os.mknod(layout.folder / "dev" / f"nvidia{number}", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    with open(os.open(layout.munge / "key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as key:
        key.write(secrets.token_bytes(128))
    values = {
        "name": layout.name,
        "folder": layout.folder,
        "controller": layout.controller.hostname,
        "address": layout.controller.address,
        "munge": layout.munge,
        "delay": DELAY,
        "memory": max(LEAST_MEMORY, machine_memory() // len(layout.hosts)),
        "nodes": "\n".join(f"NodeName={host.name} NodeAddr={host.address}" for host in layout.workers()),
        "hosts": ",".join(layout.hosts),
    }
    for name in ("slurm.conf", "gres.conf", "cgroup.conf"):
        (layout.folder / name).write_text(Template((HERE / name).read_text()).substitute(values))


def machine_memory() -> int:
    """MB of the whole machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
