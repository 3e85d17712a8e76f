"""gan-study merge, as a user calls it, on studies that were really trained."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from study import spec
from study.commands.driver import write_plan
from study.results import connect, schema
from study.results.store import Store
from tests.commands.command import gan_study
from tests.conftest import run_here, tiny_study

ONE = [{"name": "wide", "space": "wide", "settings": 1}]


def train(results: Path, data: Path, name: str, **changed: Any) -> Store:
    """A study that ran to its end, in this process."""
    study, store = tiny_study(name=name, phases=ONE, **changed), Store(results / name)
    for planned in write_plan(study, store, {}):
        run_here(planned, store, data)
    return store


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """results/: `mine` and `theirs` have a loss each, `both` has both."""
    folder = tmp_path_factory.mktemp("trained")
    for name, losses in (("mine", ["ns"]), ("theirs", ["vae"]), ("both", ["ns", "vae"])):
        train(folder / "results", data, name, losses=losses)
    return folder


@pytest.fixture
def here(trained: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(trained, tmp_path / "here")
    return tmp_path / "here"


def measured(folder: Path) -> pa.Table:
    with connect(folder) as database:
        rows = database.sql("FROM evaluations ORDER BY trial, step").to_arrow_table()
    return rows.select([name for name in rows.column_names if schema.is_measured(name)])


@pytest.mark.slow
def test_two_halves_are_the_whole_study_and_nothing_is_left_to_run(here: Path, data: Path) -> None:
    done = gan_study("merge", "mine", "theirs", "-o", "ours", cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert "results/ours: 2 trials with 6 rows, of mine (1 trial) and theirs (1 trial)" in done.stdout
    assert "what is missing of it: gan-study run results/ours/study.yaml" in done.stdout
    assert measured(here / "results" / "ours") == measured(here / "results" / "both")
    assert spec.load(str(here / "results/ours/study.yaml")).losses == ["ns", "vae"]
    again = gan_study("run", "results/ours/study.yaml", "--data", data, cwd=here)
    assert "ours: 2 done of 2 trials" in again.stdout, again.stderr
    assert measured(here / "results" / "ours") == measured(here / "results" / "both")
    for command in ("best", "verify"):
        asked = gan_study(command, "ours", cwd=here)
        assert asked.returncode == 0, asked.stdout + asked.stderr
    status = gan_study("status", "ours", cwd=here)
    assert status.stdout.startswith("ours: 2 trials"), status.stderr


def test_a_whole_study_and_half_of_it(here: Path) -> None:
    """Trained twice, with equal values: one is kept."""
    done = gan_study("merge", "both", "mine", "-o", "ours", cwd=here)
    assert done.returncode == 0, done.stderr
    assert "2 trials with 6 rows" in done.stdout
    assert "1 trial had been begun in several of them" in done.stdout
    assert "1 attempt of both left out" in done.stdout  # mine ran before
    assert measured(here / "results" / "ours") == measured(here / "results" / "both")


def test_conflicts_are_a_table_and_exit_code_one(here: Path) -> None:
    other = Store(here / "results" / "mine")
    (trial,) = {row.stem.partition(".")[0] for row in other.rows.iterdir()}
    rows = other.read(trial)
    other.write(trial, 1, [row | {"fd_cnn28": 1.5} if row["step"] == 20 else row for row in rows])
    refused = gan_study("merge", "both", "mine", "-o", "ours", cwd=here)
    assert refused.returncode == 1
    (line,) = (line for line in refused.stdout.splitlines() if trial in line)
    assert line.split() == [trial, "20", "fd_cnn28", str(rows[1]["fd_cnn28"]), "1.5"]
    assert "--prefer both takes those of both" in refused.stdout
    assert "nothing was written" in refused.stdout
    assert not (here / "results" / "ours").exists()
    taken = gan_study("merge", "both", "mine", "-o", "ours", "--prefer", "mine", cwd=here)
    assert "1 trial with conflicts: only the rows of mine are there" in taken.stdout, taken.stderr
    found = [row["fd_cnn28"] for row in Store(here / "results" / "ours").read(trial)]
    assert found == [rows[0]["fd_cnn28"], 1.5, rows[2]["fd_cnn28"]]


def test_studies_of_different_width_are_read_and_not_run(here: Path) -> None:
    study = tiny_study(name="wider", phases=ONE, losses=["ns"], width=0.125)
    write_plan(study, Store(here / "results" / "wider"), {})
    refused = gan_study("merge", "mine", "results/wider", "-o", "ours", cwd=here)
    assert refused.returncode == 1
    (line,) = (line for line in refused.stdout.splitlines() if line.startswith("wide/ns/triangles_tiny"))
    assert line.split() == ["wide/ns/triangles_tiny", "0", "width", "0.0625", "0.125"]
    assert "--apart keeps the phases of each study apart" in refused.stdout
    done = gan_study("merge", "mine", "wider", "-o", "ours", "--apart", cwd=here)
    assert "no one study has this plan, so it can be read, and not be run" in done.stdout, done.stderr
    status = gan_study("status", "ours", cwd=here)
    assert status.stdout.startswith("ours: 2 trials"), status.stderr
    asked = gan_study("query", "ours", "SELECT phase, status FROM trials", "--format", "csv", cwd=here)
    assert asked.stdout.split() == ["phase,status", "mine-wide,done", "wider-wide,waiting"]
    refused = gan_study("run", "results/ours/study.yaml", cwd=here)
    assert refused.returncode == 2
    assert "gan-study merge united it out of mine, wider: run those, and merge again" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("mine", "mine", "-o", "ours"), "a study cannot be united with itself"),
        (("mine", "-o", "ours"), "a study cannot be united with itself; name two different ones"),
        (("mine", "theirs", "-o", "both"), "results/both: is there already; take another name"),
        (("mine", "theirs", "-o", "The Two"), "'The Two' is no name for a study; take small letters"),
        (("mine", "theirs", "-o", "train"), "'train' (the folder of gan-study train) is no name for a study"),
        (("mine", "nobodys", "-o", "ours"), "'nobodys' is not a study in results, a preset or a YAML file; valid: "
         f"both, mine, theirs, {', '.join(spec.presets())}"),
        (("theris", "mine", "-o", "ours"), "'theris' is not a study in results, a preset or a YAML file; did you "
         "mean 'theirs'?; valid: both, mine, theirs, "),
        (("mine", "theirs", "-o", "ours", "--prefer", "both"), "'both' is not one of the studies to unite"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_told_in_one_line(arguments: tuple[str, ...], told: str, here: Path) -> None:
    refused = gan_study("merge", *arguments, cwd=here)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not (here / "results" / "ours").exists()
