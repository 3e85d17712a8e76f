"""Checks a profile against its cluster before anyone waits in a queue."""

import math
import os
from collections.abc import Iterator, Mapping

from cluster import slurm_limits
from cluster.finding import Finding, ok, problem, unknown, warning
from cluster.probing import Places, probe_findings
from cluster.profile import Profile
from cluster.request import account_findings, partition_findings
from cluster.slurm import KEPT, LEAKING, Missing
from cluster.slurm_limits import Partition
from cluster.submission import batches
from study.errors import StudyError
from study.spec import Study

LEAST_KILL_WAIT = 10  # seconds in which a cancelled worker ends its processes and removes its files
PREEMPTION = {
    "REQUEUE": "a worker that is preempted is started again by Slurm, and others go on with its trials meanwhile",
    "OFF": "no worker is taken away before its time limit",
}


def refusals(profile: Profile) -> list[str]:
    """Why Slurm would refuse these jobs or let them wait for ever, a line each; empty where nothing speaks against it.

    Raises StudyError where Slurm cannot be reached.
    """
    found = partition_findings(profile, slurm_limits.partitions())
    return [str(finding) for finding in found if finding.verdict == "problem"]


def cluster_findings(profile: Profile, places: Places | None) -> Iterator[Finding]:
    """What Slurm tells, and then a job on a node. places: folders that nodes must see; None: no job is started."""
    try:
        settings, partitions = slurm_limits.settings(), slurm_limits.partitions()
    except StudyError as error:
        remedy = (
            "run gan-study where sinfo answers"
            if isinstance(error, Missing)
            else "run sinfo, and wait until it answers"
        )
        yield problem("Slurm", str(error).partition("; ")[0], remedy)
        return
    yield ok("Slurm", f"{settings['ClusterName']} answers, version {settings['SLURM_VERSION']}")
    yield from leaked(os.environ)
    yield from partition_findings(profile, partitions)
    if profile.workers.partition in partitions:
        yield from preemption(partitions[profile.workers.partition])
    yield from _arrays(profile, int(settings["MaxArraySize"]))
    yield from _kill_wait(profile, int(settings["KillWait"].split()[0]))
    yield from _accounts(profile)
    if places is not None:
        yield from probe_findings(profile, places, partitions)


def study_findings(study: Study, profile: Profile) -> Iterator[Finding]:
    """Whether the study's trials fit on the profile's workers."""
    needs, workers = study.resources, profile.workers
    slots = profile.slots(needs)
    if not slots:
        yield problem(
            "trials per worker",
            f"a trial takes {needs.cpus:g} cpus, a worker has {workers.cpus}",
            f"set workers.cpus: {math.ceil(needs.cpus)} or more, or lower resources.cpus of the study",
        )
    elif slots * needs.threads > workers.cpus:
        yield warning(
            "trials per worker",
            f"{slots} trials of {needs.threads} threads share {workers.cpus} processors and wait for each other",
            f"set workers.cpus: {slots * needs.threads}",
        )
    else:
        yield ok("trials per worker", f"{slots} at once, {slots * workers.number} on all {workers.number} workers")


def leaked(environment: Mapping[str, str]) -> Iterator[Finding]:
    """What this shell would tell every job that it sends."""
    names = sorted(name for name in environment if name.startswith(LEAKING) and name not in KEPT)
    if names:
        inside = f"this shell is inside of job {environment['SLURM_JOB_ID']}: " if "SLURM_JOB_ID" in environment else ""
        many = f"{', '.join(names[:3])}{f' and {len(names) - 3} more' * (len(names) > 3)}"
        yield warning(
            "environment",
            f"{inside}{many} are set; gan-study does not pass them on to jobs",
            "write what you want of them into the profile, and unset them for commands of your own",
        )


def preemption(partition: Partition) -> Iterator[Finding]:
    """What happens to a worker whose node is wanted for another job."""
    lost = (
        f"; it is warned {partition.grace} s before"
        if partition.grace
        else "; it is not warned (GraceTime=0), so each trial falls back to its last checkpoint"
    )
    if partition.preempt in PREEMPTION:
        said = PREEMPTION[partition.preempt] + lost * (partition.preempt == "REQUEUE")
        yield ok("preemption", f"{partition.name} has PreemptMode={partition.preempt}: {said}")
    elif "SUSPEND" in partition.preempt:
        yield warning(
            "preemption",
            f"{partition.name} has PreemptMode={partition.preempt}: a worker that is suspended "
            "falls silent, and its trials are run again elsewhere",
            "set workers.partition to one that requeues, or expect to lose that time",
        )
    else:
        yield warning(
            "preemption",
            f"{partition.name} has PreemptMode={partition.preempt}: Slurm does not start a preempted worker again{lost}"
            + "; a worker that is warned asks for it itself" * bool(partition.grace),
            "ask for more workers than you need; when none is left: gan-study submit",
        )


def _arrays(profile: Profile, largest: int) -> Iterator[Finding]:
    number = profile.workers.number
    if largest < 2:
        yield problem("arrays", f"MaxArraySize={largest}: this cluster has no job arrays", "ask its administrators")
        return
    arrays = sum(batch.role == "worker" for batch in batches(profile, largest, None))
    sent = f"{arrays} array{'s' * (arrays > 1)}" if arrays else "no array"
    yield ok("arrays", f"{number} worker{'s' * (number > 1)}: {sent} (MaxArraySize={largest})")


def _kill_wait(profile: Profile, seconds: int) -> Iterator[Finding]:
    if seconds < LEAST_KILL_WAIT:
        yield warning(
            "leaving",
            f"a cancelled job has {seconds} s to end (KillWait): it may leave files in {profile.scratch}",
            "ask the administrators for KillWait=30; later jobs remove what was left",
        )
    else:
        yield ok(
            "leaving",
            f"workers are warned {profile.grace} s before their limit (grace); a cancelled one has "
            f"{seconds} s (KillWait)",
        )


def _accounts(profile: Profile) -> Iterator[Finding]:
    try:
        yield from account_findings(profile, slurm_limits.associations())
        limit = slurm_limits.submit_limit(profile.workers.account, profile.workers.qos)
    except StudyError as error:
        yield unknown("account", str(error), "run sacctmgr show assoc, and try again when it answers")
        return
    jobs = profile.workers.number + (profile.head is not None)
    if limit is not None and jobs > limit:
        yield warning(
            "submit limit",
            f"{jobs} jobs are asked for, but you may have {limit} in the queue",
            f"set workers.number: {limit - (profile.head is not None)} or less",
        )
