"""One process of a machine: runs the trials that it is given, one after another, as long as the machine may be used."""

import ctypes
import logging
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from study.cost import Kind, Pace, kind_of
from study.death import record_death
from study.models.checkpoints import newest_step
from study.node import PARKED, Node
from study.plan import Planned, from_row
from study.results.rowfile import Row
from study.results.store import Store, read_plan
from study.session import Left, Options
from study.trial import run
from study.whereabouts import failures

PR_SET_PDEATHSIG = 1  # of Linux's prctl
LONG = 0.8  # of a machine's time: what takes longer is not left to another machine, which might just miss it too
START_SECONDS = 20.0  # until a trial that is taken has loaded what it reads

log = logging.getLogger("study")


class Spent(Exception):
    """A trial failed in this process, which may have been left in a bad state: the next one needs another."""


class Runner:
    """Takes a trial, and with every `advance` brings it to its next evaluation."""

    def __init__(self, folder: Path, options: Options, paces: Mapping[Kind, Pace]) -> None:
        """paces: seconds per step and evaluation, as far as they are known; this process adds what it sees."""
        self._store, self._node, self._paces = Store(folder), Node.here(), dict(paces)
        self._options = replace(options, node=self._node)
        self._spent = False

    def take(self, trial: str, allowed: int) -> None:
        """allowed: failures after which the trial is given up, counted from its first attempt ever."""
        plan = self._store.plan_file
        self._planned = _plan(plan, plan.stat().st_mtime_ns)[trial]
        self._allowed, self._failures = allowed, failures(self._store, trial)
        self._rows: Iterator[Row] = run(self._planned, self._store, self._options)

    def advance(self) -> dict[str, Any]:
        """What became of the trial: `row` (after an evaluation) and `done`; `given_up` where it failed once too often.

        Raises what the trial raised, where it may be tried again, and Spent: a new process is needed for both. Does
        not return where the machine is to be left: this process then stands still until it is killed.
        """
        trial = self._planned.trial.id
        if self._spent:
            raise Spent("the trial before failed in this process")
        if self._failures > self._allowed:
            return {"done": True, "given_up": ""}
        with self._node.occupied(trial):
            if self._node.stopping() or not self._time_enough():
                self._stand_still()
            try:
                row = next(self._rows, None)
            except Left:
                self._stand_still()
            except Exception as error:
                return self._failed(error)
        if row is None:  # another process ended the trial meanwhile
            return {"done": True}
        return self._report(row)

    def _report(self, row: Row) -> dict[str, Any]:
        ended = row["status"] != "ok" or row["step"] == row["steps"]
        if ended:
            self._rows.close()  # type: ignore[attr-defined]
        else:
            self._paces[kind_of(self._planned.trial)] = Pace(
                row["train_seconds"] / row["step"], row["evaluation_seconds"]
            )
        kept = ("status", "step", "train_seconds", "evaluation_seconds", "images_seen")
        scores = {"score": row.get(row["reported"]), "selection_score": row.get(row["objective"])}
        return {"row": {name: row[name] for name in kept} | scores, "done": ended}

    def _failed(self, error: Exception) -> dict[str, Any]:
        """Given up, or raised again for another process. What left no row is given up: no count would end it."""
        trial, self._spent = self._planned.trial.id, True
        unrecorded = ""
        try:
            record_death(self._planned, self._store, f"{type(error).__name__}: {error}")
        except OSError as other:
            unrecorded = f"its row could not be written: {other}"
        count = failures(self._store, trial)
        if count == self._failures:  # nothing on record would end the next try
            return {"done": True, "given_up": unrecorded or f"it left no row: {error}"}
        if count > self._allowed:
            return {"done": True, "given_up": ""}
        raise error

    def _time_enough(self) -> bool:
        """Whether the next evaluation can be reached before the machine's time limit, as far as anybody knows.

        Also where no machine lasts long enough for it: such a trial advances from checkpoint to checkpoint.
        """
        trial, pace = self._planned.trial, self._paces.get(kind_of(self._planned.trial))
        if pace is None or self._node.deadline is None:
            return True
        saved = newest_step(self._store.trial_folder(trial.id)) or 0
        steps = next((step - saved for step in trial.evaluations if step > saved), 0)
        seconds = START_SECONDS + steps * pace.step + pace.evaluation
        return seconds < self._node.seconds_left() or seconds > LONG * self._node.lifetime

    def _stand_still(self) -> None:
        """Until the machine's Ray is ended from outside: a trial that returned would be given to this machine again."""
        self._node.tell(self._planned.trial.id, PARKED)
        while True:
            time.sleep(60)


def die_with_parent() -> None:
    """Ends this process when Ray's node process ends: an orphan would train on for minutes after a kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@lru_cache(maxsize=1)
def _plan(path: Path, written: int) -> dict[str, Planned]:
    """The plan's trials by id, read once; of a trial that is planned twice, the first place counts."""
    planned = [from_row(row) for row in read_plan(path)]
    return {each.trial.id: each for each in reversed(planned)}
