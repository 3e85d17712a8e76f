"""What cannot be used is left out by every reader, who says so; what would hide rows stops all of them."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from study.attempt import begin
from study.errors import StudyError
from study.identity import digest
from study.results import load, manifest
from study.results.ask import ask
from study.results.compact import compact
from study.results.glance import Glance, Reader
from study.results.query import connect
from study.results.segments import CHANGED
from study.results.snapshot import LACKING
from study.results.store import Store, read_plan_table
from study.results.verify import verify
from tests.results.synthetic import PLANNED, TRIALS, done, files, new_store, row, seen, write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three trials that are compacted, and one at its first attempt."""
    made = new_store(tmp_path / "tiny")
    for planned in PLANNED[:3]:
        write(made, *done(planned))
    write(made, row(PLANNED[3], 1, 10, fd=7.0))
    assert compact(made).attempts == 3
    return made


def glance(store: Store, reader: Reader | None = None) -> Glance:
    return (reader or Reader(store)).read(read_plan_table(store.plan_file))


def go_on(store: Store) -> None:
    """As the next process at the trial that is not done."""
    with begin(PLANNED[3], store, {}):
        pass


def faults(store: Store) -> list[tuple[str, str]]:
    """Where something is wrong, below the study's folder, and what."""
    found = verify(store, digest).found
    return [(each.where.replace(f"{store.folder}/", ""), each.what) for each in found if each.fault]


EVERYBODY: dict[str, Callable[[Store], object]] = {
    "connect": lambda store: connect(store.folder).close(),
    "ask": lambda store: ask(store.folder, "SELECT 1"),
    "load": lambda store: load(store.folder, "plan"),
    "glance": glance,
    "read": lambda store: store.read(TRIALS[0]),
    "read a trial that is not compacted": lambda store: store.read(TRIALS[3]),
    "begin an attempt": go_on,
    "compact": compact,
}


@pytest.mark.parametrize("who", EVERYBODY)
def test_without_its_manifest_nobody_goes_on(who: str, store: Store) -> None:
    """All trials but one would seem to wait, and would be run again."""
    EVERYBODY[who](store)
    content = store.manifest_file.read_bytes()
    store.manifest_file.unlink()
    before = files(store)
    told = rf"{store.manifest_file} is gone, and 000001-\w{{6}}-0.parquet beside it is not: bring it back from a copy"
    with pytest.raises(StudyError, match=told):
        EVERYBODY[who](store)
    assert files(store) == before
    store.manifest_file.write_bytes(content)
    EVERYBODY[who](store)


@pytest.mark.parametrize("who", EVERYBODY)
def test_with_the_index_of_another_generation_nobody_goes_on(who: str, store: Store) -> None:
    """It would not know of an attempt, whose trial would seem to wait."""
    path = index_of_another_generation(store)
    before = files(store)
    with pytest.raises(StudyError, match=f"{path} is damaged, or of another compaction"):
        EVERYBODY[who](store)
    assert files(store) == before


def test_the_index_of_another_generation_is_named_by_verify(store: Store) -> None:
    path = index_of_another_generation(store)
    assert faults(store)[0] == (f"compacted/{path.name}", CHANGED)


def index_of_another_generation(store: Store) -> Path:
    """The index that counts, with the bytes of the one before."""
    write(store, *done(PLANNED[4]))
    assert compact(store).attempts == 1
    first, second = sorted(store.compacted.glob("*.index.parquet"))
    index = manifest.read(store).index
    assert index is not None
    assert index.file == second.name
    second.write_bytes(first.read_bytes())
    return second


@pytest.fixture
def stale(store: Store) -> Path:
    """The file of a compacted attempt as it was after its first evaluation, brought back from a backup."""
    return write(store, *done(PLANNED[0])[:1])


def test_an_older_version_of_a_compacted_attempt_is_left_out(store: Store, stale: Path) -> None:
    content = stale.read_bytes()
    stale.unlink()
    before, glanced = seen(store), glance(store)
    stale.write_bytes(content)
    with pytest.warns(UserWarning, match="left out 1 of 2 files") as caught, connect(store.folder):
        pass
    assert [str(each.message) for each in caught] == [f"left out 1 of 2 files: {stale} ({LACKING})"]
    with pytest.warns(UserWarning, match=rf"{stale} \({LACKING}\)"):
        assert seen(store) == before
    with pytest.warns(UserWarning, match=rf"left out 1 of 2 files: {stale} \({LACKING}\)"):
        assert glance(store) == glanced
    assert stale.read_bytes() == content


def test_an_older_version_of_a_compacted_attempt_is_named_by_verify(store: Store, stale: Path) -> None:
    assert (f"rows/{stale.name}", LACKING) in faults(store)


def test_a_link_to_nothing_and_a_folder_are_left_out(store: Store, tmp_path: Path) -> None:
    before, glanced = seen(store), glance(store)
    link, folder = store.row_file(TRIALS[4], 1), store.row_file(TRIALS[5], 1)
    link.symlink_to(tmp_path / "nothing")
    folder.mkdir()
    with pytest.warns(UserWarning, match="left out 2 of 3 files") as caught, connect(store.folder):
        pass
    (told,) = (str(each.message) for each in caught)
    assert f"{link} (a link to nothing)" in told
    assert f"{folder} (Is a directory)" in told
    with pytest.warns(UserWarning, match="left out"):
        assert seen(store) == before
    reader = Reader(store)
    with pytest.warns(UserWarning, match="left out 2 of 3 files"):
        assert glance(store, reader) == glanced
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it has said so
        assert glance(store, reader) == glanced


def test_a_folder_is_named_by_verify_and_compaction_and_stays(store: Store) -> None:
    path = store.row_file(TRIALS[5], 1)
    path.mkdir()
    ((where, what),) = faults(store)
    assert where == f"rows/{path.name}"
    assert "Is a directory" in what
    write(store, *done(PLANNED[4]))
    report = compact(store)
    assert (report.attempts, report.left_out) == (1, (f"{path} (Is a directory)",))
    assert path.is_dir()


def test_a_link_to_nothing_is_named_by_verify(store: Store, tmp_path: Path) -> None:
    path = store.row_file(TRIALS[5], 1)
    path.symlink_to(tmp_path / "nothing")
    assert f"rows/{path.name}" in [where for where, _ in faults(store)]


def test_a_link_to_nothing_is_named_by_compaction_and_stays(store: Store, tmp_path: Path) -> None:
    path = store.row_file(TRIALS[5], 1)
    path.symlink_to(tmp_path / "nothing")
    write(store, *done(PLANNED[4]))
    report = compact(store)
    assert (report.attempts, report.left_out) == (1, (f"{path} (a link to nothing)",))
    assert path.is_symlink()
