"""Processes that write, compact and read one study until they are killed; what goes wrong in one becomes a file.

Run as a program it is the parent of them all: it has imported what they need, and forks one for each line that it is
told: function, name and seed. It says the child's process id.
"""

import os
import random
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

from study import durable
from study.attempt import ended
from study.results import schema
from study.results.compact import compact
from study.results.query import connect
from study.results.rowfile import Row
from study.results.store import Store, read_plan
from study.whereabouts import last_attempt

STEPS = (10, 20, 30)
KEPT = [name for name in schema.PLAN_COLUMNS if name in schema.COLUMNS]  # of a plan's line in a row
Confirmed = tuple[str, int, int, str]  # trial, attempt, step, status


def writer(folder: Path, log: Path, random_: random.Random) -> None:
    """Makes attempts at trials that have not ended, and says in the log what has been written for certain."""
    store = Store(folder)
    planned = read_plan(store.plan_file)
    while True:
        attempt(store, random_.choice(planned), log, random_)


def attempt(store: Store, planned: Row, log: Path, random_: random.Random) -> None:
    """As study.attempt does it, but for the training."""
    trial = planned["trial"]
    if durable.locked(store.trial_lock(trial)):
        return
    with durable.lock(store.trial_lock(trial), wait=False) as held:
        rows = store.read(trial)
        if not held or ended(rows):
            return
        store.remove_aside(trial)
        number = max([last_attempt(store, trial), *(row["attempt"] for row in rows)]) + 1
        durable.write_json(store.marker_file(trial, number), {"attempt": number})
        measured = len({row["step"] for row in rows if row["status"] == "ok"})
        mine = []
        for step in STEPS[max(0, measured - random_.randrange(2)) :]:
            time.sleep(random_.uniform(0, 0.4))
            (status,) = random_.choices(["ok", "failed", "diverged", "left"], [80, 8, 4, 8])
            if status == "left":
                return
            values = {"attempt": number, "step": step, "status": status, "fd_cnn28_selection": random_.random()}
            mine.append({**{name: planned[name] for name in KEPT}, **values, "fingerprint": "{}"})
            store.write(trial, number, mine)
            _note(log, trial, number, step, status)
            if status != "ok":
                return


def compactor(folder: Path, log: Path, random_: random.Random) -> None:
    """Compacts again and again."""
    while True:
        report = compact(Store(folder))
        assert not report.left_out, report.left_out
        _note(log, report.attempts)


def reader(folder: Path, log: Path, random_: random.Random) -> None:
    """Looks again and again whether all that was confirmed is there, and nothing twice."""
    store = Store(folder)
    while True:
        known = confirmed(log.parent)
        check(store, known)
        for trial, *_ in random_.sample(sorted(known), min(len(known), 3)):
            found = [(row["trial"], row["attempt"], row["step"], row["status"]) for row in store.read(trial)]
            assert len(found) == len(set(found)), f"Store.read: rows are there twice: {found}"
            lost = {row for row in known if row[0] == trial} - set(found)
            assert not lost, f"Store.read: lost {lost}"
        _note(log, len(known))
        time.sleep(random_.uniform(0, 0.3))


def check(store: Store, known: set[Confirmed]) -> int:
    """How many rows there are. Raises AssertionError where one of those known is lost, or any is there twice."""
    with connect(store.folder) as database:
        found = database.execute("SELECT trial, attempt, step, status FROM attempts").fetchall()
        counted = database.execute("SELECT trial, step FROM evaluations WHERE status <> 'failed'").fetchall()
    assert len(found) == len(set(found)), "rows are there twice"
    assert not known - set(found), f"lost: {known - set(found)}"
    assert len(counted) == len(set(counted)), "evaluations are there twice"
    assert {(trial, step) for trial, _, step, status in known if status == "ok"} <= set(counted)
    return len(found)


def confirmed(folder: Path) -> set[Confirmed]:
    """What the writers' logs say."""
    lines = [line.split() for log in sorted(folder.glob("writer-*.log")) for line in log.read_text().splitlines()]
    return {(trial, int(number), int(step), status) for trial, number, step, status in lines}


def _note(log: Path, *words: object) -> None:
    """One call of the system: a line is there whole, or not at all."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, (" ".join(map(str, words)) + "\n").encode())
    os.close(handle)


def _live(function: Callable[[Path, Path, random.Random], None], folder: Path, log: Path, seed: int) -> None:
    """Until it is killed; whatever is raised, a warning too, is left beside the log."""
    os.nice(5)  # who kills and starts comes first
    warnings.simplefilter("error")
    try:
        function(folder, log, random.Random(seed))
    except BaseException:
        log.with_suffix(".error").write_text(traceback.format_exc())


def main(folder: Path, logs: Path) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children that ended are gone at once
    for line in sys.stdin:
        function, name, seed = line.split()
        child = os.fork()
        if child == 0:
            _live(globals()[function], folder, logs / f"{name}.log", int(seed))
            os._exit(1)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
    os.killpg(0, signal.SIGKILL)  # who told it what to do has gone


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
