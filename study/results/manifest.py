"""Which compacted files count: one small file that is replaced in one step."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study import durable
from study.errors import StudyError
from study.results import schema
from study.results.folder import Folder

COPY = "bring it back from a copy"
NAME = re.compile(r"(?P<compaction>(?P<generation>\d{6,})-[0-9a-f]{6})(?P<kind>-\d+|\.index)\.parquet")
OF_INDEX = ".index"  # the kind that has one row per attempt; others hold rows


@dataclass(frozen=True)
class Part:
    """One file below compacted/."""

    file: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class Replaced:
    """A file that counted once. A reader who began then may be in the middle of it."""

    file: str
    at: float  # seconds since 1970, by the clock of the file system: hosts' clocks differ


@dataclass(frozen=True)
class Manifest:
    """What has been compacted. Segments follow each other in the order of (trial, attempt, step), as do their rows."""

    generation: int = 0  # how many compactions there have been
    segments: tuple[Part, ...] = ()
    index: Part | None = None  # one row per attempt, schema.INDEX; None before the first compaction
    version: int = schema.VERSION
    written_at: str = ""
    replaced: tuple[Replaced, ...] = ()  # those that are still there

    @property
    def files(self) -> set[str]:
        """Every file that it names."""
        return {part.file for part in (*self.segments, *([self.index] if self.index else []))}


def read(folder: Folder) -> Manifest:
    """The one that counts now. Raises StudyError where it is damaged or of a newer gan-study: nothing is guessed."""
    path = folder.manifest_file
    try:
        content: dict[str, Any] = json.loads(durable.read_bytes(path))
        version, index = content["version"], content["index"]
        if not schema.OLDEST <= version <= schema.VERSION:
            raise StudyError(
                f"{path} is of schema version {version}; this gan-study reads {schema.OLDEST} to {schema.VERSION}"
            )
        return Manifest(
            content["generation"],
            tuple(_part(part, index=False) for part in content["segments"]),
            _part(index, index=True) if index else None,
            version,
            content["written_at"],
            tuple(Replaced(**each) for each in content["replaced"]),
        )
    except FileNotFoundError:
        lonely = sorted(folder.compacted.glob("[0-9]*.parquet"))  # a manifest is there before the first of them
        if lonely and path.exists():  # the first compaction began between the two looks
            return read(folder)
        if lonely:
            raise StudyError(
                f"{path} is gone, and {lonely[0].name} beside it is not: bring it back from a copy; without it nobody "
                "knows what was compacted, and it would be measured again"
            ) from None
        return Manifest()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"{path} is damaged ({error!r}); bring it back from a copy: it names what was compacted"
        ) from error


def _part(content: Mapping[str, Any], *, index: bool) -> Part:
    """Whoever reads the study reads what its manifest names, which must not be anywhere else."""
    part = Part(**content)
    name = NAME.fullmatch(part.file)
    if name is None or (name["kind"] == OF_INDEX) != index:
        raise ValueError(f"{part.file!r} is not the name of a compacted file, such as {new_name(1)}-0.parquet")
    return part


def new_name(generation: int) -> str:
    """What the names of one compaction's files begin with, and of no other's: two may be at work on two machines."""
    return f"{generation:06d}-{secrets.token_hex(3)}"


def begin(folder: Folder) -> Manifest:
    """The first, which names nothing: files without a manifest have lost theirs. Raises FileExistsError."""
    made = Manifest(written_at=_now())
    durable.create(folder.manifest_file, durable.json_bytes(asdict(made)))
    return made


def write(
    folder: Folder, generation: int, segments: tuple[Part, ...], index: Part | None, replaced: tuple[Replaced, ...] = ()
) -> Manifest:
    """Makes these files the ones that count; they must be durable already."""
    made = Manifest(generation, segments, index, written_at=_now(), replaced=replaced)
    durable.write_json(folder.manifest_file, asdict(made))
    return made


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_index(folder: Folder, manifest: Manifest) -> pa.Table:
    """One row per compacted attempt, in the order of (trial, attempt), with the columns of schema.INDEX.

    Raises FileNotFoundError where it is not there: a reader looks whether there is a newer manifest.
    """
    empty = pa.schema(list(schema.INDEX.items())).empty_table()
    if manifest.index is None:
        return empty
    path = folder.compacted / manifest.index.file
    content = durable.read_bytes(path)
    if hashlib.sha256(content).hexdigest() != manifest.index.sha256:
        raise StudyError(f"{path} is damaged, or of another compaction: it is not what the manifest names; {COPY}")
    return pq.ParquetFile(pa.BufferReader(content)).read().cast(empty.schema)
