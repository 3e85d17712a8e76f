"""The archive's file: a zip with one folder, a manifest of what is in it, and a seal over every byte."""

import hashlib
import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from study.results import schema
from study.results.forms import Onward
from study.results.names import PICTURE, TRIAL

VERSION = 1  # of the archive's layout
MANIFEST = "MANIFEST.json"
SEAL, DIGITS = b"sha256 ", 64  # the zip's comment: this, and the sha256 of every byte before its 64 digits
EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip can name: equal studies make equal archives
BLOCK = 1 << 20  # bytes
# What a study's folder may hold beside its tables, by folder; nothing else is packed, and nothing else unpacked.
NAMES = {
    "provenance/": re.compile(rf"(source-{TRIAL}\.tar\.gz|diff-{TRIAL}\.patch|study-{TRIAL}\.yaml)"),
    "samples/": PICTURE,
    "generators/": re.compile(rf"{TRIAL}\.safetensors"),
    "trials/": re.compile(rf"{TRIAL}/(trace-\d+\.txt|log\.txt)"),
}


class Pack:
    """Writes one file after another, uncompressed: Parquet and PNG are compressed by themselves."""

    def __init__(self, packed: zipfile.ZipFile, name: str) -> None:
        packed.comment = SEAL + b"0" * DIGITS
        self._packed, self._name = packed, name
        self.files: dict[str, dict[str, Any]] = {}  # name -> bytes, sha256
        self.counts: Counter[str] = Counter()  # name, or folder/ -> files

    @contextmanager
    def entry(self, name: str) -> Iterator[IO[bytes]]:
        """The file of this name, to write to."""
        about = zipfile.ZipInfo(f"{self._name}/{name}", EARLIEST)
        about.create_system, about.external_attr = 3, 0o644 << 16  # 3: Unix, wherever this runs
        with self._packed.open(about, "w", force_zip64=True) as file:
            hashed = _Hashed(file)
            yield cast(IO[bytes], hashed)
        self.files[name] = {"bytes": hashed.size, "sha256": hashed.digest.hexdigest()}
        folder, slash, _ = name.partition("/")
        self.counts[folder + slash] += 1

    def add(self, name: str, content: bytes) -> None:
        with self.entry(name) as file:
            file.write(content)

    @property
    def grids(self) -> int:
        """How many evaluations have their sample grid here."""
        found = (PICTURE.fullmatch(name.removeprefix("samples/")) for name in self.files)
        return sum(each is not None and each["metric"] is None for each in found)

    def finish(self) -> None:
        """Packs the manifest, which names every file before it."""
        about = {"archive": VERSION, "schema_version": schema.VERSION, "study": self._name, "files": self.files}
        self.add(MANIFEST, (json.dumps(about, indent=1, sort_keys=True) + "\n").encode())


class _Hashed(Onward):
    """Also hashes what goes through."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.digest = hashlib.sha256()

    def write(self, content: Any) -> int:
        self.digest.update(content)
        return super().write(content)


def seal(file: IO[bytes]) -> int:
    """Puts the sha256 of all that stands before into the comment at the end. Returns the file's size in bytes."""
    file.flush()
    size = file.seek(0, os.SEEK_END)
    found = digest(lambda count, at: os.pread(file.fileno(), count, at), size - DIGITS)
    file.seek(size - DIGITS)
    file.write(found.encode())
    return size


def digest(read: Callable[[int, int], bytes], size: int) -> str:
    """The sha256 of the first so many bytes."""
    found, at = hashlib.sha256(), 0
    while at < size:
        block = read(min(BLOCK, size - at), at)
        if not block:
            break
        found.update(block)
        at += len(block)
    return found.hexdigest()
