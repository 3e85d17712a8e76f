"""The development cluster: hosts of their own, jobs, preemption, failures, and no trace after its end."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.development import hosts, life, network, watch
from cluster.development.layout import Layout
from tests.slurm.conftest import SLOTS, Slurm, eventually

pytestmark = pytest.mark.slurm

ROOT = Path(__file__).parents[2]
SLEEP = "--wrap=exec sleep 600"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 6818), timeout=2)"


def command(action: str, layout: Layout, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The program as `make slurm` calls it: no package but the standard library (-S) is to be had."""
    settings = ("--hosts", ",".join(layout.hosts), "--subnet", layout.subnet) if action == "up" else ()
    line = [sys.executable, "-S", "-m", "cluster.development", action, "--name", layout.name]
    line += ["--folder", str(layout.base), *settings, *arguments]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=120)


def on_the_machine(layout: Layout) -> list[str]:
    """Lines of /etc/hosts, namespaces, interfaces and clusters' folders, without those of sessions beside this one."""
    links = [link["ifname"] for link in json.loads(subprocess.check_output(["ip", "-json", "link"]))]
    spaces = [path.name for path in network.NAMESPACES.iterdir()]
    folders = [str(folder) for folder in Layout().base.iterdir()]
    found = [*network.NAMES.read_text().splitlines(), *sorted(spaces), *sorted(links), *sorted(folders)]
    others = [f"test{letter}" for letter in SLOTS if not layout.name.startswith(f"test{letter}")]
    return [thing for thing in found if not any(other in thing for other in others)]


@pytest.fixture
def neighbour(slurm: Slurm) -> Iterator[Layout]:
    """A second cluster beside that of the session, not started; its remains are removed."""
    layout = slurm.layout
    two = tuple(f"{host}b" for host in layout.hosts[:2])
    other = Layout(f"{layout.name}b", two, layout.subnet.replace("10.78", "10.79"), layout.base)
    yield other
    life.down(other)


def test_one_job_on_three_hosts(slurm: Slurm, shared: Path) -> None:
    out = shared / "names"
    job = slurm.sbatch("--nodes=3", "--ntasks=3", f"--output={out}", "--wrap=srun hostname")
    eventually(lambda: slurm.state(job) == "COMPLETED", "the job ends")
    assert sorted(out.read_text().split()) == list(slurm.hosts)


def test_room_for_three_workers_and_a_head(slurm: Slurm, shared: Path) -> None:
    output = f"--output={shared}/%a"
    slurm.sbatch("--mem=1G", SLEEP)
    script = "--wrap=echo $CUDA_VISIBLE_DEVICES; sleep 600"
    slurm.sbatch("--partition=preemptible", "--array=0-2", "--mem=2G", "--gres=gpu:2", output, script)
    eventually(lambda: [job.state for job in slurm.squeue()] == ["RUNNING"] * 4, "head and workers run")
    eventually(lambda: [path.read_text() for path in shared.iterdir()] == ["0,1\n"] * 3, "two GPUs for every worker")


def test_every_host_has_folders_processes_and_a_name_of_its_own(slurm: Slurm, shared: Path) -> None:
    first, second, _ = slurm.hosts
    for folder in ("/tmp", "/dev/shm", str(shared)):
        slurm.run_on(first, "touch", f"{folder}/mine")
    seen = slurm.run_on(second, "ls", "/dev/shm", str(shared)).stdout
    assert seen.split() == ["/dev/shm:", f"{shared}:", "mine"]
    assert slurm.temporary(second) == []
    assert slurm.run_on(second, "hostname").stdout == f"{second}\n"
    assert slurm.run_on(second, "getent", "hosts", first).stdout.split() == [slurm.layout.host(first).address, first]
    assert "slurmd -D" in slurm.run_on(second, "ps", "--pid", "1", "--format", "args=").stdout
    assert slurm.processes(second) == {}
    assert slurm.ports(second) == set()


def test_processes_and_ports_of_a_host_are_told(slurm: Slurm) -> None:
    first, second, _ = slurm.hosts
    listen = "import socket, time; s = socket.create_server(('', 4321)); time.sleep(600)"
    slurm.sbatch(f"--nodelist={first}", f'--wrap=exec {sys.executable} -c "{listen}"')
    eventually(lambda: slurm.ports(first) == {4321}, "the job listens")
    assert [line for line in slurm.processes(first).values() if "4321" in line]
    assert slurm.ports(second) == set()


def test_jobs_go_on_after_preemption_and_after_the_loss_of_a_host(slurm: Slurm) -> None:
    first, second, third = slurm.hosts
    # The shell dies of the SIGTERM that ends the grace time.
    preempted = slurm.sbatch("--partition=preemptible", "--requeue", f"--nodelist={first}", SLEEP)
    cut_off = slurm.sbatch("--partition=preemptible", "--requeue", f"--nodelist={third}", SLEEP)
    eventually(lambda: {job.state for job in slurm.squeue()} == {"RUNNING"}, "both run")
    slurm.cut(third)
    address = slurm.layout.host(third).address
    assert slurm.run_on(second, sys.executable, "-c", CONNECT, address, check=False).returncode == 1
    urgent = slurm.sbatch(f"--nodelist={first}", "--exclusive", "--wrap=true")
    eventually(lambda: slurm.show(preempted)["Reason"] == "BeginTime", "requeued after the grace time of 20 s")
    eventually(lambda: slurm.state(urgent) == "COMPLETED", "the urgent job is done")
    again = "the preempted job runs again"
    eventually(lambda: slurm.runs_again(preempted), again, instead=slurm.all_told)
    eventually(lambda: slurm.state(cut_off) == "PENDING", "Slurm misses the host")
    slurm.heal(third)
    slurm.requeue_now(cut_off)
    eventually(lambda: slurm.state(cut_off) == "RUNNING", "its job runs again, on the same host")
    slurm.run_on(second, sys.executable, "-c", CONNECT, address)
    eventually(lambda: list(slurm.processes(third).values()).count("sleep 600") == 1, "the orphan has ended")


def test_a_killed_host_comes_back_empty(slurm: Slurm) -> None:
    first = slurm.hosts[0]
    slurm.run_on(first, "touch", "/tmp/mine")
    job = slurm.sbatch("--requeue", f"--nodelist={first}", SLEEP)
    eventually(lambda: slurm.state(job) == "RUNNING", "the job runs")
    slurm.kill(first)
    assert hosts.processes(slurm.layout.host(first).namespace) == []
    slurm.revive(first)
    assert slurm.temporary(first) == []
    assert slurm.squeue()[0].state == "PENDING"
    slurm.requeue_now(job)
    eventually(lambda: slurm.state(job) == "RUNNING", "the job runs again")


def test_jobs_outlive_slurmctld(slurm: Slurm) -> None:
    job = slurm.sbatch(SLEEP)
    eventually(lambda: slurm.state(job) == "RUNNING", "the job runs")
    slurm.kill("ctl")
    asked = subprocess.run(["scontrol", "ping"], env=slurm.environment(), capture_output=True, text=True)
    assert "DOWN" in asked.stdout
    slurm.revive("ctl")
    assert slurm.state(job) == "RUNNING"
    assert [line for host in slurm.hosts for line in slurm.processes(host).values()] == ["sleep 600"]


def test_a_second_cluster_comes_and_goes_without_a_trace(slurm: Slurm, neighbour: Layout) -> None:
    before = on_the_machine(neighbour)
    up = command("up", neighbour)
    assert up.returncode == 0, up.stderr
    assert f"export SLURM_CONF={neighbour.configuration}\n" in up.stdout
    spaces = hosts.network_namespaces(neighbour)
    again = command("up", neighbour)
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "It is up already.")
    other = command("up", replace(neighbour, hosts=("p1",)))
    assert (other.returncode, other.stdout) == (2, "")
    assert "is up with other settings" in other.stderr
    said = command("exec", neighbour, neighbour.hosts[1], "--", "hostname")
    assert said.stdout == f"{neighbour.hosts[1]}\n"
    assert command("status", neighbour).stdout.count("idle") == 2
    assert set(watch.states(slurm.layout).values()) == {"idle"}
    down = command("down", neighbour)
    assert down.returncode == 0, down.stderr
    assert on_the_machine(neighbour) == before
    assert not spaces & {hosts.network_of(pid) for pid in hosts.everything()}
    assert command("down", neighbour).stdout == f"There is no cluster {neighbour.name!r}.\n"
    assert set(watch.states(slurm.layout).values()) == {"idle"}


def test_hosts_see_a_clone_that_is_in_the_machines_own_tmp(neighbour: Layout, tmp_path: Path) -> None:
    clone = Path("/tmp", tmp_path.name)
    shutil.copytree(ROOT / "cluster" / "development", clone / "cluster" / "development")
    try:
        up = command("up", neighbour, cwd=clone)
        assert up.returncode == 0, up.stderr
        seen = command("exec", neighbour, neighbour.hosts[0], "--", "ls", "/tmp", str(clone))
        assert seen.stdout.split() == ["/tmp:", clone.name, f"{clone}:", "cluster"]
    finally:
        shutil.rmtree(clone)


def test_up_after_a_crash_removes_the_remains(neighbour: Layout) -> None:
    assert life.up(neighbour)
    for host in (neighbour.controller, *neighbour.workers()):
        hosts.kill(host.namespace)
    assert life.traces(neighbour)
    assert life.up(neighbour)
    assert set(watch.states(neighbour).values()) == {"idle"}


def test_a_failed_start_tells_why_and_leaves_nothing(neighbour: Layout, shared: Path) -> None:
    shared.chmod(0o777)  # munged refuses to keep its socket below a folder that anybody may change
    broken = replace(neighbour, base=shared)
    before = on_the_machine(neighbour)
    up = command("up", broken)
    assert (up.returncode, up.stdout) == (2, "")
    assert "ctl.out ends with\n" in up.stderr
    assert "world-writable" in up.stderr
    assert life.traces(broken) == []
    assert on_the_machine(neighbour) == before


def test_what_others_use_is_refused_before_anything_is_started(slurm: Slurm, neighbour: Layout) -> None:
    taken = slurm.layout
    for layout, words in (
        (replace(neighbour, subnet=taken.subnet), f"in use by the interface {taken.name!r}; choose another --subnet"),
        (replace(neighbour, hosts=taken.hosts[:1]), f"has a host named {taken.hosts[0]!r} already"),
        (replace(neighbour, name="lo"), "an interface named 'lo' exists already"),
    ):
        up = command("up", layout)
        assert (up.returncode, up.stdout) == (2, "")
        assert words in up.stderr
        assert life.traces(layout) == []


def test_a_host_that_is_not_there_is_an_error(slurm: Slurm) -> None:
    for action in ("cut", "heal", "kill", "revive", "exec"):
        done = command(action, slurm.layout, "nowhere")
        assert (done.returncode, done.stdout) == (2, "")
        valid = ", ".join([*slurm.hosts, "ctl"])
        assert f"'nowhere' is not a host of the cluster {slurm.layout.name!r}; valid: {valid}" in done.stderr


def test_a_host_that_slurm_has_drained_is_used_again(slurm: Slurm) -> None:
    """As it does where a job's processes took long to die."""
    first = slurm.hosts[0]
    slurm.call("scontrol", "update", f"NodeName={first}", "State=DRAIN", "Reason=Kill task failed")
    slurm.kill(first)
    slurm.revive(first)
    slurm.wait_idle()
