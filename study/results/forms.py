"""An answer as CSV, JSON or Parquet, written batch by batch: memory does not grow with its rows."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from datetime import date, time
from types import SimpleNamespace
from typing import IO, Any, TypeAlias, cast

import pyarrow as pa
import pyarrow.parquet as pq

from study.errors import StudyError

Schema: TypeAlias = pa.Schema
Batches: TypeAlias = Iterator[pa.RecordBatch]
UNCHANGED = (pa.types.is_integer, pa.types.is_string, pa.types.is_boolean)


def encode(table: pa.Table, form: str) -> bytes:
    """A small table as csv, json or parquet."""
    buffer = io.BytesIO()
    WRITERS[form](table.schema, iter(table.to_batches()), buffer)
    return buffer.getvalue()


def rows(batch: pa.RecordBatch | pa.Table, change: Callable[[Any], Any] | None = None) -> Iterator[tuple[Any, ...]]:
    """Its rows as Python's values, with a change to all but whole numbers, texts and truth values.

    Raises StudyError where Python has no such value.
    """
    try:
        columns = [column.to_pylist(maps_as_pydicts="strict") for column in batch.columns]
    except OverflowError as error:
        raise StudyError(f"the answer has a value that Python cannot hold ({error}); CAST it AS VARCHAR") from error
    if change is not None:
        for number, column in enumerate(batch.columns):
            if not any(is_type(column.type) for is_type in UNCHANGED):
                columns[number] = [change(value) for value in columns[number]]
    return zip(*columns, strict=True)


def _csv(schema: Schema, batches: Batches, file: IO[bytes]) -> None:
    """Lists, structs and maps as JSON; what is infinite or no number as Python spells it."""
    text = SimpleNamespace(write=lambda line: file.write(line.encode()))
    writer = csv.writer(cast(Any, text), lineterminator="\n")
    writer.writerow(schema.names)
    for batch in batches:
        writer.writerows(rows(batch, _cell))


def _json(schema: Schema, batches: Batches, file: IO[bytes]) -> None:
    """One list of objects, a line each. An answer's names differ, as an object's must."""
    names, encoder, before = schema.names, json.JSONEncoder(ensure_ascii=False, allow_nan=False), "[\n"
    for batch in batches:
        for row in rows(batch, _plain):
            file.write(f"{before}{encoder.encode(dict(zip(names, row, strict=True)))}".encode())
            before = ",\n"
    file.write(b"[]\n" if before == "[\n" else b"\n]\n")


class Onward(io.RawIOBase):
    """What a writer of Parquet needs of a file, which may be a pipe; counts the bytes that go through."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.size = file, 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, content: Any) -> int:
        self._file.write(content)
        self.size += len(content)
        return len(content)


def _parquet(schema: Schema, batches: Batches, file: IO[bytes]) -> None:
    try:
        writer = pq.ParquetWriter(cast(Any, Onward(file)), schema, compression="zstd")
    except pa.ArrowNotImplementedError as error:
        raise StudyError(f"the answer has a value that Parquet cannot hold ({error}); CAST it AS VARCHAR") from error
    with writer:
        for batch in batches:
            writer.write_batch(batch)


WRITERS = {"csv": _csv, "json": _json, "parquet": _parquet}


def _nested(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, float):
        return value
    return _nested(value) if isinstance(value, list | dict) else _word(value)


def _plain(value: Any) -> Any:
    """The same of what JSON has: a number that it has not is its name, "Infinity", "-Infinity" or "NaN"."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name if isinstance(name, str) else _nested(name): _plain(each) for name, each in value.items()}
        case _:
            return _word(value)


def _word(value: Any) -> Any:
    """Times and intervals as ISO 8601, with their zone; bytes in hexadecimal digits."""
    match value:
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case pa.MonthDayNano():
            sign, (seconds, rest) = "-" if value.nanoseconds < 0 else "", divmod(abs(value.nanoseconds), 10**9)
            return f"P{value.months}M{value.days}DT{sign}{seconds}.{rest:09}S"
        case _:
            return value
