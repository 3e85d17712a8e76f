"""The heavy half of run and retry: prepares the data, starts Ray, and runs what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import ray_node  # noqa: F401  (before study.tune: it sets what Ray reads when it is imported)
from study.commands.common import console
from study.commands.preparing import prepare_for
from study.commands.screen import Screen
from study.cost import recorded
from study.machines import Machines
from study.plan import Planned
from study.provenance import keep_code, keep_study
from study.results.rowfile import Row
from study.results.store import Store
from study.session import Options
from study.spec import Study, dump
from study.tune import Work, run_missing


@dataclass(frozen=True)
class Job:
    """What is run, where its files are, and on what."""

    study: Study
    store: Store
    data: Path
    machines: Machines
    forgiven: Mapping[str, int]  # trial -> failures from before, which do not count against its retries
    later: int  # trials of later phases


def run(job: Job, missing: list[Planned], before: dict[str, dict[str, Any]]) -> None:
    """Runs the missing trials to their ends. before: where every trial of the plan stood, by id."""
    wanted = job.study.resources
    share = job.machines.share(wanted)
    keep_code(job.store)
    prepare_for(job.study, job.store, job.data)
    options = Options(
        data=job.data.resolve(),
        threads=wanted.threads,
        device=share.device,
        checkpoint_seconds=wanted.checkpoint_minutes * 60,
        keep_checkpoints=job.study.keep_checkpoints,
        study_yaml=keep_study(job.store, dump(job.study)),
    )
    work = Work(options, share.cpus, share.gpus, share.workers, recorded(job.store.folder))
    allowed = {planned.trial.id: job.forgiven.get(planned.trial.id, 0) + wanted.retries for planned in missing}
    screen = Screen(job.study.name, missing, before, share.workers)
    with job.machines.connect(share) as scratch, screen:
        run_missing(missing, allowed, job.store, work, _Watchers(screen, job), scratch)
    console.print(screen.overhead())


@dataclass(frozen=True)
class _Watchers:
    """The screen hears everything; the machines how much is left for them."""

    screen: Screen
    job: Job

    def started(self, planned: Planned) -> None:
        self.screen.started(planned)

    def measured(self, planned: Planned, row: Row) -> None:
        self.screen.measured(planned, row)

    def failed(self, planned: Planned, unrecorded: str) -> None:
        self.screen.failed(planned, unrecorded)

    def queued(self, count: int) -> None:
        self.job.machines.queued(count + self.job.later)
