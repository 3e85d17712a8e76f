"""Reads what status tells of a study, again and again: the table, heartbeats, the board, and Slurm."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster import slurm
from cluster.board import Board, Submission
from cluster.papers import Papers
from cluster.progress import Progress, Seen, progress
from cluster.slurm import Task
from study import spec
from study.commands.common import folder_of
from study.durable import locked
from study.plan import build
from study.results.glance import Line, Reader
from study.results.store import Store, plan_table, read_plan_table
from study.whereabouts import lost, whereabouts

QUEUE_SECONDS = 30.0  # squeue is asked no more often: a controller answers everybody
Place = dict[str, Any]
Answer = tuple[list[Task] | None, str | None, list[Task] | None]


def sent(study: str, results: Path) -> Store:
    """The study's folder, once it has a plan or was sent to a cluster, whose head then writes the plan."""
    direct = Store(results / study)
    store = direct if direct.folder.is_dir() else Store(results / spec.load(study).name)
    return store if Board(store).newest() is not None else Store(folder_of(study, results))


class Survey:
    """One study, looked at as often as one likes: files that did not change are not read again."""

    def __init__(self, study: str, results: Path) -> None:
        self._study, self.store = study, sent(study, results)
        self._board, self._reader = Board(self.store), Reader(self.store)
        self._asked: tuple[list[str], float] = ([], 0.0)  # for which jobs, and when
        self._queue: Answer = (None, None, None)

    def look(self) -> Progress:
        """How the study stands now."""
        submissions = self._board.all_submissions()
        described, plan = self._plan(submissions)
        glance = self._reader.read(plan)
        running, fell_silent = self._places(glance.lines)
        queue, unasked, accounts = self._slurm(submissions)
        papers = Papers(
            str(self.store.folder), submissions, self._board.lives(), self._board.head(), queue, unasked, accounts
        )
        return progress(
            Seen(
                study=self._study,
                spec=described,
                glance=glance,
                running=running,
                lost=fell_silent,
                locked=locked(self.store.driver_lock),
                papers=papers,
            )
        )

    def _plan(self, submissions: Sequence[Submission]) -> tuple[spec.Study | spec.Merged, Any]:
        """The study and its plan's table; as it was sent, until its driver has written what it runs."""
        if self.store.plan_file.exists():
            text, source = self.store.study_file.read_text(), self.store.study_file
            return spec.stored(text, str(source)), read_plan_table(self.store.plan_file)
        source = self._board.study_file(submissions[-1].number)
        study = spec.parse(source.read_text(), str(source))
        return study, plan_table([planned.row(i) for i, planned in enumerate(build(study, {}))])

    def _places(self, lines: Sequence[Line]) -> tuple[dict[str, Place], dict[str, Place]]:
        """Who is at a trial, and who fell silent at one. Only trials that have not ended are looked at."""
        folder = self.store.folder / "trials"
        begun = {entry.name for entry in os.scandir(folder)} if folder.exists() else set()
        running, fell_silent = {}, {}
        for line in lines:
            if line.trial not in begun or line.status in ("done", "diverged"):
                continue
            if place := whereabouts(self.store, line.trial):
                running[line.trial] = place
            elif place := lost(self.store, line.trial):
                fell_silent[line.trial] = place
        return running, fell_silent

    def _slurm(self, submissions: Sequence[Submission]) -> Answer:
        """What squeue says of the study's jobs, or why it could not be asked; and what sacct says."""
        ids = job_ids(submissions)
        asked, when = self._asked
        if ids != asked or (ids and time.monotonic() - when >= QUEUE_SECONDS):
            with _heard() as words:
                queue = slurm.queued(ids) if slurm.available() else None
                accounts = None if queue is None else slurm.ended(ids)
            why = "; ".join(words) or "this machine has no Slurm"
            self._queue = (queue, why if queue is None else None, accounts)
            self._asked = (ids, time.monotonic())
        return self._queue


def job_ids(submissions: Sequence[Submission]) -> list[str]:
    return [job.id for submission in submissions for job in submission.jobs]


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collects the warnings that are logged meanwhile, which would otherwise run across the page."""
    words: list[str] = []
    ear = logging.Handler(logging.WARNING)
    ear.emit = lambda record: words.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("study")
    log.addHandler(ear)
    try:
        yield words
    finally:
        log.removeHandler(ear)
