"""Ray Tune runs what is missing of a plan; the plan and the table stay the truth. The only user of ray.tune."""

import logging
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ray import tune
from ray.exceptions import ActorDiedError

from study.cost import Kind, Pace
from study.death import record_death
from study.errors import StudyError
from study.plan import Planned
from study.results.rowfile import Row
from study.results.store import Store
from study.runner import Runner, die_with_parent
from study.session import Options

STILLBORN = 5  # processes that end, one after another, before they can begin a trial: the fault is not the trials'

log = logging.getLogger("study")


class Watcher(Protocol):
    """Hears what happens, after it is on disk."""

    def started(self, planned: Planned) -> None: ...

    def measured(self, planned: Planned, row: Row) -> None:
        """row: status, step, score and selection_score (or None), train_seconds, evaluation_seconds and images_seen."""
        ...

    def failed(self, planned: Planned, unrecorded: str) -> None:
        """All of the trial's retries are used up. unrecorded: why its row could not be written; empty where it was."""
        ...

    def queued(self, count: int) -> None:
        """So many trials wait for a place; said whenever that changes."""
        ...


@dataclass(frozen=True)
class Work:
    """How trials run, what one takes of the cluster, and how many run at once."""

    options: Options
    cpus: float
    gpus: float
    workers: int | None  # None: as many as there are places, on machines that come and go
    paces: Mapping[Kind, Pace]  # as far as they are known


class _Worker(tune.Trainable):
    """A runner as an actor of Ray's: one Tune iteration is one evaluation."""

    def setup(  # type: ignore[override]
        self, config: dict[str, Any], folder: Path, options: Options, paces: Mapping[Kind, Pace]
    ) -> None:
        die_with_parent()
        self._runner = Runner(folder, options, paces)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._runner.take(**new_config["settings"])
        return True

    def step(self) -> dict[str, Any]:
        return self._runner.advance()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        raise NotImplementedError("a trial saves its own checkpoints; Tune is told not to")

    def load_checkpoint(self, checkpoint: Any) -> None:
        raise NotImplementedError("a trial resumes from its own files")


class _Listener(tune.Callback):
    def __init__(self, plan: dict[str, Planned], store: Store, watcher: Watcher) -> None:
        self._plan, self._store, self._watcher = plan, store, watcher
        self._queued = set(plan)
        self.stillborn: list[str] = []

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks with the state that nobody here restores; a watcher may hold a terminal."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._queued.discard(_name_of(trial))
        self._watcher.started(self._of(trial))
        self._watcher.queued(len(self._queued))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self.stillborn.clear()
        if "row" in result:
            self._watcher.measured(self._of(trial), result["row"])
        if "given_up" in result:
            self._watcher.failed(self._of(trial), result["given_up"])

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Its process or machine is gone, or it failed and gets a new process: Tune runs it again wherever it can."""
        error = _error_of(trial)
        self._queued.add(_name_of(trial))
        self._watcher.queued(len(self._queued))
        if not isinstance(error, ActorDiedError):
            return
        if error.actor_init_failed:
            self.stillborn.append(str(error))
        elif not machine_died(error):
            self._record_death(trial, f"the trial's process ended: killed, out of memory, or crashed\n{error}")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._record_death(trial, str(_error_of(trial)))
        self._watcher.failed(self._of(trial), "")

    def _record_death(self, trial: Any, reason: str) -> None:
        try:
            record_death(self._of(trial), self._store, reason)
        except OSError as error:  # a full disk, for one: the other trials must go on being heard
            log.warning("the death of trial %s could not be written: %s", _name_of(trial), error)

    def _of(self, trial: Any) -> Planned:
        return self._plan[_name_of(trial)]


class _Hopeless(tune.Stopper):
    """Ends everything where no process can begin a trial, instead of starting processes for ever."""

    def __init__(self, listener: _Listener) -> None:
        self._listener = listener

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return len(self._listener.stillborn) >= STILLBORN


def run_missing(
    missing: Sequence[Planned], allowed: Mapping[str, int], store: Store, work: Work, watcher: Watcher, scratch: Path
) -> None:
    """Runs these trials, in this order, on the Ray cluster this process is connected to, and returns when all ended.

    allowed: trial -> failures after which it is given up. The plan must be in the store. Tune's own state goes to the
    scratch folder and is never used again: a trial writes its rows and checkpoints itself, and what is missing is found
    from them. A trial whose process or machine goes away is run again, as often as that happens.

    Raises StudyError where the cluster's processes cannot begin a trial at all.
    """
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # failures are rows; Tune's tracebacks repeat them
    listener = _Listener({planned.trial.id: planned for planned in missing}, store, watcher)
    trainable = tune.with_resources(
        tune.with_parameters(_Worker, folder=store.folder.resolve(), options=work.options, paces=work.paces),
        {"cpu": work.cpus, "gpu": work.gpus},
    )
    settings = [{"trial": planned.trial.id, "allowed": allowed[planned.trial.id]} for planned in missing]
    watcher.queued(len(settings))
    tune.Tuner(
        trainable,
        param_space={"settings": tune.grid_search(settings)},
        tune_config=tune.TuneConfig(
            max_concurrent_trials=work.workers,
            reuse_actors=True,
            trial_dirname_creator=_name_of,
            trial_name_creator=_name_of,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(scratch),
            verbose=0,
            # Tune would save at the end of a trial, into a folder of this machine that others do not have.
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=-1),  # a runner gives a trial up, by what is on record
            callbacks=[listener],
            stop=_Hopeless(listener),
        ),
    ).fit()
    if len(listener.stillborn) >= STILLBORN:
        raise StudyError(f"the processes that should run trials end before they begin: {listener.stillborn[-1]}")


def _error_of(trial: Any) -> Exception | None:
    """What Tune has just noted as the trial's error; None where it was none of Ray's.

    From the folder of the driver: Tune's own accessors read the storage, where the note comes only later.
    """
    note = Path(trial.pickled_error_file)
    if not note.exists():
        return None
    error: Exception = pickle.loads(note.read_bytes())
    note.unlink()  # the next error may leave none
    return error


def machine_died(error: Exception) -> bool:
    """Whether an actor ended with its machine, or because its machine was left; no fault of its trial."""
    return "its node has died" in str(error)


def _name_of(trial: Any) -> str:
    return str(trial.config["settings"]["trial"])
