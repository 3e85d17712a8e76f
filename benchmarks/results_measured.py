"""One piece of the benchmark of the results table, in a process of its own, so that its peak memory is its own.

python -m benchmarks.results_measured PIECE [ARGUMENT ...] prints what it measured as one line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

Measured = dict[str, Any]
MINE = Path("/proc/self/status")


def compacting(folder: str) -> Measured:
    from study.results import Store
    from study.results.compact import compact

    start = time.perf_counter()
    report = compact(Store(Path(folder)))
    return {"seconds": time.perf_counter() - start, "rows": report.rows, "files": report.files, "bytes": report.bytes}


def asking(folder: str, name: str) -> Measured:
    """One of the ten questions, as gan-study query asks it."""
    from study.results.ask import ask
    from study.results.questions import QUESTIONS

    (sql,) = [question.sql for question in QUESTIONS if question.name == name]
    start = time.perf_counter()
    answer = ask(Path(folder), sql)
    return {"seconds": time.perf_counter() - start, **_told(answer.to_pandas())}


def peers(where: str, form: str) -> Measured:
    """All questions. The files are read once, and every question is charged with it: a script asks one question."""
    from benchmarks.results_peers import Frames, read
    from study.results.questions import QUESTIONS

    start = time.perf_counter()
    rows = read(Path(where), form)
    reading = time.perf_counter() - start
    found = {}
    for question in QUESTIONS:
        start = time.perf_counter()
        answer = question.frame(Frames(rows))
        found[question.name] = {"seconds": reading + time.perf_counter() - start, **_told(answer)}
    return {"reading": reading, "questions": found}


def writing(folder: str, trials: str) -> Measured:
    """Evaluation by evaluation, as trials write, each with fsync: every time all rows of the attempt so far."""
    from benchmarks.results_rows import attempts
    from study.results import Store
    from study.results.store import read_plan

    store, seconds = Store(Path(folder)), []
    for place in read_plan(store.plan_file)[: int(trials)]:
        rows = attempts(place)[0]
        for count in range(1, len(rows) + 1):
            start = time.perf_counter()
            store.write(place["trial"], 1, rows[:count])
            seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


def missing(folder: str) -> Measured:
    """What gan-study run does before it starts anything: makes the plan, writes it, and finds what is missing."""
    from study import spec
    from study.commands.driver import write_plan
    from study.commands.standing import standing, wanted
    from study.results import Store

    store = Store(Path(folder))
    start = time.perf_counter()
    study = spec.load(str(store.study_file))
    plan = write_plan(study, store, {})
    planned = time.perf_counter()
    stand = standing(store)
    lacking = [each for each in plan if wanted(stand[each.trial.id], ("waiting", "started"), {}, study)]
    end = time.perf_counter()
    return {"planning": planned - start, "standing": end - planned, "planned": len(plan), "missing": len(lacking)}


def _told(answer: pd.DataFrame) -> Measured:
    """So much of an answer as shows whether another is the same."""
    return {"rows": len(answer), "sum": float(answer.select_dtypes("number").sum().sum())}


def _peak() -> int:
    """Bytes. The kernel's high-water mark of this program; ru_maxrss counts what its parent had when it was forked."""
    line = next(line for line in MINE.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


PIECES: dict[str, Callable[..., Measured]] = {
    piece.__name__: piece for piece in (compacting, asking, peers, writing, missing)
}


if __name__ == "__main__":
    found = PIECES[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({**found, "peak": _peak()}))
