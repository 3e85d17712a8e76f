"""What a cluster offers and allows: partitions, the nodes in them, settings, and this user's accounts and limits."""

import getpass
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cluster import slurm_time
from cluster.slurm import Missing, Refused, ask
from study.errors import StudyError

OUT_OF_USE = ("down", "drain", "fail", "error", "unk", "inval", "future", "maint")


@dataclass(frozen=True)
class Kind:
    """Nodes of a partition that are alike."""

    nodes: int
    in_use: bool  # jobs start on them, now or when others end
    idle: bool  # now, wholly or in part
    cpus: int
    memory_mb: int
    gpus: Mapping[str, int]  # by type; the type is empty where none is configured
    features: frozenset[str]


@dataclass(frozen=True)
class Partition:
    """A partition, as scontrol shows it, with its nodes, as sinfo does."""

    name: str
    up: bool
    minutes: int | None  # the longest time limit; None: without end
    preempt: str  # PreemptMode: OFF, REQUEUE, CANCEL, ...
    grace: int  # seconds between the warning of a preemption and the end
    accounts: frozenset[str] | None  # that may use it; None: all
    qos: frozenset[str] | None  # likewise
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Association:
    """This user's part in one account."""

    account: str
    qos: frozenset[str]
    default_qos: str
    most: int | None  # jobs in the queue at once; an array's tasks count each


def partitions() -> dict[str, Partition]:
    """By name. Raises StudyError where Slurm cannot be reached."""
    shown = ask("scontrol", "--all", "--oneliner", "show", "partition")
    return read_partitions(shown, ask("sinfo", "--noheader", "--all", "--exact", "--format=%R|%D|%T|%c|%m|%G|%f"))


def read_partitions(shown: str, nodes: str) -> dict[str, Partition]:
    """What is in the answers of `scontrol --oneliner show partition` and sinfo."""
    kinds: dict[str, list[Kind]] = {}
    for line in nodes.splitlines():
        partition, rest = line.split("|", 1)
        kinds.setdefault(partition, []).append(_kind(*rest.split("|")))
    found = {}
    for line in shown.splitlines():
        facts = dict(re.findall(r"(\w+)=(\S*)", line))
        if "PartitionName" not in facts:
            continue  # "No partitions in the system"
        name, limit = facts["PartitionName"], slurm_time.seconds(facts["MaxTime"])
        found[name] = Partition(
            name=name,
            up=facts["State"] == "UP",
            minutes=None if limit is None else limit // 60,
            preempt=facts["PreemptMode"],
            grace=int(facts.get("GraceTime", "0")),
            accounts=_allowed(facts.get("AllowAccounts", "ALL")),
            qos=_allowed(facts.get("AllowQos", "ALL")),
            kinds=tuple(kinds.get(name, ())),
        )
    return found


def _kind(count: str, state: str, cpus: str, memory: str, gres: str, features: str) -> Kind:
    gpus: dict[str, int] = {}
    for kind, number in re.findall(r"\bgpu:(?:([^:,()]+):)?(\d+)(?![^,(])", gres):
        gpus[kind] = gpus.get(kind, 0) + int(number)
    words = frozenset() if features == "(null)" else frozenset(features.split(","))
    size, megabytes = (int(number.rstrip("+")) for number in (cpus, memory))
    in_use, idle = not state.startswith(OUT_OF_USE), state.startswith(("idle", "mix"))
    return Kind(int(count), in_use, idle, size, megabytes, gpus, words)


def _allowed(names: str) -> frozenset[str] | None:
    return None if names == "ALL" else frozenset(names.split(","))


def settings() -> dict[str, str]:
    """`scontrol show config` as it stands: MaxArraySize, PreemptMode, KillWait, ...

    Raises StudyError where Slurm cannot be reached.
    """
    return dict(re.findall(r"^(\S+)\s+= (.*?)\s*$", ask("scontrol", "show", "config"), re.MULTILINE))


def associations() -> dict[str, Association] | None:
    """This user's accounts, the usual one first; None where nobody keeps account."""
    user = getpass.getuser()
    try:
        usual = ask("sacctmgr", "-nP", "show", "user", f"name={user}", "format=DefaultAccount").strip()
        columns = "format=Account,QOS,DefaultQOS,MaxSubmit,GrpSubmit"
        said = ask("sacctmgr", "-nP", "show", "assoc", "where", f"user={user}", columns)
    except StudyError as error:
        if isinstance(error, Missing | Refused):
            return None
        raise
    found = read_associations(said)
    return dict(sorted(found.items(), key=lambda item: item[0] != usual))


def read_associations(said: str) -> dict[str, Association]:
    """What is in sacctmgr's answer. An account may have a line for each cluster and partition: the tightest counts."""
    found: dict[str, Association] = {}
    for line in said.splitlines():
        account, qos, default_qos, *limits = line.split("|")
        one = Association(account, frozenset(filter(None, qos.split(","))), default_qos, _least(limits))
        before = found.get(account, one)
        usual = before.default_qos or default_qos
        found[account] = Association(account, one.qos | before.qos, usual, _least([one.most, before.most]))
    return found


def submit_limit(account: str | None, qos: str | None) -> int | None:
    """The most jobs this user may have in the queue, by sacctmgr; None where there is no limit or no accounting."""
    known = associations()
    if not known:
        return None
    mine = known[account] if account in known else next(iter(known.values()))
    said = ask("sacctmgr", "-nP", "show", "qos", "format=Name,MaxSubmitPU,MaxSubmitPA,GrpSubmit")
    limits = {name: _least(rest) for name, *rest in (line.split("|") for line in said.splitlines())}
    return _least([mine.most, limits.get(qos or mine.default_qos)])


def _least(limits: Iterable[str | int | None]) -> int | None:
    return min((int(limit) for limit in limits if limit not in (None, "")), default=None)
