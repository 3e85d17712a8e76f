"""What Slurm's commands print, read: answers of a real Slurm 22.05, and sacct's as it documents them."""

import os
from pathlib import Path

import pytest

from cluster import slurm, slurm_limits, slurm_time
from cluster.slurm import Missing, Refused, Task, Unreachable
from cluster.slurm_limits import Association, Kind

QUEUE = """\
8_2|PENDING|JobArrayTaskLimit||0|N/A|
10|PENDING|Dependency||0|N/A|
6_[3-5,9%4]|PENDING|JobHeldUser||0|N/A|
8_1|PENDING|BeginTime||1|2026-11-22T08:11:25|
8_0|RUNNING|None|n1|2|2026-11-22T08:09:22|
"""

SACCT = """\
12_0|PREEMPTED|None|n1|2026-11-22T08:00:00
12_0|TIMEOUT|None|n2|2026-11-22T08:05:00
12_1|CANCELLED by 1000|None|n2|2026-11-22T08:01:00
12_[2-3]|PENDING|Resources|None assigned|Unknown
13|COMPLETED|None|n3|2026-11-22T08:02:00
"""

PARTITIONS = (
    "PartitionName=gpu AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=YES QoS=N/A "
    "DefaultTime=NONE DisableRootJobs=NO ExclusiveUser=NO GraceTime=0 Hidden=NO MaxNodes=UNLIMITED MaxTime=UNLIMITED "
    "MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED Nodes=n[1-3] PriorityJobFactor=1 PriorityTier=10 RootOnly=NO "
    "ReqResv=NO OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF State=UP TotalCPUs=6 TotalNodes=3 "
    "SelectTypeParameters=NONE JobDefaults=(null) DefMemPerNode=UNLIMITED MaxMemPerNode=UNLIMITED "
    "TRES=cpu=6,mem=18000M,node=3,billing=6\n"
    "PartitionName=preemptible AllowGroups=ALL AllowAccounts=vision,speech AllowQos=normal AllocNodes=ALL Default=NO "
    "GraceTime=20 MaxTime=1-12:00:00 PreemptMode=REQUEUE State=DRAIN TotalCPUs=6 TotalNodes=3\n"
)
NODES = """\
gpu|1|mixed|2|6000|gpu:2|(null)
gpu|2|down*|2|6000|gpu:a100:4(S:0-1),gpu:v100:2(S:1),shard:8|ib,a100
preemptible|5|idle~|64|257000|gpu:1g.5gb:7(S:0,2)|(null)
preemptible|1|drained|64|257000|(null)|(null)
"""


def test_squeue_is_read_task_by_task() -> None:
    assert slurm.listed(QUEUE) == [
        Task("8_2", "PENDING", "JobArrayTaskLimit", "", 0, None),
        Task("10", "PENDING", "Dependency", "", 0, None),
        *(Task(f"6_{index}", "PENDING", "JobHeldUser", "", 0, None) for index in (3, 4, 5, 9)),
        Task("8_1", "PENDING", "BeginTime", "", 1, "2026-11-22T08:11:25"),
        Task("8_0", "RUNNING", "", "n1", 2, "2026-11-22T08:09:22"),
    ]
    assert slurm.listed("") == []


def test_sacct_tells_each_life_and_the_last_counts() -> None:
    assert slurm.accounted(SACCT) == [
        Task("12_0", "TIMEOUT", "", "n2", 1, "2026-11-22T08:05:00"),
        Task("12_1", "CANCELLED", "", "n2", 0, "2026-11-22T08:01:00"),
        Task("12_2", "PENDING", "Resources", "", 0, None),
        Task("12_3", "PENDING", "Resources", "", 0, None),
        Task("13", "COMPLETED", "", "n3", 0, "2026-11-22T08:02:00"),
    ]


@pytest.mark.parametrize(
    ("folded", "indices"),
    [
        ("12_[3-9%4]", range(3, 10)),
        ("12_[1,3,5]", (1, 3, 5)),
        ("12_[1-45:2]", range(1, 46, 2)),
        ("12_[0-1,7,9-10%1]", (0, 1, 7, 9, 10)),
        ("12_[5]", (5,)),
    ],
)
def test_a_folded_array_is_expanded(folded: str, indices: range | tuple[int, ...]) -> None:
    assert slurm.expanded(folded) == [f"12_{index}" for index in indices]


def test_a_single_job_is_itself() -> None:
    assert (slurm.expanded("12"), slurm.expanded("12_3")) == (["12"], ["12_3"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:00", 0),
        ("1:58", 118),
        ("1:29:58", 5398),
        ("1-12:00:00", 129_600),
        ("30", 1800),
        ("UNLIMITED", None),
        ("NOT_SET", None),
        ("INVALID", None),
        ("", None),
    ],
)
def test_lengths_of_time(text: str, seconds: int | None) -> None:
    assert slurm_time.seconds(text) == seconds


@pytest.mark.parametrize("minutes", [1, 59, 60, 240, 1439, 1440, 2880, 5000])
def test_a_limit_is_told_in_a_form_that_is_read_again(minutes: int) -> None:
    assert slurm_time.seconds(slurm_time.text(minutes)) == minutes * 60


def test_partitions_with_their_nodes() -> None:
    found = slurm_limits.read_partitions(PARTITIONS, NODES)
    assert list(found) == ["gpu", "preemptible"]
    gpu, preemptible = found.values()
    assert (gpu.up, gpu.minutes, gpu.preempt, gpu.grace, gpu.accounts, gpu.qos) == (True, None, "OFF", 0, None, None)
    assert gpu.kinds == (
        Kind(1, True, True, 2, 6000, {"": 2}, frozenset()),
        Kind(2, False, False, 2, 6000, {"a100": 4, "v100": 2}, frozenset({"ib", "a100"})),
    )
    assert (preemptible.up, preemptible.minutes, preemptible.preempt, preemptible.grace) == (False, 2160, "REQUEUE", 20)
    assert (preemptible.accounts, preemptible.qos) == (frozenset({"vision", "speech"}), frozenset({"normal"}))
    assert preemptible.kinds == (
        Kind(5, True, True, 64, 257_000, {"1g.5gb": 7}, frozenset()),
        Kind(1, False, False, 64, 257_000, {}, frozenset()),
    )


def test_a_cluster_without_partitions() -> None:
    assert slurm_limits.read_partitions("No partitions in the system\n", "") == {}


def test_accounts_and_their_tightest_limit() -> None:
    said = "vision|normal,long|normal|500|\nvision|normal||200|1000\nspeech||||\n"
    assert slurm_limits.read_associations(said) == {
        "vision": Association("vision", frozenset({"normal", "long"}), "normal", 200),
        "speech": Association("speech", frozenset(), "", None),
    }


def test_what_a_job_leaks_is_scrubbed_and_the_way_to_slurm_kept() -> None:
    inside = {
        "SLURM_JOB_ID": "1", "SLURM_CPU_BIND": "cores", "SBATCH_PARTITION": "x", "SRUN_DEBUG": "3", "PMI_RANK": "0",
        "PMIX_ID": "1", "SALLOC_ACCOUNT": "x", "SLURM_CONF": "/etc/slurm.conf", "SLURM_JWT": "token", "PATH": "/bin",
    }  # fmt: skip
    assert slurm.scrubbed(inside) == {"SLURM_CONF": "/etc/slurm.conf", "SLURM_JWT": "token", "PATH": "/bin"}
    assert "SLURM_JOB_ID" in inside  # not changed in place


def _stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, **commands: str) -> None:
    """Puts programs of these names first on the path."""
    for name, script in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_machine_without_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not slurm.available()
    assert slurm.queued(["1"]) is None
    assert slurm.ended(["1"]) is None
    assert slurm.state("1") == "UNKNOWN"
    assert slurm.seconds_left("1") is None
    assert slurm.requeue("1") is False
    assert slurm_limits.associations() is None
    with pytest.raises(Missing, match="there is no command scancel on this machine; log in where"):
        slurm.cancel(["1"])
    with pytest.raises(Missing, match="no command scontrol"):
        slurm_limits.settings()


def test_a_controller_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1"
    _stand_in(tmp_path, monkeypatch, squeue=words, scontrol=words, scancel=words)
    assert slurm.queued(["1"]) is None
    assert slurm.state("1") == "UNKNOWN"
    for ask in (slurm_limits.settings, slurm_limits.partitions, lambda: slurm.cancel(["1"])):
        with pytest.raises(Unreachable, match=r"cannot be reached \(slurm_load_jobs error: Unable.*try again later"):
            ask()


def test_a_command_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(tmp_path, monkeypatch, squeue="exec sleep 60")
    with pytest.raises(Unreachable, match=r"squeue did not answer within 0\.2 s"):
        slurm.ask("squeue", patience=0.2)


def test_no_accounting_is_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(
        tmp_path, monkeypatch, sacct="echo 'Slurm accounting storage is disabled' >&2; exit 1",
        sacctmgr="echo 'You are not running a supported accounting_storage plugin' >&2; exit 1",
    )  # fmt: skip
    assert slurm.ended(["1"]) is None
    assert slurm_limits.associations() is None
    assert slurm_limits.submit_limit(None, None) is None


def test_nothing_asked_is_nothing_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """squeue without ids would list everybody's jobs."""
    _stand_in(tmp_path, monkeypatch, squeue="exit 3", sacct="exit 3", scancel="exit 3")
    assert (slurm.queued([]), slurm.ended([])) == ([], [])
    slurm.cancel([])


def test_a_persons_own_formats_do_not_reach_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SQUEUE_FORMAT", "SQUEUE_PARTITION", "SACCT_FORMAT", "SLURM_JOB_ID", "SINFO_FORMAT"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("SLURM_TIME_FORMAT", "relative")
    monkeypatch.setenv("SLURM_CONF", "/some/slurm.conf")
    _stand_in(tmp_path, monkeypatch, scontrol="env | sort")
    seen = dict(line.partition("=")[::2] for line in slurm.ask("scontrol").splitlines())
    assert not [name for name, value in seen.items() if value == "mine"]
    assert (seen["SLURM_TIME_FORMAT"], seen["SLURM_CONF"], seen["LC_ALL"]) == ("standard", "/some/slurm.conf", "C")


def test_cancel_passes_over_what_is_gone_and_tells_what_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = "scancel: error: Kill job error on job id 1: Invalid job id specified"
    denied = "scancel: error: Kill job error on job id 2: Access/permission denied"
    _stand_in(tmp_path, monkeypatch, scancel=f"[ $1 = 1 ] && echo '{gone}' >&2 || echo '{denied}' >&2; exit 1")
    slurm.cancel(["1"])
    with pytest.raises(Refused, match=r"scancel 2: .*permission denied"):
        slurm.cancel(["1", "2"])


def test_the_limit_is_the_tightest_of_account_and_quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sacctmgr = (
        'case "$*" in *"show user"*) echo vision;; *"show assoc"*) echo "speech|normal|normal||";'
        ' echo "vision|normal,short|normal|500|";; *) echo "normal|300||"; echo "short|20|400|";; esac'
    )
    _stand_in(tmp_path, monkeypatch, sacctmgr=sacctmgr)
    assert list(slurm_limits.associations() or {}) == ["vision", "speech"]  # the usual one first
    assert slurm_limits.submit_limit(None, None) == 300
    assert slurm_limits.submit_limit(None, "short") == 20
    assert slurm_limits.submit_limit("speech", None) == 300
