"""What a reader sees of a study at one moment, whatever is written and compacted meanwhile."""

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from study import durable
from study.errors import StudyError
from study.results import manifest as manifests
from study.results import rowfile, schema, segments
from study.results.folder import Folder
from study.results.manifest import Manifest
from study.results.rowfile import KEPT_ONCE, LONG, Damaged, Key, RowFile

READERS = 8  # threads: a network file system answers each of them as slowly as one
DECODERS = 2  # threads: more of them spend their time on waiting for Python's lock
TOGETHER = 64  # files that are decoded and put together at a time
AHEAD = 16 * TOGETHER  # files whose bytes are read before those that came first are decoded
LACKING = "it lacks rows that were compacted of it: an older version of it was brought back"
TRIES = 100  # looks, each of which found that a compaction had removed a file since the look before


@dataclass(frozen=True)
class Loose:
    """What the files of rows hold. All is decoded at once: to keep each file's footer for later takes ten times the
    room of its rows.
    """

    keys: tuple[Key, ...]
    older: int  # files of an older schema version
    rows: pa.Table  # the texts of LONG once
    unread: frozenset[str] = frozenset()  # columns that were not asked for


@dataclass(frozen=True)
class Snapshot:
    """Files of rows, in memory, and compacted files, by name. Of an attempt that has both the file of rows counts:
    it holds what was compacted of it, or more.
    """

    folder: Folder
    manifest: Manifest
    index: pa.Table  # of the compacted attempts, schema.INDEX
    loose: Loose
    left_out: tuple[str, ...]  # what could not be read, and why; a path each

    @cached_property
    def loose_keys(self) -> set[Key]:
        return set(self.loose.keys)

    @cached_property
    def loose_trials(self) -> pa.Array:
        """The trials that have files of rows, each once."""
        return pa.array(sorted({trial for trial, _ in self.loose_keys}), schema.TEXT)

    @cached_property
    def segments(self) -> list[Path]:
        """The files of the compacted rows."""
        return [(self.folder.compacted / part.file).resolve() for part in self.manifest.segments]

    @cached_property
    def reopened(self) -> list[str]:
        """Trials that have files of rows and compacted ones: their marks are not known yet."""
        both = pc.is_in(self.index["trial"], self.loose_trials)
        return pc.unique(self.index["trial"].filter(both)).to_pylist()

    @cached_property
    def twins(self) -> list[Key]:
        """Attempts that are compacted, and have their file of rows still, or again."""
        reopened = self.index.filter(pc.is_in(self.index["trial"], pa.array(self.reopened, schema.TEXT)))
        keys = zip(reopened["trial"].to_pylist(), reopened["attempt"].to_pylist(), strict=True)
        return [key for key in keys if key in self.loose_keys]

    @cached_property
    def names(self) -> list[str]:
        """The table's columns: all of the schema, and every metric that some file has."""
        found = set(self.loose.rows.column_names)
        for path in self.segments[:1]:  # all of them have the same
            try:
                found |= set(pq.read_schema(path).names)
            except (pa.ArrowException, OSError) as error:
                raise StudyError(f"{path} is damaged ({error}); all that is: gan-study verify") from error
        return [*schema.COLUMNS, *sorted(name for name in found if schema.METRIC.fullmatch(name))]

    def loose_rows(self) -> pa.Table:
        """The files of rows in all of the table's columns but those that were not asked for."""
        whole = schema.schema([name for name in self.names if name not in self.loose.unread])
        held = pa.schema([pa.field(each.name, KEPT_ONCE) if each.name in LONG else each for each in whole])
        return pa.concat_tables([held.empty_table(), self.loose.rows], promote_options="default")

    def rows_of(self, trial: str) -> list[dict[str, Any]]:
        """Every row of every attempt at one trial, by attempt and step, in the columns that its files have."""
        rows = self.loose.rows.filter(pc.field("trial") == trial).to_pylist() if self.loose.keys else []
        if pc.any(pc.equal(self.index["trial"], trial)).as_py():
            kept = [row for path in self.segments for row in _of_trial(path, trial)]
            rows += [row for row in kept if (trial, row["attempt"]) not in self.loose_keys]
        return sorted(rows, key=lambda row: (row["attempt"], row["step"]))

    def warn(self) -> None:
        """Says what was left out, with the count and the reasons, and whether files of an older version were read."""
        read, older = len(self.loose.keys), self.loose.older
        if self.left_out:
            total = read + len(self.left_out)
            warnings.warn(f"left out {len(self.left_out)} of {total} files: {'; '.join(self.left_out)}", stacklevel=3)
        if older:
            warnings.warn(
                f"{older} of {read} files are of an older schema version than {schema.VERSION}: columns that came "
                "later are null in them",
                stacklevel=3,
            )


def _of_trial(path: Path, trial: str) -> list[dict[str, Any]]:
    try:
        return [row for table in segments.of_trial(path, trial) for row in table.to_pylist()]
    except Damaged as error:
        raise StudyError(f"{path} is damaged ({error}); all that is: gan-study verify") from error


def take(folder: Folder, trial: str | None = None, columns: Collection[str] | None = None) -> Snapshot:
    """Of all trials, or of one; all columns, or these and the metrics.

    Files are listed before the manifest is read, so that what is compacted in between is seen twice and not never; what
    is gone when it is opened has been compacted, and one looks again. Warns of files that cannot be read, and leaves
    them out.
    """
    for _ in range(TRIES):
        names = _list(folder.rows, f"{trial or ''}*.parquet")
        manifest = manifests.read(folder)
        try:
            index = manifests.read_index(folder, manifest)
            loose, left_out = _read([folder.rows / name for name in names], compacted_rows(index, names), columns)
        except FileNotFoundError as error:
            gone = error
            continue
        seen = Snapshot(folder, manifest, index, loose, tuple(left_out))
        seen.warn()
        return seen
    raise StudyError(f"{gone.filename} is not there, however often one looks; bring it back from a copy")


def compacted_rows(index: pa.Table, names: Iterable[str]) -> dict[Key, int]:
    """Rows of those compacted attempts whose trials have files of rows too."""
    there = index.filter(pc.is_in(index["trial"], pa.array({name.partition(".")[0] for name in names}, schema.TEXT)))
    columns = (there[name].to_pylist() for name in ("trial", "attempt", "rows"))
    return {(trial, attempt): rows for trial, attempt, rows in zip(*columns, strict=True)}


def _list(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern)) if folder.exists() else []


def _read(
    paths: Sequence[Path], compacted: Mapping[Key, int], columns: Collection[str] | None
) -> tuple[Loose, list[str]]:
    """What the files hold; and of those that cannot be used the path and why. compacted: rows that they held once.

    Raises FileNotFoundError where one has been removed since it was listed.
    """
    unread = frozenset[str]() if columns is None else frozenset(schema.COLUMNS) - frozenset(columns)
    found = list[tuple[Loose, list[str]]]()
    with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(DECODERS) as decoders:
        for some in _portions(paths, AHEAD):
            portions = _portions(some, TOGETHER)
            found += decoders.map(partial(_decode, compacted, unread), portions, readers.map(_contents, portions))
    keys, older, left_out = list[Key](), 0, list[str]()
    for loose, wrong in found:
        keys += loose.keys
        older += loose.older
        left_out += wrong
    rows = pa.concat_tables([loose.rows for loose, _ in found], promote_options="default") if found else pa.table({})
    return Loose(tuple(keys), older, rows, unread), left_out


def _portions(paths: Sequence[Path], size: int) -> list[Sequence[Path]]:
    return [paths[first : first + size] for first in range(0, len(paths), size)]


def _contents(paths: Sequence[Path]) -> list[bytes | str]:
    return [content_of(path) for path in paths]


def _decode(
    compacted: Mapping[Key, int], unread: frozenset[str], paths: Sequence[Path], contents: Sequence[bytes | str]
) -> tuple[Loose, list[str]]:
    """Rows are checked all at once, and file by file only where one of them is not right: it saves a seventh."""
    loose, left_out = _together(compacted, unread, paths, contents, checked=False)
    try:
        rowfile.check_rows(loose.rows)
    except Damaged:
        return _together(compacted, unread, paths, contents, checked=True)
    return loose, left_out


def _together(
    compacted: Mapping[Key, int], unread: frozenset[str], paths: Sequence[Path], contents: Sequence[bytes | str], *,
    checked: bool,
) -> tuple[Loose, list[str]]:  # fmt: skip
    keys, older, tables, left_out = list[Key](), 0, [pa.table({})], list[str]()
    for path, content in zip(paths, contents, strict=True):
        try:
            found = opened(path, content, compacted)
            tables.append(found.table([name for name in found.names if name not in unread], checked=checked))
        except Damaged as error:
            left_out.append(f"{path} ({error})")
        else:
            keys.append(found.key)
            older += found.version < schema.VERSION
    rows = pa.concat_tables(tables, promote_options="default").combine_chunks()
    return Loose(tuple(keys), older, rows), left_out


def content_of(path: Path) -> bytes | str:
    """The file's bytes, or why it has none. Raises FileNotFoundError where it was removed, or others replace it."""
    try:
        return durable.read_bytes(path)
    except FileNotFoundError:
        if path.is_symlink():
            return "a link to nothing"
        raise
    except OSError as error:  # a folder, or closed to this user
        return str(error.strerror)


def opened(path: Path, content: bytes | str, compacted: Mapping[Key, int]) -> RowFile:
    """The file of rows that this is. compacted: rows that the files held once. Raises Damaged where it is of no use."""
    if isinstance(content, str):
        raise Damaged(content)
    found = rowfile.open_(path.name, content)
    if found.rows < compacted.get(found.key, 0):
        raise Damaged(LACKING)
    return found
