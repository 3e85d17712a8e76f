"""A job's life on the board: its signs of life, its end, and the signals that Slurm sends it."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType

from cluster import slurm
from cluster.board import Board, Life
from cluster.site import Site, my_job, restarts
from study.heartbeat import HEARTBEAT, now

ASKED_TO_LEAVE = (signal.SIGTERM, signal.SIGUSR2, signal.SIGINT)  # Slurm's, its warning before a limit, a person's

log = logging.getLogger("study")
REQUEUED = ("preempted", "time limit")
EARLY = 65.0  # seconds: Slurm looks at its clock seldom, and may warn up to a minute before the time


class Living:
    """One life: `end` says why it ended; whoever dies without leaves a life whose `seen_at` stands still."""

    def __init__(self, board: Board, life: Life) -> None:
        self._board, self.life = board, life
        self._lock = threading.Lock()
        self._over = threading.Event()

    def end(self, ending: str, requeued: bool = False) -> None:
        """Says why it ended; a later word replaces an earlier one."""
        self._over.set()
        with self._lock:
            self.life = replace(self.life, seen_at=now(), ended_at=now(), ending=ending, requeued=requeued)
            self._board.write_life(self.life)

    def beat(self) -> None:
        while not self._over.wait(HEARTBEAT):
            with self._lock, unless_disk_fails():
                if self.life.ended_at is None:
                    self.life = replace(self.life, seen_at=now())
                    self._board.write_life(self.life)


@contextmanager
def living(board: Board, life: Life) -> Iterator[Living]:
    """On the board from now on. Ends as `failed` where an exception ends it that nobody has named."""
    alive = Living(board, life)
    board.write_life(life)
    thread = threading.Thread(target=alive.beat, daemon=True, name="life")
    thread.start()
    try:
        yield alive
    finally:
        if alive.life.ended_at is None:
            alive.end("failed")
        thread.join()


@contextmanager
def unless_disk_fails() -> Iterator[None]:
    """For what is said again soon: a full disk, or a file server that is away, must not end who says it."""
    try:
        yield
    except OSError as error:
        log.warning("the board cannot be read or written: %s", error)


class Signals:
    """What has been asked of this process since it began to listen."""

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self._interrupts = False
        self._listen()

    def interrupt(self) -> None:
        """From now on the first signal is also a KeyboardInterrupt; later ones are not, as everything ends then."""
        self._interrupts = True
        self._listen()

    def _listen(self) -> None:
        for each in ASKED_TO_LEAVE:
            signal.signal(each, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        first, self.asked = self.asked is None, signal.Signals(number)
        if first and self._interrupts:
            raise KeyboardInterrupt


def limit(site: Site) -> tuple[float | None, str | None]:
    """When Slurm will warn this job of its time limit: seconds since the epoch, and as the board tells it."""
    job = my_job()
    left = slurm.seconds_left(job) if job else None
    if left is None:
        return None, None
    deadline = time.time() + left - site.profile.grace
    return deadline, datetime.fromtimestamp(deadline, UTC).isoformat()


def asked_for(site: Site, signals: Signals, deadline: float | None = None) -> str | None:
    """Why this job has been asked to leave, a word of board.ENDINGS; None as long as it has not.

    By what Slurm says of the job: one that is cancelled is completing already, one that is to be preempted still runs.
    """
    job = my_job()
    early = EARLY if signals.asked else 0.0
    if signals.asked and (job is None or site.cancelled() or ending(job)):
        return "cancelled"
    if deadline is not None and time.time() > deadline - early:
        return "time limit"
    return "preempted" if signals.asked else None


def ending(job: str) -> bool:
    """Whether Slurm is ending the job for good, as after scancel."""
    return slurm.state(job) in ("COMPLETING", "CANCELLED") and not requeued(job)


def requeued(job: str) -> bool:
    """Whether Slurm is ending the job to start it again by itself, as it does without a grace time."""
    count = slurm.restarts(job)
    return count is not None and count > restarts()


def again(site: Site, why: str) -> bool:
    """Whether a job that leaves for this reason will be started again: by Slurm already, or because it agrees to.

    Slurm refuses to requeue what it has begun to requeue itself, as it does at the end of the grace time; that may fall
    between the first question and the request.
    """
    job = my_job()
    if job is None or site.cancelled() or why not in REQUEUED:
        return False
    return requeued(job) or slurm.requeue(job) or requeued(job)


@contextmanager
def shielded() -> Iterator[None]:
    """Processes that are started meanwhile never hear the signals that ask a job to leave.

    Slurm sends them to every process of a job's step, even to those of a session of their own (seen on 22.05). Ray
    would end at once, and its trials with it, before they could save a checkpoint; a block is inherited.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ASKED_TO_LEAVE)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED_TO_LEAVE)
