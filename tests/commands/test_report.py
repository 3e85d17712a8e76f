"""gan-study report: which folder it takes, and what it says when it is stopped."""

import signal
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis import report
from study.__main__ import app
from study.commands.common import folder_of
from study.errors import StudyError
from tests.analysis.synthetic import Recipe, write
from tests.commands.command import COMMAND, environment


def test_a_study_is_found_by_the_path_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "elsewhere" / "mine", Recipe(("mm",)))
    monkeypatch.chdir(tmp_path)
    assert folder_of("elsewhere/mine", Path("results")) == Path("elsewhere/mine")
    assert folder_of(f"{folder}/", Path("results")) == folder
    assert folder_of("mine", Path("elsewhere")) == Path("elsewhere/mine")
    with pytest.raises(StudyError, match=r"elsewhere is a folder without plan.parquet"):
        folder_of("./elsewhere", Path("results"))


def test_a_report_that_is_stopped_says_so_and_leaves_no_page(tmp_path: Path) -> None:
    write(tmp_path / "results" / "mine", Recipe(("mm",)))
    out, page = tmp_path / "out", tmp_path / "out" / "report.html"
    child = subprocess.Popen(
        [*COMMAND, "report", "mine", "-o", str(out)], cwd=tmp_path, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not list(out.glob(f".new-*/{report.ROWS}")):
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (130, "gan-study: stopped; the page was not written\n")
    assert not page.exists()
    assert list(out.iterdir()) == []


def test_no_name_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a path it would be the current folder, and a hundred files would fall into it."""
    monkeypatch.setattr(report, "write", lambda folder, out, **options: out / "report.html")
    write(tmp_path / "results" / "mine", Recipe(("mm",)))
    said = CliRunner().invoke(app, ["report", "mine", "-o", "", "--results", str(tmp_path / "results")])
    assert said.exit_code == 2
    assert "-o '' names no folder; name one" in said.output
    assert CliRunner().invoke(app, ["report", "mine", "-o", ".", "--results", str(tmp_path / "results")]).exit_code == 0
