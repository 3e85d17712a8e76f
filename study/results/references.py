"""Whether everything is there that a study's rows refer to, and every row that its plan implies."""

import json
import warnings
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb

from study.results import artefacts, lost, schema
from study.results.findings import COPY, Findings
from study.results.folder import Folder
from study.results.metrics import PICTURED
from study.results.query import connect

TRACES = "SELECT DISTINCT trial, attempt, trace FROM attempts WHERE trace IS NOT NULL ORDER BY ALL"
NAMED = 'SELECT "{}", count(study_yaml) FROM attempts WHERE "{}" IS NOT NULL GROUP BY ALL ORDER BY ALL'
MEASURED = "SELECT trial, list(step ORDER BY step) FROM evaluations WHERE {} GROUP BY trial ORDER BY trial"
POINTS = "SELECT DISTINCT trial, json_extract_string(content, '$.evaluations') FROM plan"
DONE = "SELECT DISTINCT trial FROM trials WHERE status = 'done' ORDER BY trial"
STRANGERS = """
    SELECT count(*), min(trial) FROM attempts WHERE trial NOT IN (SELECT trial FROM plan)
"""


def rows(folder: Folder, findings: Findings) -> None:
    """All that rows refer to, and rows that are lost."""
    left = lost.beside(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whatever is left out is named by who looks at files
        database = connect(folder.folder)
    with database:
        for what, look in LOOKS.items():
            findings.look(folder.folder, what, partial(look, folder, database, findings))
        findings.look(folder.folder, "whether rows are lost", partial(lost.look, folder, database, left, findings))


def _traces(folder: Folder, database: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    for trial, attempt, trace in database.execute(TRACES).fetchall():
        findings.files += 1
        if not (folder.folder / trace).exists():
            findings.fault(folder.folder / trace, f"missing: the traceback of attempt {attempt} at {trial}", COPY)


def _provenance(folder: Folder, database: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    for column in schema.FILES:
        for digest, of_a_study in database.execute(NAMED.format(column, column)).fetchall():
            path = folder.provenance_file(column, digest)
            findings.files += 1
            if path.exists():
                if artefacts.digest(column, path) != digest:
                    findings.fault(path, "its content is not what its name says", COPY)
            elif column == "source" and not of_a_study:
                findings.tell(path, "missing: the program that measured some rows", "none: older versions kept no copy")
            else:
                findings.fault(path, f"missing: rows name it as their {column}", COPY)


def _samples(folder: Folder, database: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    """Every evaluation has its pictures; a study may have none at all, where somebody left them out."""
    if not folder.samples.exists():
        if database.execute("FROM evaluations WHERE status = 'ok' LIMIT 1").fetchall():
            findings.tell(folder.samples, "this study is without its pictures", "none: rows are whole")
        return
    for trial, steps in _each(database, MEASURED.format("status = 'ok'")):
        _pictures([folder.sample_file(trial, step) for step in steps], findings)
    columns = database.table("evaluations").columns
    for metric in (metric for metric, column in PICTURED.items() if column in columns):
        for trial, steps in _each(database, MEASURED.format(f"{PICTURED[metric]} IS NOT NULL")):
            _pictures([folder.picture_file(trial, step, metric) for step in steps], findings)


def _pictures(paths: Sequence[Path], findings: Findings) -> None:
    findings.files += len(paths)
    if missing := [path for path in paths if not path.exists()]:
        findings.fault(missing[0].parent, f"missing: {', '.join(path.name for path in missing)}", COPY)
    for path in paths:
        if path.exists() and not artefacts.is_picture(path):
            findings.fault(path, "it is no whole picture", COPY)


def _generators(folder: Folder, database: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    """Every trial that is done has its generator's weights; an export may have left all of them out."""
    done = [trial for (trial,) in database.execute(DONE).fetchall()]
    if done and not folder.generators.exists():
        findings.tell(folder.generators, "this study is without its generators", "none: rows are whole")
        return
    for trial in done:
        path = folder.generator_file(trial)
        findings.files += 1
        if not path.exists():
            findings.fault(path, "missing: the weights of a trial that is done", COPY)
        elif not artefacts.is_safetensors(path):
            findings.fault(path, "it is no whole safetensors file", COPY)


def _steps(folder: Folder, database: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    """A trial is measured at one step after another: none is missing before a later one."""
    planned = dict(database.execute(POINTS).fetchall())
    for trial, steps in _each(database, MEASURED.format("status = 'ok'")):
        points, last = _points(planned[trial]), max(steps)
        lost = sorted(step for step in points - set(steps) if step < last)
        if lost:
            told = ", ".join(map(str, lost))
            findings.fault(
                f"trial {trial}", f"measured at step {last} and not at {told}", f"{COPY}: a file of its rows"
            )
        if odd := sorted(set(steps) - points):
            findings.fault(f"trial {trial}", f"measured at step {odd[0]}, which its plan has not", "none is known")


def _strangers(folder: Folder, database: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    for rows, first in database.execute(STRANGERS).fetchall():
        if rows:
            told = f"{rows:,} rows are of trials that it has not, such as {first}"
            findings.tell(folder.plan_file, told, "none: they count nowhere but in attempts")


@cache
def _points(text: str) -> frozenset[int]:
    """The steps of a trial's evaluations; a study has few different ones."""
    return frozenset(json.loads(text))


def _each(database: duckdb.DuckDBPyConnection, sql: str) -> Iterator[Any]:
    """The rows of an answer, of which memory holds some."""
    answer = database.execute(sql)
    while some := answer.fetchmany(10_000):
        yield from some


LOOKS = {
    "tracebacks": _traces, "provenance": _provenance, "pictures": _samples, "generators": _generators,
    "the steps of trials": _steps, "rows of trials that the plan has not": _strangers,
}  # fmt: skip
