"""Files that are there whole or not at all: written aside, fsynced, renamed."""

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PATIENCE = 10  # tries within a second: one that only asks whether a lock is held has it for a moment


def write(path: Path, fill: Callable[[IO[bytes]], object], *, fsync: bool = True) -> None:
    """Replaces `path` in one step with what `fill` writes; a crash at any moment leaves the old file or the new one.

    Without fsync that holds for a crash of the process, not of the machine.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".aside")
    try:
        with os.fdopen(handle, "wb") as file:
            fill(file)
            file.flush()
            if fsync:
                os.fsync(file.fileno())
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    if fsync:
        sync_folder(path.parent)


def write_bytes(path: Path, content: bytes, *, fsync: bool = True) -> None:
    write(path, lambda file: file.write(content), fsync=fsync)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_bytes(path, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())


def sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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
