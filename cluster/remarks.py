"""What a person should know about a study's jobs, each in a sentence with what to do."""

import textwrap
from collections.abc import Iterator

from cluster.board import Submission
from cluster.jobs import Jobs, clock, head_life, lasting
from cluster.papers import Papers
from cluster.slurm import Task
from study.heartbeat import LOST

SHOWN = 5  # names in one sentence
WORDS = 120  # letters of what Slurm says


def find(papers: Papers, jobs: Jobs, study: str, left: int) -> tuple[str, ...]:
    """Sentences, the most important last. left: trials that have not ended. study: as the user names it."""
    newest = papers.submissions[-1]
    again = f"gan-study {newest.again}"
    return (
        *_no_queue(papers),
        *_silent(papers),
        *_failed(papers, newest),
        *(_no_head(papers, jobs, study, again) if left and not jobs.over and not jobs.ready else ()),
        *(_over(papers, newest, left, again) if left and jobs.over else ()),
    )


def _no_queue(papers: Papers) -> Iterator[str]:
    if papers.queue is None:
        why = f" ({textwrap.shorten(papers.unasked, WORDS, placeholder=' ...')})" if papers.unasked else ""
        yield f"squeue cannot be asked{why}: the jobs are told by their signs of life alone"


def _silent(papers: Papers) -> Iterator[str]:
    """Of workers whose job runs all the same; without squeue, of those that were seen within the last hour."""
    running = None if papers.queue is None else {task.id for task in papers.queue if task.state == "RUNNING"}
    mute = [
        life for life in papers.lives
        if life.role != "head" and life.ended_at is None and life.silent() >= LOST
        and (life.silent() < 3600 if running is None else life.job in running)
    ]  # fmt: skip
    if mute:
        count, whose = (f"{len(mute)} workers are", "their") if len(mute) > 1 else ("1 worker is", "its")
        named = ", ".join(f"{life.host} (job {life.job}) for {lasting(life.silent())}" for life in mute[:SHOWN])
        more = f" and {len(mute) - SHOWN} more" if len(mute) > SHOWN else ""
        yield f"{count} silent, cut off or dead: {named}{more}; {whose} trials go to the others"


def _failed(papers: Papers, newest: Submission) -> Iterator[str]:
    """Of programs that failed by themselves since the newest submission."""
    failed = [life for life in papers.lives if life.ending == "failed" and life.started_at >= newest.submitted_at]
    if failed:
        last = failed[-1]
        log = f"; its log: {papers.folder}/{last.log}" if last.log else ""
        count = f"the programs of {len(failed)} jobs" if len(failed) > 1 else "the program of 1 job"
        yield f"{count} failed, last {last.job} ({last.role}, on {last.host}){log}"


def _no_head(papers: Papers, jobs: Jobs, study: str, again: str) -> Iterator[str]:
    """Why workers find no head, while jobs are there."""
    life, task = head_life(papers), _head_task(papers)
    waiting = _waiting(papers.submissions[-1], jobs.workers_up)
    where = f"job {life.job} on {life.host}" if life else ""
    unended = life is not None and life.ended_at is None
    if jobs.head:
        yield f"the head ({jobs.head}) starts{waiting}"
    elif task is not None and task.state == "PENDING":
        yield f"the head (job {task.id}) waits in the queue: {task.reason or 'Slurm gives no reason'}{waiting}"
    elif life is not None and unended and (task or papers.queue is None):
        yield (
            f"the head ({where}) is silent since {clock(life.seen_at)}, {lasting(life.silent())} ago: its node is cut "
            f"off or dead{waiting}; if it stays so: gan-study cancel {study}; {again}"
        )
    elif task is not None:
        yield f"the head (job {task.id}, {task.state}) has given no sign of life yet{waiting}"
    elif papers.queue is None:
        yield f"no head has given a sign of life{waiting}"
    else:
        ended = f", {life.ending or 'without a word: killed, or its node died'}" if life else ""
        yield f"the head is gone ({where or 'it never started'}{ended}){waiting}: gan-study cancel {study}; {again}"


def _head_task(papers: Papers) -> Task | None:
    heads = {job.id for submission in papers.submissions for job in submission.jobs if job.role != "worker"}
    found = [task for task in papers.queue or () if task.id.partition("_")[0] in heads]
    return max(found, key=lambda task: (task.state != "PENDING", task.id), default=None)


def _waiting(newest: Submission, up: int) -> str:
    if not up:
        return ""
    minutes = newest.profile.get("patience")
    return f"; {up} worker{'s wait' if up > 1 else ' waits'} for it{f', at most {minutes} minutes' if minutes else ''}"


def _over(papers: Papers, newest: Submission, left: int, again: str) -> Iterator[str]:
    """That nobody is at the study any more, though trials are left."""
    trials = f"{left:,} trial{'s are' if left != 1 else ' is'} left"
    again = f"go on: {again}"
    if newest.cancelled_at is not None:
        yield f"submission {newest.number} was cancelled ({clock(newest.cancelled_at)}), and {trials}; {again}"
    elif papers.queue is None:
        yield f"no job has given a sign of life for {LOST:.0f} s, and {trials}; if squeue lists none elsewhere, {again}"
    else:
        yield f"no job of the study is in the queue any more{_last_words(papers)}, and {trials}; {again}"


def _last_words(papers: Papers) -> str:
    life = head_life(papers)
    if life is None:
        return ""
    ending = life.ending or "without a word, killed or its node died"
    return f" (the head went {clock(life.ended_at or life.seen_at)}: {ending})"
