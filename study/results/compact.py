"""Compaction: the files of attempts that are over become a few large ones, while others go on writing and reading."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from study import durable
from study.errors import DiskFull, StudyError
from study.results import leftovers, loose, manifest, segments
from study.results.absorbing import Absorbed, Absorption, Wider
from study.results.folder import Folder
from study.results.manifest import Manifest
from study.results.rowfile import Key


@dataclass(frozen=True)
class Report:
    """What a compaction did. Pairs are before and after."""

    attempts: int  # that were absorbed; 0 where there was nothing to do
    rows: int  # that are compacted now
    files: tuple[int, int]  # of rows, and compacted ones that count
    bytes: tuple[int, int]
    waiting: int  # attempts whose files stay: there may be more to write to them
    left_out: tuple[str, ...]  # files that cannot be used, and why; a path each


def compact(folder: Folder) -> Report:
    """Absorbs the files of attempts that are over. Nobody who reads or writes needs to stop.

    One that is killed leaves what was there before, and files that the next one clears away. Raises StudyError where
    another process compacts, where a compacted file is damaged, or where the disk is full.
    """
    with durable.lock(folder.compact_lock, wait=False) as held:
        if not held:
            raise StudyError(
                f"another process is compacting {folder.folder}; wait for its end, then compact what came meanwhile"
            )
        try:
            return _compact(folder)
        except (FileExistsError, FileNotFoundError) as error:
            raise leftovers.elsewhere(folder, Path(error.filename2 or error.filename)) from error


def _compact(folder: Folder) -> Report:
    before = manifest.read(folder)
    metrics = segments.metrics(folder, before)
    left = leftovers.clean(folder, before)
    files, size = _standing(folder, before)
    absorption, absorbed, after = Absorption(folder, before), dict[Key, str](), before
    if absorption.worthwhile():
        generation = leftovers.next_generation(folder, before)
        name = manifest.new_name(generation)
        try:
            if not folder.manifest_file.exists():
                before = manifest.begin(folder)
            absorption, made = _absorb(folder, before, name, metrics)
            after, absorbed = _swap(folder, before, generation, made), made.absorbed
        except BaseException as error:
            leftovers.remove(folder, name, manifest.read(folder))  # what was written so far takes others' room
            if isinstance(error, DiskFull):
                raise StudyError(f"{error}. To compact takes up to {size:,} bytes beside what is there") from error
            raise
        loose.remove(folder, absorbed)
    now = _standing(folder, after)
    return Report(
        attempts=len(absorbed),
        rows=sum(part.rows for part in after.segments),
        files=(files, now[0]),
        bytes=(size, now[1]),
        waiting=absorption.loose.waiting,
        left_out=(*left, *absorption.loose.left_out),
    )


def _absorb(folder: Folder, before: Manifest, name: str, metrics: set[str]) -> tuple[Absorption, Absorbed]:
    """All segments have the same columns: a metric that none had until then makes it begin again."""
    while True:
        absorption = Absorption(folder, before)
        try:
            return absorption, absorption.run(name, metrics)
        except Wider as wider:
            leftovers.remove(folder, name, before)
            metrics |= wider.metrics


def _swap(folder: Folder, before: Manifest, generation: int, made: Absorbed) -> Manifest:
    """Looks before and after: another machine may not see the lock that is held here. Nothing has been removed yet."""
    if manifest.read(folder) != before:
        raise leftovers.elsewhere(folder, folder.manifest_file)
    _check(folder, made.sizes)
    replaced = leftovers.replaced(folder, before)
    after = manifest.write(folder, generation, made.segments, made.index, replaced)
    if manifest.read(folder) != after:
        raise leftovers.elsewhere(folder, folder.manifest_file)
    try:
        _check(folder, made.sizes)
    except StudyError:
        manifest.write(folder, before.generation, before.segments, before.index, before.replaced)
        raise
    return after


def _check(folder: Folder, sizes: Mapping[str, int]) -> None:
    """Raises StudyError where a file is not there as it was written. Opened: a network file system looks anew then."""
    for name, size in sizes.items():
        path = folder.compacted / name
        try:
            with path.open("rb") as file:
                whole = os.fstat(file.fileno()).st_size == size
        except FileNotFoundError:
            whole = False
        if not whole:
            raise leftovers.elsewhere(folder, path)


def _standing(folder: Folder, current: Manifest) -> tuple[int, int]:
    """How many files hold rows, and their bytes."""
    paths = [*folder.rows.glob("*.parquet"), *(folder.compacted / name for name in current.files)]
    sizes = [size for path in paths if (size := _size(path)) is not None]
    return len(sizes), sum(sizes)


def _size(path: Path) -> int | None:
    try:
        return path.lstat().st_size
    except FileNotFoundError:  # another machine's process compacted it
        return None
