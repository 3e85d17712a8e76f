"""Where rows come from: what this machine and its job say, and files that are there before a row names them."""

import json
import os
import platform
import socket
from pathlib import Path
from typing import Any

import pytest

from study import provenance, source
from study.node import JOB
from study.provenance import keep_code, keep_study, nvidia_driver, of_attempt, slurm
from study.results import schema
from study.results.store import Store
from study.session import Options
from study.trial import run
from tests.conftest import apart, run_here, tiny_trial


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A checkout with a change that is not committed, as git would show it."""
    patch = b"diff --git a/study/cost.py b/study/cost.py\n"
    origin = {"commit": "c" * 40, "dirty": True, "diff": source.digest(patch)}
    monkeypatch.setattr(source, "origin", lambda: origin)
    monkeypatch.setattr(source, "patch", lambda: patch)
    return patch


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_what_a_row_names_is_there_and_holds_what_its_name_says(store: Store, changed: bytes) -> None:
    study = keep_study(store, "name: tiny\n")
    found = keep_code(store)
    assert found == {"source": source.fingerprint(), "commit": "c" * 40, "dirty": True, "diff": source.digest(changed)}
    assert {path.name for path in store.provenance.iterdir()} == {
        f"source-{found['source']}.tar.gz", f"diff-{found['diff']}.patch", f"study-{study}.yaml"
    }  # fmt: skip
    assert source.fingerprint_of(store.provenance_file("source", found["source"]).read_bytes()) == found["source"]
    assert store.provenance_file("diff", found["diff"]).read_bytes() == changed
    assert store.provenance_file("study_yaml", study).read_text() == "name: tiny\n"


def test_it_is_written_once_and_others_find_it_there(store: Store, changed: bytes, data: Path) -> None:
    keep_code(store)
    before = times(store.provenance)
    keep_code(store)
    rows = run_here(tiny_trial(), store, data)
    assert times(store.provenance) == before
    assert {row["diff"] for row in rows} == {source.digest(changed)}


def test_a_process_that_has_other_code_than_the_driver_keeps_its_own(
    store: Store, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a checkout that changed while the study ran: what the row names must not be the driver's, and be there."""
    keep_code(store)
    (driver,) = {path.name for path in store.provenance.glob("source-*")}
    other = {Path("study/__init__.py"): b"changed"}
    for name, value in (("contents", lambda: other), ("fingerprint", lambda: source._digest_of(other.items()))):
        monkeypatch.setattr(source, name, value)
    row = next(run(tiny_trial(), store, Options(data)))
    kept = store.provenance_file("source", row["source"])
    assert kept.name != driver
    assert source.fingerprint_of(kept.read_bytes()) == row["source"]


def test_code_that_is_no_checkout_leads_to_its_archive_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "origin", lambda: {"commit": None, "dirty": None, "diff": None})
    monkeypatch.setattr(source, "patch", lambda: None)
    found = keep_code(store)
    assert [found[name] for name in ("commit", "dirty", "diff")] == [None, None, None]
    assert [path.name for path in store.provenance.iterdir()] == [f"source-{found['source']}.tar.gz"]


def die_before_the_first_row(folder: Path, data: Path) -> None:
    """The files of provenance are there as soon as the attempt is."""

    def write(*arguments: Any) -> None:
        os._exit(9)

    Store.write = write  # type: ignore[method-assign]
    next(run(tiny_trial(), Store(folder), Options(data)))


def test_the_files_are_there_before_the_first_row(store: Store, data: Path) -> None:
    assert apart(die_before_the_first_row, store.folder, data) == 9
    assert store.read(tiny_trial().trial.id) == []
    assert [path.name.partition("-")[0] for path in store.provenance.glob("*.tar.gz")] == ["source"]


def test_an_attempt_knows_code_packages_machine_and_job(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JOB, "12_3")
    found = of_attempt(store, "cpu", 3)
    assert set(found) <= set(schema.COLUMNS)
    versions, hardware = json.loads(found["versions"]), json.loads(found["hardware"])
    assert versions["python"] == platform.python_version()
    assert {"torch", "numpy", "torch-fidelity", "ray", "gan-study"} <= set(versions)
    assert (hardware["host"], hardware["threads"], hardware["accelerator"]) == (socket.gethostname(), 3, None)
    assert hardware["kernel"] == platform.release()
    assert hardware["system"]
    assert found["job"] == "12_3"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\n"
         "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n", "535.129.03"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (root@a)  Mon Jan 2025\n"
         "GCC version:  gcc version 13.3.0\n", "570.86.15"),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  390.48  Thu Mar 22 00:42:57 PDT 2018\n", "390.48"),
        ("something else 1.2.3\n", None),
        (None, None),
    ],
)  # fmt: skip
def test_the_driver_of_the_accelerator(said: str | None, expected: str | None, tmp_path: Path) -> None:
    if said is not None:
        (tmp_path / "driver" / "nvidia").mkdir(parents=True)
        (tmp_path / "driver" / "nvidia" / "version").write_text(said)
    assert nvidia_driver(tmp_path) == expected


def test_the_job_tells_of_itself_only_inside_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*provenance.SLURM.values(), "SLURM_RESTART_COUNT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "here")  # of a shell on a login node, perhaps
    assert slurm() is None
    for variable, value in (
        ("SLURM_JOB_ID", "130"), ("SLURM_ARRAY_JOB_ID", "127"), ("SLURM_ARRAY_TASK_ID", "3"),
        ("SLURMD_NODENAME", "gpu7"), ("SLURM_JOB_PARTITION", "preemptible"),
    ):  # fmt: skip
        monkeypatch.setenv(variable, value)
    known = {"array_job_id": "127", "array_task_id": "3", "cluster": "here", "job_id": "130", "node": "gpu7",
             "partition": "preemptible"}  # fmt: skip
    assert json.loads(slurm() or "") == {**known, "restarts": 0}
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert json.loads(slurm() or "") == {**known, "restarts": 2}
