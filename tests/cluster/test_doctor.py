"""The doctor's verdicts on what a cluster offers and on what a node sees: each names the value and has a remedy."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cluster import doctor, probe, this_machine, verdicts
from cluster.finding import Finding
from cluster.probing import Places, meeting, script, srun
from cluster.profile import Profile
from cluster.request import account_findings, partition_findings
from cluster.slurm_limits import Association, Kind, Partition
from study import reading
from tests.commands.command import ROOT
from tests.conftest import tiny_study

SMALL = Kind(3, True, True, 2, 6000, {"": 2}, frozenset())
LARGE = Kind(2, True, True, 64, 257_000, {"a100": 4, "v100": 2}, frozenset({"a100", "ib"}))
OFF = Kind(2, False, False, 64, 257_000, {"a100": 8}, frozenset({"a100", "ib"}))


def partition(*kinds: Kind, **changed: Any) -> dict[str, Partition]:
    """One partition named gpu."""
    usual: dict[str, Any] = {
        "name": "gpu", "up": True, "minutes": None, "preempt": "OFF", "grace": 0, "accounts": None, "qos": None
    }  # fmt: skip
    return {"gpu": Partition(**{**usual, **changed}, kinds=kinds or (SMALL,))}


def profile(**changed: Any) -> Profile:
    workers = {"partition": "gpu", "time": "4:00:00", "cpus": 2, "memory": "4G", "number": 3}
    top = {key: changed.pop(key) for key in list(changed) if key in Profile.model_fields}
    return reading.validate(Profile, {"workers": {**workers, **changed}, **top}, "my.yaml")


def told(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.verdict, str(finding)) for finding in findings]


def test_what_fits_is_ok() -> None:
    assert told(partition_findings(profile(gpus=2), partition(minutes=240))) == [
        ("ok", "workers partition: gpu is up and can run 2 cpus, 4G, 2 GPUs for 4:00:00")
    ]


# What is asked, what there is, and the one line that answers.
IMPOSSIBLE: list[tuple[dict[str, Any], dict[str, Partition], str]] = [
    (
        {"partition": "gpuu"},
        partition(),
        "workers partition: there is no partition 'gpuu'; did you mean 'gpu'?; set workers.partition: gpu",
    ),
    (
        {},
        {**partition(up=False), "cpu": Partition("cpu", True, None, "OFF", 0, None, None, ())},
        "workers partition: gpu is not up: jobs wait in it and do not start; set workers.partition: cpu",
    ),
    (
        {},
        partition(minutes=90),
        "workers time: 4:00:00 is more than gpu allows; set workers.time: '1:30:00' or less",
    ),
    (
        {"cpus": 4},
        partition(),
        "workers resources: no node of gpu has 4 cpus, 4G; its best has 2 cpus, 6000M, 2 GPUs; "
        "lower workers.cpus, workers.memory",
    ),
    (
        {"memory": "6G"},
        partition(),
        "workers resources: no node of gpu has 2 cpus, 6G; its best has 2 cpus, 6000M, 2 GPUs; "
        "lower workers.cpus, workers.memory",
    ),
    (
        {"gpus": 3},
        partition(),
        "workers resources: no node of gpu has 2 cpus, 4G, 3 GPUs; its best has 2 cpus, 6000M, 2 GPUs; "
        "lower workers.cpus, workers.memory or workers.gpus",
    ),
    (
        {"gpus": 3, "gpu_type": "v100"},
        partition(SMALL, LARGE),
        "workers resources: no node of gpu has 2 cpus, 4G, 3 GPUs (v100); its best has 64 cpus, 257000M, "
        "4 GPUs (a100), 2 GPUs (v100); lower workers.cpus, workers.memory or workers.gpus",
    ),
    (
        {"constraint": "a10"},
        partition(SMALL, LARGE),
        "workers constraint: no node with 2 cpus, 4G has the feature 'a10'; did you mean 'a100'?; "
        "set workers.constraint: a100, ib",
    ),
    (
        {"account": "mine"},
        partition(accounts=frozenset({"theirs"})),
        "workers account: gpu is not open to 'mine'; set workers.account: theirs",
    ),
    (
        {"qos": "long"},
        partition(qos=frozenset({"short", "normal"})),
        "workers qos: gpu is not open to 'long'; set workers.qos: normal, short",
    ),
]


@pytest.mark.parametrize(("asked", "there", "line"), IMPOSSIBLE, ids=[line[:60] for *_, line in IMPOSSIBLE])
def test_what_could_never_start_is_a_problem(asked: dict[str, Any], there: dict[str, Partition], line: str) -> None:
    assert told(partition_findings(profile(**asked), there)) == [("problem", line)]


def test_one_node_must_have_it_all() -> None:
    """Many processors on one node and a GPU on another are no node with both."""
    processors = Kind(1, True, True, 64, 6000, {}, frozenset())
    found = told(partition_findings(profile(cpus=32, gpus=1), partition(SMALL, processors)))
    assert [verdict for verdict, _ in found] == ["problem"]


def test_an_expression_of_features_is_left_to_slurm() -> None:
    assert [v for v, _ in told(partition_findings(profile(constraint="a100|h100"), partition(LARGE)))] == ["ok"]


def test_nodes_that_are_down_are_a_warning() -> None:
    (finding,) = partition_findings(profile(cpus=4), partition(SMALL, OFF))
    assert (finding.verdict, finding.name) == ("warning", "workers nodes")
    assert "all 2 nodes" in finding.detail
    assert "sinfo -p gpu" in finding.remedy


def test_the_head_is_checked_as_well() -> None:
    head = {"partition": "cpu", "time": "90", "cpus": 1, "memory": "2G"}
    found = told(partition_findings(profile(head=head), partition()))
    assert found[1] == ("problem", "head partition: there is no partition 'cpu'; did you mean 'gpu'?; "
                        "set head.partition: gpu")  # fmt: skip


def test_accounts_are_those_of_the_user() -> None:
    known = {"vision": Association("vision", frozenset({"normal"}), "normal", None)}
    assert told(account_findings(profile(), known)) == [("ok", "workers account: vision, quality of service normal")]
    assert told(account_findings(profile(account="visoin"), known)) == [
        (
            "problem",
            "workers account: 'visoin' is none of your accounts; did you mean 'vision'?; set workers.account: vision",
        )
    ]
    assert told(account_findings(profile(qos="long"), known)) == [
        ("problem", "workers qos: 'long' is not of the account vision; set workers.qos: normal")
    ]
    assert [v for v, _ in told(account_findings(profile(), {}))] == ["problem"]
    assert [v for v, _ in told(account_findings(profile(), None))] == ["ok"]


@pytest.mark.parametrize(
    ("mode", "grace", "verdict", "word"),
    [
        ("OFF", 0, "ok", "no worker is taken away"),
        ("REQUEUE", 20, "ok", "it is warned 20 s before"),
        ("REQUEUE", 0, "ok", "not warned (GraceTime=0)"),
        ("CANCEL", 30, "warning", "does not start a preempted worker again; it is warned 30 s before"),
        ("SUSPEND,GANG", 0, "warning", "falls silent"),
        ("GANG,SUSPEND", 0, "warning", "falls silent"),
    ],
)
def test_what_a_preemption_means(mode: str, grace: int, verdict: str, word: str) -> None:
    (finding,) = doctor.preemption(partition(preempt=mode, grace=grace)["gpu"])
    assert finding.verdict == verdict
    assert word in finding.detail


def test_what_leaks_out_of_a_job_is_named() -> None:
    assert list(doctor.leaked({"PATH": "/bin", "SLURM_CONF": "x"})) == []
    (inside,) = doctor.leaked({"SLURM_JOB_ID": "7", "SLURM_A": "1", "SLURM_B": "1", "SBATCH_C": "1", "SRUN_D": "1"})
    assert (inside.verdict, inside.name) == ("warning", "environment")
    assert inside.detail.startswith("this shell is inside of job 7: SBATCH_C, SLURM_A, SLURM_B and 2 more are set")


@pytest.mark.parametrize(
    ("resources", "changed", "verdict", "words"),
    [
        ({"cpus": 1.0}, {"cpus": 2}, "ok", "2 at once, 6 on all 3 workers"),
        ({"cpus": 4.0}, {"cpus": 2}, "problem", "a trial takes 4 cpus, a worker has 2; set workers.cpus: 4"),
        ({"cpus": 0.5, "threads": 2}, {"cpus": 2}, "warning", "4 trials of 2 threads share 2 processors"),
        ({}, {"gpus": 1, "trials_per_gpu": 4}, "warning", "set workers.cpus: 4"),
    ],
)
def test_whether_trials_fit_on_a_worker(
    resources: dict[str, Any], changed: dict[str, Any], verdict: str, words: str
) -> None:
    (finding,) = doctor.study_findings(tiny_study(resources=resources), profile(**changed))
    assert finding.verdict == verdict
    assert words in str(finding)


def test_a_probe_asks_for_little_where_the_workers_would_be() -> None:
    asked = profile(gpus=2, gpu_type="a100", account="vision", cpus=2, memory="500G", options={"exclude": "n7"})
    assert set(srun(asked.workers)[1:]) >= {
        "--partition=gpu", "--account=vision", "--nodes=1", "--ntasks=1", "--cpus-per-task=1", "--mem=4096M",
        "--gres=gpu:a100:1", "--time=5", "--exclude=n7",
    }  # fmt: skip
    assert not [flag for flag in srun(profile().workers) if "None" in flag or "gres" in flag]
    assert "--exclusive" in srun(profile(options={"exclusive": True}).workers)


HERE = {"python": "3.11.2", "torch": "2.9.0", "ray": "2.60.0", "rich": "14.0", "scipy": "1.15"}


@pytest.mark.parametrize(
    ("changed", "verdict", "words"),
    [
        ({}, "ok", "Python 3.11.2 and 4 packages are those of this machine"),
        ({"python": "3.9.1"}, "problem", "python 3.9.1 (here 3.11.2)"),
        ({"ray": None}, "problem", "ray missing (here 2.60.0)"),
        ({"rich": "13.0"}, "warning", "rich 13.0 (here 14.0)"),
        ({"rich": "13.0", "torch": "2.8.0"}, "problem", "torch 2.8.0 (here 2.9.0)"),
        ({"scipy": None}, "problem", "scipy missing"),
    ],
)
def test_another_environment_on_the_node(changed: dict[str, str | None], verdict: str, words: str) -> None:
    (finding,) = verdicts.versions("node", {**HERE, **changed}, HERE)
    assert finding.verdict == verdict
    assert words in finding.detail


@pytest.mark.parametrize(
    ("there", "verdict"),
    [(100.0, None), (104.0, None), (98.0, None), (110.0, "warning"), (150.0, "problem"), (40.0, "problem")],
)
def test_a_clock_that_is_off(there: float, verdict: str | None) -> None:
    found = list(verdicts.clock("node", there, 99.0, 101.0))
    assert [finding.verdict for finding in found] == ([] if verdict is None else [verdict])


def test_scratch_data_and_cuda_of_a_node(tmp_path: Path) -> None:
    (tmp_path / "fashion").mkdir()
    cases = {
        "ok": [
            verdicts.scratch("n", {"free": 10**11}, "/tmp"),
            verdicts.data("n", ["fashion", "mnist"], tmp_path),
            verdicts.cuda("n", ["NVIDIA A100"]),
        ],
        "warning": [verdicts.scratch("n", {"free": 10**9}, "/tmp"), verdicts.data("n", None, tmp_path / "none")],
        "problem": [
            verdicts.scratch("n", {"error": "Read-only file system"}, "/tmp"),
            verdicts.data("n", None, tmp_path),
            verdicts.data("n", ["other"], tmp_path),
            verdicts.cuda("n", []),
            verdicts.cuda("n", "ModuleNotFoundError: No module named 'torch'"),
        ],
    }
    for verdict, answers in cases.items():
        for answer in answers:
            (finding,) = answer
            assert finding.verdict == verdict
            assert bool(finding.remedy) == (verdict != "ok")


def _probe(*arguments: str) -> dict[str, Any]:
    """What the program prints that a node would run."""
    done = subprocess.run(
        [sys.executable, "-m", "cluster.probe", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith(probe.MARK))
    said: dict[str, Any] = json.loads(line.removeprefix(probe.MARK))
    return said


def test_a_probe_sees_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "data" / "fashion").mkdir(parents=True)
    with meeting(tmp_path / "results") as folder:
        said = _probe(str(folder), "/tmp", str(tmp_path / "data"), "numpy,no-such-package")
        found = list(verdicts.shared("n", said["shared"], folder))
    assert [finding.verdict for finding in found] == ["ok", "ok"]
    assert said["versions"] == probe.versions(["numpy", "no-such-package"])
    assert said["versions"]["no-such-package"] is None
    assert said["data"] == ["fashion"]
    assert said["scratch"]["free"] > 0
    assert said["devices"] is None
    assert abs(said["time"] - time.time()) < 120
    assert [path.name for path in tmp_path.iterdir()] == ["data"]  # nothing is left of the meeting


def test_a_probe_that_sees_another_folder(tmp_path: Path) -> None:
    with meeting(tmp_path / "results") as folder:
        nowhere = verdicts.shared("n", probe.shared(str(tmp_path / "other")), folder)
        assert [finding.verdict for finding in nowhere] == ["problem"]
        said = probe.shared(str(folder))
        other = verdicts.shared("n", {**said, "sent": "of another folder"}, folder)
        assert [finding.verdict for finding in other] == ["problem"]


def test_a_rename_that_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "VISIBLE", 0.3)
    with meeting(tmp_path) as folder:
        said = {"sent": (folder / "sent").read_text(), "left": "n1", "lock": "held"}
        (finding,) = verdicts.shared("n", said, folder)
    assert finding.verdict == "problem"
    assert "not seen here within 0.3 s" in finding.detail


@pytest.mark.parametrize(("lock", "verdict"), [("held", "ok"), ("free", "warning"), ("No locks available", "problem")])
def test_locks_of_one_host_only(lock: str, verdict: str, tmp_path: Path) -> None:
    with meeting(tmp_path) as folder:
        said = {**probe.shared(str(folder)), "lock": lock}
        assert list(verdicts.shared("n", said, folder))[-1].verdict == verdict


def test_the_lock_of_a_meeting_is_seen_by_others(tmp_path: Path) -> None:
    with meeting(tmp_path) as folder:
        assert probe.lock(str(folder / "lock")) == "held"
        with (folder / "another").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            assert probe.lock(str(folder / "another")) == "held"
        assert probe.lock(str(folder / "another")) == "free"


def test_a_probe_runs_the_frozen_code_after_the_set_up(tmp_path: Path) -> None:
    """The shell lines that a node would get, run here: chatter of the set-up does not hide the answer."""
    chosen = profile(setup=["echo loading modules", "export PROBED=1"])
    with meeting(tmp_path) as folder:
        lines = script("workers", chosen, Places(folder, tmp_path))
        done = subprocess.run(["bash", "-c", lines], cwd="/", capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
    assert "loading modules" in done.stdout
    assert any(line.startswith(probe.MARK) for line in done.stdout.splitlines())
    assert str(folder) in lines  # the code is that of the meeting's folder, not of this checkout
    assert "-m cluster.probe" in lines


def test_this_machine_has_what_the_program_needs() -> None:
    assert {finding.verdict for finding in this_machine.environment()} == {"ok"}


def test_results_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (finding,) = this_machine.results(tmp_path / "file" / "results")
    assert finding.verdict == "problem"
    assert "cannot be written" in finding.detail
    assert "--results DIR" in finding.remedy
    assert os.listdir(tmp_path) == ["file"]
