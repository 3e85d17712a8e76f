"""The rows of one attempt as the bytes of one Parquet file, which proves by itself that it is whole and ours."""

import hashlib
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from study.errors import StudyError
from study.results import schema

Row = Mapping[str, Any]
Key = tuple[str, int]  # trial, attempt
NAME = re.compile(r"(?P<trial>[0-9a-f]{16})\.(?P<attempt>\d{3,})\.parquet")
VERSION, CHECKSUM = b"schema_version", b"sha256"  # in the footer; the checksum is of the file with PLACE instead of it
NAMED = b"file"  # in the footer: the name that it was written under; older versions have none
CHECKED = 3  # files of older versions have no checksum
PLACE = b"0" * 64
LONG = ["content", "fingerprint", "versions", "hardware"]  # the same text on every row
KEPT_ONCE = pa.dictionary(pa.int32(), schema.TEXT)  # as which they are held in memory


class Damaged(Exception):
    """A file that is no whole table of this schema; says why."""


@dataclass(frozen=True)
class RowFile:
    """A file that was found whole."""

    key: Key
    content: bytes
    version: int
    file: pq.ParquetFile
    names: list[str]  # of its columns

    @property
    def rows(self) -> int:
        return self.file.metadata.num_rows

    def table(self, columns: Sequence[str] | None = None, *, checked: bool = True) -> pa.Table:
        """All of it, or these columns of those that it has. Memory too has the texts of LONG once.

        Raises Damaged where a row has none of schema.REQUIRED, or an unknown status; not checked: whoever asks checks
        the rows of many files at once.
        """
        table = self.file.read(columns, use_threads=False)
        if checked:
            check_rows(table)
        return table


def name_of(trial: str, attempt: int) -> str:
    """<trial>.<attempt>.parquet, so that names sort by attempt up to 999 of them."""
    return f"{trial}.{attempt:03d}.parquet"


def key_of(name: str) -> Key | None:
    """The trial and the attempt that a file's name says; None where it is not named like a file of rows."""
    found = NAME.fullmatch(name)
    return (found["trial"], int(found["attempt"])) if found else None


def table_of(rows: Sequence[Row], names: Sequence[str]) -> pa.Table:
    """Rows under the schema of these columns. Raises where a value is not of its column's type."""
    wanted = schema.schema(list(names))
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=wanted)
    for name in names:
        if wanted.field(name).type == schema.COUNT and any(isinstance(row.get(name), float) for row in rows):
            raise ValueError(f"the column {name} holds whole numbers; Arrow would cut the rest off")
    return table


def encode(rows: Sequence[Row]) -> bytes:
    """The file of an attempt's rows, small and quick to open: no statistics, no second schema, constants once.

    Raises ValueError for rows of more than one attempt, for metrics without a fingerprint and for values that no row
    has; StudyError for an unknown column.
    """
    for name in schema.REQUIRED:
        if any(row.get(name) is None for row in rows):
            raise ValueError(f"a row has no {name}; every row has {', '.join(schema.REQUIRED)}")
    keys = {(row["trial"], row["attempt"]) for row in rows}
    if len(keys) != 1:
        raise ValueError(f"a file holds the rows of one attempt, not of {len(keys)}")
    table = table_of(rows, list(dict.fromkeys(name for row in rows for name in row)))
    _check_values(rows)
    if nameless(table):
        raise ValueError("a row has metrics, and no fingerprint that says how they were made")
    dictionaries = [name for name in LONG if name in table.column_names]
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink, table.schema, compression="snappy", write_statistics=False, store_schema=False,
        use_dictionary=dictionaries,
    ) as writer:  # fmt: skip
        writer.write_table(table)
        ((trial, attempt),) = keys
        told = {VERSION: str(schema.VERSION), NAMED: name_of(trial, attempt), CHECKSUM: PLACE.decode()}
        writer.add_key_value_metadata({name.decode(): text for name, text in told.items()})
    return sealed(sink.getvalue().to_pybytes())


def _check_values(rows: Sequence[Row]) -> None:
    """Raises ValueError for a value of the right type that no row has."""
    places = set[tuple[int, str]]()
    for row in rows:
        step, steps, status = row["step"], row["steps"], row["status"]
        if status not in schema.STATUSES:
            raise ValueError(f"status {status!r}: allowed are {', '.join(schema.STATUSES)}")
        if not 0 <= step <= steps:
            raise ValueError(f"step {step}: allowed are 0 to {steps}, the row's steps")
        if (step, status) in places:
            raise ValueError(f"step {step}: an attempt has one row of status {status!r} there, not two")
        places.add((step, status))
        for name in ("objective", "reported"):
            if row.get(name) is not None and not schema.METRIC.fullmatch(row[name]):
                raise ValueError(f"{name} {row[name]!r}: allowed are names of metric columns, such as fd_cnn28")


def check_rows(table: pa.Table) -> None:
    """Raises Damaged where a row has none of those of schema.REQUIRED that are there, or an unknown status."""
    for name in schema.REQUIRED:
        if name in table.column_names and table[name].null_count:
            raise Damaged(f"a row has no {name}")
    if "status" in table.column_names:
        unknown = {*table["status"].unique().to_pylist()} - {*schema.STATUSES}
        if unknown:
            raise Damaged(f"a row has the status {min(unknown)!r}; there are {', '.join(schema.STATUSES)}")


def sealed(content: bytes) -> bytes:
    """A Parquet file whose footer has PLACE as its checksum, with its checksum there."""
    at = content.rindex(PLACE)  # the footer stands last, behind every value of a row
    return content[:at] + hashlib.sha256(content).hexdigest().encode() + content[at + len(PLACE) :]


def nameless(table: pa.Table) -> bool:
    """Whether there are metrics of which no fingerprint says how they were made."""
    names = table.column_names
    known = pc.is_valid(table["fingerprint"]) if "fingerprint" in names else pa.scalar(False)
    measured = (pc.is_valid(table[name]) for name in names if schema.METRIC.fullmatch(name))
    return any(pc.any(pc.and_not(each, known)).as_py() for each in measured)


def open_(name: str, content: bytes) -> RowFile:
    """Raises Damaged where the bytes are no whole file of rows, or are not what the file's name says."""
    key = key_of(name)
    if key is None:
        raise Damaged("not named <trial>.<attempt>.parquet")
    if not content:
        raise Damaged("empty")
    try:
        file = _parse(content)
        known = file.metadata.metadata or {}
        found = file.schema_arrow
        version = check(found, known)
        if version >= CHECKED or CHECKSUM in known:  # one bit makes a 3 a 2
            check_seal(content, known)
        else:
            file.read(use_threads=False)  # every page is decoded once
        if known.get(NAMED, name.encode()) != name.encode():
            raise Damaged(f"a copy of {known[NAMED].decode(errors='replace')}: its rows are of that attempt")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Damaged(str(error)) from error
    return RowFile(key, content, version, file, found.names)


def _parse(content: bytes) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(pa.BufferReader(content), read_dictionary=LONG)
    except KeyError:  # an attempt that failed before it measured has not all of them
        there = pq.ParquetFile(pa.BufferReader(content)).schema_arrow.names
        return pq.ParquetFile(pa.BufferReader(content), read_dictionary=[name for name in LONG if name in there])


def check(found: pa.Schema, known: Mapping[bytes, bytes]) -> int:
    """The version of a table. Raises Damaged where this program cannot read it, or where its columns are not ours."""
    text = known.get(VERSION, b"").decode()
    if not text.isdigit():
        raise Damaged("no table of gan-study: it names no schema version")
    version = int(text)
    if not schema.OLDEST <= version <= schema.VERSION:
        raise Damaged(
            f"schema version {version}; this gan-study reads {schema.OLDEST} to {schema.VERSION}: "
            f"use {'a newer' if version > schema.VERSION else 'an older'} one"
        )
    if not any(found.equals(each) for each in tuple(_right)):  # a copy: other threads add to it
        _check_columns(found)
        _right.appendleft(found)
    return version


_right = deque[pa.Schema](
    maxlen=8
)  # columns that were found right lately: the files of a study have few different ones


def _check_columns(found: pa.Schema) -> None:
    names = found.names
    lacking = [name for name in schema.REQUIRED if name not in names]
    if lacking:
        raise Damaged(f"no column {', '.join(lacking)}")
    for name, type_ in zip(names, found.types, strict=True):
        if type_ not in _types(name):
            raise Damaged(f"column {name} is {type_}, expected {_types(name)[0]}")


@cache
def _types(name: str) -> tuple[pa.DataType, ...]:
    """What a column of this name may be; asked for every column of every file."""
    try:
        expected = schema.field(name).type
    except StudyError as error:
        raise Damaged(
            f"column {name!r}, which schema version {schema.VERSION} has not: another program wrote it"
        ) from error
    return (expected, KEPT_ONCE) if name in LONG else (expected,)


def check_seal(content: bytes, known: Mapping[bytes, bytes]) -> None:
    """known: the footer of a file that `sealed` made. Raises Damaged where its bytes are not those of then."""
    expected = known.get(CHECKSUM, b"")
    if len(expected) != len(PLACE):
        raise Damaged("it has lost its checksum")
    at = content.rindex(expected)
    written = content[:at] + PLACE + content[at + len(expected) :]
    if hashlib.sha256(written).hexdigest().encode() != expected:
        raise Damaged("its checksum is wrong: bytes were changed after it was written")
