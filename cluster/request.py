"""Whether a partition can ever give what a profile asks of it: Slurm would take the job, and let it wait for ever."""

import re
from collections.abc import Iterator, Mapping

from cluster import slurm_time
from cluster.finding import Finding, ok, problem, warning
from cluster.profile import Profile, Slurm, Workers
from cluster.slurm_limits import Association, Kind, Partition
from study.errors import did_you_mean


def partition_findings(profile: Profile, partitions: Mapping[str, Partition]) -> Iterator[Finding]:
    """Of each kind of job: the partition is there and up, its limits allow the job, some node is large enough."""
    for role, job in profile.roles().items():
        faults = list(_faults(role, job, partitions))
        yield from faults
        if not faults:
            yield ok(f"{role} partition", f"{job.partition} is up and can run {_asked(job)} for {_limit(job.time)}")


def account_findings(profile: Profile, known: Mapping[str, Association] | None) -> Iterator[Finding]:
    """Of each kind of job: the account and the quality of service are this user's."""
    if known is None:
        yield ok(
            "account", "no accounting is kept here, or none that can be asked: accounts and limits are not checked"
        )
        return
    for role, job in profile.roles().items():
        usual = next(iter(known), None)
        mine = known.get(job.account or usual or "")
        if mine is None:
            said = f"{job.account!r} is none of your accounts" if job.account else "you have no account in sacctmgr"
            accounts = ", ".join(known) or "ask the administrators for one"
            yield problem(
                f"{role} account", f"{said}{did_you_mean(job.account or '', known)}", f"set {role}.account: {accounts}"
            )
        elif job.qos is not None and job.qos not in mine.qos:
            yield problem(
                f"{role} qos",
                f"{job.qos!r} is not of the account {mine.account}{did_you_mean(job.qos, mine.qos)}",
                f"set {role}.qos: {', '.join(sorted(mine.qos))}",
            )
        else:
            yield ok(
                f"{role} account", f"{mine.account}, quality of service {job.qos or mine.default_qos or 'as usual'}"
            )


def _faults(role: str, job: Slurm, partitions: Mapping[str, Partition]) -> Iterator[Finding]:
    name, there = f"{role} partition", partitions.get(job.partition)
    if there is None:
        hint = did_you_mean(job.partition, partitions)
        yield problem(
            name, f"there is no partition {job.partition!r}{hint}", f"set {role}.partition: {', '.join(partitions)}"
        )
        return
    if not there.up:
        yield problem(
            name,
            f"{job.partition} is not up: jobs wait in it and do not start",
            f"set {role}.partition: {', '.join(p.name for p in partitions.values() if p.up)}",
        )
    if there.minutes is not None and job.time > there.minutes:
        yield problem(
            f"{role} time",
            f"{_limit(job.time)} is more than {job.partition} allows",
            f"set {role}.time: '{_limit(there.minutes)}' or less",
        )
    for key, asked, open_to in (("account", job.account, there.accounts), ("qos", job.qos, there.qos)):
        if open_to is not None and asked is not None and asked not in open_to:
            yield problem(
                f"{role} {key}",
                f"{job.partition} is not open to {asked!r}",
                f"set {role}.{key}: {', '.join(sorted(open_to))}",
            )
    yield from _nodes(role, job, there)


def _nodes(role: str, job: Slurm, there: Partition) -> Iterator[Finding]:
    large = [kind for kind in there.kinds if _fits(job, kind)]
    if not large:
        best = max(there.kinds, key=lambda kind: (_gpus(job, kind), kind.cpus, kind.memory_mb), default=None)
        has = "it has no nodes" if best is None else f"its best has {_has(best)}"
        keys = f"{role}.cpus, {role}.memory" + f" or {role}.gpus" * bool(_wanted(job))
        yield problem(f"{role} resources", f"no node of {job.partition} has {_asked(job)}; {has}", f"lower {keys}")
        return
    feature = job.constraint if re.fullmatch(r"[\w.-]+", job.constraint or "") else None  # no expression of several
    featured = [kind for kind in large if feature is None or feature in kind.features]
    if not featured:
        features = sorted({word for kind in large for word in kind.features})
        yield problem(
            f"{role} constraint",
            f"no node with {_asked(job)} has the feature {feature!r}{did_you_mean(feature, features)}",
            f"set {role}.constraint: {', '.join(features) or 'nothing, there are no features'}",
        )
    elif not any(kind.in_use for kind in featured):
        count = sum(kind.nodes for kind in featured)
        yield warning(
            f"{role} nodes",
            f"all {count} nodes large enough in {job.partition} are down",
            f"wait for them (sinfo -p {job.partition}), or set {role}.partition to another",
        )


def _fits(job: Slurm, kind: Kind) -> bool:
    return kind.cpus >= job.cpus and kind.memory_mb >= job.memory_mb and _gpus(job, kind) >= _wanted(job)


def _wanted(job: Slurm) -> int:
    return job.gpus if isinstance(job, Workers) else 0


def _gpus(job: Slurm, kind: Kind) -> int:
    """GPUs of the type that is asked for, or of the type that the nodes have most of."""
    if isinstance(job, Workers) and job.gpu_type is not None:
        return kind.gpus.get(job.gpu_type, 0)
    return sum(kind.gpus.values())


def _asked(job: Slurm) -> str:
    return _told(job.cpus, job.memory, {getattr(job, "gpu_type", None) or "": _wanted(job)})


def _has(kind: Kind) -> str:
    return _told(kind.cpus, f"{kind.memory_mb}M", kind.gpus)


def _told(cpus: int, memory: str, gpus: Mapping[str, int]) -> str:
    cards = [f"{_count(count, 'GPU')}{f' ({kind})' * bool(kind)}" for kind, count in gpus.items() if count]
    return ", ".join([_count(cpus, "cpu"), memory, *cards])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number > 1)}"


def _limit(minutes: int) -> str:
    return slurm_time.text(minutes)
