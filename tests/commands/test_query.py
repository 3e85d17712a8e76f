"""gan-study query, as a user calls it."""

import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from study.results import rowfile
from study.results.store import Store
from tests.commands.command import COMMAND, environment, gan_study
from tests.results.synthetic import PLANNED, TRIALS, done, files, new_store, write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two trials that are done."""
    made = new_store(tmp_path / "results" / "tiny")
    for planned in PLANNED[:2]:
        write(made, *done(planned))
    return made


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_answer_is_written_where_it_is_told(form: str, store: Store, tmp_path: Path) -> None:
    sql = "SELECT trial, count(*) AS n FROM evaluations GROUP BY trial ORDER BY trial"
    asked = gan_study("query", "tiny", sql, "--format", form, "-o", f"answers/found.{form}", cwd=tmp_path)
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "", "")
    path = tmp_path / "answers" / f"found.{form}"
    if form == "csv":
        assert path.read_text().split() == ["trial,n", *(f"{trial},3" for trial in sorted(TRIALS[:2]))]
    else:
        assert pq.read_table(path).to_pylist() == [{"trial": trial, "n": 3} for trial in sorted(TRIALS[:2])]


@pytest.mark.parametrize(
    "file",
    ["results/tiny/plan.parquet", "results/tiny/new/found.csv", "answers/../results/tiny/found.csv", "link/found.csv",
     "results/tiny"],
)  # fmt: skip
def test_an_answer_is_not_written_into_the_study(file: str, store: Store, tmp_path: Path) -> None:
    """Nor is the question asked, which has an error of its own."""
    (tmp_path / "link").symlink_to("results/tiny/rows")
    (tmp_path / "answers").mkdir()
    before = files(store)
    asked = gan_study("query", "tiny", "SELECT los FROM trials", "--format", "csv", "-o", file, cwd=tmp_path)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr == f"gan-study: -o {file} is in the folder of a study, {store.folder}; name a file elsewhere\n"
    assert files(store) == before


def test_a_value_that_python_has_not_is_told_in_one_line(store: Store, tmp_path: Path) -> None:
    asked = gan_study("query", "tiny", "SELECT * FROM test_all_types()", cwd=tmp_path)
    assert (asked.returncode, asked.stdout) == (2, "")
    (line,) = asked.stderr.splitlines()
    assert line.startswith("gan-study: the answer has a value that Python cannot hold (")
    assert line.endswith("; CAST it AS VARCHAR")


@pytest.mark.parametrize(
    ("command", "arguments", "told"),
    [
        ("query", ["SELECT count(*) AS n FROM attempts"], ["left out 2 of 4 files: ", "1 of 2 files are of an older "]),
        ("why", [TRIALS[1]], ["left out 2 of 4 files: ", "1 of 2 files are of an older "]),
        ("status", [], ["left out 1 of 3 files: "]),  # it reads files of the plan's trials, and what is in all of them
    ],
)
def test_a_warning_is_one_line_for_the_user(
    command: str, arguments: list[str], told: list[str], store: Store, tmp_path: Path
) -> None:
    """It says what is wrong with the study, and not where in the program that was noticed."""
    damaged = store.row_file(TRIALS[0], 1)
    damaged.write_bytes(b"")
    (store.rows / "notes.parquet").mkdir()
    rows = done(PLANNED[2])
    table = rowfile.table_of(rows, list(rows[0])).replace_schema_metadata({"schema_version": "2"})
    pq.write_table(table, store.row_file(TRIALS[2], 1))
    asked = gan_study(command, "tiny", *arguments, cwd=tmp_path)
    assert asked.returncode == 0
    lines = asked.stderr.splitlines()
    for line, beginning in zip(lines, told, strict=True):
        assert line.startswith(f"gan-study: {beginning}")
        assert ".py" not in line
        assert "Warning" not in line
    assert f"{damaged.relative_to(tmp_path)} (empty)" in lines[0]


def test_an_answer_is_not_written_into_another_study(store: Store, tmp_path: Path) -> None:
    other = new_store(tmp_path / "elsewhere" / "other")
    for command, file in (("query", "elsewhere/other/rows/x.csv"), ("export", "elsewhere/other/x.zip")):
        asked = gan_study(
            command, "tiny", *(["FROM trials", "--format", "csv"] if command == "query" else []), "-o", file,
            cwd=tmp_path,
        )  # fmt: skip
        assert (asked.returncode, asked.stdout) == (2, "")
        assert (
            asked.stderr == f"gan-study: -o {file} is in the folder of a study, {other.folder}; name a file elsewhere\n"
        )


def test_a_table_shows_the_first_thousand_rows(store: Store, tmp_path: Path) -> None:
    asked = gan_study("query", "tiny", "SELECT range AS n FROM range(60000)", cwd=tmp_path)
    lines = asked.stdout.split("\n")
    assert [line.strip() for line in lines[1:-2]] == [f"{n:,}" for n in range(1000)]
    assert lines[-2] == "... and 59,000 more rows; --format csv has all"


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_pipe_gets_what_a_file_gets_and_nothing_of_what_fails(form: str, store: Store, tmp_path: Path) -> None:
    sql = "SELECT trial, step FROM evaluations ORDER BY ALL"
    command = [*COMMAND, "query", "tiny", sql, "--format", form]
    piped = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, check=True).stdout
    (tmp_path / "found").write_text("what was there before")
    subprocess.run([*command, "-o", "found"], cwd=tmp_path, env=environment(), check=True)
    assert (tmp_path / "found").read_bytes() == piped
    assert len(piped) > 0
    failed = gan_study("query", "tiny", "SELECT error(trial) AS e FROM trials", "--format", form, cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (2, "")


def test_nobody_who_only_reads_writes_into_the_study(store: Store, tmp_path: Path) -> None:
    """Also nothing that is gone afterwards, which a folder's time tells: it may be on a disk that is only read."""

    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (store.folder, *store.folder.rglob("*"))}

    before = times()
    for arguments in (["query", "tiny", "FROM trials"], ["describe", "tiny"], ["export", "tiny"], ["verify", "tiny"]):
        gan_study(*arguments, cwd=tmp_path)
        assert times() == before, arguments
