"""Sends a study's jobs to Slurm. The only user of submitit."""

import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import submitit
from submitit.core.utils import FailedJobError

from cluster import launch, slurm
from cluster.board import Board, Job, Submission
from cluster.profile import Profile, Slurm, Workers
from cluster.slurm_limits import settings, submit_limit
from study import durable
from study.errors import StudyError

MAX_ARRAY_SIZE = 1001  # Slurm's default
HEADS = 10  # sent in all for one submission; more would mean that something else is wrong


@dataclass(frozen=True)
class Batch:
    """What one call of sbatch is to send."""

    role: str  # head, worker, or both: a head with the first worker beside it
    tasks: int
    at_once: int  # of its tasks
    wants: Slurm


def batches(profile: Profile, longest: int, room: int | None) -> list[Batch]:
    """The head and the arrays of workers. longest: MaxArraySize; room: jobs that the user may still send, if limited.

    Raises StudyError where there is no room for a head and a worker.
    """
    workers = profile.workers
    role, wants = ("both", workers) if profile.head is None else ("head", profile.head)
    left = workers.number - (role == "both")
    if room is not None:
        if room < 1 + (role == "head"):
            raise StudyError(f"the queue has room for {room} more jobs of yours; wait, or cancel some: squeue --me")
        left = min(left, room - 1)
    longest = max(1, longest)  # 0: this Slurm has no arrays, and each worker is a job of its own
    sizes = [min(longest, left - begin) for begin in range(0, left, longest)]
    at_once = (workers.at_once or workers.number) - (role == "both")
    arrays = [Batch("worker", size, max(1, min(size, at_once * size // left)), workers) for size in sizes]
    return [Batch(role, 1, 1, wants), *arrays]


log = logging.getLogger("study")


class _Executor(submitit.SlurmExecutor):
    """Also writes scripts on a machine without Slurm, for a dry run."""

    @classmethod
    def affinity(cls) -> int:
        return 1


class Sender:
    """Sends the jobs of one submission, or shows what it would send."""

    def __init__(self, board: Board, submission: Submission, profile: Profile) -> None:
        self._board, self._submission, self._profile = board, submission, profile
        self._python = profile.python or shlex.quote(sys.executable)

    def plan(self) -> list[Batch]:
        """By the limits of this machine's Slurm, or where it has none by Slurm's defaults.

        Raises StudyError where Slurm cannot be reached, or takes no more jobs.
        """
        if not slurm.available():
            return batches(self._profile, MAX_ARRAY_SIZE, None)
        longest = int(settings().get("MaxArraySize", MAX_ARRAY_SIZE))  # indices begin at 0 and end one below
        workers = self._profile.workers
        limit = submit_limit(workers.account, workers.qos)
        return batches(self._profile, longest, None if limit is None else limit - slurm.mine())

    def script(self, batch: Batch) -> str:
        """The text that sbatch would get; HEAD stands for the head's job, which has no number yet."""
        executor = self._executor(batch, "HEAD" if batch.role == "worker" else None)
        if batch.role == "worker":
            executor.parameters["map_count"] = batch.tasks
        return executor._make_submission_file_text(executor._submitit_command_str, "dry-run")

    def send(self, batch: Batch) -> Job:
        """Raises StudyError with Slurm's words where it refuses."""
        after = next((job.id for job in reversed(self._submission.jobs) if job.role != "worker"), None)
        executor = self._executor(batch, after if batch.role == "worker" else None)
        programs = [launch.Program(self._arguments(batch.role))] * batch.tasks
        try:
            with _clean_environment():
                if batch.tasks == 1:
                    sent = [executor.submit(programs[0])]
                else:
                    with executor.batch():
                        sent = [executor.submit(program) for program in programs]
        except FailedJobError as error:
            raise StudyError(f"sbatch refused a job of the role {batch.role}: {str(error).strip()}") from error
        number = str(sent[0].job_id).partition("_")[0]
        script = (self._board.jobs / f"{number}_submission.sh").relative_to(self._board.store.folder)
        job = Job(batch.role, number, batch.tasks, str(script))
        self._submission = replace(self._submission, jobs=(*self._submission.jobs, job))
        self._board.write_submission(self._submission)
        return job

    def _arguments(self, role: str) -> tuple[str, ...]:
        place = (str(self._board.store.folder), str(self._submission.number))
        return ("worker", *place) if role == "worker" else ("head", *place, *["--with-worker"] * (role == "both"))

    def _executor(self, batch: Batch, after: str | None) -> submitit.SlurmExecutor:
        wants, profile = batch.wants, self._profile
        frozen = str(self._board.sources / self._submission.source)
        options: dict[str, Any] = {name.replace("-", "_"): value for name, value in wants.options.items()}
        options["requeue"] = True  # a preempted or killed job comes back
        options |= {"dependency": f"after:{after}"} if after else {}  # no GPU waits for a head that is still queued
        executor = _Executor(folder=self._board.jobs, python=self._python)
        executor.update_parameters(
            job_name=f"{self._board.store.folder.name}.{batch.role}",
            partition=wants.partition, account=wants.account, qos=wants.qos, constraint=wants.constraint,
            time=wants.time, nodes=1, ntasks_per_node=1, cpus_per_task=wants.cpus, mem=wants.memory,
            gres=wants.gres if isinstance(wants, Workers) else None,
            signal_delay_s=profile.grace, stderr_to_stdout=True, array_parallelism=batch.at_once, wckey=None,
            setup=launch.setup(profile, frozen), teardown=launch.teardown(profile, self._python),
            srun_args=[f"--cpus-per-task={wants.cpus}"],  # Slurm 22.05 stopped handing it on to the step
            additional_parameters=options,
        )  # fmt: skip
        return executor


def replace_lost_head(board: Board, number: int) -> Job | None:
    """Sends a head anew where the last one fell silent and its job is in no queue any more; None where that is not so.

    For the jobs that outlived it: Slurm requeues a head that is preempted or whose node dies, and a head's own script
    one whose program is killed; nobody but they is there where the script was killed too.
    """
    if board.leader() is not None or board.submission(number).cancelled_at is not None:
        return None
    with durable.lock(board.folder / "head.lock", wait=False) as mine:
        submission = board.submission(number)
        heads = [job.id for job in submission.jobs if job.role != "worker"]
        if not mine or not heads or len(heads) >= HEADS or slurm.queued(heads) != [] or submission.cancelled_at:
            return None
        profile = Profile.model_validate(dict(submission.profile))
        try:
            return Sender(board, submission, profile).send(batches(profile, 1, None)[0])
        except StudyError as error:  # from some nodes nobody may send; the person who submitted can
            log.warning("the head is lost, and %s", error)
            return None


@contextmanager
def _clean_environment() -> Iterator[None]:
    """Without what a job would leak into the jobs that it sends."""
    before = dict(os.environ)
    clean = slurm.scrubbed(before)
    if "/gs" in clean.get("TMPDIR", ""):  # a worker's own folder, the mark by which its reaper would know the new job
        del clean["TMPDIR"]
    for name in set(before) - set(clean):
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(before)
