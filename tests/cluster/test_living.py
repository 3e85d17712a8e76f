"""A job's life on the board, the signals that it hears, and those that its children do not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster import living as module
from cluster.board import Board, Life
from cluster.living import ASKED_TO_LEAVE, EARLY, Signals, again, asked_for, limit, living, shielded
from cluster.site import Site
from study.parts import Resources
from study.results.store import Store
from tests.cluster.stage import life, submission
from tests.cluster.test_site import profile
from tests.commands.command import environment
from tests.test_heartbeat import eventually

ENDLESS = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
"""


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(Store(tmp_path / "tiny"))


@pytest.fixture
def site(board: Board, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Outside of Slurm."""
    for name in [name for name in os.environ if name.startswith("SLURM_") and name != "SLURM_CONF"]:
        monkeypatch.delenv(name)
    board.write_submission(submission())
    return Site(board, board.submission(1), profile(), Resources())


@pytest.fixture
def handlers() -> Iterator[None]:
    """What this process does with these signals stays as it was."""
    before = {each: signal.getsignal(each) for each in ASKED_TO_LEAVE}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


def read(board: Board, one: Life) -> Life:
    found = board.life(one.name)
    assert found is not None
    return found


def test_a_life_is_seen_until_it_ends(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.01)
    one = life("13_0", seen=1000)
    with living(board, one) as alive:
        assert read(board, one).ended_at is None
        eventually(lambda: read(board, one).silent() < 100)
        seen = read(board, one).seen_at
        eventually(lambda: read(board, one).seen_at > seen)
        alive.end("preempted", requeued=True)
    found = read(board, one)
    assert (found.ending, found.requeued) == ("preempted", True)
    assert found == alive.life
    assert found.ended_at is not None
    time.sleep(0.1)
    assert read(board, one) == found  # nothing beats any more
    alive.end("ended")  # Slurm refused to requeue it
    assert (read(board, one).ending, read(board, one).requeued) == ("ended", False)


def test_who_ends_without_a_word_has_failed(board: Board) -> None:
    one = life("13_0")
    with pytest.raises(KeyError), living(board, one):
        raise KeyError
    assert read(board, one).ending == "failed"
    assert not read(board, one).requeued


@pytest.mark.parametrize("number", ASKED_TO_LEAVE)
@pytest.mark.usefixtures("handlers")
def test_every_wish_that_it_leaves_is_heard(number: signal.Signals) -> None:
    signals = Signals()
    assert signals.asked is None
    os.kill(os.getpid(), number)
    assert signals.asked is number


@pytest.mark.usefixtures("handlers")
def test_only_the_first_signal_interrupts_and_only_where_that_is_wanted() -> None:
    signals = Signals()
    signals.interrupt()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGUSR2)
    os.kill(os.getpid(), signal.SIGTERM)
    assert signals.asked is signal.SIGTERM


@pytest.mark.usefixtures("handlers")
def test_others_may_take_the_signals_and_it_listens_again() -> None:
    signals = Signals()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signals.interrupt()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert signals.asked is signal.SIGTERM


def start(command: list[str]) -> tuple[subprocess.Popen[str], str]:
    """A process and its first line."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child, child.stdout.readline().strip()


def test_shielded_children_and_theirs_never_hear_that_the_job_is_to_leave() -> None:
    with shielded():
        child, grandchild = start([sys.executable, "-c", PARENT])
    unshielded, _ = start(ENDLESS)
    try:
        for pid in (child.pid, int(grandchild), unshielded.pid):
            for number in ASKED_TO_LEAVE:
                os.kill(pid, number)
        assert unshielded.wait(30) < 0
        assert child.poll() is None
        for pid in (child.pid, int(grandchild)):
            status = Path(f"/proc/{pid}/status").read_text()
            state, pending = (status.split(f"{name}:")[1].split()[0] for name in ("State", "ShdPnd"))
            assert state in "RS"
            assert int(pending, 16) == sum(1 << (number - 1) for number in ASKED_TO_LEAVE)
    finally:
        for each in (child, unshielded):
            each.communicate()
    assert child.returncode == 0  # it ended by itself, when its input did


@pytest.mark.usefixtures("handlers")
def test_what_is_asked_meanwhile_is_heard_after_the_shield() -> None:
    """At once where another thread hears it."""
    signals = Signals()
    with shielded():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signals.asked is signal.SIGTERM


@pytest.mark.usefixtures("handlers")
def test_why_a_job_is_asked_to_leave(site: Site, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signals = Signals()
    assert asked_for(site, signals) is None
    assert asked_for(site, signals, time.time() + EARLY + 60) is None
    assert asked_for(site, signals, time.time() + EARLY - 1) is None
    assert asked_for(site, signals, time.time() - 1) == "time limit"  # unasked, too
    os.kill(os.getpid(), signal.SIGTERM)
    assert asked_for(site, signals) == "cancelled"  # a person's, where there is no Slurm
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    command(tmp_path, "scontrol", "echo JobId=12 JobState=RUNNING Reason=None", monkeypatch)
    assert asked_for(site, signals, time.time() + EARLY - 1) == "time limit"  # Slurm warns early
    assert asked_for(site, signals, time.time() + EARLY + 60) == "preempted"
    for state, word in (("RUNNING", "preempted"), ("COMPLETING", "cancelled"), ("CANCELLED", "cancelled")):
        command(tmp_path, "scontrol", f"echo JobId=12 JobState={state} Reason=None", monkeypatch)
        assert asked_for(site, signals) == word
    command(tmp_path, "scontrol", "exit 1", monkeypatch)  # nobody knows
    assert asked_for(site, signals) == "preempted"
    board.write_submission(replace(site.submission, cancelled_at="now"))
    assert asked_for(site, signals) == "cancelled"


def test_slurm_may_requeue_a_job_between_the_question_and_the_request(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does at the end of the grace time; the request is then refused, and the job comes back all the same."""
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    refused = "echo 'Job is pending execution for job 12' >&2; exit 1"
    script = f"""
case "$1" in
requeue) touch {tmp_path}/asked; {refused};;
*) if [ -e {tmp_path}/asked ]; then echo "JobId=12 Restarts=$COUNT"; else echo "JobId=12 Restarts=0"; fi;;
esac"""
    for count, comes_back in (("1", True), ("0", False)):
        monkeypatch.setenv("COUNT", count)
        command(tmp_path, "scontrol", script, monkeypatch)
        assert again(site, "preempted") is comes_back
        (tmp_path / "asked").unlink()


def command(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of Slurm's that answers this."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def test_the_limit_is_when_slurm_warns(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limit(site) == (None, None)
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    command(tmp_path, "squeue", "echo 10:00", monkeypatch)
    deadline, told = limit(site)
    assert deadline is not None
    assert told is not None
    assert 600 - site.profile.grace - 30 < deadline - time.time() <= 600 - site.profile.grace
    assert told.endswith("+00:00")
    command(tmp_path, "squeue", "echo UNLIMITED", monkeypatch)
    assert limit(site) == (None, None)
    command(tmp_path, "squeue", "exit 1", monkeypatch)
    assert limit(site) == (None, None)


KILLED = """
import os, pathlib, signal, sys
from cluster.board import Board
from cluster.living import living
from study.results.store import Store
from tests.cluster.stage import life
with living(Board(Store(pathlib.Path(sys.argv[1]))), life("13_0")):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_who_is_killed_leaves_a_life_without_an_end(board: Board) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(board.store.folder)], env=environment())
    assert done.returncode == -signal.SIGKILL
    (found,) = board.lives()
    assert (found.ended_at, found.ending) == (None, None)
    assert json.loads(next((board.folder / "lives").iterdir()).read_text())["job"] == "13_0"
