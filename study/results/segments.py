"""Compacted files: rows of whole trials in the order of (trial, attempt, step), in groups that memory holds easily."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from study import durable
from study.errors import StudyError
from study.results import rowfile, schema
from study.results.folder import Folder
from study.results.manifest import OF_INDEX, Manifest, Part
from study.results.rowfile import KEPT_ONCE, LONG, Damaged, Key

GROUP = 100_000  # rows that are decoded at a time, about: 50 MB with what their long texts take once per trial
SEGMENT = 2_000_000  # rows of a file, about
DICTIONARY = 64 << 20  # bytes: one content per trial is 2 MB in a group, past which Parquet would write it on every row
STATISTICS = ["trial", "attempt", "step", "status", "loss", "dataset", "phase"]  # others are found in all groups alike
VARIED = {  # numbers that differ from row to row; a dictionary of them would be as long as the column
    "step", "generator_updates", "images_seen", "train_seconds", "evaluation_seconds", "discriminator_loss",
    "generator_loss", "k", "convergence", "energy_joules", "written_at",
}  # fmt: skip
CHANGED = "its checksum is wrong: bytes were changed after it was written"


def columns(metrics: Iterable[str]) -> pa.Schema:
    """All columns of the table with these metrics, as they are held while rows are compacted."""
    whole = schema.schema([*schema.COLUMNS, *sorted(metrics)])
    return pa.schema([pa.field(each.name, KEPT_ONCE) if each.name in LONG else each for each in whole])


def metrics_of(names: Iterable[str]) -> set[str]:
    return {name for name in names if schema.METRIC.fullmatch(name)}


def metrics(folder: Folder, manifest: Manifest) -> set[str]:
    """Those that the compacted rows have. Raises StudyError where a segment is damaged."""
    files = (_whole(folder.compacted / part.file) for part in manifest.segments)
    return {name for file in files for name in metrics_of(file.schema_arrow.names)}


def join(wanted: pa.Schema, tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of all tables one after another, null in the columns that a table has not."""
    return pa.concat_tables([wanted.empty_table(), *tables], promote_options="default").unify_dictionaries()


def open_(path: Path) -> pq.ParquetFile:
    """A compacted file, whose pages are checked when they are read. Raises Damaged."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        rowfile.check(file.schema_arrow, file.metadata.metadata or {})
        once = [name for name in LONG if name in file.schema_arrow.names]
        return pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=once)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Damaged(str(error)) from error


def groups(path: Path, names: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Its rows, group by group; all columns, or those named. Raises Damaged."""
    file = open_(path)
    try:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns=names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Damaged(str(error)) from error


def of_trial(path: Path, trial: str) -> Iterator[pa.Table]:
    """The rows of one trial, without their marks; only groups that can hold them are decoded. Raises Damaged."""
    file = open_(path)
    place = file.schema_arrow.names.index("trial")
    try:
        for number in range(file.num_row_groups):
            span = file.metadata.row_group(number).column(place).statistics
            if span.min <= trial <= span.max:
                group = file.read_row_group(number, use_threads=False)
                yield group.filter(pc.field("trial") == trial).drop_columns([mark.name for mark in schema.MARKS])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Damaged(str(error)) from error


def counts(tables: Iterable[pa.Table]) -> Counter[Key]:
    """How many rows there are of each attempt."""
    found: Counter[Key] = Counter()
    for table in tables:
        grouped = table.group_by(["trial", "attempt"]).aggregate([([], "count_all")])
        found.update(dict(zip(keys_of(grouped), grouped["count_all"].to_pylist(), strict=True)))
    return found


def keys_of(table: pa.Table) -> list[Key]:
    """Trial and attempt of every row."""
    return list(zip(table["trial"].to_pylist(), table["attempt"].to_pylist(), strict=True))


class Past:
    """The rows of a manifest's segments, each decoded once, in order, without their marks."""

    def __init__(self, folder: Folder, manifest: Manifest, wanted: pa.Schema) -> None:
        self._groups = chain.from_iterable(_rows(folder.compacted / part.file, part) for part in manifest.segments)
        self._wanted, self._rest = wanted, wanted.empty_table()

    def until(self, trial: str) -> pa.Table:
        """All that follow, up to the last row of this trial. Raises StudyError where a segment is damaged."""
        found = []
        while True:
            size = pc.sum(pc.less_equal(self._rest["trial"], trial)).as_py() or 0
            found.append(self._rest.slice(0, size))
            self._rest = self._rest.slice(size)
            if len(self._rest) or (following := next(self._groups, None)) is None:
                return join(self._wanted, found)
            self._rest = following


def _rows(path: Path, part: Part) -> Iterator[pa.Table]:
    with _expected_whole(path):
        if durable.sha256(path) != part.sha256:
            raise Damaged(CHANGED)
        for table in groups(path):
            yield table.drop_columns([mark.name for mark in schema.MARKS])


def _whole(path: Path) -> pq.ParquetFile:
    with _expected_whole(path):
        return open_(path)


@contextmanager
def _expected_whole(path: Path) -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise StudyError(
            f"{path} is damaged ({error}); its rows are in no other file: bring it back from a copy"
        ) from error


def write(folder: Folder, name: str, tables: Iterable[pa.Table]) -> list[Part]:
    """Each table as a group of rows, in as many files as it takes; all have the same columns, and none is empty.
    name: of the compaction, of manifest.new_name.

    They are durable, and have been read back page by page, before it returns. Raises StudyError where they do not hold
    what was written.
    """
    waiting, parts = iter(tables), list[Part]()
    for first in waiting:
        path, written = folder.compacted / f"{name}-{len(parts)}.parquet", Counter[Key]()
        durable.write(path, partial(_fill, chain([first], waiting), written))
        with _expected_whole(path):
            held = counts(groups(path))
        if held != written:
            raise StudyError(f"{path} does not hold what was written to it; is the disk broken? Nothing was removed")
        parts.append(Part(path.name, durable.sha256(path), held.total()))
    return parts


def _fill(tables: Iterator[pa.Table], written: Counter[Key], file: IO[bytes]) -> None:
    """As many of them as one file takes; counts the rows of every attempt."""
    first = next(tables)
    once = [each.name for each in first.schema if each.name not in VARIED and not schema.METRIC.fullmatch(each.name)]
    with pq.ParquetWriter(
        file, first.schema, compression="zstd", use_dictionary=once, write_statistics=STATISTICS,
        dictionary_pagesize_limit=DICTIONARY, write_page_checksum=True, store_schema=False,
    ) as writer:  # fmt: skip
        writer.add_key_value_metadata({rowfile.VERSION.decode(): str(schema.VERSION)})
        for table in chain([first], tables):
            writer.write_table(table, row_group_size=len(table))
            written.update(counts([table]))
            if written.total() >= SEGMENT:
                return


def write_index(folder: Folder, name: str, index: pa.Table) -> Part:
    """The file with one row per attempt. name: of the compaction."""
    path = folder.compacted / f"{name}{OF_INDEX}.parquet"
    durable.write(path, lambda file: pq.write_table(index, file, compression="zstd", write_page_checksum=True))
    return Part(path.name, durable.sha256(path), len(index))
