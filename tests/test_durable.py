"""Files that are there whole or not at all, and locks that die with their holder."""

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from study import durable

ROOT = Path(__file__).parents[1]


@contextmanager
def running(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has printed its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_write_replaces_the_content(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file"
    for content in (b"one", b"", b"three" * 1000):
        durable.write_bytes(path, content)
        assert path.read_bytes() == content
        assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", [None, b"old"])
def test_a_crash_in_fill_leaves_the_old_file(tmp_path: Path, before: bytes | None, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)

    def fill(file: IO[bytes]) -> None:
        file.write(b"half of the new")
        file.flush()
        raise error("in the middle")

    with pytest.raises(error, match="in the middle"):
        durable.write(path, fill)
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == ([("file", before)] if before else [])


def test_a_crash_in_the_rename_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    durable.write_bytes(path, b"old")

    def crash(source: object, target: object) -> None:
        raise OSError("stale file handle")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="stale"):
        durable.write_bytes(path, b"new")
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("file", b"old")]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    durable.write_bytes(path, b"old")
    seen = []

    def fill(file: IO[bytes]) -> None:
        file.write(b"new")
        file.flush()
        seen.append((path.read_bytes(), [found.name for found in tmp_path.glob("*.parquet")]))

    durable.write(path, fill)
    assert seen == [(b"old", ["file.parquet"])]
    assert path.read_bytes() == b"new"


KILLED = """
import pathlib, sys
from study import durable
def fill(file):
    file.write(b"half")
    file.flush()
    print("ready", flush=True)
    sys.stdin.read()
durable.write(pathlib.Path(sys.argv[1]), fill)
"""


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write_bytes(path, b"old")
    with running(KILLED, path) as process:
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    durable.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


def test_json_is_sorted_and_ends_in_a_newline(tmp_path: Path) -> None:
    durable.write_json(tmp_path / "a.json", {"b": 1, "a": [True, None]})
    assert (tmp_path / "a.json").read_text() == '{\n "a": [\n  true,\n  null\n ],\n "b": 1\n}\n'


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert durable.sha256(tmp_path / "a") == durable.sha256_text("abc") == expected
    (tmp_path / "b").write_bytes(bytes(range(256)) * 5_000)
    assert durable.sha256(tmp_path / "b") == hashlib.sha256(bytes(range(256)) * 5_000).hexdigest()


HOLDER = """
import pathlib, sys
from study import durable
with durable.lock(pathlib.Path(sys.argv[1]), wait=True) as held:
    assert held
    print("ready", flush=True)
    sys.stdin.readline()
print("released", flush=True)
sys.stdin.read()
"""


def free(path: Path) -> bool:
    with durable.lock(path, wait=False) as held:
        return held


def test_a_lock_is_exclusive_between_processes(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    with running(HOLDER, path) as process:
        assert not free(path)
        assert durable.locked(path)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("release\n")
        process.stdin.flush()
        assert process.stdout.readline() == "released\n"
        assert free(path)  # the process lives, the lock does not
        assert not durable.locked(path)


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with running(HOLDER, path) as process:
        assert durable.locked(path)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not durable.locked(path)
        assert free(path)
    assert path.exists()


def test_a_lock_is_exclusive_within_a_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with durable.lock(path, wait=True) as held:
        assert held
        assert not free(path)
        assert durable.locked(path)
    assert free(path)


def test_an_exception_releases_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(RuntimeError, match="inside"), durable.lock(path, wait=False):
        raise RuntimeError("inside")
    assert free(path)


def test_an_exception_without_the_lock_is_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    def work() -> None:
        with durable.lock(path, wait=False) as held:
            assert not held
            raise RuntimeError("inside")

    with durable.lock(path, wait=True), pytest.raises(RuntimeError, match="inside"):
        work()
    assert free(path)


def test_asking_creates_nothing(tmp_path: Path) -> None:
    assert not durable.locked(tmp_path / "folder" / "lock")
    assert list(tmp_path.iterdir()) == []


COUNTER = """
import pathlib, sys
from study import durable
path = pathlib.Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(100):
    with durable.lock(path / "lock", wait=True):
        (path / "count").write_text(str(int((path / "count").read_text()) + 1))
print("done", flush=True)
sys.stdin.read()
"""


def test_no_increment_is_lost(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    with running(COUNTER, tmp_path) as first, running(COUNTER, tmp_path) as second:
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in (first, second):
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
    assert (tmp_path / "count").read_text() == "200"


@pytest.mark.parametrize("fsync", [False, True])
def test_the_disk_is_waited_for_only_where_that_is_asked(
    fsync: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, waited = tmp_path / "file", list[int]()
    monkeypatch.setattr(os, "fsync", waited.append)
    for content in (b"one", b"two"):
        durable.write_bytes(path, content, fsync=fsync)
        assert path.read_bytes() == content
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
    assert len(waited) == (4 if fsync else 0)  # the file and its folder, twice


def test_a_new_folder_is_there_whole(tmp_path: Path) -> None:
    with durable.new_folder(tmp_path / "deep" / "new") as aside:
        (aside / "sub").mkdir()
        (aside / "sub" / "file").write_text("x")
        assert not (tmp_path / "deep" / "new").exists()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["new"]
    assert sorted(path.name for path in (tmp_path / "deep" / "new").rglob("*")) == ["file", "sub"]
    with pytest.raises(FileExistsError, match="take another name"), durable.new_folder(tmp_path / "deep"):
        raise AssertionError("it is occupied")


def test_a_new_folder_that_fails_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), durable.new_folder(tmp_path / "new") as aside:
        (aside / "sub" / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_what_dead_processes_left_aside_is_removed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    dead = tmp_path / ".new.x1.aside"
    dead.mkdir()
    (dead / durable.LOCK).touch()
    with durable.new_folder(tmp_path / "new") as aside:
        (aside / "file").write_text("first")
        with durable.new_folder(tmp_path / "new") as second:
            (second / "file").write_text("second")
            assert aside.exists()
            assert not dead.exists()
        (tmp_path / "new").rename(tmp_path / "moved")
    assert (tmp_path / "new" / "file").read_text() == "first"
    assert (tmp_path / "moved" / "file").read_text() == "second"


def test_a_name_is_given_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    durable.create(path, b"first")
    with pytest.raises(FileExistsError):
        durable.create(path, b"second")
    assert path.read_bytes() == b"first"
    assert [each.name for each in path.parent.iterdir()] == ["file"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_link_whose_answer_was_lost_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS asks again, and hears that the name is taken: by this very file."""
    link = os.link

    def twice(aside: str, path: Path) -> None:
        link(aside, path)
        link(aside, path)

    monkeypatch.setattr(os, "link", twice)
    durable.create(tmp_path / "file", b"content")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file", b"content")]


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, answers = tmp_path / "file", list(range(durable.LOOKS))
    path.write_bytes(b"content")
    read, number = Path.read_bytes, errno.ESTALE

    def stale(path: Path) -> bytes:
        if answers:
            answers.pop()
            raise OSError(number, os.strerror(number), str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", stale)
    with pytest.raises(FileNotFoundError, match=str(path)):
        durable.read_bytes(path)
    answers.append(0)
    assert durable.read_bytes(path) == b"content"
    number = errno.EIO
    answers.append(0)
    with pytest.raises(OSError, match="Input/output error"):
        durable.read_bytes(path)
    with pytest.raises(FileNotFoundError):
        durable.read_bytes(tmp_path / "none")
