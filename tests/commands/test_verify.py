"""gan-study verify, as a user calls it."""

from pathlib import Path

import pytest

from tests.commands.command import gan_study
from tests.results.synthetic import PLANNED, done, new_store, write


def test_a_whole_study(tmp_path: Path) -> None:
    store = new_store(tmp_path / "results" / "tiny")
    write(store, *done(PLANNED[0]))
    found = gan_study("verify", "tiny", cwd=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines()[-1] == "3 files, 3 rows: all whole"


def test_faults_are_named_with_what_to_do(tmp_path: Path) -> None:
    store = new_store(tmp_path / "results" / "tiny")
    write(store, *done(PLANNED[0]))
    path = write(store, *done(PLANNED[1]))
    path.write_bytes(b"")
    store.study_file.unlink()
    found = gan_study("verify", "tiny", cwd=tmp_path)
    assert (found.returncode, found.stderr) == (1, "")
    faults = [line for line in found.stdout.splitlines() if line.startswith("fault ")]
    assert len(faults) == 2
    assert str(path.relative_to(tmp_path)) in faults[1]
    assert "empty" in faults[1]
    assert "bring it back from a copy" in faults[1]
    assert found.stdout.splitlines()[-1] == "4 files, 3 rows: 2 faults"


def test_a_study_whose_plan_is_gone(tmp_path: Path) -> None:
    store = new_store(tmp_path / "results" / "tiny")
    store.plan_file.unlink()
    found = gan_study("verify", "tiny", cwd=tmp_path)
    assert found.returncode == 1
    assert "results/tiny/plan.parquet" in found.stdout


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_the_results_are_no_study(name: str, tmp_path: Path) -> None:
    """Where a script's variable is empty."""
    new_store(tmp_path / "results" / "tiny")
    found = gan_study("verify", name, cwd=tmp_path)
    assert (found.returncode, found.stdout) == (2, "")
    assert f"{name!r} is no study's name" in found.stderr
