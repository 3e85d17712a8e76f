"""One of Ray's nodes, as processes of this job: started by Ray's own command, ended by their own ids."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.environment import OBJECT_STORE_BYTES, RAY
from cluster.living import shielded
from cluster.reaper import end, reap
from cluster.site import Site, my_job
from study.errors import StudyError
from study.node import DEADLINE, FOLDER, JOB, LIFETIME

# The head asks every node each second whether it is well. A killed one refuses, and is given up after five seconds,
# which its trials wait; one that is cut off, or so busy that it does not answer within five seconds, after thirty.
HEALTH = {
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "5",
}
OWNER = "owner"  # in a job's folder: the process that it belongs to
TRIES = 5  # for a port that nobody else has taken meanwhile
START_SECONDS = 60.0


@contextmanager
def own_folder(parent: Path, name: str) -> Iterator[Path]:
    """A folder of this machine, gone afterwards with every process that was started for it, however this one ends."""
    _sweep(parent)
    folder = parent / name
    temporary = folder / "tmp"
    folder.mkdir(mode=0o700, parents=True)
    (folder / OWNER).write_text(f"{socket.gethostname()} {os.getpid()}")
    temporary.mkdir()
    with shielded():
        reaper = subprocess.Popen(
            [sys.executable, "-m", "cluster.reaper", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    # For what libraries leave lying about, and the mark by which the reaper, which lacks it, knows a process.
    os.environ["TMPDIR"] = str(temporary)
    tempfile.tempdir = None  # Python would remember another
    try:
        yield folder
    finally:
        reaper.communicate()


def _sweep(parent: Path) -> None:
    """Removes what jobs of this user left that were killed together with their reapers and their scripts."""
    for folder in parent.glob(f"gs[hw]-{os.getuid()}-*"):
        try:
            host, _, pid = (folder / OWNER).read_text().partition(" ")
        except FileNotFoundError:  # another sweep was quicker, or the job is just beginning
            continue
        if host == socket.gethostname() and pid and not Path(f"/proc/{pid}").exists():
            reap(folder)


def start_head(folder: Path, token: Path, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Ray's head without a place for trials, and its address; ports are probed, and others taken where one is lost."""
    host = my_address()
    for _ in range(TRIES):
        port = _free_port(host)
        arguments = ["--head", f"--port={port}", "--include-dashboard=false", "--include-log-monitor=false"]
        process = _start([*arguments, *_common(folder, host, 0, 0)], folder, token, log, HEALTH)
        if _answers(process, host, port):
            return process, f"{host}:{port}"
        end(folder)
        process.wait()
    raise StudyError(f"Ray's head does not start on {host}; its words: {log}")


def start_worker(folder: Path, site: Site, address: str, deadline: float | None) -> subprocess.Popen[bytes]:
    """A node that offers its places to the head at this address. deadline: seconds since the epoch."""
    job = my_job()
    given = {FOLDER: str(folder / "node")} | ({JOB: job} if job else {})
    given |= {DEADLINE: str(deadline), LIFETIME: str(deadline - time.time())} if deadline else {}
    host = my_address(towards=address)
    arguments = [f"--address={address}", *_common(folder, host, site.profile.workers.cpus, site.gpus)]
    return _start(arguments, folder, site.board.token, site.ray_log("worker"), given)


def reachable(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def my_address(towards: str | None = None) -> str:
    """The address by which other machines reach this one: that of the way to the head, or of this host's name.

    Debian gives a host's own name 127.0.1.1; then it is the address of the way out.
    """
    if towards is None:
        known = {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        outside = sorted(address for address in known if not address.startswith("127."))
        if outside:
            return outside[0]
    host = towards.rpartition(":")[0] if towards else "10.255.255.255"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))  # sends nothing
        except OSError as error:
            raise StudyError(
                f"{socket.gethostname()} has no address that others reach ({error}); its name should have one"
            ) from error
        return str(probe.getsockname()[0])


def _common(folder: Path, host: str, cpus: int, gpus: int) -> list[str]:
    """Every port is the kernel's choice: many studies and users share a machine."""
    return [
        f"--node-ip-address={host}", f"--num-cpus={cpus}", f"--num-gpus={gpus}",
        f"--object-store-memory={OBJECT_STORE_BYTES}", f"--temp-dir={folder / 'ray'}", "--disable-usage-stats",
        "--min-worker-port=0", "--max-worker-port=0", "--dashboard-agent-listen-port=0", "--block",
    ]  # fmt: skip


def _start(
    arguments: list[str], folder: Path, token: Path, log: Path, given: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **RAY, "RAY_AUTH_TOKEN_PATH": str(token), **(given or {})}
    environment.pop("RAY_ADDRESS", None)
    with log.open("ab") as output, shielded():
        return subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments],
            env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _answers(process: subprocess.Popen[bytes], host: str, port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if reachable(f"{host}:{port}"):
            return True
        time.sleep(0.1)
    return False


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
