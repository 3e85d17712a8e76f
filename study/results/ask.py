"""One question in SQL, and its answer batch by batch; numbers pass unrounded."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa

from study.errors import StudyError
from study.results.attended import attended
from study.results.forms import Batches, Schema
from study.results.names import distinct
from study.results.query import answer, check_ways

# PIVOT is made of several statements, and so is whatever holds one: a COPY of it too.
QUESTIONS = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)
WORDS = ("SELECT", "FROM", "WITH", "DESCRIBE", "SHOW", "SUMMARIZE", "PIVOT", "UNPIVOT", "TABLE", "VALUES")
BATCH = 16_384  # rows; as Python's values some 50 MB where a row has all columns
Answer = TypeVar("Answer")
Take = Callable[[Schema, Batches], Answer]


def ask(folder: Path, sql: str, *, mixed: bool = False) -> pa.Table:
    """The whole answer to one SELECT, DESCRIBE, SUMMARIZE or PIVOT over the views trials, evaluations, settings, ...

    Raises StudyError with DuckDB's words where the question is wrong, where it is none (it can change nothing), and
    where rows of one data set were measured in more than one way, unless mixed.
    """
    return stream(folder, sql, lambda schema, batches: pa.Table.from_batches(batches, schema), mixed=mixed)


def stream(folder: Path, sql: str, take: Take[Answer], *, mixed: bool = False) -> Answer:
    """What `take` returns of the answer's schema and batches, of which one at a time is in memory.

    take: gets them once more, from the beginning, where it turns out that more columns have to be read. Sums of
    integers are int64, or where the first batch has one beyond it double; other decimals are double, and
    times with a zone are in UTC, whatever the machine's is. Raises StudyError as `ask`.
    """

    def found(database: duckdb.DuckDBPyConnection) -> Answer:
        def begin() -> pa.RecordBatchReader:
            _check(database, sql)
            if not mixed:
                check_ways(database, sql, folder.name)
            return database.sql(sql).to_arrow_reader(BATCH)

        reader = attended(database, begin)
        fetch = partial(attended, database, partial(_next, reader))
        first = fetch()
        wanted = _schema(reader.schema, first)
        return take(wanted, _batches(wanted, first, fetch))

    try:
        return answer(folder, sql, found)
    except duckdb.Error as error:
        raise StudyError(f"{error}; the columns of a view: DESCRIBE trials") from error


def _check(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    """One question; everything else is refused before it runs, though it could reach nothing."""
    statements = database.extract_statements(sql)
    begins = re.match(r"\w*", sql[_first_word(sql) :])
    if len(statements) != 1 or statements[0].type not in QUESTIONS or not begins or begins[0].upper() not in WORDS:
        raise StudyError(
            f"{sql!r} is not one question; a question begins with {', '.join(WORDS[:-1])} or {WORDS[-1]}, and ends "
            "where another one would begin"
        )


def _first_word(sql: str) -> int:
    """Where DuckDB sees the first token that is neither a comment nor a bracket."""
    tokens = duckdb.tokenize(sql)
    return next((at for at, kind in tokens if kind != duckdb.token_type.comment and sql[at] != "("), len(sql))


def _next(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    try:
        return next(reader, None)
    except (pa.ArrowException, OSError) as error:  # as which the reader passes on what DuckDB says
        raise duckdb.Error(str(error)) from error


def _batches(
    wanted: pa.Schema, first: pa.RecordBatch | None, fetch: Callable[[], pa.RecordBatch | None]
) -> Iterator[pa.RecordBatch]:
    batch, first = first, None
    while batch is not None:
        yield _cast(batch, wanted)
        batch = None  # before the next one comes
        batch = fetch()


def _cast(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    columns = []
    for column, field in zip(batch.columns, wanted, strict=True):
        try:
            columns.append(column.cast(field.type))
        except pa.ArrowInvalid as error:
            raise StudyError(f"column {field.name}: {error}, and those before it do; CAST it AS DOUBLE") from error
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def _schema(found: pa.Schema, first: pa.RecordBatch | None) -> pa.Schema:
    """The answer's own: a join may name a column twice."""
    names, fields = distinct(found.names, "_", 1), []
    for number, (name, field) in enumerate(zip(names, found, strict=True)):
        type_ = _type(field.type, pa.int64())
        if first is not None and type_ != field.type and not _fits(first.column(number), type_):
            type_ = _type(field.type, pa.float64())
        fields.append(pa.field(name, type_))
    return pa.schema(fields)


def _fits(column: pa.Array, type_: pa.DataType) -> bool:
    try:
        column.cast(type_)
    except pa.ArrowInvalid:
        return False
    return True


def _type(found: pa.DataType, whole: pa.DataType) -> pa.DataType:
    """What stands for a type of DuckDB's. whole: for decimals without a fraction, which its sums of integers are."""
    if pa.types.is_decimal(found):
        return whole if found.scale == 0 else pa.float64()
    if pa.types.is_timestamp(found) and found.tz is not None:
        return pa.timestamp(found.unit, "UTC")
    if pa.types.is_list(found):
        return pa.list_(found.value_field.with_type(_type(found.value_type, whole)))
    if pa.types.is_struct(found):
        return pa.struct([each.with_type(_type(each.type, whole)) for each in found])
    if pa.types.is_map(found):
        return pa.map_(_type(found.key_type, whole), _type(found.item_type, whole))
    return found
