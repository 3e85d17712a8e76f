"""gan-study export and import, as a user calls them, on a study that was really trained."""

import shutil
import zipfile
from pathlib import Path

import pytest

from study import spec
from study.results.store import Store
from tests.commands.command import gan_study
from tests.commands.test_merge import train
from tests.results.studies import contents, views

ASKED = [("status", "mine"), ("best", "mine")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(folder / "results", data, "mine", losses=["ns", "vae"])
    return folder


@pytest.fixture
def here(trained: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(trained, tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.slow
def test_a_study_goes_out_and_comes_back(here: Path, data: Path) -> None:
    done = gan_study("export", "mine", cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert "mine.zip: 6 rows, images of 6 of 6 evaluations, " in done.stdout
    said = {question: gan_study(*question, cwd=here).stdout for question in ASKED}
    before, study = views(here / "results" / "mine"), Store(here / "results" / "mine")
    trial = next(path.name.partition(".")[0] for path in study.rows.iterdir())
    code = {path.name for path in study.provenance.iterdir()}
    shutil.rmtree(here / "results")
    taken = gan_study("import", "mine.zip", cwd=here)
    assert (taken.returncode, taken.stderr) == (0, "")
    assert "results/mine: 6 rows and " in taken.stdout
    assert {question: gan_study(*question, cwd=here).stdout for question in ASKED} == said
    assert views(here / "results" / "mine") == before
    assert {path.name for path in study.provenance.iterdir()} == code
    for question in (("why", "mine", trial), ("verify", "mine")):
        asked = gan_study(*question, cwd=here)
        assert asked.returncode == 0, asked.stdout + asked.stderr
    run = gan_study("run", "results/mine/study.yaml", "--data", data, cwd=here)
    assert "mine: 2 done of 2 trials" in run.stdout, run.stderr
    assert views(here / "results" / "mine") == before
    again = gan_study("export", "mine", "-o", "again.zip", cwd=here)
    assert again.returncode == 0, again.stderr
    assert (here / "again.zip").read_bytes() == (here / "mine.zip").read_bytes()


def test_it_may_get_another_name(here: Path) -> None:
    gan_study("export", "mine", "-o", "some.zip", "--generators", cwd=here)
    taken = gan_study("import", "some.zip", "-o", "theirs", cwd=here)
    assert "next: gan-study status theirs" in taken.stdout, taken.stderr
    assert spec.load(str(here / "results" / "theirs" / "study.yaml")).name == "theirs"
    made, before = Store(here / "results" / "theirs"), Store(here / "results" / "mine")
    assert contents(made.generators) == contents(before.generators)
    assert len(contents(made.generators)) == 2
    assert views(made.folder) == views(before.folder)


def test_what_is_refused_is_told_in_one_line(here: Path) -> None:
    gan_study("export", "mine", cwd=here)
    content = bytearray((here / "mine.zip").read_bytes())
    content[len(content) // 2] ^= 1
    (here / "bad.zip").write_bytes(content)
    with zipfile.ZipFile(here / "foreign.zip", "w") as packed:
        packed.writestr("../mine/plan.parquet", b"")
    before = contents(here)
    for arguments, told in (
        (("import", "bad.zip", "-o", "new"), "bad.zip is damaged"),
        (("import", "foreign.zip"), "foreign.zip does not end as gan-study export writes it"),
        (("import", "mine.zip"), "results/mine is there already; give the study another name: -o NAME"),
        (("import", "mine.zip", "-o", "../new"), "'../new' is no name for a study"),
        (("export", "mine", "-o", "mine.tar.gz"), "an archive is a .zip file; say -o mine.tar.zip"),
    ):
        refused = gan_study(*arguments, cwd=here)
        assert refused.returncode == 2, arguments
        assert told in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    assert contents(here) == before
