"""Jobs by what the board and Slurm know of them: each counted once, and what is wrong said with what to do."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cluster.board import Life
from cluster.jobs import Jobs, clock, stand
from cluster.papers import Papers
from cluster.remarks import find
from cluster.slurm import Task
from tests.cluster.stage import ago, ended, life, notice, papers, submission, task

ALL = [task("12"), *(task(f"13_{i}") for i in range(4))]
AGAIN = "gan-study submit tiny --cluster lab"


def head(seen: float = 3) -> Life:
    return life("12", "head", seen)


def workers() -> list[Life]:
    return [life("13_0"), life("13_1")]


def jobs(given: Papers) -> Jobs:
    made = stand(given)
    assert made is not None
    return made


def told(given: Papers, left: int = 5) -> list[str]:
    return list(find(given, jobs(given), "tiny", left))


def groups(given: Papers) -> list[tuple[str, str, str, int]]:
    return [(group.role, group.state, group.detail, group.count) for group in jobs(given).groups]


def test_a_study_that_was_never_sent_has_no_jobs() -> None:
    assert stand(papers([], None, submissions=[], head=None)) is None


def test_where_all_is_well_nothing_is_to_be_said() -> None:
    given = papers([head(), *(life(f"13_{i}") for i in range(4))], ALL)
    assert groups(given) == [("head", "RUNNING", "alive", 1), ("worker", "RUNNING", "alive", 4)]
    found = jobs(given)
    assert (found.workers, found.workers_up, found.slots, found.queued) == (4, 4, 32, 5)
    assert (found.head, found.ready, found.over) == ("n2, job 12", True, False)
    assert told(given) == []


def test_every_job_is_counted_once_whoever_knows_of_it() -> None:
    lives = [head(), life("13_0", seen=200), ended("13_1", "preempted", requeued=True), ended("13_2", "idle")]
    queue = [task("12"), task("13_0"), task("13_1", "PENDING", "BeginTime", 1)]
    given = papers(lives, queue)
    assert groups(given) == [
        ("head", "RUNNING", "alive", 1),
        ("worker", "RUNNING", "silent", 1),
        ("worker", "PENDING", "BeginTime, requeued", 1),
        ("worker", "ended", "idle", 1),
        ("worker", "gone", "without having started", 1),
    ]
    assert sum(group.count for group in jobs(given).groups) == 5
    assert told(given) == [
        "1 worker is silent, cut off or dead: n0 (job 13_0) for 3.3 min; its trials go to the others"
    ]


def test_a_job_that_was_killed_is_gone_at_once_though_its_sign_of_life_is_fresh() -> None:
    given = papers([head(), life("13_0")], [task("12")])
    assert ("worker", "gone", "without a word: killed, or its node died", 1) in groups(given)
    assert (jobs(given).workers_up, jobs(given).slots) == (0, 0)
    accounts = [task("13_0", "NODE_FAIL")]
    assert ("worker", "NODE_FAIL", "without a word", 1) in groups(replace(given, accounts=accounts))


def test_a_requeued_job_that_starts_again_is_not_taken_for_its_earlier_life() -> None:
    given = papers([head(), ended("13_0", "preempted", requeued=True)], [task("12"), task("13_0", restarts=1)])
    assert ("worker", "RUNNING", "no sign of life yet", 1) in groups(given)


def test_a_worker_that_ended_and_is_still_listed_is_leaving() -> None:
    given = papers([head(), ended("13_0", "idle")], [task("12"), task("13_0", "COMPLETING")])
    assert ("worker", "COMPLETING", "leaving: idle", 1) in groups(given)


def test_without_squeue_the_signs_of_life_tell() -> None:
    lives = [head(), life("13_0"), life("13_1", seen=120), ended("13_2", "preempted", requeued=True)]
    given = papers(lives, None)
    assert groups(given) == [
        ("head", "alive", "", 1),
        ("worker", "alive", "", 1),
        ("worker", "silent", "", 1),
        ("worker", "unknown", "no sign of life yet", 1),
        ("worker", "ended", "preempted, requeued", 1),
    ]
    assert (jobs(given).queued, jobs(given).workers_up, jobs(given).over) == (None, 1, False)
    first, second = told(given)
    assert first == "squeue cannot be asked (no such command): the jobs are told by their signs of life alone"
    assert second.startswith("1 worker is silent, cut off or dead: n1 (job 13_1) for 2.0 min")


def test_preemptions_and_requeues_are_counted_once() -> None:
    lives = [
        head(),
        ended("13_0", "preempted", requeued=True),
        ended("13_0", "preempted", restart=1, requeued=True),
        life("13_0", restart=2),
        ended("13_1", "time limit", requeued=True),  # squeue does not count it yet
    ]
    queue = [task("12"), task("13_0", restarts=2), task("13_1", "PENDING", "BeginTime"), task("13_2", restarts=3)]
    found = jobs(papers(lives, queue))
    assert (found.preemptions, found.requeues) == (2, 2 + 1 + 3)


def test_the_next_start_is_the_earliest_that_slurm_expects() -> None:
    queue = [
        task("13_0", "PENDING", "Priority", start="2031-05-06T07:08:09"),
        task("13_1", "PENDING", "Priority", start="2031-05-05T07:08:09"),
        task("13_2", "PENDING", "Priority"),
    ]
    assert jobs(papers([], queue, head=None)).expected == "2031-05-05T07:08:09"
    assert clock("2031-05-05T07:08:09") == "05 May 2031"


WAIT = "; 2 workers wait for it, at most 15 minutes"
UP = [task("13_0"), task("13_1")]


@pytest.mark.parametrize(
    ("heads", "queue", "said"),
    [
        (list, [task("12", "PENDING", "Resources"), *UP], f"the head (job 12) waits in the queue: Resources{WAIT}"),
        (list, [task("12"), *UP], f"the head (job 12, RUNNING) has given no sign of life yet{WAIT}"),
        (lambda: [head()], [task("12"), *UP], f"the head (n2, job 12) starts{WAIT}"),
        (lambda: [ended("12", "failed", "head", started_at=ago(5000))], UP,
         f"the head is gone (job 12 on n2, failed){WAIT}: gan-study cancel tiny; {AGAIN}"),
        (list, UP, f"the head is gone (it never started){WAIT}: gan-study cancel tiny; {AGAIN}"),
        (lambda: [head(300)], UP,
         "the head is gone (job 12 on n2, without a word: killed, or its node died)"
         f"{WAIT}: gan-study cancel tiny; {AGAIN}"),
    ],
)  # fmt: skip
def test_workers_without_a_head_are_told_why(heads: Callable[[], list[Life]], queue: list[Task], said: str) -> None:
    assert told(papers([*heads(), *workers()], queue, head=None)) == [said]


@pytest.mark.parametrize("queue", [[task("12"), *UP], None])
def test_a_silent_head_is_told_with_what_to_do(queue: list[Task] | None) -> None:
    said = told(papers([life("12", "head", 300), *workers()], queue, head=notice(300)))[-1]
    assert said.startswith("the head (job 12 on n2) is silent since ")
    assert f", 5.0 min ago: its node is cut off or dead{WAIT}" in said
    assert said.endswith(f"if it stays so: gan-study cancel tiny; {AGAIN}")


def test_jobs_that_all_vanished_while_trials_are_left() -> None:
    given = papers([ended("12", "failed", "head")], [], head=None)
    assert jobs(given).over
    *_, said = told(given)
    assert said.startswith("no job of the study is in the queue any more (the head went ")
    assert said.endswith(f": failed), and 5 trials are left; go on: {AGAIN}")
    assert told(papers([], [], head=None), left=1) == [
        f"no job of the study is in the queue any more, and 1 trial is left; go on: {AGAIN}"
    ]
    assert told(papers([ended("12", "ended", "head")], [], head=None), left=0) == []


def test_what_was_cancelled_is_told_as_such() -> None:
    given = papers([], [], head=None, submissions=[submission(cancelled_at=ago(60))])
    assert groups(given) == [
        ("head", "ended", "cancelled before it started", 1), ("worker", "ended", "cancelled before it started", 4)
    ]  # fmt: skip
    (said,) = told(given)
    assert said.startswith("submission 1 was cancelled (")
    assert said.endswith(f"and 5 trials are left; go on: {AGAIN}")


def test_silence_without_squeue_does_not_pretend_to_know() -> None:
    *_, said = told(papers([life("12", "head", 3000)], None, head=notice(3000)))
    assert said.startswith("no job has given a sign of life for 60 s, and 5 trials are left; ")
    assert said.endswith(f"if squeue lists none elsewhere, go on: {AGAIN}")


def test_a_program_that_failed_names_its_log() -> None:
    lives = [
        head(),
        ended("13_0", "failed"),
        ended("13_1", "failed", started_at=ago(5000)),
    ]  # the second before this sending
    (said,) = told(papers(lives, [task("12")]))
    assert said == "the program of 1 job failed, last 13_0 (worker, on n0); its log: results/tiny/cluster/jobs/13_0.out"
