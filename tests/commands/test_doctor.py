"""gan-study doctor on a machine without a cluster, as a user calls it; with one, see tests/slurm."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.command import gan_study, on_a_terminal

PLAIN = ("ok: ", "warning: ", "problem: ", "unknown: ")


def findings(*arguments: str | Path, cwd: Path, code: int = 0) -> dict[str, dict[str, Any]]:
    done = gan_study("doctor", *arguments, "--json", cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    return {finding["name"]: finding for finding in json.loads(done.stdout)}


def test_this_machine_is_checked_and_nothing_is_left(tmp_path: Path) -> None:
    found = findings(cwd=tmp_path)
    assert list(found) == ["Python", "packages", "processors", "memory", "CUDA", "scratch", "results", "disk"]
    assert {finding["verdict"] for finding in found.values()} <= {"ok", "warning"}
    assert all(finding["remedy"] for finding in found.values() if finding["verdict"] != "ok")
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_is_not_prepared_is_told_the_command(tmp_path: Path, tiny_yaml: Callable[..., Path]) -> None:
    study = tiny_yaml()
    found = findings(study, cwd=tmp_path, code=1)["data"]
    assert found["verdict"] == "problem"
    assert found["detail"].endswith("the data set triangles_tiny")
    assert found["remedy"] == f"gan-study prepare {study}"
    assert gan_study(*found["remedy"].split()[1:], cwd=tmp_path).returncode == 0
    assert findings(study, cwd=tmp_path)["data"]["verdict"] == "ok"
    for path in (tmp_path / "data" / "references").glob("*.safetensors"):
        path.unlink()
    statistics = "the reference statistics of triangles_tiny, split"
    again = findings(study, cwd=tmp_path, code=1)["data"]["detail"]
    assert again.endswith(f": {statistics} test, {statistics} train")


def test_a_pipe_gets_lines_and_a_terminal_a_table(tmp_path: Path) -> None:
    piped = gan_study("doctor", cwd=tmp_path)
    assert piped.returncode == 0
    assert all(line.startswith(PLAIN) for line in piped.stdout.splitlines())
    shown = on_a_terminal("doctor", cwd=tmp_path)
    assert "verdict" in shown
    assert "what to do" in shown
    assert " ok" in shown.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--cluster", "gpu-preemptibel"), ["is not a cluster profile", "did you mean 'gpu-preemptible'?"]),
        (("--cluster", "none.yaml"), ["there is no file none.yaml", "development"]),
        (("dmeo",), ["'dmeo' is not a preset", "did you mean 'demo'?"]),
    ],
)
def test_a_wrong_name_is_told(arguments: tuple[str, ...], told: list[str], tmp_path: Path) -> None:
    done = gan_study("doctor", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for part in told:
        assert part in done.stderr


def test_a_machine_without_slurm_is_told_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = findings("--cluster", "cpu", cwd=tmp_path, code=1)["Slurm"]
    assert found["verdict"] == "problem"
    assert "there is no command scontrol on this machine" in found["detail"]
    assert found["remedy"] == "run gan-study where sinfo answers"


def test_results_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    assert findings(cwd=tmp_path, code=1)["results"]["verdict"] == "problem"


def test_profiles_are_listed_and_have_a_schema(tmp_path: Path) -> None:
    listed = gan_study("list", "profiles", cwd=tmp_path).stdout
    for name in ("container", "cpu", "development", "gpu-one-job", "gpu-preemptible"):
        assert name in listed
    schema = json.loads(gan_study("schema", "--cluster", cwd=tmp_path).stdout)
    assert schema["title"] == "Profile"
    assert set(schema["required"]) == {"workers"}
