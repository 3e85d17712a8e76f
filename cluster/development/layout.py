"""What a development cluster consists of: its names, addresses and paths, none of which two clusters may share."""

import ipaddress
import json
import re
from dataclasses import dataclass
from pathlib import Path

BASE = Path("/var/lib/gan-study-slurm")  # not /tmp, of which every host has its own
LONGEST_FOLDER = 80  # characters: sockets below it may have 107
FIRST_HOST = 11  # its place in the subnet; lower ones are for the controller and for the machine itself
NAME = re.compile(r"[a-z][a-z0-9]{0,12}")  # an interface's name has 15 characters; a dash parts cluster and host
HOSTS = 50


class Problem(Exception):
    """Names the bad value or the failure, and what to do next; shown without a traceback."""


@dataclass(frozen=True)
class Host:
    """A network namespace with processes, file systems and a name of its own."""

    name: str  # as the commands call it
    hostname: str  # as it calls itself
    address: str
    namespace: str  # below /run/netns


@dataclass(frozen=True)
class Layout:
    """One cluster. Everything that it leaves on the machine can be found by `name` and `base` alone."""

    name: str = "slurm"
    hosts: tuple[str, ...] = ("n1", "n2", "n3")
    subnet: str = "10.77.0.0/24"
    base: Path = BASE

    @property
    def folder(self) -> Path:
        """On the file system that all hosts share."""
        return self.base / self.name

    @property
    def configuration(self) -> Path:
        return self.folder / "slurm.conf"

    @property
    def munge(self) -> Path:
        """The cluster's own: the machine's may be missing, and belongs to others."""
        return self.folder / "munge"

    @property
    def ready(self) -> Path:
        """A file that is there once every host has worked."""
        return self.folder / "ready"

    @property
    def spaces(self) -> str:
        """How the names of its namespaces begin."""
        return f"gan-study-{self.name}-"

    @property
    def tag(self) -> str:
        """Marks what is this cluster's where others have things too: interfaces, and lines in /etc/hosts."""
        return f"# gan-study's development cluster {self.name}"

    @property
    def machine(self) -> str:
        """The address by which the hosts reach the machine that they run on."""
        return self._address(2)

    @property
    def width(self) -> int:
        return ipaddress.ip_network(self.subnet).prefixlen

    @property
    def controller(self) -> Host:
        """Runs slurmctld and munged. Its namespace holds the bridge, which no firewall of the machine can reach."""
        return Host("ctl", f"{self.name}-ctl", self._address(1), f"{self.spaces}ctl")

    def workers(self) -> list[Host]:
        """The hosts that run slurmd, in order."""
        return [
            Host(name, name, self._address(FIRST_HOST + place), f"{self.spaces}{name}")
            for place, name in enumerate(self.hosts)
        ]

    def host(self, name: str) -> Host:
        """Raises Problem where there is no such host."""
        known = {host.name: host for host in [*self.workers(), self.controller]}
        if name not in known:
            raise Problem(f"{name!r} is not a host of the cluster {self.name!r}; valid: {', '.join(known)}")
        return known[name]

    def log(self, host: Host) -> Path:
        return self.folder / "log" / f"{host.name}.log"

    def save(self) -> None:
        (self.folder / "layout.json").write_text(json.dumps({"hosts": self.hosts, "subnet": self.subnet}))

    def _address(self, place: int) -> str:
        return str(ipaddress.ip_network(self.subnet)[place])


def load(name: str, base: Path) -> Layout | None:
    """The layout that a cluster was started with; None where there is none of this name."""
    try:
        values = json.loads((check_name(name, base) / "layout.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):  # never started, or killed while it wrote that file
        return None
    return Layout(name, tuple(values["hosts"]), values["subnet"], base)


def check(layout: Layout) -> None:
    """Raises Problem where a name, a subnet or a folder cannot be used."""
    check_name(layout.name, layout.base)
    wrong = [host for host in layout.hosts if not NAME.fullmatch(host) or host == "ctl"]
    if wrong:
        raise Problem(
            f"hosts: {wrong[0]!r} cannot be a host's name; allowed: 1 to 13 of a-z and 0-9, a letter first, not 'ctl'"
        )
    if len(set(layout.hosts)) < len(layout.hosts) or not 1 <= len(layout.hosts) <= HOSTS:
        raise Problem(f"hosts: {','.join(layout.hosts)!r} must be 1 to {HOSTS} different names, with commas: n1,n2,n3")
    try:
        network = ipaddress.IPv4Network(layout.subnet)
    except ValueError as error:
        raise Problem(f"subnet: {error}; write it as 10.77.0.0/24") from error
    if network.num_addresses < FIRST_HOST + len(layout.hosts) + 1 or not network.is_private:
        raise Problem(f"subnet: {layout.subnet} must be private and have room for the hosts; 10.77.0.0/24 has")


def check_name(name: str, base: Path) -> Path:
    """The folder of the cluster of this name. Raises Problem where the name or the base cannot be used."""
    if not NAME.fullmatch(name):
        raise Problem(f"name: {name!r} cannot be a cluster's name; allowed: 1 to 13 of a-z and 0-9, a letter first")
    if not base.is_absolute() or len(str(base / name)) > LONGEST_FOLDER:
        raise Problem(f"folder: {base} must be an absolute path, with the name at most {LONGEST_FOLDER} characters")
    own = [place for place in map(Path, ("/tmp", "/dev/shm")) if base.resolve().is_relative_to(place)]
    if own:
        raise Problem(f"folder: {base} is in {own[0]}, of which every host has its own; choose one below /var/lib")
    return base / name
