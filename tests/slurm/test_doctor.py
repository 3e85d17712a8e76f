"""gan-study doctor against a real Slurm of three hosts, with jobs that look at them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import doctor
from cluster import profile as profiles
from tests.commands.command import COMMAND, environment
from tests.slurm.conftest import Slurm, eventually

pytestmark = pytest.mark.slurm
Doctor = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def examine(slurm: Slurm, shared: Path) -> Doctor:
    """Calls gan-study doctor in the shared folder with the development profile, changed; gives the findings."""

    def call(*arguments: str, code: int = 0, **changed: Any) -> list[dict[str, Any]]:
        content = yaml.safe_load(profiles.profiles()["development"].read_text())
        for key, value in changed.items():
            content[key] = {**content[key], **value} if isinstance(value, dict) else value
        (shared / "mine.yaml").write_text(yaml.safe_dump(content))
        done = subprocess.run(
            [*COMMAND, "doctor", "--cluster", "mine.yaml", "--json", *arguments], cwd=shared,
            env={**environment(), **slurm.environment()}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        assert all(finding["remedy"] for finding in found if finding["verdict"] != "ok")
        return found

    return call


def _of(found: list[dict[str, Any]], name: str) -> list[tuple[str, str]]:
    return [(each["verdict"], each["detail"]) for each in found if each["name"].startswith(name)]


def test_what_submit_refuses_before_anything_is_queued(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", slurm.environment()["SLURM_CONF"])
    assert doctor.refusals(profiles.load("development")) == []
    assert doctor.refusals(profiles.load("gpu-one-job")) == [
        "workers resources: no node of gpu has 32 cpus, 120G, 4 GPUs; its best has 2 cpus, "
        f"{slurm.call('sinfo', '--noheader', '--partition=gpu', '--format=%m')}M, 2 GPUs; "
        "lower workers.cpus, workers.memory or workers.gpus"
    ]


def test_a_cluster_that_is_fit(examine: Doctor, slurm: Slurm, shared: Path) -> None:
    (shared / "data").mkdir()
    found = examine()
    assert {finding["verdict"] for finding in found} == {"ok"}
    for role in ("workers node", "head node"):
        said = " ".join(detail for _, detail in _of(found, role))
        assert f"{shared}/results is shared" in said
        assert "a lock that is held here is seen there" in said
        assert f"Python {sys.version.split()[0]}" in said
    assert sorted(path.name for path in shared.iterdir()) == ["data", "mine.yaml"]
    assert slurm.squeue() == []


def test_results_on_a_folder_of_one_host(examine: Doctor, tmp_path: Path) -> None:
    found = examine("--results", str(tmp_path / "results"), code=1)
    ((verdict, detail),) = [each for each in _of(found, "workers node") if "results" in each[1]]
    assert verdict == "problem"
    assert str(tmp_path) in detail


@pytest.mark.parametrize(
    ("python", "words"),
    [("python-nowhere", "exec: python-nowhere: not found"), ("python3 -S -c 'import nothing' #", "No module named")],
)
def test_a_python_that_does_not_start(examine: Doctor, python: str, words: str) -> None:
    found = examine(code=1, python=python)
    assert [verdict for verdict, _ in _of(found, "workers node")] == ["problem"]
    assert words in _of(found, "workers node")[0][1]


def test_another_python_on_the_node(examine: Doctor) -> None:
    """The system's own Python has none of the packages: the probe runs there all the same, and says so."""
    ((verdict, detail),) = [each for each in _of(examine(code=1, python="/usr/bin/python3"), "workers node")
                            if "environment" in each[1]]  # fmt: skip
    assert verdict == "problem"
    assert "torch missing" in detail


def test_a_gpu_that_is_none(examine: Doctor) -> None:
    found = _of(examine(code=1, device="cuda"), "workers node")
    assert ("problem", "torch sees no CUDA device") in found


def test_full_nodes_are_unknown(examine: Doctor, slurm: Slurm) -> None:
    """Whoever is on the nodes stays there: no job is preempted to be looked at."""
    job = slurm.sbatch("-p", "preemptible", "-N3", "--exclusive", "--wrap=sleep 100")
    eventually(lambda: slurm.state(job) == "RUNNING", "the nodes are full")
    found = examine()
    for role in ("workers node", "head node"):
        assert [verdict for verdict, _ in _of(found, role)] == ["unknown"]
    assert slurm.state(job) == "RUNNING"


def test_what_can_never_start_is_refused(examine: Doctor) -> None:
    found = examine(code=1, workers={"cpus": 3, "partition": "preemptibel"}, head={"memory": "900G"})
    assert _of(found, "workers partition") == [
        ("problem", "there is no partition 'preemptibel'; did you mean 'preemptible'?")
    ]
    assert _of(found, "head resources")[0][0] == "problem"
