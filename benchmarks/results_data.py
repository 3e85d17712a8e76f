"""The data of the benchmark of the results table: a study's files as its trials would have left them, and the same rows
as other harnesses keep them: one file per trial, CSV or JSON lines.

It is preparation: files are written by the harness's own encoding, but without fsync and by several processes.
"""

import csv
import io
import json
import multiprocessing
import os
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.results_rows import attempts
from study import durable, spec
from study.plan import build
from study.results import Store, rowfile
from study.results.store import read_plan_table
from study.spec import Study, validate

PROCESSES = 2
CHUNK = 100  # trials that a process is given at a time
# What other harnesses keep of a row is what it measured, and the setting. Where it comes from stands elsewhere, if at
# all: that much less is read of their files.
ELSEWHERE = {
    "content", "fingerprint", "versions", "hardware", "slurm", "job", "source", "commit", "dirty", "diff", "study_yaml",
    "space", "sampler", "search_seed",
}  # fmt: skip


def study(trials: int, evaluations: int) -> Study:
    """Eight losses on two data sets, two seeds of each setting. A smaller one is the beginning of a larger one."""
    schedule = {"steps": 1000 * evaluations, "evaluations": evaluations}
    phase = {"name": "wide", "space": "wide", "settings": trials // 32, "seeds": 2}
    datasets = dict.fromkeys(("fashion", "triangles"), schedule)
    return validate({"name": "table", "datasets": datasets, "phases": [phase]}, "the benchmark")


def write_plan(folder: Path, wanted: Study) -> None:
    rows = [planned.row(position) for position, planned in enumerate(build(wanted, {}))]
    Store(folder).write_plan(rows, spec.dump(wanted))


def write_rows(folder: Path, trials: int) -> None:
    """The files of all attempts at the first so many planned trials."""
    Store(folder).rows.mkdir()
    _shared_out(partial(_write_rows, folder), trials)


def write_peers(folder: Path, where: Path, trials: int) -> None:
    """The same rows in where/csv and where/jsonl."""
    for form in ("csv", "jsonl"):
        (where / form).mkdir(parents=True)
    _shared_out(partial(_write_peers, folder, where), trials)


def link_rows(folder: Path, other: Path, end: int, first: int = 0) -> None:
    """The files of another study's planned trials, from the first to before the end; they take no room there."""
    source, target = Store(folder), Store(other)
    target.rows.mkdir(exist_ok=True)
    wanted = set(_plan(other)["trial"][first:end].to_pylist())
    for entry in os.scandir(source.rows):
        if entry.name.partition(".")[0] in wanted:
            os.link(entry.path, target.rows / entry.name)


def _shared_out(work: Callable[[int, int], None], trials: int) -> None:
    """Calls work(first, end) for the whole plan, chunk by chunk, in several processes."""
    chunks = [(first, min(first + CHUNK, trials)) for first in range(0, trials, CHUNK)]
    with multiprocessing.get_context("forkserver").Pool(PROCESSES) as pool:
        pool.starmap(work, chunks, chunksize=1)


def _write_rows(folder: Path, first: int, end: int) -> None:
    store = Store(folder)
    for place in _plan(folder).slice(first, end - first).to_pylist():
        for number, rows in enumerate(attempts(place), 1):
            durable.write_bytes(store.row_file(place["trial"], number), rowfile.encode(rows), fsync=False)


def _write_peers(folder: Path, where: Path, first: int, end: int) -> None:
    for place in _plan(folder).slice(first, end - first).to_pylist():
        rows = [_plain(row) for rows in attempts(place) for row in rows]
        text = io.StringIO()
        writer = csv.DictWriter(text, dict.fromkeys(name for row in rows for name in row))
        writer.writeheader()
        writer.writerows(rows)
        (where / "csv" / f"{place['trial']}.csv").write_text(text.getvalue())
        lines = [json.dumps(row, default=str) + "\n" for row in rows]
        (where / "jsonl" / f"{place['trial']}.jsonl").write_text("".join(lines))


def _plain(row: rowfile.Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ELSEWHERE}


@lru_cache
def _plan(folder: Path) -> pa.Table:
    return read_plan_table(Store(folder).plan_file)
