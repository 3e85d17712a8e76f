"""A study's jobs, as the board and Slurm tell them together; either may know what the other does not."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cluster.board import Life, alive
from cluster.papers import Group, Papers, groups_of
from study.heartbeat import LOST, silent


@dataclass(frozen=True)
class Jobs:
    """How the jobs of a study stand."""

    submission: int  # the newest
    cluster: str  # its profile
    again: str  # the arguments of gan-study that send what is still missing
    cancelled_at: str | None  # that one
    groups: tuple[Group, ...]
    queued: int | None  # jobs that squeue lists; None where it cannot be asked
    expected: str | None  # when Slurm expects the next one to start; ISO, Slurm's local time
    workers: int  # of the newest submission
    workers_up: int
    slots: int  # trials at once, now
    preemptions: int
    requeues: int
    head: str | None  # where it is alive; None where none has been heard of lately
    ready: bool  # workers can find it

    @property
    def over(self) -> bool:
        """Whether nothing runs, and nothing can start any more by itself."""
        return not self.head and not self.workers_up and not self.queued


def stand(papers: Papers) -> Jobs | None:
    """The jobs; None where the study was never sent to a cluster."""
    if not papers.submissions:
        return None
    newest = papers.submissions[-1]
    up = [life for life in _alive(papers) if life.role != "head"]
    pending = [task for task in papers.queue or () if task.state == "PENDING" and task.start]
    return Jobs(
        submission=newest.number,
        cluster=newest.cluster,
        again=newest.again,
        cancelled_at=newest.cancelled_at,
        groups=groups_of(papers),
        queued=None if papers.queue is None else len(papers.queue),
        expected=min((task.start for task in pending if task.start), default=None),
        workers=sum(job.tasks for job in newest.jobs if job.role != "head"),
        workers_up=len({life.job for life in up}),
        slots=sum(life.slots for life in up),
        preemptions=sum(life.ending == "preempted" for life in papers.lives),
        requeues=_requeues(papers),
        head=_head(papers),
        ready=_ready(papers),
    )


def head_life(papers: Papers) -> Life | None:
    """The newest life of a head."""
    return max((life for life in papers.lives if life.role == "head"), key=lambda life: life.started_at, default=None)


def lasting(seconds: float) -> str:
    """3 s, 4.5 min or 6.7 h."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def clock(moment: str) -> str:
    """An ISO time as this machine's clock shows it, with the day where that is not today."""
    local = datetime.fromisoformat(moment).astimezone()
    today = datetime.now()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local:%a %d %b %H:%M}" if local.year == today.year else f"{local:%d %b %Y}"


def _head(papers: Papers) -> str | None:
    return next((f"{life.host}, job {life.job}" for life in _alive(papers) if life.role == "head"), None)


def _ready(papers: Papers) -> bool:
    """Whether a head that is alive has told its address, and still does."""
    names = {life.name for life in _alive(papers)}
    return papers.head is not None and papers.head.life in names and silent(papers.head.seen_at) < LOST


def _alive(papers: Papers) -> Iterator[Life]:
    """Those of whom there are signs of life, but for jobs of Slurm's that it no longer lists."""
    ours = {job.id for submission in papers.submissions for job in submission.jobs}
    listed = None if papers.queue is None else {task.id for task in papers.queue if task.state != "PENDING"}
    for life in alive(papers.lives):
        if listed is None or life.job in listed or life.job.partition("_")[0] not in ours:
            yield life


def _requeues(papers: Papers) -> int:
    """By Slurm's counts and by the lives' own, of which either may come later than the other."""
    most: dict[str, int] = {task.id: task.restarts for task in papers.queue or ()}
    asked = Counter({(life.role, life.job): 0 for life in papers.lives})
    for life in papers.lives:
        asked[life.role, life.job] += life.requeued
        most[life.job] = max(most.get(life.job, 0), life.restart, asked[life.role, life.job])
    return sum(most.values())
