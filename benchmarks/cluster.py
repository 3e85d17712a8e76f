"""A study on three hosts of the development Slurm: what waiting, handing out and preemption cost.

Needs root and Slurm's packages, like `make slurm`, beside which it runs.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from benchmarks.timing import print_table
from cluster.board import Board
from cluster.development import hosts, life
from cluster.development.layout import Layout
from study.results import Store, connect
from study.whereabouts import attempts

LAYOUT = Layout("bench", ("b1", "b2", "b3"), "10.79.0.0/24")
WORKERS = {"partition": "preemptible", "time": "60", "cpus": 1, "memory": "1G", "gpus": 1}
HEAD = {"partition": "gpu", "time": "60", "cpus": 1, "memory": "500M"}
SMALL = {"width": 0.125, "measure": {"generated": 200, "real": 200}}
MINUTES = 20


def main() -> None:
    life.up(LAYOUT)
    try:
        with _folder() as folder:
            print_table("64 short trials on two workers", ("what", "measured"), _short(folder))
        with _folder() as folder:
            print_table("a trial whose worker is preempted; another is free", ("what", "measured"), _moved(folder))
    finally:
        life.down(LAYOUT)


def _short(folder: Path) -> list[tuple[str, str]]:
    """Two workers, because this is about two cores: a third would take time from the others."""
    phase = {"name": "wide", "space": "wide", "settings": 32}
    sent, returned = _submit(folder, phase, {"triangles_tiny": {"steps": 150, "evaluations": 1}}, workers=2)
    _wait(lambda: not _call("squeue", "--noheader"), "the end")
    with connect(_store(folder).folder) as database:
        rows = database.execute(
            "SELECT job, min(epoch(started_at)), max(epoch(written_at)), sum(train_seconds + evaluation_seconds), "
            "count(*) FROM evaluations WHERE status = 'ok' GROUP BY job"
        ).fetchall()
    end = max(row[2] for row in rows)
    trials, busy = sum(row[4] for row in rows), sum(row[3] for row in rows)
    return [
        ("trials done, on workers", f"{trials}, on {len(rows)}"),
        ("seconds until submit returned", f"{returned - sent:.1f}"),
        ("seconds from submit to the first trial", f"{min(row[1] for row in rows) - sent:.1f}"),
        ("seconds of a trial, training and measuring", f"{busy / trials:.1f}"),
        ("share of the workers' time in trials, once each was up", f"{busy / sum(end - row[1] for row in rows):.1%}"),
    ]


def _moved(folder: Path) -> list[tuple[str, str]]:
    """Three workers and three trials, of which one is short: its place is free when another's worker is preempted."""
    phase = {"name": "wide", "space": "wide", "settings": 1, "losses": ["ns"]}
    lengths = {"triangles_tiny": {"steps": 150, "evaluations": 1}, "triangles": {"steps": 3000, "evaluations": 1}}
    more = {"name": "more", "space": "wide", "settings": 1, "losses": ["vae"], "datasets": ["triangles"]}
    _submit(folder, phase, lengths, workers=3, more=more)
    store = _store(folder)
    _wait(lambda: list(store.rows.glob("*.parquet")), "the short trial's end")
    (head,) = Board(store).heads()  # whose host nobody can have alone

    def under_way() -> list[dict[str, Any]]:
        return [sign for sign in _running(store) if sign.get("step") and sign["host"] != head.host]

    _wait(under_way, "a trial under way")
    victim = under_way()[0]
    before = time.time()
    where = ["--partition=gpu", "--exclusive", f"--nodelist={victim['host']}", "--chdir=/", "--output=/dev/null"]
    _call("sbatch", *where, "--wrap", "sleep 5")
    log = store.log_file(victim["trial"])
    _wait(lambda: "continuing from step" in log.read_text(), "the trial on another worker")
    left, step = _logged(log, r"left the machine at step (\d+)")
    again, from_step = _logged(log, r"continuing from step (\d+)")
    _call("scancel", "--user=root")
    _wait(lambda: not _call("squeue", "--noheader"), "the end")
    return [
        ("seconds from the preempting job's submission to the checkpoint", f"{left - before:.1f}"),
        ("seconds from the checkpoint to training elsewhere", f"{again - left:.1f}"),
        ("steps trained again", str(step - from_step)),
        ("attempts", str(len(attempts(store, victim["trial"])))),
    ]


def _submit(
    folder: Path, phase: dict[str, Any], datasets: dict[str, Any], workers: int, more: dict[str, Any] | None = None
) -> tuple[float, float]:
    """When the command began and when it returned."""
    study = {"name": "small", "losses": ["ns", "vae"], "datasets": datasets, "phases": [phase, *([more] * bool(more))]}
    (folder / "small.yaml").write_text(yaml.safe_dump({**study, **SMALL}))
    profile = {"workers": {**WORKERS, "number": workers}, "head": HEAD, "device": "cpu", "grace": 15}
    (folder / "here.yaml").write_text(yaml.safe_dump(profile))
    _call(sys.executable, "-m", "study", "prepare", "small.yaml", cwd=folder)
    began = time.time()
    _call(sys.executable, "-m", "study", "submit", "small.yaml", "--cluster", "here.yaml", cwd=folder)
    return began, time.time()


def _store(folder: Path) -> Store:
    return Store(folder / "results" / "small")


def _running(store: Store) -> Iterator[dict[str, Any]]:
    for path in (store.folder / "trials").glob("*/heartbeat.json"):
        yield {**json.loads(path.read_text()), "trial": path.parent.name}


def _logged(log: Path, pattern: str) -> tuple[float, int]:
    """When a trial's log says this, and the step that it names."""
    for line in log.read_text().splitlines():
        if found := re.search(pattern, line):
            return datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").timestamp(), int(found[1])
    raise RuntimeError(f"{log} does not say {pattern}")


def _call(*command: str, cwd: Path | None = None) -> str:
    environment = {**hosts.environment(LAYOUT), "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def _wait(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60 * MINUTES
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {MINUTES} minutes")
        time.sleep(0.2)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that all hosts see: each has a /tmp of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="gan-study-bench-") as made:
        yield Path(made)
