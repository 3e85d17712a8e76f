"""What is on record about one trial, and how its code and its numbers can be had again: for why and reproduce."""

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from study import source
from study.commands.common import DATA, RESULTS
from study.errors import StudyError
from study.reproduction import NAME
from study.results.markers import read_marker
from study.results.schema import MARKS
from study.results.store import Store

Row = Mapping[str, Any]
ALL = "SELECT trial FROM plan UNION SELECT trial FROM attempts"


def find(database: Any, study: str, trial: str) -> str:
    """The whole id of the one trial whose id begins so, of the plan or of the rows of others that the study keeps.

    Raises StudyError where it is none, or several.
    """
    found = database.execute(f"SELECT trial FROM ({ALL}) WHERE starts_with(trial, ?)", [trial]).fetchall()
    if len(found) != 1:
        many = f"fits {len(found)} trials; give more digits" if found else "fits no trial of the plan, nor of any row"
        raise StudyError(f'{trial!r} {many}; all of them: gan-study query {study} "{ALL}"')
    return str(found[0][0])


def rows(database: Any, sql: str, trial: str) -> list[dict[str, Any]]:
    """The answer to a question about one trial."""
    found: list[dict[str, Any]] = database.sql(sql, params=[trial]).to_arrow_table().to_pylist()
    return found


def newest_rows(database: Any, trial: str) -> list[dict[str, Any]]:
    """The rows that count, by step: of an evaluation that was made twice the newest, of failures the last.

    Also of a trial that the plan has not.
    """
    marks = ", ".join(mark.name for mark in MARKS)
    sql = f"SELECT * EXCLUDE ({marks}) FROM marked WHERE counts AND trial = ? ORDER BY step, attempt"
    return rows(database, sql, trial)


def code(store: Store, row: Row) -> Iterator[str]:
    """The commands that run a row's trial again with its own code, one way a line; none where that was not kept."""
    archive = _file(store, row, "source")
    if archive is not None:
        yield _unpacked(store, archive, row)
    if row.get("commit") is not None:
        diff = _file(store, row, "diff")
        changes = f" && git apply {_quoted(diff.resolve())}" if diff else ""
        yield f"git checkout {row['commit']}{changes}  # in its checkout; then: gan-study {_arguments(store, row)}"


def command(store: Store, row: Row) -> str:
    """The one command that reproduces a row's trial, with the code that measured it where that was kept."""
    archive = _file(store, row, "source")
    if archive is None or row["source"] == source.fingerprint():
        return f"gan-study {_arguments(store, row)}"
    return _unpacked(store, archive, row)


def _arguments(store: Store, row: Row) -> str:
    """What gan-study is told to reproduce a row's trial."""
    results, name, data = store.folder.parent, store.folder.name, data_of(store, row)
    words = ["reproduce", name, row["trial"]]
    words += ["--results", str(results)] if results != RESULTS else []
    words += ["--data", data] if data and Path(data).is_dir() and Path(data) != DATA.resolve() else []
    if not _writable(results):
        words += ["-o", NAME]
    elif name == NAME:
        words += ["-o", str(results / f"{NAME}-again")]
    return shlex.join(words)


def _unpacked(store: Store, archive: Path, row: Row) -> str:
    folder = store.folder.parent if _writable(store.folder.parent) else Path(tempfile.gettempdir())
    code, python = _quoted(folder / f"source-{row['source']}"), shlex.quote(sys.executable)
    unpack = f"tar -xzf {_quoted(archive)} -C {_quoted(folder)}"
    return f"{unpack} && PYTHONSAFEPATH=1 PYTHONPATH={code} {python} -m study {_arguments(store, row)}"


def _writable(folder: Path) -> bool:
    """Whether files can be made in it: results may be on a disk that can only be read."""
    return os.access(folder, os.W_OK | os.X_OK)


def data_of(store: Store, row: Row) -> str | None:
    """The folder of prepared data that a row's attempt read; None where its marker does not say so."""
    made, _ = made_by(store, row["trial"])
    return next((marker.get("data") for marker in made if marker["attempt"] == row["attempt"]), None)


def made_by(store: Store, trial: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Who has been at a trial, attempt by attempt, as its markers say; and which of these cannot be read, and why."""
    made, unread = list[dict[str, Any]](), list[str]()
    for path in store.attempts_of(trial).values():
        try:
            made.append(read_marker(path))
        except StudyError as error:
            unread.append(str(error))
    return made, unread


def differing(recorded: Sequence[Row], here: Mapping[str, Any]) -> Iterator[str]:
    """One line for each column that says something else than is so here, with the fields in which it does.

    here: column -> text, or field -> value where the column is JSON.
    """
    for column, now in here.items():
        for value in dict.fromkeys(row.get(column) for row in recorded):
            if value is None:
                yield f"{column}: not on record"
            elif isinstance(now, str) and value != now:
                yield f"{column}: was {value}, is {now} here"
            elif not isinstance(now, str):
                was = json.loads(value)
                fields = [
                    f"{name} was {was[name]}, is {now.get(name)} here" for name in was if was[name] != now.get(name)
                ]
                if fields:
                    yield f"{column}: {'; '.join(fields)}"


def _file(store: Store, row: Row, column: str) -> Path | None:
    path = store.provenance_file(column, row[column]) if row.get(column) else None
    return path if path is not None and path.exists() else None


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
