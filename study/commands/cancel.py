"""gan-study cancel"""

import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from cluster import slurm
from cluster.board import Board
from cluster.slurm import Task
from study.commands.common import RESULTS, Results, StudyName, console
from study.commands.survey import Survey, job_ids
from study.durable import locked
from study.errors import StudyError
from study.results.store import Store

POLL_SECONDS = 2.0
STILL_THERE = 1  # exit code


def command(
    study: StudyName,
    wait: Annotated[int, typer.Option(min=0, help="Seconds for jobs to save checkpoints and to leave.")] = 120,
    results: Results = RESULTS,
) -> None:
    """Cancel a study's jobs. What has finished stays; what ran goes on from its checkpoint when sent again.

    Exits with 1 where jobs are still leaving when the wait is over. Example: gan-study cancel demo
    """
    survey = Survey(study, results)
    board = Board(survey.store)
    newest = board.newest()
    ids = job_ids(board.all_submissions())
    tasks = _queued(ids) if newest else []
    if newest is None or not tasks:
        console.print(_nothing(study, survey.store))
        return
    board.cancel(newest.number)  # first: heads and workers then know that it was meant
    slurm.cancel(dict.fromkeys(map(_array, tasks)))
    left = _wait(ids, tasks, wait)
    if left:
        console.print(f"{_counted(left)} still there after {wait} s; follow: gan-study status {study}")
        raise typer.Exit(STILL_THERE)
    board.remove_head()
    counts = survey.look().counts
    ended = counts["done"] + counts["diverged"] + counts["failed"]
    console.print(
        f"cancelled: {ended:,} of {sum(counts.values()):,} trials have ended, nothing finished is lost; "
        f"go on with: gan-study {newest.again}"
    )


def _queued(ids: list[str]) -> list[Task]:
    """The study's jobs in the queue. Raises StudyError where nobody can say."""
    tasks = slurm.queued(ids) if slurm.available() else None
    if tasks is None:
        raise StudyError(
            "squeue cannot be asked here, so nothing was cancelled; call gan-study cancel where Slurm's commands are, "
            f"or there: scancel {' '.join(ids)}"
        )
    return tasks


def _wait(ids: list[str], tasks: list[Task], seconds: int) -> list[Task]:
    """The jobs that are still there when the time is over."""
    console.print(f"{_counted(tasks)} asked to leave; waiting for that, {seconds} s at most")
    deadline = time.monotonic() + seconds
    while (left := _queued(ids)) and time.monotonic() < deadline:
        slurm.cancel(dict.fromkeys(_array(task) for task in left if task.state == "PENDING"))  # requeued just then
        time.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    return left


def _array(task: Task) -> str:
    return task.id.partition("_")[0]


def _counted(tasks: list[Task]) -> str:
    """12 jobs (8 RUNNING, 4 PENDING)"""
    states = ", ".join(f"{count:,} {state}" for state, count in Counter(task.state for task in tasks).most_common())
    return f"{len(tasks):,} job{'s' * (len(tasks) != 1)} ({states})"


def _nothing(study: str, store: Store) -> str:
    """That there is nothing to cancel, and how a run on a person's machine is stopped."""
    if not locked(store.driver_lock):
        return f"nothing to cancel: no job of {study} is in the queue"
    who = _holder(store.driver_lock)
    return f"nothing to cancel: no job is in the queue, but {study} is run {who}; stop it: Ctrl-C in its terminal"


def _holder(lock: Path) -> str:
    """Who holds a lock, by the kernel's list of those of this machine."""
    inode = str(lock.stat().st_ino)
    held = Path("/proc/locks")
    lines = [line.split() for line in held.read_text().splitlines()] if held.exists() else []
    found = [line[4] for line in lines if line[1] == "FLOCK" and line[3] == "WRITE" and line[5].endswith(f":{inode}")]
    return f"by process {found[0]} on this machine" if found else "on another machine"
