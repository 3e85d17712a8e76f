"""Reads the archive that packing writes, once every byte is known to be as it was written."""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from study.errors import StudyError
from study.results import schema
from study.results.names import NAME
from study.results.packing import BLOCK, DIGITS, MANIFEST, NAMES, SEAL, VERSION, digest


class Unpack:
    """Reads an archive that was found whole."""

    def __init__(self, packed: zipfile.ZipFile, name: str, files: Mapping[str, Mapping[str, Any]]) -> None:
        self._packed, self.name, self.files = packed, name, files

    def copy(self, name: str, target: Path) -> None:
        """Writes one file. Raises StudyError where it is not what the manifest says."""
        target.parent.mkdir(parents=True, exist_ok=True)
        found = hashlib.sha256()
        with self._packed.open(f"{self.name}/{name}") as file, target.open("wb") as copy:
            while block := file.read(BLOCK):
                found.update(block)
                copy.write(block)
        if found.hexdigest() != self.files[name]["sha256"]:
            raise StudyError(f"{self._packed.filename}: {name} is not what {MANIFEST} says; nothing was imported")

    def lines(self, name: str) -> Iterator[str]:
        """The lines of a text."""
        with self._packed.open(f"{self.name}/{name}") as file:
            yield from io.TextIOWrapper(file, "utf-8", newline="")


@contextmanager
def unpack(path: Path, tables: Mapping[str, bool]) -> Iterator[Unpack]:
    """An archive whose every byte is as it was written, and that has nothing but what an export packs.

    tables: the files beside the folders of NAMES, and whether each must be there. Raises StudyError that says what is
    wrong with it.
    """
    _check_seal(path)
    try:
        with zipfile.ZipFile(path) as packed:
            name, manifest = _manifest(packed, path)
            names = {each.removeprefix(f"{name}/") for each in packed.namelist()} - {MANIFEST}
            _check_names(path, names, manifest, tables)
            yield Unpack(packed, name, manifest["files"])
    except (zipfile.BadZipFile, EOFError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} is damaged ({error}); fetch it again") from error


def _check_seal(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        end = os.pread(file.fileno(), len(SEAL) + DIGITS, max(0, size - len(SEAL) - DIGITS))
        if not end.startswith(SEAL):
            foreign = "it was cut off" if os.pread(file.fileno(), 4, 0) == b"PK\3\4" else "it is another kind of file"
            raise StudyError(f"{path} does not end as gan-study export writes it: {foreign}; fetch it again")
        found = digest(lambda count, at: os.pread(file.fileno(), count, at), size - DIGITS)
    if found.encode() != end[len(SEAL) :]:
        raise StudyError(f"{path} is damaged{_where(path)}: bytes were changed after it was written; fetch it again")


def _where(path: Path) -> str:
    """Which of its files is damaged, as far as they can be found."""
    try:
        with zipfile.ZipFile(path) as packed:
            damaged = packed.testzip()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, RuntimeError, EOFError):
        return ""
    return f" in {damaged}" if damaged else ""


def _manifest(packed: zipfile.ZipFile, path: Path) -> tuple[str, dict[str, Any]]:
    """The name of the archive's folder, and the manifest in it."""
    names = packed.namelist()
    found = [name for name in names if re.fullmatch(rf"{NAME}/{re.escape(MANIFEST)}", name)]
    if len(found) != 1 or len(set(names)) < len(names):
        raise StudyError(f"{path} has no {MANIFEST}: gan-study export did not write it")
    try:
        manifest: dict[str, Any] = json.loads(packed.read(found[0]))
        version, written, _ = int(manifest["archive"]), int(manifest["schema_version"]), dict(manifest["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path}: {MANIFEST} is no manifest of gan-study export ({error!r})") from error
    if version > VERSION or not schema.OLDEST <= written <= schema.VERSION:
        raise StudyError(
            f"{path} is an archive of version {version} with rows of schema version {written}; this gan-study reads "
            f"archives up to {VERSION} and schemas from {schema.OLDEST} to {schema.VERSION}: use another gan-study"
        )
    return found[0].partition("/")[0], manifest


def _check_names(path: Path, names: set[str], manifest: Mapping[str, Any], tables: Mapping[str, bool]) -> None:
    for name in sorted(names ^ manifest["files"].keys()):
        where = "not in it" if name in manifest["files"] else f"not in its {MANIFEST}"
        raise StudyError(f"{path}: {name} is {where}; nothing was imported")
    for name in sorted(name for name, needed in tables.items() if needed and name not in names):
        raise StudyError(f"{path} lacks {name}; nothing was imported")
    for name in sorted(names - tables.keys()):
        folder, slash, rest = name.partition("/")
        pattern = NAMES.get(folder + slash)
        if pattern is None or not pattern.fullmatch(rest):
            raise StudyError(f"{path} has a file {name!r}, which no study has; nothing was imported")
