"""gan-study compact, as a user calls it."""

from pathlib import Path

from study import spec
from study.results.store import Store
from tests.commands.command import gan_study
from tests.results.synthetic import PLANNED, done, new_store, row, write


def study(folder: Path) -> Store:
    """Three trials that are done, and one that is not."""
    store = new_store(folder / "results" / "tiny")
    for planned in PLANNED[:3]:
        write(store, *done(planned))
    write(store, row(PLANNED[3], 1, 10, fd=1.0))
    return store


def test_it_says_what_it_did_and_then_that_nothing_is_left(tmp_path: Path) -> None:
    store = study(tmp_path)
    found = gan_study("compact", "tiny", cwd=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    attempts, rows, files, size, waiting = found.stdout.splitlines()
    assert (attempts, rows) == ("attempts compacted: 3", "rows compacted in all: 9")
    assert files == "files: 4 before, 3 now"
    assert size.startswith("bytes: ")
    assert waiting == "attempts whose files stay, as there may be more to write to them: 1"
    assert [path.name for path in store.rows.iterdir()] == [f"{PLANNED[3].trial.id}.001.parquet"]
    again = gan_study("compact", "tiny", cwd=tmp_path)
    assert again.stdout.splitlines() == ["nothing to compact", rows, waiting]
    query = ("query", "tiny", "SELECT status, count(*) AS n FROM trials GROUP BY 1 ORDER BY 1", "--format", "csv")
    assert gan_study(*query, cwd=tmp_path).stdout.split() == ["status,n", "done,3", "started,1", "waiting,4"]


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    path = study(tmp_path).row_file(PLANNED[0].trial.id, 1)
    path.write_bytes(b"")
    found = gan_study("compact", "tiny", cwd=tmp_path)
    assert found.returncode == 0
    name = Path("results/tiny/rows") / path.name
    assert found.stdout.splitlines()[-2:] == [
        "files that cannot be used: 1; gan-study verify tiny says what to do", f"left as it is: {name} (empty)"
    ]  # fmt: skip
    assert path.exists()


def test_a_study_without_results_is_told(tmp_path: Path) -> None:
    found = gan_study("compact", "demo", cwd=tmp_path)
    assert found.returncode == 2
    assert "has no results in results" in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    study(tmp_path)
    new_store(tmp_path / "results" / "other")
    (tmp_path / "results" / "empty").mkdir()
    found = gan_study("compact", "nosuch", cwd=tmp_path)
    assert (found.returncode, found.stdout) == (2, "")
    (line,) = found.stderr.splitlines()
    told, _, names = line.partition("; valid: ")
    assert told == "gan-study: 'nosuch' is not a study in results, a preset or a YAML file"
    assert names.split(", ") == ["other", "tiny", *spec.presets()]
    typo = gan_study("compact", "tinny", "--results", tmp_path / "results", cwd=tmp_path.parent)
    assert "; did you mean 'tiny'?; valid: other, tiny, " in typo.stderr
