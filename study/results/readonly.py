"""Compacted files as DuckDB sees them: by name, to be read, and nothing else; who may read a path might write to it."""

import os
import threading
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem

PROTOCOL = "segments"


class Positioned:
    """An open file that several threads read at once. Each has a place of its own: DuckDB seeks first and reads then,
    and another of its threads may come in between.
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDONLY)
        self.close = weakref.finalize(self, os.close, self._handle)  # DuckDB does not always say that it is done
        self._size = os.fstat(self._handle).st_size
        self._place = threading.local()

    def seek(self, place: int) -> int:
        self._place.now = place
        return place

    def tell(self) -> int:
        return getattr(self._place, "now", 0)

    def read(self, size: int = -1) -> bytes:
        """As many bytes as asked for, where the file has them; os.pread alone ends at 2 GiB."""
        start = self.tell()
        end = self._size if size < 0 else min(start + size, self._size)
        parts = []
        while self.tell() < end and (part := os.pread(self._handle, end - self.tell(), self.tell())):
            parts.append(part)
            self._place.now = self.tell() + len(part)
        return b"".join(parts)


class Segments(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """These files, whose names are their own, in a file system without a way to write."""

    protocol = PROTOCOL
    cachable = False  # fsspec would keep one for all studies

    def __init__(self, paths: Mapping[str, Path]) -> None:
        super().__init__()
        self._paths = paths

    def open(self, path: str, mode: str = "rb", **_: Any) -> Positioned:
        """Raises PermissionError for every mode but rb, FileNotFoundError for a name that is not among them."""
        if mode != "rb":
            raise PermissionError(f"{path}: results are only read")
        return Positioned(self._path(path))

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size in bytes and type."""
        return {"name": self._strip_protocol(path), "size": self._path(path).stat().st_size, "type": "file"}

    def exists(self, path: str, **_: Any) -> bool:
        return self._strip_protocol(path) in self._paths

    def glob(self, path: str, **_: Any) -> list[str]:
        """The file of this very name: patterns are not asked for."""
        return [self._strip_protocol(path)] if self.exists(path) else []

    def modified(self, path: str) -> datetime:
        return datetime.fromtimestamp(self._path(path).stat().st_mtime, UTC)

    def _path(self, path: str) -> Path:
        try:
            return self._paths[self._strip_protocol(path)]
        except KeyError:
            raise FileNotFoundError(path) from None
