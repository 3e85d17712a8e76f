"""status and cancel ask the Slurm that is there; the jobs only sleep."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.board import Board, Job
from study import spec
from study.plan import build
from study.results.store import Store
from tests.cluster.stage import life, notice, submission
from tests.commands.command import COMMAND, ROOT
from tests.conftest import tiny_study
from tests.slurm.conftest import Slurm, eventually

pytestmark = pytest.mark.slurm


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """A planned study's."""
    store = Store(tmp_path / "results" / "tiny")
    study = tiny_study()
    store.write_plan([planned.row(i) for i, planned in enumerate(build(study, {}))], spec.dump(study))
    return Board(store)


def send(slurm: Slurm, board: Board, line: str = "sleep 600", tasks: int = 8) -> tuple[str, str]:
    """A head and an array of workers, two on a host at a time; the ids of both."""
    head = slurm.sbatch("--partition=gpu", "--wrap", line)
    workers = slurm.sbatch("--partition=preemptible", f"--array=0-{tasks - 1}", "--wrap", line)
    jobs = (Job("head", head, 1, "a.sh"), Job("worker", workers, tasks, "b.sh"))
    board.write_submission(submission(jobs=jobs))
    board.write_life(life(head, "head"))
    board.write_head(replace(notice(), life=f"head.{head}.0"))
    board.write_life(life(f"{workers}_0"))
    return head, workers


def gan_study(slurm: Slurm, board: Board, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **slurm.environment(), "PYTHONPATH": str(ROOT)}
    folder = board.store.folder.parents[1]
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def facts(slurm: Slurm, board: Board) -> dict[str, Any]:
    done = gan_study(slurm, board, "status", "tiny", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def groups(found: dict[str, Any]) -> set[tuple[str, str, int]]:
    return {(group["role"], group["state"], group["count"]) for group in found["jobs"]["groups"]}


def test_cancel_ends_every_job_of_the_study_and_no_other(slurm: Slurm, board: Board) -> None:
    head, workers = send(slurm, board)
    stranger = slurm.sbatch("--partition=gpu", "--begin=now+1hour", "--wrap", "true")
    running = {head, *(f"{workers}_{i}" for i in range(5))}
    eventually(lambda: {job.id for job in slurm.squeue() if job.state == "RUNNING"} == running, "six jobs run")
    before = facts(slurm, board)
    workers_stand = {("worker", "RUNNING", 1), ("worker", "RUNNING", 4), ("worker", "PENDING", 3)}
    assert groups(before) == {("head", "RUNNING", 1)} | workers_stand
    assert (before["jobs"]["queued"], before["jobs"]["workers_up"], before["over"]) == (9, 1, False)

    done = gan_study(slurm, board, "cancel", "tiny")
    assert done.returncode == 0, done.stderr
    assert "9 jobs (6 RUNNING, 3 PENDING) asked to leave; waiting for that, 120 s at most" in done.stdout
    assert "cancelled: 0 of 4 trials have ended, nothing finished is lost; " in done.stdout
    assert "go on with: gan-study submit tiny --cluster lab" in done.stdout
    assert [job.id for job in slurm.squeue()] == [stranger]
    newest = board.newest()
    assert newest is not None
    assert newest.cancelled_at is not None
    assert board.head() is None
    after = facts(slurm, board)
    assert (after["over"], after["driver"], after["jobs"]["workers_up"]) == (True, False, 0)
    assert "submission 1 was cancelled" in after["remarks"][-1]
    assert "no job of tiny is in the queue" in gan_study(slurm, board, "cancel", "tiny").stdout


def test_jobs_that_take_their_time_are_named_and_go_later(slurm: Slurm, board: Board) -> None:
    send(slurm, board, "trap '' TERM; while true; do sleep 1; done", tasks=1)
    eventually(lambda: all(job.state == "RUNNING" for job in slurm.squeue()), "both jobs run")
    first = gan_study(slurm, board, "cancel", "tiny", "--wait", "1")
    assert first.returncode == 1, first.stdout + first.stderr
    assert "2 jobs (2 COMPLETING) still there after 1 s; follow: gan-study status tiny" in first.stdout
    again = gan_study(slurm, board, "cancel", "tiny")
    assert again.returncode == 0, again.stdout + again.stderr
    assert slurm.squeue() == []
