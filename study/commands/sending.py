"""What submit and retry share: check, prepare, freeze, and send a study's jobs to a cluster."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import doctor, slurm
from cluster.board import Board, Submission
from cluster.profile import Profile
from cluster.profile import load as load_profile
from study import durable, source, spec
from study.commands.common import console
from study.commands.driver import once, selected, write_plan
from study.commands.standing import standing
from study.errors import StudyError
from study.heartbeat import now
from study.plan import Planned, Selections, build, deferred
from study.results.store import Store
from study.spec import Study


@dataclass(frozen=True)
class Sending:
    """What the user asked for."""

    study: str  # as the user named it
    cluster: str  # the profile, as the user named it
    statuses: frozenset[str]  # trials in these states are run
    results: Path
    data: Path
    dry_run: bool = False


@dataclass(frozen=True)
class Missing:
    """What is to be run, and what is known before it is."""

    selections: Selections
    trials: list[Planned]  # each once
    later: int  # trials whose settings can only be selected when others have ended
    failures: Mapping[str, int]  # trial -> failures so far
    failed: int  # trials

    def __bool__(self) -> bool:
        return bool(self.trials or self.later)


def send(order: Sending) -> None:
    """Sends what is missing and returns as soon as Slurm has accepted it; with dry_run shows it instead.

    Raises StudyError, before anything is queued, for whatever would fail later and can be known now.
    """
    study, profile = spec.load(order.study), load_profile(order.cluster)
    store = Store((order.results / study.name).resolve())
    _refuse(study, profile, order.dry_run)
    if order.dry_run:
        importlib.import_module("study.commands.dry_run").show(order, study, profile, missing(order, study, store))
        return
    with durable.lock(store.driver_lock, wait=False) as mine:
        _refuse_running(order, store, mine)
        left = missing(order, study, store)
        if not left:
            again = f"failures again: gan-study retry {order.study} --status failed --cluster {order.cluster}"
            failed = f", but {left.failed} failed; {again}" if left.failed else ""
            console.print(f"{study.name}: nothing is missing{failed}; next: gan-study report {order.study}")
            return
        write_plan(study, store, left.selections)
        importlib.import_module("study.commands.preparing").prepare_for(study, store, order.data)
    with durable.lock(Board(store).folder / "submit.lock", wait=False) as mine:  # the head will want the driver's
        _refuse_running(order, store, mine)
        _send(order, study, profile, Board(store), left)


def missing(order: Sending, study: Study, store: Store) -> Missing:
    """The trials in the wanted states, of the plan as far as it is known."""
    selections, _ = selected(study, store, order.results)
    plan = build(study, selections)
    stand = standing(store, [planned.row(i) for i, planned in enumerate(plan)])
    trials = [planned for planned in once(plan) if stand[planned.trial.id]["status"] in order.statuses]
    later = sum(each["trials"] for each in deferred(study, selections).values())
    failed = sum(facts["status"] == "failed" for facts in stand.values())
    return Missing(selections, trials, later, {trial: facts["failures"] for trial, facts in stand.items()}, failed)


def _refuse(study: Study, profile: Profile, dry_run: bool) -> None:
    """What cannot run on this cluster, whatever is missing; a dry run may be on a machine that knows no cluster."""
    wants, workers = study.resources, profile.workers
    faults = [] if dry_run and not slurm.available() else doctor.refusals(profile)
    if wants.gpus and not workers.gpus:
        faults.append(f"resources.gpus={wants.gpus:g}: the profile's workers have none; give workers.gpus, or 0 here")
    elif not profile.slots(wants):
        faults.append(
            f"a trial takes {wants.cpus:g} cpus and {profile.gpus_of_a_trial(wants):g} gpus (resources), but a worker "
            f"has {workers.cpus} and {workers.gpus}; raise workers.cpus or workers.gpus, or lower the study's resources"
        )
    if faults:
        raise StudyError("\n".join(faults))


def _refuse_running(order: Sending, store: Store, mine: bool) -> None:
    """One driver per study, wherever it is; also while its jobs still wait in the queue."""
    board = Board(store)
    newest = board.newest()
    queued = slurm.queued(job.id for job in newest.jobs) if newest else []
    if queued is None:
        raise StudyError("squeue does not answer, so nobody knows whether the study is running; gan-study doctor")
    follow = f"follow it: gan-study status {order.study}; end it: gan-study cancel {order.study}"
    if not mine or board.leader() is not None:
        raise StudyError(f"{store.folder.name} is being run already, from {store.folder}; {follow}")
    if queued:
        jobs = ", ".join(f"{task.id} {task.state}" for task in queued[:5]) + ", ..." * (len(queued) > 5)
        raise StudyError(
            f"{store.folder.name} has been submitted already, and has jobs in the queue ({jobs}); {follow}"
        )


def _refused(board: Board, number: int, error: StudyError) -> None:
    """Goes on with the workers that Slurm took; where it took none, takes the head back too."""
    jobs = board.submission(number).jobs
    if any(job.role != "head" for job in jobs):
        console.print(f"{error}; going on with {sum(job.tasks for job in jobs)} jobs", style="bold red")
        return
    slurm.cancel(job.id for job in jobs)
    raise StudyError(f"{error}; nothing was left in the queue") from error


def _send(order: Sending, study: Study, profile: Profile, board: Board, left: Missing) -> None:
    sender_of = importlib.import_module("cluster.submission").Sender
    newest = board.newest()
    number = newest.number + 1 if newest else 1
    board.make_token()
    submission = Submission(
        number=number, study=order.study, cluster=order.cluster, statuses=tuple(sorted(order.statuses)),
        forgiven={trial: count for trial, count in left.failures.items() if count}, data=str(order.data.resolve()),
        profile=profile.model_dump(mode="json"), source=source.freeze(board.sources).name, submitted_at=now(),
    )  # fmt: skip
    durable.write_bytes(board.study_file(number), spec.dump(spec.anchored(study, Path.cwd())).encode())
    board.write_submission(submission)
    sender = sender_of(board, submission, profile)
    for batch in sender.plan():
        try:
            job = sender.send(batch)
        except StudyError as error:
            _refused(board, number, error)
            break
        console.print(f"sent {job.role} as job {job.id}" + f", {job.tasks} of them" * (job.tasks > 1))
    console.print(
        f"{study.name}: {len(left.trials):,} trial{'s are' if len(left.trials) != 1 else ' is'} on the way"
        + f", and {left.later:,} more once their settings can be selected" * bool(left.later)
        + f"; follow them: gan-study status {order.study} --watch; this terminal may be closed"
    )
