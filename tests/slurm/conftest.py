"""A Slurm of three hosts for the whole session, apart from that of `make slurm`; every test gets it fresh."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.development import hosts, life, machine, watch
from cluster.development.layout import Layout

SLOTS = "tuvwxyz"  # sessions at the same time on one machine
PATIENCE = 180.0  # seconds, on a busy machine
ROOT = Path(__file__).parents[2]
QUEUE = "%i|%T|%N|%r|%P|%j"


@dataclass(frozen=True)
class Queued:
    """A job or a task of an array, as squeue lists it."""

    id: str  # 12, or 12_3
    state: str  # PENDING, RUNNING, COMPLETING, ...
    node: str  # empty where it is not running
    reason: str  # BeginTime, Resources, None, ...
    partition: str
    name: str


def eventually(
    condition: Callable[[], object], what: str, seconds: float = PATIENCE, instead: Callable[[], str] = str
) -> None:
    """Waits until the condition holds; fails with `what` was awaited, and what is `instead`, after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{instead()}"
        time.sleep(0.2)


class Slurm:
    """The cluster, and what can happen to it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.hosts = layout.hosts

    def environment(self) -> dict[str, str]:
        """This process's, without leaked SLURM_* and with SLURM_CONF of this cluster."""
        return hosts.environment(self.layout)

    def call(self, *command: str) -> str:
        """What a command on the machine itself prints, squeue for instance; fails where it fails."""
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout.strip()

    def sbatch(self, *options: str) -> str:
        """The id of a job that is sent with these options; its output goes nowhere."""
        return self.call("sbatch", "--parsable", "--chdir=/", "--output=/dev/null", *options)

    def squeue(self) -> list[Queued]:
        """All that has not ended, an array's tasks one by one."""
        lines = self.call("squeue", "--noheader", "--array", f"--format={QUEUE}").splitlines()
        return [Queued(*line.split("|")) for line in lines]

    def state(self, job: str) -> str:
        """Slurm's word for a job or task, ended ones too (for ten minutes): RUNNING, COMPLETED, CANCELLED, ..."""
        return self.show(job)["JobState"]

    def show(self, job: str) -> dict[str, str]:
        """What scontrol shows of a job or task: JobState, Reason, NodeList, Restarts, StartTime, TimeLimit, ..."""
        shown = self.call("scontrol", "--oneliner", "show", "job", job).splitlines()[0]
        return dict(field.partition("=")[::2] for field in shown.split() if "=" in field)

    def run_on(self, host: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command in a host's namespaces as root, within 60 s; fails where it fails, unless check is False."""
        line = hosts.inside(self.layout, host, command)
        done = subprocess.run(line, env=self.environment(), capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, f"{' '.join(command)} on {host}: {done.stderr}"
        return done

    def processes(self, host: str) -> dict[int, str]:
        """Command lines of what runs on a host beside its own daemon and Slurm's, by the pids of the host itself."""
        own = ("slurmd ", "slurmstepd", "ps -ww")
        # -ww: where COLUMNS is set, lines would be cut off there.
        lines = self.run_on(host, "ps", "-ww", "-eo", "pid=,stat=,args=").stdout.splitlines()
        parts = [line.split(maxsplit=2) for line in lines]
        return {
            int(pid): command
            for pid, status, command in parts
            if pid != "1" and "Z" not in status and not command.startswith(own)
        }

    def temporary(self, host: str) -> list[str]:
        """What is in a host's /tmp, beside a clone of this project that every host has there too."""
        there = self.run_on(host, "ls", "-A", "/tmp").stdout.splitlines()
        clone = ROOT.relative_to("/tmp").parts[:1] if ROOT.is_relative_to("/tmp") else ()
        return [name for name in there if name not in clone]

    def ports(self, host: str) -> set[int]:
        """TCP ports that somebody on the host listens at, slurmd's excepted."""
        lines = self.run_on(host, "ss", "--listening", "--tcp", "--numeric", "--no-header").stdout.splitlines()
        return {int(line.split()[3].rpartition(":")[2]) for line in lines} - {6818}

    def cut(self, host: str) -> None:
        """Pulls the network cable; Slurm takes the host for down, and requeues its jobs, after about half a minute."""
        life.cut(self.layout, host)

    def heal(self, host: str) -> None:
        """Puts the cable back; where Slurm has taken the host for down, it is told to look again at once."""
        life.heal(self.layout, host)

    def kill(self, host: str) -> None:
        """SIGKILL to everything on the host, slurmd included; `ctl` is the host of slurmctld. Its /tmp is gone."""
        life.kill(self.layout, host)

    def revive(self, host: str) -> None:
        """Boots a killed host; returns when Slurm can use it. Jobs that it had are requeued, if they were not yet."""
        life.revive(self.layout, host)

    def wait_idle(self) -> None:
        """Until no job is on any host."""
        deadline = time.monotonic() + PATIENCE
        while not self._idle():
            assert time.monotonic() < deadline, f"{watch.states(self.layout)}, {self.squeue()}"
            time.sleep(0.2)

    def requeue_now(self, job: str) -> None:
        """Lets a requeued job or task, which waits ten seconds with the reason BeginTime, start now; or it has."""
        update = ["scontrol", "update", f"JobId={job}", "StartTime=now"]
        done = subprocess.run(update, env=self.environment(), capture_output=True, text=True)
        assert done.returncode == 0 or self.state(job) == "RUNNING", done.stderr

    def runs_again(self, job: str) -> bool:
        """Whether a requeued job or task runs; for whoever waits for it, who lets it start now."""
        if self.state(job) != "RUNNING":
            self.requeue_now(job)
        return self.state(job) == "RUNNING"

    def all_told(self) -> str:
        """Jobs and hosts as Slurm shows them."""
        return f"{self.call('scontrol', '--oneliner', 'show', 'job')}\n{self.call('sinfo', '--Node', '--long')}"

    def reset(self) -> None:
        """Nothing in the queue, every cable in its place, every host freshly booted and idle."""
        self.revive("ctl")
        for host in self.hosts:
            self.heal(host)
            self.kill(host)
        self.call("scancel", "--user=root")
        for host in self.hosts:
            self.revive(host)
        self.wait_idle()

    def _idle(self) -> bool:
        return set(watch.states(self.layout).values()) == {"idle"} and not self.squeue()


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """The cluster of this session; skips where none can be started, and leaves no trace."""
    reason = machine.why_not()
    if reason:
        pytest.skip(reason)
    number, place = _take_slot()
    letter = SLOTS[number]
    layout = Layout(f"test{letter}", tuple(f"{letter}{host}" for host in (1, 2, 3)), f"10.78.{number}.0/24")
    life.up(layout)
    spaces = hosts.network_namespaces(layout)
    yield Slurm(layout)
    life.down(layout)
    assert life.traces(layout) == []
    assert not spaces & {hosts.network_of(pid) for pid in hosts.everything()}
    place.close()


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test did to the cluster does not reach the next one."""
    if "slurm" not in request.fixturenames:
        yield
        return
    cluster: Slurm = request.getfixturevalue("slurm")
    yield
    cluster.reset()


@pytest.fixture
def shared() -> Iterator[Path]:
    """An empty folder that all hosts see, which tmp_path is not: every host has a /tmp of its own."""
    folder = Path(tempfile.mkdtemp(prefix="gan-study-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


def _take_slot() -> tuple[int, socket.socket]:
    """The number of a place that no other session has, kept as long as the socket, or this process, lives."""
    for number in range(len(SLOTS)):
        place = socket.socket(socket.AF_UNIX)
        try:
            place.bind(f"\0gan-study-test-{number}")
        except OSError:  # another session's
            place.close()
            continue
        return number, place
    raise AssertionError(f"{len(SLOTS)} other sessions of slurm tests are running on this machine")
