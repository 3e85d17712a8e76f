"""Reading: views of a study's table that DuckDB answers questions to, and the same as pandas frames."""

import os
import re
import tempfile
import uuid
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from study.errors import StudyError, unknown
from study.results import fingerprints, schema, snapshot, views
from study.results.attended import attended
from study.results.readonly import PROTOCOL, Segments
from study.results.rowfile import Row
from study.results.snapshot import Snapshot
from study.results.store import Store, plan_table, read_plan_table

VIEWS = ("trials", "evaluations", "best", "settings", "attempts", "plan")
COUNTING = frozenset(VIEWS) - {"attempts"}  # their rows are those that count
NAMES = "SELECT view_name FROM duckdb_views() WHERE NOT internal UNION ALL SELECT table_name FROM duckdb_tables()"
TEXTS = re.compile(r"\bquery(_table)?\b|\bjson_execute_serialized_sql\b", re.IGNORECASE)  # functions that run a text
STAR = re.compile(r"(\b(select|all|distinct)|[,.])\s*\*|\b(columns|summarize)\b", re.IGNORECASE)  # not count(*)
ROWS = re.compile(r"\b(evaluations|best|attempts)\b", re.IGNORECASE)
Answer = TypeVar("Answer")
MEMORY, SPILL = "1GB", "20GB"  # that an answer may use before it goes to the disk, and of the disk then


def connect(
    folder: Path, planned: Sequence[Row] | None = None, *, columns: Collection[str] | None = None
) -> duckdb.DuckDBPyConnection:
    """A database in memory with the views plan, attempts, evaluations, trials, best and settings, as things are now.

    It reaches no file but the compacted rows of this study, which it can only read.
    planned: the plan's rows, where they are other than those that the folder keeps. columns: those of the rows that
    will be asked for, and the metrics; a question that needs another is refused with views.UNREAD. Left out: all.
    Warns of files that cannot be read. Raises StudyError where there is no plan.
    """
    store = Store(folder)
    if planned is None and not store.plan_file.exists():
        raise StudyError(f"no results in {folder}; run gan-study run first, or name another folder with --results")
    plan = read_plan_table(store.plan_file) if planned is None else plan_table(planned)
    return _connect(snapshot.take(store, columns=columns), plan)


def load(
    study: str | Path,
    view: str = "evaluations",
    *,
    results: str | Path = "results",
    columns: Sequence[str] | None = None,
    where: str | None = None,
    mixed: bool = False,
) -> pd.DataFrame:
    """One view of a study's results as a tidy frame: evaluations, trials, best, settings, attempts or plan.

    study: the name of a folder in `results`, or a folder's path. columns: those wanted; left out: all. where: a
    condition in SQL, such as "loss = 'ns' AND step = steps".
    Raises StudyError where a data set was measured in more than one way, naming the differing fields, unless mixed.
    """
    if view not in VIEWS:
        raise unknown("a view", view, VIEWS)
    named = Path(results) / study
    folder = named if (named / "plan.parquet").exists() else Path(study)
    wanted = ", ".join(f'"{name}"' for name in columns) if columns else "*"
    order = "ORDER BY trial, step, attempt" if view in ("evaluations", "attempts", "best") else ""
    question = f"SELECT {wanted} FROM {view} {f'WHERE {where}' if where else ''} {order}"

    def frame(database: duckdb.DuckDBPyConnection) -> pd.DataFrame:
        if len(database.extract_statements(question)) != 1:
            raise StudyError(f"where: {where!r} is not one condition")
        if not mixed and view != "plan":
            check_ways(database, question, str(study))
        return database.sql(question).df()  # not by way of Arrow, which makes integers with nulls floats

    try:
        return answer(folder, question, lambda database: attended(database, partial(frame, database)))
    except duckdb.Error as error:
        raise StudyError(f"{error}; the columns: gan-study describe") from error


def check_ways(database: duckdb.DuckDBPyConnection, sql: str, where: str) -> None:
    """Raises StudyError where the rows that a question may see were measured in more than one way."""
    ways = "measured" if _of_what_counts(database, sql) else "measured_ever"
    fingerprints.check(database.sql(f"FROM {ways}").to_arrow_table().to_pandas(), where)


def _of_what_counts(database: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether a question names no rows but those that count. To some functions it may name others in parts."""
    names = {name.lower() for (name,) in database.execute(NAMES).fetchall()}
    return not TEXTS.search(sql) and names & set(re.findall(r"\w+", sql.lower())) <= COUNTING


def answer(folder: Path, sql: str, asked: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
    """What `asked` finds out of a study. Of its files of rows only the usual columns are read, and those that the
    question names, where it is not clear that it needs all; if it needs others nevertheless, it is asked again.
    """
    named = set(re.findall(r"\w+", sql)) & schema.COLUMNS.keys()
    if not _needs_all(sql):
        try:
            with connect(folder, columns=views.USUAL | named) as database:
                return asked(database)
        except duckdb.Error as error:
            if views.UNREAD not in str(error):
                raise
    with connect(folder) as database:
        return asked(database)


def _needs_all(sql: str) -> bool:
    """Whether a question seems to be for all columns of rows."""
    every = STAR.search(sql) or not re.search(r"\bselect\b", sql, re.IGNORECASE)
    return bool(every and ROWS.search(sql)) or "try" in sql.lower()  # TRY would make a null of an error


def _connect(seen: Snapshot, plan: pa.Table) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    keys = pa.schema([schema.field("trial"), schema.field("attempt")])
    blank = schema.schema([*seen.names, *(mark.name for mark in schema.MARKS)]).empty_table()
    for name, rows in {
        "plan_rows": plan,
        "files": seen.loose_rows(),
        "attempts_index": seen.index,
        "blank": blank,
        "reopened": pa.table({"trial": pa.array(seen.reopened, schema.TEXT)}),
        "twins": pa.Table.from_pylist([{"trial": trial, "attempt": attempt} for trial, attempt in seen.twins], keys),
    }.items():
        database.register(name, rows)
    segments = {path.name: path for path in seen.segments}
    database.register_filesystem(Segments(segments))
    urls = [f"{PROTOCOL}://{name}" for name in segments]
    kept = f"FROM read_parquet({urls}) UNION ALL BY NAME FROM blank" if urls else "FROM blank"
    types = dict(zip(database.table("blank").columns, database.table("blank").types, strict=True))
    unread = (f"CAST(error('{views.UNREAD}') AS {types[name]}) AS \"{name}\"" for name in sorted(seen.loose.unread))
    loose = ", ".join(("SELECT *", *unread))
    known = plan["trial"]
    strangers = any(not pc.all(pc.is_in(trials, known)).as_py() for trials in (seen.index["trial"], seen.loose_trials))
    defined = views.define(seen.names, reopened=bool(seen.reopened), twins=bool(seen.twins), strangers=strangers)
    try:
        for view, sql in {"compacted": kept, "loose": f"{loose} FROM files", **defined}.items():
            database.execute(f"CREATE {'TABLE' if view == views.PLACES else 'VIEW'} {view} AS {sql}")
    except duckdb.Error as error:
        told = str(error).partition("\n")[0]
        raise StudyError(
            f"the files in {seen.folder.compacted} cannot be read ({told}); which of them: gan-study verify"
        ) from error
    _close(database, urls)
    return database


def _close(database: duckdb.DuckDBPyConnection, urls: Sequence[str]) -> None:
    """From now on it reaches the compacted rows and a folder of its own to spill to, and nothing else."""
    spill = Path(tempfile.gettempdir(), f"gan-study-query-{os.getpid()}-{uuid.uuid4().hex[:8]}")  # made when needed
    database.execute(f"SET memory_limit = '{MEMORY}'")
    database.execute(f"SET temp_directory = {_text(str(spill))}")
    database.execute(f"SET max_temp_directory_size = '{SPILL}'")
    database.execute(f"SET allowed_paths = {list(urls)}")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def _text(path: str) -> str:
    """A text in SQL, whatever characters the path has."""
    quoted = path.replace("'", "''")
    return f"'{quoted}'"
