"""A question can change nothing, however it is asked; what DuckDB is given to read with cannot write."""

import gc
import os
import secrets
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from study.errors import StudyError
from study.results import readonly
from study.results.ask import ask
from study.results.compact import compact
from study.results.query import connect, load
from study.results.readonly import PROTOCOL, Positioned, Segments
from study.results.store import Store
from tests.results.synthetic import PLANNED, TRIALS, done, files, new_store, write

SEGMENT = "000001-abcdef-0.parquet"
NAME = f"{PROTOCOL}://{SEGMENT}"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two trials that are compacted, and one that is not. No test changes it."""
    made = new_store(tmp_path_factory.mktemp("asked") / "tiny")
    for planned in PLANNED[:2]:
        write(made, *done(planned))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_hex", lambda _: "abcdef")  # SEGMENT's
        compact(made)
    write(made, *done(PLANNED[2]))
    return made


def listed(store: Store) -> tuple[dict[str, bytes], set[Path]]:
    """Every file's bytes; locks and folders too are there or not."""
    return files(store), set(store.folder.rglob("*"))


WRITES = {
    "its name": f"COPY trials TO '{NAME}' (FORMAT parquet)",
    "its name at once": f"COPY trials TO '{NAME}' (FORMAT csv, USE_TMP_FILE false)",
    "its name in place of what is there": f"COPY trials TO '{NAME}' (FORMAT parquet, PER_THREAD_OUTPUT, OVERWRITE)",
    "a name beside it": f"COPY trials TO '{PROTOCOL}://000002-abcdef-0.parquet' (FORMAT parquet)",
    "its folder": f"COPY trials TO '{PROTOCOL}://' (FORMAT parquet, PARTITION_BY (loss), OVERWRITE)",
    "its path": "COPY trials TO '{segment}' (FORMAT parquet)",
    "its path at once": "COPY trials TO '{segment}' (FORMAT csv, USE_TMP_FILE false)",
    "a file of rows": "COPY trials TO '{rows}' (FORMAT parquet)",
    "the plan by way of the folder to spill to": "COPY trials TO '{spill}/../{way}/plan.parquet' (FORMAT parquet)",
    "a database": "ATTACH '{folder}/rows/new.db' AS other; CREATE TABLE other.t AS FROM trials",
    "an export": f"EXPORT DATABASE '{PROTOCOL}://{SEGMENT}'",
    "a log": "CALL enable_logging(storage = 'file', storage_config = {{'path': '{folder}/log'}})",
    "a profile": "PRAGMA profiling_output = '{folder}/profile.json'",
}


def spelled(sql: str, store: Store, spill: str = "") -> str:
    """With this study's paths. spill: the folder that a connection may write to."""
    way = os.path.relpath(store.folder, Path(spill).parent) if spill else ""
    segment, rows = store.compacted / SEGMENT, store.row_file(TRIALS[2], 1)
    return sql.format(segment=segment, rows=rows, folder=store.folder, spill=spill, way=way)


@pytest.mark.parametrize("what", WRITES)
def test_a_connection_writes_to_no_file_of_the_study(what: str, store: Store) -> None:
    before = listed(store)
    with connect(store.folder) as database:
        ((spill,),) = database.execute("SELECT current_setting('temp_directory')").fetchall()
        with pytest.raises(duckdb.Error):
            database.execute(spelled(WRITES[what], store, spill))
    assert listed(store) == before
    with connect(store.folder) as database:
        assert database.execute("SELECT count(*) FROM attempts").fetchall() == [(9,)]


@pytest.mark.parametrize("what", WRITES)
def test_a_question_that_writes_is_refused(what: str, store: Store) -> None:
    sql, before = spelled(WRITES[what], store, "/tmp/spill"), listed(store)
    with pytest.raises(StudyError, match="is not one question"):
        ask(store.folder, sql)
    with pytest.raises(StudyError, match="is not one condition"):
        load(store.folder, "trials", where=f"true; {sql}")
    with pytest.raises(StudyError):
        load(store.folder, "trials", where=f"loss IN ({sql})")
    assert listed(store) == before


@pytest.mark.parametrize(
    "sql",
    [
        "FROM enable_logging(storage = 'file', storage_config = {{'path': '{folder}/log'}})",
        "FROM enable_profiling(save_location = '{folder}/profile.json')",
        "FROM query('COPY (SELECT 1) TO ''{segment}''')",
        "FROM read_text('{folder}/study.yaml')",
        "FROM read_parquet('{segment}')",
        f"FROM glob('{PROTOCOL}://*')",
    ],
)
def test_a_function_in_a_question_reaches_no_file(sql: str, store: Store) -> None:
    before = listed(store)
    with pytest.raises(StudyError):
        ask(store.folder, spelled(sql, store))
    with pytest.raises(StudyError):
        load(store.folder, "trials", where=f"loss IN ({spelled(sql, store)})")
    assert listed(store) == before


@pytest.fixture
def segments(store: Store) -> Segments:
    """What DuckDB gets of the study."""
    return Segments({SEGMENT: store.compacted / SEGMENT})


@pytest.mark.parametrize("mode", ["wb", "ab", "xb", "r+b", "rb+", "w+b", "w", "a", "x", "r+", "r", ""])
@pytest.mark.parametrize("path", [SEGMENT, NAME, "new.parquet"])
def test_nothing_is_opened_but_to_be_read(mode: str, path: str, segments: Segments, store: Store) -> None:
    before = listed(store)
    with pytest.raises(PermissionError, match=f"{path}: results are only read"):
        segments.open(path, mode)
    assert listed(store) == before


CHANGES: dict[str, Callable[[Segments, str, str], object]] = {
    "rm": lambda system, path, _: system.rm(path),
    "rm recursive": lambda system, path, _: system.rm(path, recursive=True),
    "rm_file": lambda system, path, _: system.rm_file(path),
    "delete": lambda system, path, _: system.delete(path),
    "mv": lambda system, path, _: system.mv(path, "new.parquet"),
    "move": lambda system, path, _: system.move(path, "new.parquet"),
    "rename": lambda system, path, _: system.rename(path, "new.parquet"),
    "cp": lambda system, path, _: system.cp(path, "new.parquet"),
    "copy": lambda system, path, _: system.copy(path, path),
    "cp_file": lambda system, path, _: system.cp_file(path, "new.parquet"),
    "touch": lambda system, path, _: system.touch(path),
    "touch and keep": lambda system, path, _: system.touch(path, truncate=False),
    "pipe": lambda system, path, _: system.pipe(path, b"x"),
    "pipe_file": lambda system, path, _: system.pipe_file(path, b"x"),
    "write_bytes": lambda system, path, _: system.write_bytes(path, b"x"),
    "write_text": lambda system, path, _: system.write_text(path, "x"),
    "put": lambda system, path, other: system.put(other, path),
    "put_file": lambda system, path, other: system.put_file(other, path),
    "upload": lambda system, path, other: system.upload(other, path),
    "mapper": lambda system, path, _: system.get_mapper("").update({path: b"x"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_way_to_change_a_file_is_offered(change: str, segments: Segments, store: Store, tmp_path: Path) -> None:
    before, other = listed(store), tmp_path / "other"
    other.write_bytes(b"x")
    for path in (SEGMENT, NAME, str(store.compacted / SEGMENT)):
        with pytest.raises((PermissionError, NotImplementedError)):
            CHANGES[change](segments, path, str(other))
    assert listed(store) == before


@pytest.mark.parametrize("name", ["mkdir", "makedir", "makedirs", "mkdirs", "rmdir"])
def test_folders_are_neither_made_nor_removed(name: str, segments: Segments, store: Store) -> None:
    """DuckDB may ask for one before it opens a file to write: what matters is that nothing comes of it."""
    before = listed(store)
    for path in ("new", str(store.folder / "new"), str(store.compacted)):
        getattr(segments, name)(path)
    assert listed(store) == before


def test_files_are_known_by_their_own_names_alone(segments: Segments, store: Store) -> None:
    path = store.compacted / SEGMENT
    for name in (SEGMENT, NAME):
        assert segments.exists(name)
        assert segments.glob(name) == [SEGMENT]
        assert segments.info(name) == {"name": SEGMENT, "size": path.stat().st_size, "type": "file"}
        assert segments.modified(name).timestamp() == pytest.approx(path.stat().st_mtime)
        assert segments.open(name).read() == path.read_bytes()
    for name in (str(path), f"{PROTOCOL}://{path}", "000001-*.parquet", "manifest.json", f"../compacted/{SEGMENT}"):
        assert not segments.exists(name)
        assert segments.glob(name) == []
        for look in (segments.open, segments.info, segments.modified):
            with pytest.raises(FileNotFoundError):
                look(name)


CONTENT = bytes(range(256)) * 8


@pytest.fixture
def opened(tmp_path: Path) -> Positioned:
    """A file with CONTENT."""
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    return Positioned(path)


def test_threads_read_one_file_without_moving_each_other(opened: Positioned) -> None:
    """Each has sought its place before any of them reads, and reads twice."""
    count = 8
    together = threading.Barrier(count)

    def read(place: int) -> list[bytes]:
        assert opened.tell() == 0
        together.wait(30)
        assert opened.seek(place) == place
        together.wait(30)
        first = opened.read(10)
        together.wait(30)
        return [first, opened.read(10)]

    places = [100 * i for i in range(count)]
    with ThreadPoolExecutor(count) as threads:
        found = list(threads.map(read, places))
    assert found == [[CONTENT[at : at + 10], CONTENT[at + 10 : at + 20]] for at in places]
    assert opened.tell() == 0  # of this thread


def test_past_the_end_there_is_what_there_is(opened: Positioned) -> None:
    size = len(CONTENT)
    opened.seek(size - 3)
    assert (opened.read(10), opened.tell(), opened.read(10)) == (CONTENT[-3:], size, b"")
    opened.seek(size + 5)
    assert (opened.read(10), opened.read(), opened.tell()) == (b"", b"", size + 5)
    opened.seek(size - 5)
    assert (opened.read(0), opened.read(), opened.read(-1)) == (b"", CONTENT[-5:], b"")


def test_a_file_that_was_cut_meanwhile_ends_where_it_ends(opened: Positioned, tmp_path: Path) -> None:
    """Rather than never: its size was asked when it was opened."""
    os.truncate(tmp_path / "content", 100)
    opened.seek(90)
    assert (opened.read(), opened.read(5)) == (CONTENT[90:100], b"")


def test_all_that_was_asked_for_is_read_where_the_system_gives_less(
    opened: Positioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Linux does beyond 2 GiB."""
    pread = os.pread
    monkeypatch.setattr(readonly.os, "pread", lambda handle, size, place: pread(handle, min(size, 7), place))
    opened.seek(5)
    assert (opened.read(100), opened.read()) == (CONTENT[5:105], CONTENT[105:])


def test_a_file_is_closed_once_and_when_nobody_has_it_any_more(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(CONTENT)
    before = handles()
    file = Positioned(tmp_path / "content")
    assert handles() == before + 1
    file.close()
    file.close()
    assert handles() == before
    file = Positioned(tmp_path / "content")
    del file
    assert handles() == before


def handles() -> int:
    """How many files this process has open."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def test_questions_leave_no_file_open(store: Store) -> None:
    """Nor does one that fails in the middle of a file, or of which not all is fetched."""
    before = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        for number in range(50):
            with connect(store.folder) as database:
                if number % 2:
                    assert database.execute("SELECT trial, fd_cnn28 FROM attempts").fetchone() is not None
                else:
                    with pytest.raises(duckdb.Error):
                        database.execute("SELECT error(trial) FROM attempts").fetchall()
            if number == 1:
                before = handles()
        assert handles() == before > 0
    assert [str(each.message) for each in caught] == []
