"""What status, why and cancel tell of studies whose files say what real processes would have written."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.board import Board
from study import durable, spec
from study.plan import Planned, build
from study.results.store import Store
from tests.cluster.stage import ago, ended, life, notice, submission
from tests.commands.command import COMMAND, environment, gan_study, on_a_terminal, start
from tests.conftest import tiny_study
from tests.test_selection import row

PATH = os.environ["PATH"]
MANY = tiny_study(phases=[{"name": "wide", "space": "wide", "settings": 20}])
AGAIN = "gan-study submit tiny --cluster lab"


@pytest.fixture(autouse=True)
def _no_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where there is one: the jobs of these boards were never sent, and their numbers may be somebody's."""
    monkeypatch.setenv("PATH", "/nowhere")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Forty trials: two done, one failed."""
    made = Store(tmp_path / "results" / "tiny")
    built = build(MANY, {})
    made.write_plan([planned.row(i) for i, planned in enumerate(built)], spec.dump(MANY))
    for planned in built[:2]:
        made.write(planned.trial.id, 1, [row(planned, 1.0, train_seconds=3.0, evaluation_seconds=1.0)])
    failed = row(built[2], None, status="failed", exception="OSError", message="the disk [of n1] is full")
    made.write(built[2].trial.id, 1, [failed])
    return made


@pytest.fixture
def driver(store: Store) -> Iterator[Store]:
    with durable.lock(store.driver_lock, wait=True):
        yield store


def planned(number: int) -> Planned:
    return build(MANY, {})[number]


def begin(store: Store, number: int, seen: float = 3, number_of_attempt: int = 1, **told: Any) -> str:
    """Leaves what a process leaves that is at a trial on another machine. seen: seconds ago."""
    trial = planned(number).trial.id
    folder = store.trial_folder(trial)
    marker = {
        "attempt": number_of_attempt, "host": "gpu7.cluster.example.org", "pid": 4321, "job": "13_0",
        "started_at": ago(seen + 7200),
    }  # fmt: skip
    durable.write_json(folder / f"attempt-{number_of_attempt}.json", marker)
    durable.write_json(folder / "heartbeat.json", {**marker, **told, "seen_at": ago(seen)})
    return trial


def send(store: Store, *lives: Any, head: float | None = 3, **changed: Any) -> Board:
    """As if it had been submitted. head: seconds since its last notice."""
    board = Board(store)
    board.write_submission(submission(**changed))
    board.study_file(1).write_text(spec.dump(MANY))
    for each in lives:
        board.write_life(each)
    if head is not None:
        board.write_head(notice(head))
    return board


def status(store: Store, *options: str) -> str:
    done = gan_study("status", "tiny", *options, cwd=store.folder.parents[1])
    assert done.returncode == 0, done.stderr
    return done.stdout


def facts(store: Store) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(status(store, "--json"))
    return found


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_study_at_rest(store: Store) -> None:
    said = words(status(store))
    assert "tiny: 40 trials" in said
    assert "loss data set done running diverged failed lost started waiting" in said
    assert "ns triangles_tiny 1 0 0 1 0 0 18" in said
    assert "all 2 0 0 1 0 0 37" in said
    assert "FAILED 1 x OSError: the disk [of n1] is full; look: gan-study why tiny " in said
    assert "when it will be done is unknown until it goes on" in said
    assert said.endswith("no driver is at work; go on: gan-study run tiny; failures again: gan-study retry tiny")
    assert "jobs" not in said


def test_running_and_lost_trials_are_told_with_place_and_pace(store: Store) -> None:
    begin(store, 5, step=12, steps=30, images_per_second=1234.5)
    begin(store, 6, 7200, step=7, steps=30)
    begin(store, 0)  # it is done, whatever lies in its folder
    said = words(status(store))
    assert "all 2 1 0 1 1 0 35" in said
    running, lost = (said.partition(title)[2] for title in ("running now", "lost: their processes"))
    assert (
        "search sample step of images/s host job for wide/vae/triangles_tiny 2 12 30 1,234 gpu7 13_0 2.0 h" in running
    )
    assert "wide/ns/triangles_tiny 3 7 30 gpu7 13_0 2.0 h" in lost


def test_long_lists_are_folded(store: Store) -> None:
    for number in range(3, 28):
        begin(store, number)
    folded, whole = status(store), status(store, "--all")
    assert (folded.count("gpu7"), whole.count("gpu7")) == (20, 25)
    assert "and 5 more; --all shows them" in folded
    assert "--all" not in whole


def test_json_holds_what_the_page_tells(store: Store) -> None:
    trial = begin(store, 5, step=12, steps=30, images_per_second=1234.5)
    send(store, life("12", "head"), life("13_0"), ended("13_1", "preempted", requeued=True))
    found = facts(store)
    assert sum(found["counts"].values()) == found["trials"] == 40
    (where,) = found["running"]
    assert (where["trial"], where["host"], where["step"]) == (trial, "gpu7.cluster.example.org", 12)
    assert (found["jobs"]["workers_up"], found["jobs"]["slots"], found["jobs"]["preemptions"]) == (1, 8, 1)
    assert found["forecast"]["unit"] == "GPU-hours"
    assert (found["driver"], found["over"], found["left"]) == (True, False, 37)


def test_where_there_is_no_slurm_the_board_tells(store: Store) -> None:
    send(store, life("12", "head"), life("13_0"), life("13_1", seen=200))
    said = words(status(store))
    assert "jobs, to submission 1" in said
    assert "1 of 4 workers are up: 8 trials at once; 0 preemptions; 0 requeues" in said
    assert "squeue cannot be asked (" in said
    assert "1 worker is silent, cut off or dead: n1 (job 13_1) for " in said
    assert "with 8 trials at once" in said
    assert (
        "a driver is at work on n2, job 12; failures again, once this has ended: gan-study retry tiny --cluster lab"
        in said
    )
    assert "gan-study run" not in said


def test_before_the_head_has_written_a_plan_the_study_is_told_as_it_was_sent(tmp_path: Path) -> None:
    store = Store(tmp_path / "results" / "tiny")
    send(store, head=None)
    found = facts(store)
    assert found["counts"] == {**dict.fromkeys(found["counts"], 0), "waiting": 40}
    assert not store.plan_file.exists()


def test_what_has_ended_without_a_head_says_how_to_go_on(store: Store) -> None:
    send(store, ended("12", "failed", "head"), head=None)
    said = status(store)
    assert f"37 trials are left; if squeue lists none elsewhere, go on: {AGAIN}" in said
    assert "no driver is at work; failures again: gan-study retry tiny --cluster lab" in said


def test_watch_ends_by_itself_when_nobody_is_at_work(store: Store) -> None:
    begin(store, 5, seen=48)
    began = time.monotonic()
    said = status(store, "--watch")
    assert 3 < time.monotonic() - began < 60
    pages = said.split("\n--- ")
    assert len(pages) >= 2
    assert all("tiny: 40 trials" in page for page in pages)
    assert "running now" in pages[0]
    assert "lost: their processes fell silent" in pages[-1]
    lines = status(store, "--watch", "--json").splitlines()
    assert [json.loads(line)["counts"]["lost"] for line in lines] == [1]


def test_watch_leaves_the_last_page_on_a_terminal(store: Store) -> None:
    said = on_a_terminal("status", "tiny", "--watch", cwd=store.folder.parents[1])
    assert "no driver is at work; go on: gan-study run tiny" in said


def test_ctrl_c_leaves_watch_in_peace(driver: Store) -> None:
    watch = start("status", "tiny", "--watch", cwd=driver.folder.parents[1])
    assert watch.stdout is not None
    while "a driver is at work" not in watch.stdout.readline():
        assert watch.poll() is None
    watch.send_signal(signal.SIGINT)
    said, _ = watch.communicate(timeout=30)
    assert (watch.returncode, said) == (0, "")


def why(store: Store, trial: str) -> str:
    done = gan_study("why", "tiny", trial[:10], cwd=store.folder.parents[1])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_why_tells_every_attempt_and_where_the_trial_is_now(store: Store) -> None:
    trial = begin(store, 5, 600)
    path = store.trial_folder(trial) / "attempt-1.json"
    durable.write_json(path, {**json.loads(path.read_text()), "left": "its machine is to be left"})
    begin(store, 5, 400, 2)
    begin(store, 5, 3, 3, step=12, steps=30, images_per_second=1234.5)
    store.log_file(trial).write_text("attempt 3\n")
    said = why(store, trial)
    first, *_ = said.splitlines()
    assert first == (
        f"trial {trial}: running on gpu7.cluster.example.org (process 4321, job 13_0) for 2.0 h, at step 12 of 30, "
        "1,234 images/s"
    )
    lines = [line.split() for line in said.partition("\nattempts\n")[2].splitlines()[1:4]]
    assert [line[:4] for line in lines] == [[str(i), "gpu7.cluster.example.org", "4321", "13_0"] for i in (1, 2, 3)]
    assert [" ".join(line[5:]) for line in lines] == [
        "left: its machine is to be left", "its process was killed, or stopped", "-"
    ]  # fmt: skip
    assert (
        f"log of all its attempts, wherever they ran (results/tiny/trials/{trial}/log.txt, the last 1 of 1 lines)"
        in said
    )


def test_why_shows_the_last_words_of_the_job_that_a_trial_died_with(store: Store) -> None:
    trial = begin(store, 5, 7200, step=7, steps=30)
    early = life("13_0", started_at=ago(19000), log="cluster/jobs/early.out")
    send(store, early, life("13_0", restart=1, started_at=ago(15000)), life("13_1", log="cluster/jobs/other.out"))
    log = store.folder / "cluster" / "jobs" / "13_0.out"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {i}\n" for i in range(50)) + "slurmstepd: error: Detected 1 oom-kill event\n")
    said = why(store, trial)
    assert said.startswith(
        f"trial {trial}: lost: silent for 2.0 h on gpu7.cluster.example.org (process 4321, job 13_0)"
    )
    assert "log of the job of attempt 1: results/tiny/cluster/jobs/13_0.out\n" in said
    assert "the last 40 of 51 lines" in said
    assert "oom-kill" in said
    assert "line 10\n" not in said


def test_why_of_a_failure_and_of_a_trial_that_waits(store: Store) -> None:
    failed, waiting = planned(2).trial.id, planned(9).trial.id
    assert why(store, failed).startswith(f"trial {failed}: failed\n")
    said = why(store, waiting)
    assert said.startswith(f"trial {waiting}: waiting\n")
    assert "\nattempts\n" not in said


def cancel(store: Store, *options: str, **changed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "cancel", "tiny", *options], cwd=store.folder.parents[1], env={**environment(), **changed},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_nothing_to_cancel_is_no_error(store: Store) -> None:
    done = cancel(store)
    assert (done.returncode, done.stdout) == (0, "nothing to cancel: no job of tiny is in the queue\n")


def test_a_run_on_this_machine_is_left_alone_and_named(driver: Store) -> None:
    done = cancel(driver)
    assert done.returncode == 0
    assert f"by process {os.getpid()} on this machine; stop it: Ctrl-C in its terminal" in done.stdout


@pytest.mark.parametrize("installed", [False, True])
def test_without_squeue_nothing_is_cancelled(store: Store, installed: bool, tmp_path: Path) -> None:
    """Without Slurm's commands, and with them but without a controller that answers."""
    conf = tmp_path / "slurm.conf"
    conf.write_text("ClusterName=none\nSlurmctldHost=localhost(127.0.0.1)\nSlurmctldPort=9\n")
    board = send(store)
    done = cancel(store, **({"PATH": PATH, "SLURM_CONF": str(conf)} if installed else {}))
    assert done.returncode == 2
    assert "nothing was cancelled" in done.stderr
    assert "scancel 12 13" in done.stderr
    newest = board.newest()
    assert newest is not None
    assert newest.cancelled_at is None
