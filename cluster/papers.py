"""What was read of a study's jobs, and its jobs sorted into groups that stand alike."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cluster.board import Head, Life, Submission
from cluster.slurm import Task
from study.heartbeat import LOST

STATES = ("RUNNING", "COMPLETING", "PENDING", "alive", "silent", "unknown")  # in this order on the page, others later


@dataclass(frozen=True)
class Papers:
    """What was read of a study's jobs, all at one moment."""

    folder: str  # of the study
    submissions: Sequence[Submission]
    lives: Sequence[Life]
    head: Head | None
    queue: Sequence[Task] | None  # None where squeue cannot be asked
    unasked: str | None  # why it could not be
    accounts: Sequence[Task] | None  # None where there is no sacct


@dataclass(frozen=True)
class Group:
    """Jobs of one role that stand alike."""

    role: str
    state: str  # Slurm's word in capitals; alive, silent, gone, ended where its queue does not list the job
    detail: str
    count: int


def groups_of(papers: Papers) -> tuple[Group, ...]:
    """Every task of every job once: those in the queue or with a life by their ids, the others by their number."""
    roles = {job.id: job.role for submission in papers.submissions for job in submission.jobs}
    lives = _newest(papers.lives)
    tasks = {task.id: task for task in papers.queue or ()}
    accounts = {task.id: task for task in papers.accounts or ()}
    count: Counter[tuple[str, str, str]] = Counter()
    met: Counter[str] = Counter()
    for name in tasks.keys() | lives.keys():
        base, life = name.partition("_")[0], lives.get(name)
        role = roles.get(base) or (life.role if life else "worker")
        if name in tasks:
            count[role, *_listed(tasks[name], life)] += 1
        elif life is not None:
            count[role, *_unlisted(life, accounts.get(name), papers.queue is not None)] += 1
        met[base] += 1
    for submission in papers.submissions:
        for job in submission.jobs:
            count[job.role, *_unmet(submission, papers.queue is not None)] += max(0, job.tasks - met[job.id])
    return tuple(sorted((Group(*key, number) for key, number in count.items() if number), key=_place))


def _listed(task: Task, life: Life | None) -> tuple[str, str]:
    """State and detail of a job that squeue lists; its life may be of an earlier start."""
    if task.state == "PENDING":
        return task.state, task.reason + ", requeued" * bool(task.restarts or life)
    if life is None or life.restart < task.restarts:
        return task.state, "no sign of life yet"
    if life.ended_at is not None:
        return task.state, f"leaving: {life.ending}"
    return task.state, "silent" if life.silent() >= LOST else "alive"


def _unlisted(life: Life, account: Task | None, asked: bool) -> tuple[str, str]:
    """State and detail of a job that has lived and that squeue does not list, or could not be asked about."""
    if life.ended_at is not None:
        return "ended", life.ending or "" if asked or not life.requeued else f"{life.ending}, requeued"
    if account is not None:
        return account.state, "without a word"
    if asked:
        return "gone", "without a word: killed, or its node died"
    return ("silent" if life.silent() >= LOST else "alive"), ""


def _unmet(submission: Submission, asked: bool) -> tuple[str, str]:
    """State and detail of a job that has neither lived nor is in the queue."""
    if submission.cancelled_at is not None:
        return "ended", "cancelled before it started"
    return ("gone", "without having started") if asked else ("unknown", "no sign of life yet")


def _newest(lives: Iterable[Life]) -> dict[str, Life]:
    """The last life of every job; of a head and a worker in one job the one that is still seen."""
    rising = sorted(lives, key=lambda life: (life.restart, life.ended_at is None, life.seen_at))
    return {life.job: life for life in rising}


def _place(group: Group) -> tuple[str, int, str]:
    return group.role, STATES.index(group.state) if group.state in STATES else len(STATES), group.detail
