"""The head: the one place of a study on a cluster where its driver runs. Workers come to it, and go."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster import ray_node, slurm
from cluster.board import Head, alive
from cluster.living import REQUEUED, Signals, again, asked_for, limit, living, unless_disk_fails
from cluster.ray_process import own_folder, start_head
from cluster.site import Site, my_job
from study.heartbeat import now
from study.machines import Share
from study.parts import Resources

NOTICE = 3.0  # seconds between two renewals of what workers read
SUPERVISION = 20.0  # seconds between two looks at the queue
LEAVING = 30.0  # seconds that a worker beside the head gets

log = logging.getLogger("study")


@contextmanager
def leading(site: Site) -> Iterator["Leader"]:
    """This process is the study's head meanwhile: Ray runs, the board says where, signals are KeyboardInterrupt.

    Afterwards nothing of it is left on this machine; where Slurm wants the machine back the job is requeued.
    """
    signals = Signals()
    deadline, told = limit(site)
    folder = own_folder(Path(site.profile.scratch), site.scratch("head"))
    with living(site.board, site.life("head", told)) as life, folder as scratch:
        _, address = start_head(scratch, site.board.token, site.ray_log("head"))
        with ray_node.connected(address, site.board.token):
            leader = Leader(site, scratch, signals)
            with _worker_beside(site) as beside, leader.on_the_board(Head(address, life.life.name, 1, now()), beside):
                try:
                    signals.interrupt()  # only now: what Ray's start took is taken back, and somebody handles it
                    yield leader
                except KeyboardInterrupt:  # where the driver could not say so itself
                    log.info("interrupted")
                finally:
                    why = leader.reason or (asked_for(site, signals, deadline) if signals.asked else None)
                    if why or sys.exc_info()[0] is None:
                        ending = why or "ended"
                        life.end(ending, requeued=ending in REQUEUED)  # before Ray ends: workers see whether to wait
    log.info("the head leaves: %s", ending)
    if ending == "ended":
        slurm.cancel(task.id for task in _queued_workers(site) or [] if task.state == "PENDING")
    if life.life.requeued and not again(site, ending):
        life.end(ending)


class Leader:
    """The machines of the cluster, as the driver sees them."""

    def __init__(self, site: Site, scratch: Path, signals: Signals) -> None:
        self._site, self._scratch, self._signals = site, scratch, signals
        self._waiting = 1  # at least, until the driver has counted
        self._over = threading.Event()
        self.reason: str | None = None  # why it interrupted the study itself

    def share(self, resources: Resources) -> Share:
        """By the profile: what it says of GPUs goes before what the study says of one machine."""
        site = self._site
        if self._signals.asked:  # while Ray was starting, when a KeyboardInterrupt would have been nobody's
            raise KeyboardInterrupt
        return Share(site.cpus_of_a_trial, site.gpus_of_a_trial, site.device, None)

    @contextmanager
    def connect(self, share: Share) -> Iterator[Path]:
        """Ray runs already, and goes on running between phases, as the workers do."""
        yield self._scratch

    def queued(self, count: int) -> None:
        """So many trials wait for a place; where none does, idle workers leave."""
        self._waiting = count

    @contextmanager
    def on_the_board(self, head: Head, beside: subprocess.Popen[bytes] | None) -> Iterator[None]:
        """Workers can find the head meanwhile, and somebody sees to it that there are any. beside: its own."""
        board = self._site.board
        board.write_head(head)

        def renew() -> None:
            while not self._over.wait(NOTICE):
                with unless_disk_fails():
                    board.write_head(Head(head.address, head.life, self._waiting, now()))

        def supervise() -> None:
            self._supervise(beside)

        threads = [threading.Thread(target=each, daemon=True) for each in (renew, supervise)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
            board.remove_head(head.life)

    def _supervise(self, beside: subprocess.Popen[bytes] | None) -> None:
        """Interrupts the study where nobody works on it and nobody is queued to, three times in a row.

        Also where the worker in the head's own job has left for the time limit: their job has to begin anew.
        """
        empty = 0
        while self.reason is None and not self._over.wait(SUPERVISION):
            with unless_disk_fails():
                working = any(True for _ in alive(self._site.board.lives("worker")))
                empty = empty + 1 if not working and _queued_workers(self._site) == [] else 0
                if beside is not None and beside.poll() is not None and self._beside_begins_anew():
                    self.reason = "time limit"
                elif empty == 3:
                    self.reason = "no workers"
        if self.reason is not None:
            os.kill(os.getpid(), signal.SIGINT)

    def _beside_begins_anew(self) -> bool:
        """Whether the worker in the head's job left for the time limit, or was killed: only a new job gives another."""
        worker = self._site.board.life(self._site.life("worker", None).name)
        return worker is not None and worker.ending in (None, "time limit")


def _queued_workers(site: Site) -> list[slurm.Task] | None:
    """The worker tasks that have not ended; None where nobody can say."""
    jobs = site.board.submission(site.submission.number).jobs
    return slurm.queued([job.id for job in jobs if job.role == "worker"]) if my_job() else None


@contextmanager
def _worker_beside(site: Site) -> Iterator[subprocess.Popen[bytes] | None]:
    """The first worker, where it shares the head's job; it hears Slurm's signals itself."""
    if not site.beside:
        yield None
        return
    place = [str(site.board.store.folder), str(site.submission.number)]
    worker = subprocess.Popen([sys.executable, "-m", "study", "worker", *place, "--beside-head"])
    try:
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(LEAVING)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
