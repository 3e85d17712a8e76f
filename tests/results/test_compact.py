"""Compaction: the same rows in fewer files, whatever else happens meanwhile."""

import errno
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study import durable
from study.errors import StudyError
from study.results import absorbing, leftovers, loose, manifest, rowfile, schema, segments, snapshot
from study.results.compact import compact
from study.results.query import connect, load
from study.results.store import Store
from tests.results.synthetic import PLANNED, STEPS, TRIALS, done, files, new_store, row, seen, write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "tiny")


def fill(store: Store) -> None:
    """One trial of every kind: done, done at the second attempt, diverged, failed, and one at its first attempt."""
    write(store, *done(PLANNED[0]))
    write(store, row(PLANNED[1], 1, 10, fd=7.0), row(PLANNED[1], 1, 20, fd=6.0))
    write(store, row(PLANNED[1], 2, 20, fd=6.5), row(PLANNED[1], 2, 30, fd=8.0))
    write(store, row(PLANNED[2], 1, 10, fd=3.0), row(PLANNED[2], 1, 20, "diverged", message="the loss is nan"))
    write(store, row(PLANNED[3], 1, 10, fd=2.0), row(PLANNED[3], 1, 15, "failed", exception="OSError", message="full"))
    write(store, row(PLANNED[4], 1, 10, fd=float("nan")))


def test_readers_see_the_same_rows_in_fewer_files(store: Store) -> None:
    fill(store)
    before, size = seen(store), sum(path.stat().st_size for path in store.rows.iterdir())
    report = compact(store)
    assert seen(store) == before
    assert (report.attempts, report.rows, report.waiting, report.left_out) == (5, 11, 1, ())
    assert report.files == (6, 3)
    assert report.bytes[0] == size
    assert [path.name for path in store.rows.iterdir()] == [f"{TRIALS[4]}.001.parquet"]
    assert manifest.read(store).generation == 1


def test_what_came_meanwhile_is_compacted_together_with_what_was(store: Store) -> None:
    fill(store)
    compact(store)
    write(store, *done(PLANNED[5]))
    write(store, row(PLANNED[3], 2, 20, fd=1.0), row(PLANNED[3], 2, 30, fd=1.5))
    before = seen(store)
    report = compact(store)
    assert (report.attempts, report.rows) == (2, 16)
    assert seen(store) == before
    assert manifest.read(store).generation == 2


def test_where_nothing_is_over_nothing_is_written(store: Store) -> None:
    assert compact(store).attempts == 0
    write(store, row(PLANNED[0], 1, 10, fd=1.0))
    before = files(store)
    report = compact(store)
    assert (report.attempts, report.rows, report.waiting, report.files) == (0, 0, 1, (1, 1))
    assert files(store) == before
    write(store, *done(PLANNED[1]))
    compact(store)
    before = files(store)
    assert compact(store).attempts == 0
    assert files(store) == before


def test_a_trial_that_somebody_is_at_waits(store: Store) -> None:
    write(store, row(PLANNED[0], 1, 10, fd=1.0))
    write(store, row(PLANNED[0], 2, 20, fd=1.0))
    with durable.lock(store.trial_lock(TRIALS[0]), wait=True):
        report = compact(store)
    assert (report.attempts, report.waiting) == (0, 2)
    report = compact(store)
    assert (report.attempts, report.waiting) == (1, 1)


def test_an_attempt_is_over_once_a_newer_one_left_a_sign(store: Store) -> None:
    for planned in PLANNED[:3]:
        write(store, row(planned, 1, 10, fd=1.0))
    write(store, *done(PLANNED[3], attempt=2))
    durable.write_json(store.marker_file(TRIALS[0], 2), {"attempt": 2})  # killed before its first row
    durable.write_json(store.marker_file(TRIALS[1], 1), {"attempt": 1})
    assert compact(store).attempts == 2
    assert {path.name[:16] for path in store.rows.iterdir()} == {TRIALS[1], TRIALS[2]}
    write(store, row(PLANNED[3], 1, 10, fd=1.0))  # the newer one is compacted already
    assert compact(store).attempts == 1


def test_no_folder_is_made_for_a_lock(store: Store) -> None:
    write(store, *done(PLANNED[0]))
    compact(store)
    assert list(store.rows.iterdir()) == []
    assert not (store.folder / "trials").exists()


def test_one_compacts_at_a_time(store: Store) -> None:
    write(store, *done(PLANNED[0]))
    with durable.lock(store.compact_lock, wait=True), pytest.raises(StudyError, match="another process is compacting"):
        compact(store)
    assert compact(store).attempts == 1


def test_damaged_files_stay_and_are_named(store: Store) -> None:
    paths = [write(store, *done(planned)) for planned in PLANNED[:4]]
    paths[1].write_bytes(paths[1].read_bytes()[:-9])
    paths[2].write_bytes(b"")
    foreign = store.rows / "notes.parquet"
    pq.write_table(pa.table({"a": [1]}), foreign)
    kept = {path: path.read_bytes() for path in (paths[1], paths[2], foreign)}
    report = compact(store)
    assert (report.attempts, report.rows) == (2, 6)
    assert len(report.left_out) == 3
    assert all(any(str(path) in told for told in report.left_out) for path in kept)
    assert {path: path.read_bytes() for path in store.rows.iterdir()} == kept


def test_a_file_under_another_name_is_no_other_attempt(store: Store) -> None:
    path = write(store, *done(PLANNED[0]))
    copy = store.row_file(TRIALS[1], 1)
    copy.write_bytes(path.read_bytes())
    with pytest.warns(UserWarning, match="left out 1 of 2 files.*a copy of"), connect(store.folder) as database:
        assert database.execute("SELECT count(*) FROM attempts").fetchall() == [(3,)]
    (told,) = compact(store).left_out
    assert str(copy) in told
    assert copy.exists()


def test_rows_of_two_measurements_stay_apart(store: Store) -> None:
    """The index has one fingerprint per attempt; queries would not see the other."""
    path = write(store, row(PLANNED[0], 1, 10, fd=1.0), row(PLANNED[0], 1, 30, fd=1.0, fingerprint='{"other":1}'))
    write(store, *done(PLANNED[1]))
    report = compact(store)
    assert report.attempts == 1
    assert "more than one way" in report.left_out[0]
    assert path.exists()


@pytest.mark.parametrize("damage", ["cut", "flip", "gone"])
def test_a_damaged_segment_stops_it_before_anything_changes(damage: str, store: Store) -> None:
    write(store, *done(PLANNED[0]))
    compact(store)
    segment = store.compacted / manifest.read(store).segments[0].file
    content = segment.read_bytes()
    flipped = content[:100] + bytes([content[100] ^ 1]) + content[101:]
    segment.write_bytes({"cut": content[:-50], "flip": flipped, "gone": b""}[damage])
    if damage == "gone":
        segment.unlink()
    write(store, *done(PLANNED[1]))
    before = files(store)
    with pytest.raises(StudyError, match=rf"{segment}.*damaged.*copy"):
        compact(store)
    assert files(store) == before


def test_a_new_metric_is_a_column_of_all_segments(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT", 1)
    monkeypatch.setattr(absorbing, "GROUP", 1)
    monkeypatch.setattr(absorbing, "BATCH", 1)
    write(store, *done(PLANNED[0]))
    write(store, *done(PLANNED[1]))
    compact(store)
    last = max(TRIALS[2:])
    for planned in PLANNED[2:]:
        write(store, *(each | {"fd_other": 1.0} if planned.trial.id == last else each for each in done(planned)))
    before = seen(store)
    compact(store)
    assert seen(store) == before
    made = manifest.read(store).segments
    assert len(made) == len(PLANNED)
    assert len({tuple(pq.read_schema(store.compacted / part.file).names) for part in made}) == 1


def test_groups_and_segments_are_filled_trial_by_trial(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT", 12)
    monkeypatch.setattr(absorbing, "GROUP", 6)
    monkeypatch.setattr(absorbing, "BATCH", 1)
    for planned in PLANNED:
        write(store, *done(planned))
    before = seen(store)
    for groups in ([2, 2], [2, 3]):
        compact(store)
        found = manifest.read(store)
        assert [part.rows for part in found.segments] == [12, 12]
        kept = [pq.ParquetFile(store.compacted / part.file) for part in found.segments]
        assert [file.num_row_groups for file in kept] == groups
        assert [trial for file in kept for trial in file.read()["trial"].to_pylist()] == sorted(TRIALS * 3)
        assert kept[0].metadata.row_group(0).column(0).statistics.max == sorted(TRIALS)[1]
        assert seen(store) == before
        write(store, *done(PLANNED[0]))  # its file is back, and nothing else is new


def test_the_rows_of_one_trial_are_found_among_groups_and_segments(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they were written, each once; of the groups only the one that has them is decoded."""
    monkeypatch.setattr(segments, "SEGMENT", 9)
    monkeypatch.setattr(absorbing, "GROUP", 4)
    monkeypatch.setattr(absorbing, "BATCH", 1)
    fill(store)
    write(store, *done(PLANNED[0], attempt=2))
    write(store, *done(PLANNED[5]))
    written = {trial: store.read(trial) for trial in TRIALS}
    written[TRIALS[4]] = []  # it is not over
    assert compact(store).attempts == 7
    paths = [store.compacted / part.file for part in manifest.read(store).segments]
    groups = [pq.ParquetFile(path).num_row_groups for path in paths]
    assert len(groups) > 1
    assert max(groups) > 1
    assert sum(groups) < sum(bool(rows) for rows in written.values())  # some hold several trials
    decoded, original = list[int](), pq.ParquetFile.read_row_group

    def counted(file: pq.ParquetFile, number: int, **how: object) -> pa.Table:
        decoded.append(number)
        return original(file, number, **how)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    for trial in (*TRIALS, "0" * 16, "f" * 16, TRIALS[0][:15]):
        decoded.clear()
        rows = written.get(trial, [])
        found = [each for path in paths for table in segments.of_trial(path, trial) for each in table.to_pylist()]
        assert [known(each) for each in found] == [known(each) for each in rows]
        assert not {mark.name for mark in schema.MARKS} & {name for each in found for name in each}
        assert len(decoded) == 1 if rows else len(decoded) <= 1


def known(row: Mapping[str, object]) -> dict[str, object]:
    """A column that a file has not is null."""
    return {name: value for name, value in row.items() if value is not None}


def test_files_of_version_two_are_compacted(store: Store) -> None:
    """As they were written: without columns that came later, without a checksum and without the file's name."""
    lacking = ["variant", "train_seconds", "evaluation_seconds"]
    rows = [{name: value for name, value in each.items() if name not in lacking} for each in done(PLANNED[0])]
    table = rowfile.table_of(rows, list(rows[0])).replace_schema_metadata({"schema_version": "2"})
    store.rows.mkdir()
    pq.write_table(table, store.row_file(TRIALS[0], 1), compression="zstd")
    write(store, *done(PLANNED[1]))
    with pytest.warns(UserWarning, match="1 of 2 files are of an older schema version"):
        before = seen(store)
    assert compact(store).attempts == 2
    assert seen(store) == before


def test_an_attempt_that_comes_back_counts_by_its_file(store: Store) -> None:
    """A process that was cut off goes on after its trial was taken over, and its rows were compacted."""
    first = [row(PLANNED[0], 1, 10, fd=5.0)]
    write(store, *first)
    write(store, *done(PLANNED[0], attempt=2))
    assert compact(store).attempts == 2
    write(store, *first, row(PLANNED[0], 1, 20, fd=1.0))
    before = seen(store)
    assert len(store.read(TRIALS[0])) == 5
    assert (compact(store).attempts, seen(store)) == (1, before)
    assert list(store.rows.iterdir()) == []


def test_what_is_written_before_the_removal_is_not_removed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [row(PLANNED[0], 1, 10, fd=5.0)]
    path = write(store, *first)
    write(store, *done(PLANNED[0], attempt=2))
    original = manifest.write

    def late(folder: Store, generation: int, *rest: object) -> object:
        if generation:
            write(store, *first, row(PLANNED[0], 1, 20, fd=1.0))
        return original(folder, generation, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(manifest, "write", late)
    compact(store)
    assert path.exists()
    assert [(each["attempt"], each["step"]) for each in store.read(TRIALS[0])] == [
        (1, 10), (1, 20), (2, 10), (2, 20), (2, 30)
    ]  # fmt: skip
    monkeypatch.undo()
    before = seen(store)
    assert compact(store).attempts == 1
    assert seen(store) == before


def test_what_is_written_during_the_removal_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is there still; a newer one is written before it is moved aside, and a still newer one after."""
    first = [row(PLANNED[0], 1, 10, fd=5.0)]
    path = write(store, *first)
    read = durable.sha256(path)
    rename, link = os.rename, os.link

    def late(*arguments: str | Path) -> None:
        write(store, *first, row(PLANNED[0], 1, 20, fd=1.0))
        rename(*arguments)

    def later(*arguments: str | Path) -> None:
        write(store, *first, row(PLANNED[0], 1, 20, fd=1.0), row(PLANNED[0], 1, 30, fd=1.0))
        link(*arguments)

    monkeypatch.setattr(loose.os, "rename", late)
    monkeypatch.setattr(loose.os, "link", later)
    assert loose.remove(store, {(TRIALS[0], 1): read}) == 0
    assert [each["step"] for each in store.read(TRIALS[0])] == list(STEPS)
    assert list(store.rows.iterdir()) == [path]


def test_what_was_replaced_is_not_even_moved(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Aside, nobody would see its new rows, and a compaction that is killed then leaves it there."""
    path = write(store, row(PLANNED[0], 1, 10, fd=5.0))
    read = durable.sha256(path)
    write(store, row(PLANNED[0], 1, 10, fd=5.0), row(PLANNED[0], 1, 20, fd=1.0))
    monkeypatch.setattr(loose.os, "rename", lambda *_: pytest.fail("it was moved"))
    assert loose.remove(store, {(TRIALS[0], 1): read}) == 0
    assert [each["step"] for each in store.read(TRIALS[0])] == [10, 20]


def test_what_was_moved_aside_is_put_back(store: Store) -> None:
    """A compaction was killed between the two."""
    path = write(store, *done(PLANNED[0]))
    path.rename(path.with_name(f".{path.name}.absorbed"))
    assert store.read(TRIALS[0]) == []
    assert compact(store).attempts == 1
    assert len(store.read(TRIALS[0])) == 3
    assert list(store.rows.iterdir()) == []


def test_what_was_moved_aside_and_has_more_is_kept(store: Store) -> None:
    path = write(store, *done(PLANNED[0]))
    aside = path.with_name(f".{path.name}.absorbed")
    path.rename(aside)
    write(store, *done(PLANNED[0])[:1])
    (told,) = compact(store).left_out
    assert str(aside) in told
    assert aside.exists()


def test_an_old_copy_does_not_replace_what_was_compacted(store: Store) -> None:
    write(store, *done(PLANNED[0]))
    compact(store)
    path = write(store, *done(PLANNED[0])[:1])
    (told,) = compact(store).left_out
    assert f"{path} (it lacks rows" in told
    path.unlink()
    assert len(store.read(TRIALS[0])) == 3


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there now is older than a reader's patience from now on."""
    monkeypatch.setattr(leftovers, "_clock", lambda folder: time.time() + leftovers.PATIENCE + 10)


def test_what_a_killed_compaction_left_goes_after_an_hour(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at once: one on another machine, which the lock does not reach, may be writing it now."""
    write(store, *done(PLANNED[0]))
    compact(store)
    made = store.compacted / manifest.read(store).segments[0].file
    names = ("000002-abcdef-0.parquet", "000002-abcdef.index.parquet", ".000002-abcdef-1.parquet.x.aside")
    rest = [store.compacted / name for name in names]
    for path in rest:
        path.write_bytes(made.read_bytes())
    assert compact(store).attempts == 0
    assert all(path.exists() for path in rest)
    later(monkeypatch)
    assert compact(store).attempts == 0
    assert not any(path.exists() for path in rest)
    assert len(store.read(TRIALS[0])) == 3


def test_time_is_told_by_the_file_system(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of another machine, on which a file was written or is removed, may be wrong by hours."""
    write(store, *done(PLANNED[0]))
    compact(store)
    left = store.compacted / "000002-abcdef-0.parquet"
    left.write_bytes((store.compacted / manifest.read(store).segments[0].file).read_bytes())
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2 * leftovers.PATIENCE)
    compact(store)
    assert left.exists()
    monkeypatch.undo()
    long_ago = now - leftovers.PATIENCE - 10
    os.utime(left, (long_ago, long_ago))
    os.utime(store.compact_lock, (long_ago, long_ago))
    compact(store)
    assert not left.exists()


def test_what_was_replaced_stays_for_an_hour(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader may have begun with it. Since when it was written says nothing, nor does what a loser of a race left."""
    write(store, *done(PLANNED[0]))
    compact(store)
    first = manifest.read(store).files
    long_ago = time.time() - leftovers.PATIENCE - 10
    for name in first:
        os.utime(store.compacted / name, (long_ago, long_ago))
    (index,) = store.compacted.glob("*.index.parquet")
    lost = store.compacted / "000002-abcdef.index.parquet"
    lost.write_bytes(index.read_bytes())
    os.utime(lost, (long_ago, long_ago))
    with connect(store.folder) as database:
        write(store, *done(PLANNED[1]))
        compact(store)
        compact(store)
        assert database.execute("SELECT count(*) FROM attempts").fetchall() == [(3,)]
    assert all((store.compacted / name).exists() for name in first)
    assert {each.file for each in manifest.read(store).replaced} == first
    later(monkeypatch)
    compact(store)
    assert not any((store.compacted / name).exists() for name in first)
    assert {path.name for path in store.compacted.glob("*.parquet")} == manifest.read(store).files


def test_an_older_manifest_is_noticed_before_rows_are_lost(store: Store) -> None:
    write(store, *done(PLANNED[0]))
    compact(store)
    old = store.manifest_file.read_bytes()
    write(store, *done(PLANNED[1]))
    compact(store)
    newest = store.manifest_file.read_bytes()
    store.manifest_file.write_bytes(old)
    before = files(store)
    with pytest.raises(StudyError, match=r"000002-\w{6}-0.parquet has rows that nothing else has.*manifest.json"):
        compact(store)
    store.manifest_file.unlink()
    with pytest.raises(StudyError, match=r"manifest.json is gone, and 000001-\w{6}-0.parquet beside it is not"):
        compact(store)
    store.manifest_file.write_bytes(newest)
    assert files(store) == before | {"compacted/manifest.json": newest}
    assert len(store.read(TRIALS[0]) + store.read(TRIALS[1])) == 6


def test_an_unreadable_leftover_is_named_and_never_overwritten(store: Store) -> None:
    write(store, *done(PLANNED[0]))
    compact(store)
    write(store, *done(PLANNED[1]))
    left = store.compacted / "000002-abcdef-0.parquet"
    left.write_bytes(b"half of a segment")
    report = compact(store)
    assert report.attempts == 1
    assert str(left) in report.left_out[0]
    assert left.read_bytes() == b"half of a segment"
    assert manifest.read(store).generation == 3


def test_an_error_leaves_what_was_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, *done(PLANNED[0]))
    compact(store)
    write(store, *done(PLANNED[1]))
    before = files(store)

    def fail(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(segments, "write_index", fail)
    with pytest.raises(KeyboardInterrupt):
        compact(store)
    assert files(store) == before


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("module", "name"), [(snapshot, "_list"), (manifest, "read"), (manifest, "read_index")])
def test_a_reader_misses_nothing_of_a_compaction_meanwhile(
    when: str, module: ModuleType, name: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two looks of a reader, files come, are compacted, and go."""
    fill(store)
    compact(store)
    write(store, *done(PLANNED[5]))
    write(store, row(PLANNED[3], 2, 20, fd=1.0), row(PLANNED[3], 2, 30, fd=1.5))
    before = seen(store)
    original, idle = getattr(module, name), [True]

    def meanwhile(*arguments: object) -> object:
        found = original(*arguments) if when == "after" else None
        if idle:
            idle.clear()
            assert compact(store).attempts == 2
        return found if when == "after" else original(*arguments)

    monkeypatch.setattr(module, name, meanwhile)
    with connect(store.folder) as database:
        found = {
            tuple(each) for each in database.execute("SELECT trial, attempt, step, status FROM attempts").fetchall()
        }
    assert not idle
    assert len(found) == len(before["attempts"]) == 17
    assert seen(store) == before


def test_a_reader_sees_the_first_compaction_begin(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds no manifest, and then segments, which without one would be lost."""
    fill(store)
    original, idle = Path.read_bytes, [True]

    def meanwhile(path: Path) -> bytes:
        try:
            return original(path)
        except FileNotFoundError:
            idle.clear()
            monkeypatch.undo()
            compact(store)
            raise

    monkeypatch.setattr(Path, "read_bytes", meanwhile)
    assert manifest.read(store).generation == 1
    assert not idle


def test_the_compacted_schema_is_the_documented_one(store: Store) -> None:
    write(store, *done(PLANNED[0]))
    compact(store)
    found = pq.ParquetFile(store.compacted / manifest.read(store).segments[0].file)
    expected = [*schema.COLUMNS, "fd_cnn28", "fd_cnn28_selection", *(mark.name for mark in schema.MARKS)]
    assert found.schema_arrow.names == expected
    assert found.schema_arrow.types == [schema.field(name).type for name in expected]
    assert found.metadata.metadata[rowfile.VERSION] == str(schema.VERSION).encode()


@pytest.mark.parametrize("file", ["/tmp/elsewhere.parquet", "../../other/rows/x.parquet", "000001-abcdef.index.parquet",
                                  "000001-0.parquet", "", None, 7, "{compacted}/000001-abcdef-0.parquet"])  # fmt: skip
def test_a_manifest_names_files_beside_it_alone(file: object, store: Store) -> None:
    """Whoever asks a question of somebody's study reads what the manifest names."""
    write(store, *done(PLANNED[0]))
    compact(store)
    content = json.loads(store.manifest_file.read_text())
    name = file.format(compacted=store.compacted) if isinstance(file, str) else file
    content["segments"][0]["file"] = name
    durable.write_json(store.manifest_file, content)
    with pytest.raises(StudyError, match=rf"{store.manifest_file} is damaged") as caught:
        connect(store.folder)
    assert not isinstance(file, str) or f"{name!r} is not the name of a compacted file, such as " in str(caught.value)
    content["segments"], content["index"]["file"] = [], "../index.parquet"
    durable.write_json(store.manifest_file, content)
    with pytest.raises(StudyError, match=r"'../index.parquet' is not the name of a compacted file"):
        store.read(TRIALS[0])


def stale(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> list[str]:
    """So many reads of files with this in their names are answered as NFS does where another file took the name."""
    original, found = Path.read_bytes, list[str]()

    def read(path: Path) -> bytes:
        if name in str(path) and len(found) < times:
            found.append(path.name)
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    return found


@pytest.mark.parametrize("times", [1, durable.LOOKS])
@pytest.mark.parametrize("name", ["/rows/", "manifest.json", ".index."])
@pytest.mark.filterwarnings("error::UserWarning")
def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    name: str, times: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, *done(PLANNED[0]))
    compact(store)
    write(store, *done(PLANNED[1]))
    times = 1 if name == "manifest.json" else times  # which is always there
    for look in (lambda: store.read(TRIALS[0]) + store.read(TRIALS[1]), lambda: load(store.folder, "attempts")):
        with monkeypatch.context() as patch:
            found = stale(patch, name, times)
            assert len(look()) == 6
            assert len(found) == times


def test_a_file_that_is_replaced_all_the_time_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(store, *done(PLANNED[0]))
    with monkeypatch.context() as patch:
        stale(patch, "/rows/", 10**6)
        report = compact(store)
    assert (report.attempts, report.left_out) == (0, ())
    assert path.exists()
    assert compact(store).attempts == 1


def test_a_copy_of_a_marker_is_no_newer_attempt(store: Store) -> None:
    write(store, row(PLANNED[0], 1, 10, fd=1.0))
    marker = store.marker_file(TRIALS[0], 1)
    durable.write_json(marker, {"attempt": 1})
    marker.with_name("attempt-2 (conflicted copy).json").write_text("{}")
    assert (compact(store).attempts, compact(store).waiting) == (0, 1)
