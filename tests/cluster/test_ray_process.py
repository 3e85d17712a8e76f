"""A Ray of one job's own: reached by its address, closed to strangers, and gone with its folder."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import ray_process
from cluster.board import Board
from cluster.ray_process import my_address, own_folder, reachable, start_head
from study.results.store import Store
from tests.commands.command import environment

ENDLESS = "import sys; print('up', flush=True); sys.stdin.read()"
OWNER = """
import pathlib, subprocess, sys
from cluster.ray_process import own_folder
with own_folder(pathlib.Path(sys.argv[1]), "gsw") as folder:
    mark = {"TMPDIR": f"{folder}/tmp"}
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], env=mark, stdin=subprocess.PIPE)
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short path, as Ray's sockets need one."""
    made = Path(tempfile.mkdtemp(prefix="gs", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", "/tmp")  # and back, where a folder of one's own has changed it
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    yield made
    shutil.rmtree(made)


def belonging(folder: Path) -> list[int]:
    """Processes whose environment or command line names something below the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if f"{folder}/".encode() in said:
            found.append(int(process.name))
    return found


def ended(pid: int) -> bool:
    """A zombie is dead, and waits for a parent that is not ours."""
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_an_address_is_reachable_while_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert reachable(address)
    assert not reachable(address)
    assert not reachable("no-such-host.invalid:1")


def test_this_machines_address_is_one_that_others_can_use() -> None:
    address = my_address()
    assert not address.startswith("127.")
    with socket.create_server((address, 0)) as server:  # its own
        assert reachable(f"{address}:{server.getsockname()[1]}")
        assert my_address(towards=f"{address}:1") == address
    assert my_address(towards="127.0.0.1:6379") == "127.0.0.1"


def test_a_free_port_is_free() -> None:
    for port in {ray_process._free_port("127.0.0.1") for _ in range(5)}:
        socket.create_server(("127.0.0.1", port)).close()


def test_a_folder_is_its_owners_alone_and_goes_with_its_processes(parent: Path) -> None:
    with own_folder(parent, "gsw") as folder:
        assert folder == parent / "gsw"
        assert folder.stat().st_mode & 0o777 == 0o700
        with tempfile.NamedTemporaryFile() as file:
            assert Path(file.name).is_relative_to(folder)
        mark = {**os.environ, "TMPDIR": f"{folder}/tmp"}
        child = subprocess.Popen(
            [sys.executable, "-c", ENDLESS], env=mark, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
    assert child.wait(30) == -signal.SIGKILL
    with pytest.raises(KeyError), own_folder(parent, "gsw"):
        raise KeyError
    assert list(parent.iterdir()) == []


def test_what_dead_owners_left_is_removed_and_the_living_are_spared(parent: Path) -> None:
    """By their own ids, below the same scratch folder: of another user's nothing is touched."""

    def of(owner: int, name: str, user: int = os.getuid()) -> Path:
        folder = parent / f"{name[:3]}-{user}-{name[4:]}"
        (folder / "ray").mkdir(parents=True)
        (folder / ray_process.OWNER).write_text(f"{socket.gethostname()} {owner}")
        return folder

    gone = subprocess.Popen(["true"])
    gone.wait()
    dead = [of(gone.pid, "gsw-11-0"), of(gone.pid, "gsh-11-3")]
    spared = {of(os.getpid(), "gsw-9-0"), of(gone.pid, "gsw-11-0", os.getuid() + 1)}
    mark = {**os.environ, "TMPDIR": f"{dead[0]}/tmp"}
    child = subprocess.Popen([sys.executable, "-c", ENDLESS], env=mark, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    with own_folder(parent, f"gsw-{os.getuid()}-12-0") as folder:
        assert set(parent.iterdir()) == spared | {folder}
        assert child.wait(30) == -signal.SIGKILL


def test_an_owner_that_is_killed_leaves_nothing(parent: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(parent)], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    child = int(owner.stdout.readline())
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + 30
    while (parent / "gsw").exists() or not ended(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ask(address: str, token: Path) -> subprocess.Popen[str]:
    """A client of Ray's with this token, started."""
    given = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    command = [sys.executable, "-m", "ray.scripts.scripts", "status", "--address", address]
    return subprocess.Popen(command, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_head_answers_whoever_has_the_token_and_leaves_nothing(parent: Path) -> None:
    token = Board(Store(parent / "study")).make_token()
    stranger = parent / "strangers-token"
    stranger.write_text(secrets.token_hex(32))
    with own_folder(parent, "gsh") as folder:
        process, address = start_head(folder, token, parent / "log.txt")
        assert reachable(address)
        clients = ask(address, token), ask(address, stranger)
        said = [client.communicate()[0] for client in clients]
        assert [client.returncode for client in clients] == [0, 1], said
        assert "InvalidAuthToken" in said[1]
        assert process.poll() is None
        assert len(belonging(folder)) > 2
    assert process.poll() is not None
    assert belonging(folder) == []
    assert not folder.exists()
    assert not reachable(address)
    assert "Local node IP" in (parent / "log.txt").read_text()  # Ray's words are where no node takes them along
