"""A study's files, and how rows get there: one Parquet file per trial and attempt, never changed in place."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from study import durable
from study.errors import StudyError
from study.results import rowfile, schema, snapshot
from study.results.folder import Folder
from study.results.rowfile import CHECKSUM, PLACE, VERSION, Damaged, Row, check_seal, sealed


class Store(Folder):
    """The folder of one study, to write to and to read one trial from. Readers need no lock and see whole files."""

    def write_plan(self, rows: Sequence[Row], study_yaml: str) -> None:
        durable.write_bytes(self.study_file, study_yaml.encode())  # first: who sees a plan may read what it is of
        write_plan_table(self.plan_file, plan_table(rows))

    def write(self, trial: str, attempt: int, rows: Sequence[Row]) -> None:
        """All rows of one attempt so far. A later call replaces the file by one that holds these rows and more."""
        durable.write_bytes(self.row_file(trial, attempt), rowfile.encode(rows))

    def read(self, trial: str) -> list[dict[str, Any]]:
        """Every row of every attempt at one trial, attempt by attempt; damaged files are left out, with a warning."""
        return snapshot.take(self, trial).rows_of(trial)

    def remove_aside(self, trial: str) -> None:
        """Removes what a killed process was writing about this trial; its lock must be held."""
        folders = (self.trial_folder(trial), self.rows, self.samples, self.generators)
        patterns = (".*.aside", *[f".{trial}.*.aside"] * 3)
        for folder, pattern in zip(folders, patterns, strict=True):
            for path in folder.glob(pattern):
                path.unlink(missing_ok=True)


def read_plan(path: Path) -> list[dict[str, Any]]:
    """The plan's rows, in order."""
    return cast(list[dict[str, Any]], read_plan_table(path).to_pylist())


def read_plan_table(path: Path) -> pa.Table:
    """The plan's table. Raises StudyError where the file is damaged, or of another version of this program."""
    content = path.read_bytes()
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        known, there = file.metadata.metadata or {}, file.schema_arrow.names
        lacking = [name for name in schema.PLAN_COLUMNS if name not in there]
        lacking += [] if CHECKSUM in known else ["a checksum"]
        if not lacking:
            check_seal(content, known)
            return file.read(use_threads=False)  # small: threads only cost
    except (pa.ArrowException, Damaged, OSError, ValueError) as error:
        told = " ".join(str(error).split())
        raise StudyError(f"{path} is damaged ({told}); remove it, and gan-study run writes it anew") from error
    raise StudyError(
        f"{path} was written by another version of gan-study (it lacks {', '.join(lacking)}); give the study or "
        "--results another name, or remove the file: gan-study run writes it, and selects, anew"
    )


def plan_table(rows: Sequence[Row]) -> pa.Table:
    """The plan's rows as the table that its file holds."""
    return rowfile.table_of(rows, schema.PLAN_COLUMNS)


def write_plan_table(path: Path, table: pa.Table) -> None:
    """A plan's table as a file, whole or not at all, with a checksum of it in its footer."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table)
        told = {VERSION: str(schema.VERSION), CHECKSUM: PLACE.decode()}
        writer.add_key_value_metadata({name.decode(): text for name, text in told.items()})
    durable.write_bytes(path, sealed(sink.getvalue().to_pybytes()))
