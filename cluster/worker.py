"""The worker: offers this machine to the study's head for as long as both of them last, and leaves nothing behind."""

import logging
import time
from pathlib import Path

from cluster.board import Head
from cluster.living import REQUEUED, Signals, again, asked_for, limit, living
from cluster.ray_process import own_folder, reachable, start_worker
from cluster.reaper import end
from cluster.site import Site
from cluster.submission import replace_lost_head
from study.heartbeat import LOST, silent
from study.node import PARKED, RUNNING, Node

TICK = 0.5  # seconds between two looks at signals and trials
LOOK = 2.0  # seconds between two looks at the board and the head
QUEUE = 20.0  # seconds between two questions to Slurm, which has many to answer
UNREACHABLE = 20.0  # seconds: a head that answers no more for so long is lost, or this machine is cut off
IDLE = 45.0  # seconds without a trial, while none waits, after which a worker leaves: those of a host that is cut off
# wait again after thirty
SHORT, CRASHES = 90.0, 5  # so many times in a row Ray may end by itself within so many seconds
CHECKPOINT_SECONDS = {"cancelled": 5.0, "preempted": 15.0, "time limit": 60.0}  # that trials get before Ray is ended
HEAD_LOST_SECONDS = 60.0

log = logging.getLogger("study")


def serve(site: Site) -> int:
    """Runs until the study has ended, Slurm wants the machine back, or there is nothing left to do here.

    Returns the exit code: 0, or 1 where its own Ray does not run.
    """
    signals = Signals()
    deadline, told = limit(site)
    with living(site.board, site.life("worker", told)) as alive:
        with own_folder(Path(site.profile.scratch), site.scratch("worker")) as scratch:
            ending = _Worker(site, signals, scratch, deadline).work()
        alive.end(ending, requeued=ending in REQUEUED and not site.beside)  # Slurm may end this process as it agrees
    log.info("the worker leaves: %s", ending)
    if alive.life.requeued and not again(site, ending):
        alive.end(ending)
    return int(ending == "failed")


class _Worker:
    def __init__(self, site: Site, signals: Signals, scratch: Path, deadline: float | None) -> None:
        self._site, self._signals, self._scratch, self._deadline = site, signals, scratch, deadline
        self._node = Node(scratch / "node")
        self._crashes = 0

    def work(self) -> str:
        """Why the worker ends: a word of board.ENDINGS."""
        while True:
            head = self._wait_for_head()
            if isinstance(head, str):
                return head
            log.info("joins the head at %s", head.address)
            ending = self._stay(head)
            end(self._scratch)
            if ending is not None:
                return ending

    def _wait_for_head(self) -> Head | str:
        """The head, once it can be reached; or why it is not waited for any longer."""
        began = looked = time.monotonic()
        while True:
            now, head = time.monotonic(), self._site.board.head()
            if asked := asked_for(self._site, self._signals, self._deadline):
                return asked
            if head is not None and silent(head.seen_at) < LOST and reachable(head.address):
                return head
            if self._over():
                return "ended"
            if now - began > 60 * self._site.profile.patience:
                return "no head"
            if now - looked > QUEUE:
                looked = now
                replace_lost_head(self._site.board, self._site.submission.number)
            time.sleep(LOOK)

    def _over(self) -> bool:
        """Whether the last head has ended for good."""
        last = self._site.board.last_head(self._site.submission.number)
        return last is not None and last.ended_at is not None and not last.requeued

    def _stay(self, head: Head) -> str | None:
        """Offers its places to this head; returns why the worker ends, or None where it waits for the next head."""
        self._node.clear()
        ray = start_worker(self._scratch, self._site, head.address, self._deadline)
        began = busy = heard = looked = time.monotonic()
        while True:
            time.sleep(TICK)
            now = time.monotonic()
            if ray.poll() is not None:
                return self._crashed(now - began)
            if self._signals.asked:
                self._node.stop()  # before Slurm is asked why, which may take what time there is
            if asked := asked_for(self._site, self._signals, self._deadline):
                self._save_checkpoints(CHECKPOINT_SECONDS[asked])
                return asked
            trials = self._node.trials()
            if trials and set(trials.values()) == {PARKED}:
                return "time limit"
            busy = now if trials else busy
            if now - looked < LOOK:
                continue
            looked = now
            notice = self._site.board.head()
            if notice is None and self._over():
                return None
            heard = now if notice is not None and notice.life == head.life and reachable(head.address) else heard
            if now - heard > UNREACHABLE or (notice is not None and notice.life != head.life):
                log.warning("the head at %s is lost", head.address)
                self._save_checkpoints(HEAD_LOST_SECONDS)
                return None
            if now - busy > IDLE and notice is not None and notice.waiting == 0:
                return "idle"

    def _crashed(self, seconds: float) -> str | None:
        """Ray ended by itself: the head is gone or cut this machine off, which is waited out; or it cannot run here."""
        self._crashes = self._crashes + 1 if seconds < SHORT else 0
        log.warning("Ray ended by itself after %.0f s; its words: %s", seconds, self._site.ray_log("worker"))
        return "failed" if self._crashes >= CRASHES else None

    def _save_checkpoints(self, seconds: float) -> None:
        """Waits until every trial here has its checkpoint and stands still; a measuring one has saved it before."""
        self._node.stop()
        deadline = time.monotonic() + seconds
        while RUNNING in self._node.trials().values() and time.monotonic() < deadline:
            time.sleep(TICK / 5)
