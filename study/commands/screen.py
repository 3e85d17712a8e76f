"""A run's progress: one screen on a terminal, one line per trial in a log."""

import time
from collections import Counter
from types import TracebackType
from typing import Any, Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from study.commands.common import console, duration
from study.plan import Planned
from study.results.rowfile import Row


class Screen:
    """Hears of every evaluation and shows what matters: done, running, diverged, failed, left; speed; best so far."""

    def __init__(
        self, study: str, missing: list[Planned], before: dict[str, dict[str, Any]], workers: int | None
    ) -> None:
        """before: what every trial of the plan had when this run began. workers: None where they come and go."""
        self._study, self._workers = study, workers
        self._before = before
        self._statuses = Counter(facts["status"] for facts in before.values())
        self._running: dict[str, Planned] = {}
        self._steps_left = sum(planned.trial.steps for planned in missing)
        self._steps, self._images, self._busy = 0, 0, 0.0
        self._latest: dict[str, Row] = {}
        self._best: dict[tuple[str, str], tuple[float, float]] = {}  # what selection minimises, what is reported
        for facts in before.values():
            if facts["status"] == "done":
                self._compare((facts["loss"], facts["dataset"]), facts)
        self._ended = 0
        self._began = time.monotonic()
        self._first: float | None = None
        self._live = Live(self, console=console, refresh_per_second=2, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def started(self, planned: Planned) -> None:
        self._first = self._first or time.monotonic()
        self._running[planned.trial.id] = planned

    def measured(self, planned: Planned, row: Row) -> None:
        self._count(planned, row)
        self._compare((planned.trial.loss, planned.trial.dataset), row)
        if row["status"] != "ok":
            self._end(planned, row["status"], f"at step {row['step']:,}")
        elif row["step"] == planned.trial.steps:
            score = "-" if row["score"] is None else f"{row['score']:.4g}"
            self._end(planned, "done", f"{planned.trial.protocol.reported} {score}")

    def failed(self, planned: Planned, unrecorded: str) -> None:
        self._end(planned, "failed", unrecorded or f"see gan-study why {self._study} {planned.trial.id}")

    def overhead(self) -> str:
        """What the harness itself took: the share of the workers' time that was not spent in trials."""
        now = time.monotonic()
        if self._first is None:
            return "no trial was started"
        wall = now - self._first
        if self._workers is None:
            return (
                f"{self._ended} trials in {duration(now - self._began)}, {duration(self._first - self._began)} of it "
                f"before the first trial; since then {duration(self._busy)} of training and measuring"
            )
        spare = max(0.0, wall * self._workers - self._busy)
        share = self._busy / (wall * self._workers)
        return (
            f"{self._ended} trials in {duration(now - self._began)} on {self._workers} workers, "
            f"{duration(self._first - self._began)} of it before the first trial; since then {share:.1%} of the "
            f"workers' time was training and measuring; overhead {spare / max(1, self._ended):.2f} s a trial"
        )

    def __rich__(self) -> Group:
        bar = ProgressBar(total=len(self._before), completed=self._finished(), width=60)
        return Group(
            Text(self._headline(), style="bold"), bar, Text(self._speed()), self._best_table(), self._running_table()
        )

    def _headline(self) -> str:
        counts = self._statuses
        left = len(self._before) - self._finished()
        return (
            f"{self._study}: {counts['done']} done, {len(self._running)} running, {counts['diverged']} diverged, "
            f"{counts['failed']} failed, {left} left of {len(self._before)}"
        )

    def _speed(self) -> str:
        elapsed = time.monotonic() - (self._first or self._began)
        if not self._steps:
            return f"{duration(time.monotonic() - self._began)}; waiting for the first evaluation"
        left = (self._steps_left - self._steps) / self._steps * elapsed
        return f"{self._images / elapsed:,.0f} images/s; {duration(elapsed)} gone, about {duration(left)} left"

    def _best_table(self) -> Table:
        datasets = sorted({dataset for _, dataset in self._best})
        table = Table("best so far", *datasets, box=None, padding=(0, 2, 0, 0))
        for loss in dict.fromkeys(loss for loss, _ in self._best):
            cells = [f"{self._best[loss, d][1]:.4g}" if (loss, d) in self._best else "-" for d in datasets]
            table.add_row(loss, *cells)
        return table

    def _running_table(self) -> Table:
        table = Table("running", "sample", "step", box=None, padding=(0, 2, 0, 0))
        for trial, planned in self._running.items():
            step = self._latest[trial]["step"] if trial in self._latest else 0
            table.add_row(planned.search, str(planned.sample), f"{step:,} of {planned.trial.steps:,}")
        return table

    def _compare(self, search: tuple[str, str], row: Row) -> None:
        if row["selection_score"] is not None:
            found = (row["selection_score"], row["score"])
            self._best[search] = min(self._best.get(search, found), found)

    def _finished(self) -> int:
        return self._statuses["done"] + self._statuses["diverged"] + self._statuses["failed"]

    def _count(self, planned: Planned, row: Row) -> None:
        """Adds what this evaluation took beyond the one before it, in this run or an earlier one."""
        trial = planned.trial
        before = self._latest.get(trial.id, self._before[trial.id])
        images = row["images_seen"] - (before["images_seen"] or 0)
        self._images += max(0, images)
        self._steps += max(0, images) // trial.batch_size
        self._busy += max(0.0, row["train_seconds"] - (before["train_seconds"] or 0.0)) + row["evaluation_seconds"]
        self._latest[trial.id] = row

    def _end(self, planned: Planned, status: str, detail: str) -> None:
        self._running.pop(planned.trial.id, None)
        was = self._before[planned.trial.id]["status"]
        self._statuses[was] -= 1
        self._statuses[status] += 1
        self._ended += 1
        if not self._live:
            of = f"[{self._finished()}/{len(self._before)}]"
            console.print(
                f"{of} {status}: {planned.search} sample {planned.sample} seed {planned.trial.seed}, {detail}",
                markup=False,
            )
