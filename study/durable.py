"""Files that are there whole or not at all: written aside, fsynced, renamed."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from study.errors import DiskFull

FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "your quota is used up"}
LOCK = ".lock"  # in a folder aside, held by the process that fills it
LOOKS = 10  # at a file that is replaced while it is read
PATIENCE = 10  # tries within a second: one that only asks whether a lock is held has it for a moment


def write(path: Path, fill: Callable[[IO[bytes]], object], *, fsync: bool = True, size: int | None = None) -> None:
    """Replaces `path` in one step with what `fill` writes; a crash at any moment leaves the old file or the new one.

    Without fsync that holds for a crash of the process, not of the machine. Raises DiskFull, a StudyError that says
    how many bytes are needed (`size`, where that is known), where there is no room for it.
    """
    with _room(path, size):
        _write(path, fill, os.replace, fsync=fsync)


def create(path: Path, content: bytes) -> None:
    """A new file, there whole or not at all. Raises FileExistsError where another process was quicker, on whatever
    machine: a name is given once even where locks do not reach. Raises DiskFull as `write` does.
    """
    with _room(path, len(content)):
        _write(path, lambda file: file.write(content), _link, fsync=True)


def _link(aside: str, path: Path) -> None:
    try:
        os.link(aside, path)
    except FileExistsError:
        if os.stat(aside).st_nlink == 1:  # else it is ours: NFS repeats a call whose answer was lost
            raise
    os.unlink(aside)


@contextmanager
def _room(path: Path, size: int | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise _no_room(path, error, size) from error


def _write(path: Path, fill: Callable[[IO[bytes]], object], name: Callable[[str, Path], None], *, fsync: bool) -> None:
    """name: gives the file aside its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".aside")
    try:
        with os.fdopen(handle, "wb") as file:
            fill(file)
            file.flush()
            if fsync:
                os.fsync(file.fileno())
        os.chmod(aside, 0o644)
        name(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    if fsync:
        sync_folder(path.parent)


def _no_room(path: Path, error: OSError, size: int | None) -> DiskFull:
    there = next(folder for folder in path.parents if folder.exists())
    needed = "" if size is None else f"{size:,} bytes are needed, "
    told = DiskFull(
        f"{path} cannot be written: {FULL[error.errno or 0]} ({needed}{shutil.disk_usage(there).free:,} bytes are free "
        f"at {there}); make room there and run the same command again: all that was written before is whole"
    )
    told.errno = error.errno
    return told


def write_bytes(path: Path, content: bytes, *, fsync: bool = True) -> None:
    write(path, lambda file: file.write(content), fsync=fsync, size=len(content))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_bytes(path, json_bytes(content))


def json_bytes(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def read_bytes(path: Path) -> bytes:
    """The content of a file that others replace. Raises FileNotFoundError where it is not there.

    On NFS the file that was opened may be gone when it is read, as another one has its name: one looks again.
    """
    for _ in range(LOOKS):
        try:
            return path.read_bytes()
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
    raise FileNotFoundError(errno.ENOENT, "is replaced as quickly as one looks", str(path))


def sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut."""
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder aside that becomes `path` in one step, with all that was put into it, once the block ends well.

    Nothing is at `path` before, however the process ends; what killed processes left aside is removed. Raises
    FileExistsError where something is there, but for an empty folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _refuse_occupied(path)
    for left in path.parent.glob(f".{path.name}.*.aside"):
        if (left / LOCK).exists() and not locked(left / LOCK):
            shutil.rmtree(left)
    aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".aside"))
    try:
        with lock(aside / LOCK, wait=True):
            yield aside
            _sync_below(aside)
            aside.chmod(0o755)
            _refuse_occupied(path)
            (aside / LOCK).unlink()
            os.rename(aside, path)  # takes the place of an empty folder, and of nothing else
        sync_folder(path.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _refuse_occupied(path: Path) -> None:
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileExistsError(errno.EEXIST, "is there already; take another name", str(path))


def _sync_below(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for name in names:
            _sync(Path(place, name))
        _sync(Path(place))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sha256_text(text: str) -> str:
    return sha256_bytes(text.encode())


@contextmanager
def lock(path: Path, *, wait: bool) -> Iterator[bool]:
    """Holds an exclusive lock that the kernel drops with the process, however it dies.

    Yields whether the lock is held: always True with `wait`, False where another process keeps it for a second.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        for _ in range(PATIENCE):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                time.sleep(1 / PATIENCE)
            else:
                yield True
                return
        yield False


def locked(path: Path) -> bool:
    """Whether some living process holds the lock. Asking needs no right to write and disturbs no other that asks."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
