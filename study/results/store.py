"""A study's files, and how rows get there: one Parquet file per trial and attempt, never changed in place."""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from study import durable
from study.errors import StudyError
from study.results import schema

Row = Mapping[str, Any]
NAME = re.compile(r"(?P<trial>[0-9a-f]{16})\.(?P<attempt>\d+)\.parquet")


class Store:
    """The folder of one study: paths that nobody else spells out. Readers need no lock and see whole files only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = folder / "rows"
        self.samples = folder / "samples"
        self.generators = folder / "generators"
        self.study_file = folder / "study.yaml"
        self.plan_file = folder / "plan.parquet"
        self.driver_lock = folder / "driver.lock"  # held by the one process that may run the study

    def trial_folder(self, trial: str) -> Path:
        """Lock, checkpoints, log and traces of one trial."""
        return self.folder / "trials" / trial

    def trial_lock(self, trial: str) -> Path:
        return self.trial_folder(trial) / "lock"

    def log_file(self, trial: str) -> Path:
        return self.trial_folder(trial) / "log.txt"

    def sample_file(self, trial: str, step: int) -> Path:
        return self.samples / f"{trial}.{step}.png"

    def generator_file(self, trial: str) -> Path:
        return self.generators / f"{trial}.safetensors"

    def write_plan(self, rows: Sequence[Row], study_yaml: str) -> None:
        durable.write_bytes(self.study_file, study_yaml.encode())  # first: who sees a plan may read what it is of
        write_table(self.plan_file, rows, schema.PLAN_COLUMNS)

    def write(self, trial: str, attempt: int, rows: Sequence[Row]) -> None:
        """All rows of one attempt so far. A later call replaces the file by one that holds these rows and more."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        write_table(self.rows / f"{trial}.{attempt:03d}.parquet", rows, names)

    def remove_aside(self, trial: str) -> None:
        """Removes what a killed process was writing about this trial; its lock must be held."""
        folders = (self.trial_folder(trial), self.rows, self.samples, self.generators)
        patterns = (".*.aside", *[f".{trial}.*.aside"] * 3)
        for folder, pattern in zip(folders, patterns, strict=True):
            for path in folder.glob(pattern):
                path.unlink(missing_ok=True)

    def read(self, trial: str) -> list[dict[str, Any]]:
        """Every row of every attempt at one trial, attempt by attempt; damaged files are left out, with a warning."""
        return [row for table in read_files(sorted(self.rows.glob(f"{trial}.*.parquet"))) for row in table.to_pylist()]


def read_files(paths: Sequence[Path]) -> list[pa.Table]:
    """The tables of row files. What is no whole table of this schema is left out, with a warning that names it."""
    tables, damaged = [], []
    for path in paths:
        try:
            tables.append(_read(path))
        except (pa.ArrowException, OSError, ValueError, StudyError) as error:
            damaged.append(f"{path} ({error})")
    if damaged:
        warnings.warn(f"left out {len(damaged)} of {len(paths)} files: {'; '.join(damaged)}", stacklevel=2)
    return tables


def read_plan(path: Path) -> list[dict[str, Any]]:
    """The plan's rows, in order."""
    return cast(list[dict[str, Any]], read_plan_table(path).to_pylist())


def read_table(path: Path) -> pa.Table:
    """The table in one Parquet file, opened once: a path that is replaced between two openings would mix two files."""
    return pq.ParquetFile(pa.BufferReader(path.read_bytes())).read(use_threads=False)  # small: threads only cost


def read_plan_table(path: Path) -> pa.Table:
    """The plan's table. Raises StudyError where the file is damaged, or of another version of this program."""
    try:
        table = read_table(path)
    except pa.ArrowException as error:
        raise StudyError(f"{path} is damaged ({error}); remove it, and gan-study run writes it anew") from error
    lacking = [name for name in schema.PLAN_COLUMNS if name not in table.column_names]
    if lacking:
        raise StudyError(
            f"{path} was written by another version of gan-study (it lacks {', '.join(lacking)}); give the study or "
            "--results another name, or remove the file: gan-study run writes it, and selects, anew"
        )
    return table


def plan_table(rows: Sequence[Row]) -> pa.Table:
    """The plan's rows as the table that its file holds."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema.schema(list(schema.PLAN_COLUMNS)))


def write_table(path: Path, rows: Sequence[Row], names: Sequence[str]) -> None:
    """Rows as one Parquet file under the schema of these columns, whole or not at all."""
    wanted = schema.schema(list(names))
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=wanted)
    for name in names:
        if wanted.field(name).type == schema.COUNT and any(isinstance(row.get(name), float) for row in rows):
            raise ValueError(f"the column {name} holds whole numbers; Arrow would cut the rest off")
    durable.write(path, lambda file: pq.write_table(table, cast(io.BytesIO, file), compression="zstd"))


def _read(path: Path) -> pa.Table:
    if not NAME.fullmatch(path.name):
        raise ValueError("not named <trial>.<attempt>.parquet")
    table = read_table(path)
    version = schema.version_of(table.schema)
    if version != schema.VERSION:
        raise ValueError(f"schema version {version}, this program reads {schema.VERSION}")
    for field in table.schema:
        if field.type != schema.field(field.name).type:
            raise ValueError(f"column {field.name} is {field.type}, expected {schema.field(field.name).type}")
    return table
