"""A whole study in one file, which pandas alone can read."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb

from study import durable
from study.results import packing, readme, tables
from study.results.attended import attended
from study.results.environment import environment
from study.results.folder import Folder
from study.results.markers import read_marker
from study.results.names import identifier
from study.results.packing import NAMES, Pack
from study.results.readme import Contents

PROCESSES = "processes.jsonl"
FAILED = "SELECT DISTINCT trial FROM attempts WHERE status = 'failed' ORDER BY trial"
PICTURED = "SELECT count(*) FROM evaluations WHERE status <> 'failed'"  # what was measured has its images


@dataclass(frozen=True)
class Written:
    """What an export wrote."""

    rows: int  # of attempts
    pictured: int  # evaluations with their sample grid
    evaluations: int  # that have one where none is missing
    size: int  # bytes


def export(store: Folder, path: Path, *, generators: bool = False) -> Written:
    """Writes a study as one zip file, whole or not at all. Equal studies of the same name make equal files.

    generators: with the weights of the generators. Raises StudyError where rows or markers cannot be read.
    """
    made: list[Written] = []
    with tables.whole(store.folder) as database:
        attended(
            database,
            lambda: durable.write(path, lambda file: made.append(_write(file, store, database, generators))),
        )
    return made[0]


def _write(file: IO[bytes], store: Folder, database: duckdb.DuckDBPyConnection, generators: bool) -> Written:
    name = identifier(store.folder.resolve().name)
    with zipfile.ZipFile(file, "w") as packed:
        pack, rows = Pack(packed, name), dict[str, int]()
        for view in tables.ORDER:
            with pack.entry(f"{view}.parquet") as entry:
                rows[view] = tables.write(database, view, entry)
        pack.add("study.yaml", store.study_file.read_bytes())
        _processes(pack, store)
        for each in _files(store, database, generators):
            pack.add(str(each.relative_to(store.folder)), each.read_bytes())
        ((pictured,),) = database.execute(PICTURED).fetchall()
        made = environment(database)
        pack.add("environment.json", (json.dumps(made, indent=1, sort_keys=True) + "\n").encode())
        described = readme.described(database)
        pack.add("dictionary.csv", readme.dictionary_csv(described))
        contents = Contents(name, described, rows, dict(pack.counts), (pack.grids, pictured))
        pack.add("README.md", readme.page(database, contents, made).encode())
        pack.finish()
    return Written(rows["attempts"], pack.grids, pictured, packing.seal(file))


def _processes(pack: Pack, store: Folder) -> None:
    """Who made which attempt, a line each; also those that were killed before their first row."""
    with pack.entry(PROCESSES) as entry:
        for path in store.markers():
            told = {"trial": path.parent.name, **read_marker(path)}
            entry.write((json.dumps(told, sort_keys=True) + "\n").encode())


def _files(store: Folder, database: duckdb.DuckDBPyConnection, generators: bool) -> Iterator[Path]:
    """What is packed as it is: provenance, pictures, generators if asked for, and what failed trials left."""
    for folder in (store.provenance, store.samples, *([store.generators] if generators else [])):
        pattern = NAMES[f"{folder.name}/"]
        for path in sorted(folder.iterdir()) if folder.exists() else []:
            if pattern.fullmatch(path.name):  # what is being written aside has another name
                yield path
    for (trial,) in database.execute(FAILED).fetchall():
        here = store.trial_folder(trial)
        yield from (path for path in [*sorted(here.glob("trace-*.txt")), store.log_file(trial)] if path.exists())
