"""A disk that becomes full: one line says where and what is needed, and what was there before stays readable."""

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from study import durable
from study.errors import DiskFull, StudyError
from study.results.compact import compact
from study.results.store import Store
from study.session import Options
from study.trial import run
from tests.commands.command import gan_study
from tests.conftest import run_here, tiny_trial
from tests.results.synthetic import PLANNED, done, files, new_store, seen, write

SIZE, PAGE = 16 << 20, 4096  # bytes


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small tmpfs")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def leave(disk: Path, free: int) -> None:
    """Fills the disk but for so many bytes."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - free)


def test_a_write_names_the_file_and_what_it_needs(disk: Path) -> None:
    store = new_store(disk / "tiny")
    write(store, *done(PLANNED[0])[:2])
    write(store, *done(PLANNED[1]))
    before, seen_before = files(store), seen(store)
    leave(disk, 0)
    with pytest.raises(DiskFull) as caught:
        write(store, *done(PLANNED[0]))
    path, told = store.row_file(PLANNED[0].trial.id, 1), str(caught.value)
    assert told.startswith(f"{path} cannot be written: the disk is full (")
    assert "bytes are needed, " in told
    assert f"bytes are free at {path.parent}); make room there and run the same command again" in told
    assert caught.value.errno == errno.ENOSPC
    assert "\n" not in told
    assert files(store) == before
    assert seen(store) == seen_before
    (disk / "filler").unlink()
    write(store, *done(PLANNED[0]))
    assert len(store.read(PLANNED[0].trial.id)) == 3


def test_a_quota_is_told_too_and_other_errors_stay_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network file system says so only when the file is synced."""
    path = tmp_path / "new" / "file"

    def fail(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(durable.os, "fsync", fail)
    number = errno.EDQUOT
    with pytest.raises(DiskFull, match=r"file cannot be written: your quota is used up \(5 bytes are needed"):
        durable.write_bytes(path, b"12345")
    number = errno.EIO
    with pytest.raises(OSError, match="Input/output error") as caught:
        durable.write_bytes(path, b"12345")
    assert not isinstance(caught.value, StudyError)
    assert list(path.parent.iterdir()) == []


def test_a_compaction_without_room_changes_nothing(disk: Path) -> None:
    """Wherever it fails: at the rows, at the index and at the manifest; and it goes through once there is room."""
    store = new_store(disk / "tiny")
    for half in (PLANNED[:4], PLANNED[4:]):
        for planned in half:
            write(store, *done(planned))
        if half == PLANNED[:4]:
            compact(store)
    before, seen_before, failed = files(store), seen(store), set[str]()
    for free in range(0, SIZE, PAGE):
        leave(disk, free)
        try:
            compact(store)
            break
        except StudyError as error:
            told = str(error)
            failed.add(re.sub(r"-[0-9a-f]{6}", "", told.partition(" ")[0].rpartition("/")[2]))
            assert "cannot be written: the disk is full (" in told
            assert ". To compact takes up to " in told
            assert files(store) == before
    assert failed == {"000002-0.parquet", "000002.index.parquet", "manifest.json"}
    assert seen(store) == seen_before
    assert list(store.rows.iterdir()) == []


def test_a_trial_goes_on_once_there_is_room(disk: Path, data: Path, tmp_path: Path) -> None:
    planned, store = tiny_trial(), Store(disk / "tiny")
    rows = run(planned, store, Options(data))
    next(rows)
    leave(disk, 0)
    with pytest.raises(DiskFull, match="cannot be written: the disk is full"):
        next(rows)
    assert [each["step"] for each in store.read(planned.trial.id)] == [10]
    (disk / "filler").unlink()
    list(run(planned, store, Options(data)))
    there = {each["step"]: each["fd_cnn28"] for each in store.read(planned.trial.id) if each["status"] == "ok"}
    whole = {each["step"]: each["fd_cnn28"] for each in run_here(planned, Store(tmp_path / "whole"), data)}
    assert there == whole


def test_the_command_says_it_in_one_line(disk: Path) -> None:
    store = new_store(disk / "results" / "tiny")
    for planned in PLANNED:
        write(store, *done(planned))
    leave(disk, 0)
    found = gan_study("compact", "tiny", cwd=disk)
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr.startswith("gan-study: results/tiny/compacted/manifest.json cannot be written: the disk is ")
    assert ". To compact takes up to " in found.stderr
    assert found.stderr.count("\n") == 1


def test_a_study_that_cannot_begin_says_it_in_one_line(disk: Path, data: Path, tiny_yaml: Callable[..., Path]) -> None:
    leave(disk, 0)
    found = gan_study("run", tiny_yaml(), "--data", data, cwd=disk)
    assert found.returncode == 2
    assert "cannot be written: the disk is full (" in found.stderr
    assert found.stderr.count("\n") == 1
