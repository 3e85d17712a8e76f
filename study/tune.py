"""Ray Tune runs what is missing of a plan; the plan and the table stay the truth. The only user of ray.tune."""

import ctypes
import logging
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from ray import tune

from study.attempt import record_death
from study.plan import Planned, from_row
from study.results.store import Row, Store, read_plan
from study.trial import Options, run

PR_SET_PDEATHSIG = 1  # of Linux's prctl


class Watcher(Protocol):
    """Hears what happens, after it is on disk."""

    def started(self, planned: Planned) -> None: ...

    def measured(self, planned: Planned, row: Row) -> None:
        """row: status, step, score and selection_score (or None), train_seconds, evaluation_seconds and images_seen."""
        ...

    def failed(self, planned: Planned, unrecorded: str) -> None:
        """All of the trial's retries are used up. unrecorded: why its row could not be written; empty where it was."""
        ...


@dataclass(frozen=True)
class Needs:
    """What one trial takes of the cluster, how often a failing one is tried again, and how many run at once."""

    cpus: float
    gpus: float
    retries: int
    workers: int


class Worker(tune.Trainable):
    """An actor that runs one trial after another: one Tune iteration is one evaluation."""

    _planned: Planned
    _rows: Iterator[Row]

    def setup(self, config: dict[str, Any], folder: Path, options: Options) -> None:  # type: ignore[override]
        _die_with_parent()
        self._folder, self._options = folder, options
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        store = Store(self._folder)
        self._planned = _plan(store.plan_file)[new_config["trial"]]
        self._rows = run(self._planned, store, self._options)
        return True

    def step(self) -> dict[str, Any]:
        row = next(self._rows, None)
        if row is None:  # another process ended the trial meanwhile
            return {"done": True}
        ended = row["status"] != "ok" or row["step"] == row["steps"]
        if ended:
            self._rows.close()  # type: ignore[attr-defined]
        kept = ("status", "step", "train_seconds", "evaluation_seconds", "images_seen")
        scores = {"score": row.get(row["reported"]), "selection_score": row.get(row["objective"])}
        return {"row": {name: row[name] for name in kept} | scores, "done": ended}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Tune saves an actor before it gives it the next trial; the trial's own checkpoint is already on disk."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing to load: a trial resumes from its own files."""


class _Listener(tune.Callback):
    def __init__(self, plan: dict[str, Planned], store: Store, watcher: Watcher) -> None:
        self._plan, self._store, self._watcher = plan, store, watcher

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks with the state that nobody here restores; a watcher may hold a terminal."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._watcher.started(self._of(trial))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if "row" in result:
            self._watcher.measured(self._of(trial), result["row"])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        planned = self._of(trial)
        try:
            record_death(planned, self._store, _reason(trial.get_error()))
        except OSError as error:  # a full disk, for one: the other trials must go on being heard
            self._watcher.failed(planned, f"its row could not be written: {error}")
        else:
            self._watcher.failed(planned, "")

    def _of(self, trial: Any) -> Planned:
        return self._plan[trial.config["trial"]]


def run_missing(
    missing: list[Planned], store: Store, options: Options, needs: Needs, watcher: Watcher, scratch: Path
) -> None:
    """Runs these trials, in this order, on the Ray cluster this process is connected to, and returns when all ended.

    The plan must be in the store. Tune's own state goes to the scratch folder and is never used again: a trial
    writes its rows and checkpoints itself, and what is missing is found from them.
    """
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # failures are rows; Tune's tracebacks repeat them
    plan = {planned.trial.id: planned for planned in missing}
    trainable = tune.with_resources(
        tune.with_parameters(Worker, folder=store.folder.resolve(), options=options),
        {"cpu": needs.cpus, "gpu": needs.gpus},
    )
    tune.Tuner(
        trainable,
        param_space={"trial": tune.grid_search(list(plan))},
        tune_config=tune.TuneConfig(
            max_concurrent_trials=needs.workers,
            reuse_actors=True,
            trial_dirname_creator=_name_of,
            trial_name_creator=_name_of,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(scratch),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=needs.retries),
            callbacks=[_Listener(plan, store, watcher)],
        ),
    ).fit()


def _reason(told: object) -> str:
    """What Tune knows of a trial's end, its essence in the first line."""
    text = str(told or "Tune knows no reason").strip()
    if "died unexpectedly" in text or "ActorDied" in text or "worker process has died" in text:
        return f"the trial's process ended: killed, out of memory, or its machine went away\n{text}"
    return f"{text.splitlines()[-1]}\n{text}"


def _name_of(trial: Any) -> str:
    return str(trial.config["trial"])


@lru_cache(maxsize=1)
def _plan(path: Path) -> dict[str, Planned]:
    """The plan's trials by id, read once per process; of a trial that is planned twice, the first place counts."""
    planned = [from_row(row) for row in read_plan(path)]
    return {each.trial.id: each for each in reversed(planned)}


def _die_with_parent() -> None:
    """Ends this process when Ray's node process ends: an orphan would train on for minutes after a kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
