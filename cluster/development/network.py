"""Namespaces, cables between them and a bridge, and the hosts' names in /etc/hosts."""

import fcntl
import ipaddress
import json
from collections.abc import Callable
from pathlib import Path

from cluster.development.layout import Layout, Problem
from cluster.development.machine import call

NAMESPACES = Path("/run/netns")
NAMES = Path("/etc/hosts")
BRIDGE = "bridge"


def refuse_conflicts(layout: Layout) -> None:
    """Raises Problem where an interface, an address or a name that the cluster needs is somebody else's."""
    ours = ipaddress.ip_network(layout.subnet)
    for interface in json.loads(call("ip", "-json", "address")):
        if interface["ifname"] == layout.name:
            raise Problem(f"an interface named {layout.name!r} exists already; choose another --name")
        for address in interface["addr_info"]:
            if ours.overlaps(ipaddress.ip_network(f"{address['local']}/{address['prefixlen']}", strict=False)):
                raise Problem(
                    f"{layout.subnet} is in use by the interface {interface['ifname']!r}; choose another --subnet"
                )
    for line in NAMES.read_text().splitlines():
        taken = set(line.partition("#")[0].split()[1:]) & {host.hostname for host in layout.workers()}
        if taken:
            raise Problem(f"{NAMES} has a host named {taken.pop()!r} already; choose other --hosts")


def build(layout: Layout) -> None:
    """Every host in a namespace with an eth0, on a bridge in the controller's; one cable more to this machine."""
    centre = layout.controller
    call("ip", "netns", "add", centre.namespace)
    call("ip", "-n", centre.namespace, "link", "set", "lo", "up")
    call("ip", "-n", centre.namespace, "link", "add", BRIDGE, "type", "bridge")
    call("ip", "-n", centre.namespace, "address", "add", f"{centre.address}/{layout.width}", "dev", BRIDGE)
    call("ip", "-n", centre.namespace, "link", "set", BRIDGE, "up")
    # It plays the rest of the world, where nobody listens: looking for a name server fails at once, not in 10 s.
    call("ip", "-n", centre.namespace, "route", "add", "local", "default", "dev", "lo", "table", "main")
    call("ip", "link", "add", layout.name, "type", "veth", "peer", "name", "machine", "netns", centre.namespace)
    call("ip", "address", "add", f"{layout.machine}/{layout.width}", "dev", layout.name)
    call("ip", "link", "set", layout.name, "alias", layout.tag, "up")
    call("ip", "-n", centre.namespace, "link", "set", "machine", "master", BRIDGE, "up")
    for host in layout.workers():
        inside = ("ip", "-n", host.namespace)
        call("ip", "netns", "add", host.namespace)
        call(*inside, "link", "set", "lo", "up")
        call(*inside, "link", "add", "eth0", "type", "veth", "peer", "name", host.name, "netns", centre.namespace)
        call(*inside, "address", "add", f"{host.address}/{layout.width}", "dev", "eth0")
        call(*inside, "link", "set", "eth0", "up")
        # Programs ask by which address they would reach the world, and give it to others as theirs.
        call(*inside, "route", "add", "default", "via", centre.address)
        call("ip", "-n", centre.namespace, "link", "set", host.name, "master", BRIDGE, "up")
    named = [centre, *layout.workers()]
    _edit_names(lambda old: [*old, *(f"{host.address} {host.hostname} {layout.tag}\n" for host in named)])


def set_link(layout: Layout, name: str, state: str) -> None:
    """Pulls a host's cable out of the bridge (down) or puts it back (up)."""
    host = layout.host(name)
    if host == layout.controller:
        raise Problem(f"{name} holds the bridge and cannot be cut off; kill it, or cut all others")
    call("ip", "-n", layout.controller.namespace, "link", "set", host.name, state)


def namespaces(layout: Layout) -> list[str]:
    """Those of the cluster, or of an earlier one of its name."""
    return sorted(path.name for path in NAMESPACES.glob(f"{layout.spaces}*"))


def interfaces(layout: Layout) -> list[str]:
    """That of the cluster on the machine itself, if it is there; it goes with the namespace of its other end."""
    alias = Path("/sys/class/net", layout.name, "ifalias")
    return [layout.name] if alias.exists() and alias.read_text().strip() == layout.tag else []


def lines(layout: Layout) -> list[str]:
    """Of /etc/hosts, those that the cluster added."""
    return [line for line in NAMES.read_text().splitlines() if line.endswith(layout.tag)]


def remove(layout: Layout) -> None:
    """Everything that `build` made, or as much of it as is there; its processes must have ended."""
    for interface in interfaces(layout):
        call("ip", "link", "delete", interface)
    for namespace in namespaces(layout):
        call("ip", "netns", "delete", namespace)
    if lines(layout):
        _edit_names(lambda old: [line for line in old if not line.rstrip().endswith(layout.tag)])


def _edit_names(change: Callable[[list[str]], list[str]]) -> None:
    """In place and under a lock: in a container the file is a mount, which cannot be replaced by another file."""
    with NAMES.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = "".join(change(file.read().splitlines(keepends=True)))
        file.seek(0)
        file.write(text)
        file.truncate()
