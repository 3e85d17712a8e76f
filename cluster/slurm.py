"""What Slurm says, by its own commands; submitit sends jobs (submission.py), everything else is asked here."""

import logging
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cluster import slurm_time
from study.errors import StudyError

LEAKING = ("SLURM_", "SBATCH_", "SRUN_", "PMI", "SALLOC_")  # set inside a job; what they ask for leaks into the next
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT")  # where the controller is, and who asks
HABITS = ("SQUEUE_", "SACCT_", "SINFO_", "SCONTROL_", "SCANCEL_")  # a person's own formats and filters
ANSWER_SECONDS = 30
ENDING_SECONDS = 5  # for a job that has been asked to leave, and has no more time
UNKNOWN = "UNKNOWN"

log = logging.getLogger("study")


@dataclass(frozen=True)
class Task:
    """One job, or one task of an array, as squeue or sacct know it."""

    id: str  # 12, or 12_3
    state: str  # Slurm's word: PENDING, RUNNING, COMPLETING, COMPLETED, TIMEOUT, ...; UNKNOWN where nobody knows
    reason: str  # why it is not running: Resources, BeginTime, Dependency, ...; empty where it runs
    node: str
    restarts: int
    start: str | None  # Slurm's local time: when it began or is expected to; None where that is unknown


class Missing(StudyError):
    """This machine has no such command."""


class Unreachable(StudyError):
    """The command is there, but nobody answers it."""


class Refused(StudyError):
    """Slurm answered, and said no."""


NOBODY = re.compile(
    "Unable to contact|[Cc]onnection refused|connect failure|Socket timed out|Unable to process configuration|"
    "Could not establish a configuration|Zero Bytes were transmitted|Protocol authentication error"
)
GONE = re.compile("Invalid job id specified|already completing or completed")


def available() -> bool:
    """Whether this machine has Slurm's commands."""
    return all(shutil.which(command) for command in ("sbatch", "squeue", "scontrol", "scancel"))


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what a job leaks into the jobs that it sends."""
    return {key: value for key, value in environment.items() if key in KEPT or not key.startswith(LEAKING)}


def ask(*command: str, patience: float = ANSWER_SECONDS) -> str:
    """What a command of Slurm's prints. Raises Missing, Unreachable or Refused, with its own words."""
    habits = {key: value for key, value in scrubbed(os.environ).items() if not key.startswith(HABITS)}
    plain = {**habits, "LC_ALL": "C", "SLURM_TIME_FORMAT": "standard", "SLURM_BITSTR_LEN": "0"}  # no "..." in an array
    try:
        done = subprocess.run(
            command, env=plain, capture_output=True, text=True, errors="replace", timeout=patience,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Missing(
            f"there is no command {command[0]} on this machine; log in where Slurm's commands are, or load its module"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Unreachable(f"{command[0]} did not answer within {patience:g} s; try again later") from error
    if done.returncode == 0:
        return done.stdout
    words = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
    if NOBODY.search(words):
        raise Unreachable(
            f"Slurm's controller cannot be reached ({words}); try again later, or tell its administrators"
        )
    raise Refused(f"{' '.join(command):.200}: {words}")


def queued(ids: Iterable[str]) -> list[Task] | None:
    """Those of the jobs (ids without an index; an array's tasks each) that squeue still lists as not ended.

    An array's pending tasks, which squeue folds into 12_[3-9], are told one by one. None where squeue cannot be asked.
    """
    wanted = ",".join(ids)
    columns = "JobArrayID:|,State:|,Reason:|,NodeList:|,RestartCnt:|,StartTime:|"
    try:
        said = (
            ask("squeue", "--noheader", "--array", "--all", f"--jobs={wanted}", f"--Format={columns}") if wanted else ""
        )
    except StudyError as error:
        if isinstance(error, Refused) and GONE.search(str(error)):  # squeue's word for a single job that has ended
            return []
        log.warning("%s", error)
        return None
    return listed(said)


def listed(said: str) -> list[Task]:
    """The tasks in squeue's answer."""
    return [task for line in said.splitlines() for task in _queued(line)]


def _queued(line: str) -> Iterator[Task]:
    name, state, reason, node, restarts, start, _ = line.split("|")
    for each in expanded(name):
        yield Task(each, state, _known(reason) or "", _known(node) or "", int(restarts), _known(start))


def ended(ids: Iterable[str]) -> list[Task] | None:
    """What sacct knows of these jobs and their tasks; None where there is no accounting."""
    wanted = ",".join(ids)
    columns = "JobID,State,Reason,NodeList,Start"
    try:
        said = ask("sacct", "-n", "-P", "-X", "-D", f"--jobs={wanted}", f"--format={columns}") if wanted else ""
    except StudyError as error:
        log.info("%s", error)
        return None
    return accounted(said)


def accounted(said: str) -> list[Task]:
    """The tasks in sacct's answer, each in its last life: with -D it has a line for every one."""
    lives: Counter[str] = Counter()
    last: dict[str, Task] = {}
    for line in said.splitlines():
        name, state, reason, node, start = line.split("|")
        for each in expanded(name):
            lives[each] += 1
            word = state.partition(" ")[0]  # CANCELLED by 1000
            last[each] = Task(each, word, _known(reason) or "", _known(node) or "", lives[each] - 1, _known(start))
    return list(last.values())


def expanded(name: str) -> list[str]:
    """The ids in a name that may be folded: 12, 12_3, 12_[1,3-9:2%4]."""
    job, bracket, folded = name.partition("_[")
    if not bracket:
        return [name]
    found = []
    for part in folded.rstrip("]").partition("%")[0].split(","):
        first, last, step = re.fullmatch(r"(\d+)(?:-(\d+))?(?::(\d+))?", part).groups()  # type: ignore[union-attr]
        found += [f"{job}_{index}" for index in range(int(first), int(last or first) + 1, int(step or 1))]
    return found


def _known(value: str) -> str | None:
    return None if value in {"", "N/A", "None", "(null)", "Unknown", "None assigned"} else value


def mine() -> int:
    """How many jobs this user has in the queue, an array's tasks counted one by one."""
    return len(ask("squeue", "--me", "--noheader", "--array", "--format=%i").splitlines())


def state(job: str) -> str:
    """The state of one job or task (12 or 12_3) by scontrol: RUNNING, COMPLETING, ...; UNKNOWN where nobody knows."""
    try:
        shown = ask("scontrol", "-o", "show", "job", job, patience=ENDING_SECONDS)
        found = re.search(r"\bJobState=(\S+)", shown)
    except StudyError as error:
        log.info("%s", error)
        return UNKNOWN
    return found[1] if found else UNKNOWN


def restarts(job: str) -> int | None:
    """How often Slurm has requeued the job, one that is just being requeued included; None where nobody knows."""
    try:
        found = re.search(r"\bRestarts=(\d+)", ask("scontrol", "-o", "show", "job", job, patience=ENDING_SECONDS))
    except StudyError as error:
        log.info("%s", error)
        return None
    return int(found[1]) if found else None


def seconds_left(job: str) -> float | None:
    """Until the job's time limit; None where it has none or nobody knows."""
    try:
        return slurm_time.seconds(ask("squeue", "--noheader", "--all", f"--jobs={job}", "--format=%L").strip())
    except StudyError as error:
        log.info("%s", error)
        return None


def requeue(job: str) -> bool:
    """Asks Slurm to end this job or task and to start it again; False where Slurm refused (its words are logged)."""
    try:
        ask("scontrol", "requeue", job)
    except StudyError as error:
        log.warning("%s", error)
        return False
    return True


def cancel(ids: Iterable[str]) -> None:
    """Cancels jobs with all their tasks. Raises StudyError with Slurm's words where it refuses."""
    for job in ids:
        try:
            ask("scancel", job)
        except Refused as error:
            if not GONE.search(str(error)):
                raise
