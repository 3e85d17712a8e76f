"""Two compactions at once, on two machines of a file system whose locks do not reach from one to the other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from study import durable
from study.errors import StudyError
from study.identity import digest
from study.results import absorbing, leftovers, loose, manifest, segments
from study.results.compact import compact
from study.results.glance import Reader
from study.results.query import connect
from study.results.store import Store, read_plan_table
from study.results.verify import verify
from tests.results.synthetic import PLANNED, TRIALS, done, files, new_store, row, write

REPLACED = r"manifest.json was replaced or removed, though .*lock is held here"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two trials are compacted and one has ended since; everybody gets every lock."""

    @contextmanager
    def blind(path: Path, *, wait: bool) -> Iterator[bool]:
        yield True

    made = new_store(tmp_path / "tiny")
    for planned in PLANNED[:2]:
        write(made, *done(planned))
    compact(made)
    write(made, *done(PLANNED[2]))
    monkeypatch.setattr(durable, "lock", blind)
    return made


def once(
    patch: pytest.MonkeyPatch, module: ModuleType, name: str, act: Callable[[], object], *, after: bool = False
) -> None:
    """Something else happens before, or after, the first call of this function."""
    original, idle = getattr(module, name), [True]

    def called(*arguments: object, **named: object) -> object:
        first = idle.pop() if idle else False
        if first and not after:
            act()
        found = original(*arguments, **named)
        if first and after:
            act()
        return found

    patch.setattr(module, name, called)


def rows(store: Store) -> list[tuple[object, ...]]:
    with connect(store.folder) as database:
        return sorted(database.execute("SELECT trial, attempt, step FROM attempts").fetchall())


def expected(trials: int) -> list[tuple[object, ...]]:
    return sorted((trial, 1, step) for trial in TRIALS[:trials] for step in (10, 20, 30))


POINTS: dict[str, tuple[ModuleType, str, bool]] = {
    "it has listed the files": (segments, "write", False),
    "its rows are written": (segments, "write_index", False),
    "its index is written": (segments, "write_index", True),
    "it has looked at the manifest": (leftovers, "replaced", True),
    "it writes the manifest": (manifest, "write", False),
    "it has written the manifest": (manifest, "write", True),
    "it removes files": (loose, "remove", False),
}
LATE = {"it has looked at the manifest", "it writes the manifest"}  # no look can come between this one and the swap


@pytest.mark.parametrize("point", POINTS)
def test_a_whole_compaction_in_the_middle_of_another(point: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is not seen is named at the next compaction and by verify, and is there with the manifest of then."""
    module, name, after = POINTS[point]
    kept = list[bytes]()

    def other() -> None:
        write(store, *done(PLANNED[3]))  # it ends meanwhile, so that the first one knows nothing of it
        with monkeypatch.context() as undone:
            undone.setattr(module, name, original)
            compact(store)
        kept.append(store.manifest_file.read_bytes())

    original = getattr(module, name)
    once(monkeypatch, module, name, other, after=after)
    if point in LATE:
        compact(store)
        assert rows(store) == expected(3)
        with pytest.raises(StudyError, match=rf"has rows that nothing else has.* at trial {TRIALS[3]}: the "):
            compact(store)
        assert any(
            each.fault and "does not count, and only it has" in each.what for each in verify(store, digest).found
        )
        store.manifest_file.write_bytes(kept[0])
    elif point == "it removes files":
        compact(store)
    else:
        with pytest.raises(StudyError, match=REPLACED):
            compact(store)
    assert rows(store) == expected(4)
    assert compact(store).attempts == 0
    assert rows(store) == expected(4)
    assert [each for each in verify(store, digest).found if each.fault] == []


def test_one_begins_and_looks_around_in_the_middle_of_another(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the other has written and not named yet is none of its business."""
    once(monkeypatch, segments, "write_index", lambda: leftovers.clean(store, manifest.read(store)), after=True)
    assert compact(store).attempts == 1
    assert rows(store) == expected(3)


def test_two_of_one_generation_write_no_common_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found = list[set[str]]()

    def other() -> None:
        before = set(files(store))
        segments.write(store, manifest.new_name(2), segments.groups(store.compacted / old.segments[0].file))
        found.append(set(files(store)) - before)

    old = manifest.read(store)
    once(monkeypatch, segments, "write_index", other)
    compact(store)
    assert manifest.read(store).generation == 2
    assert len(found[0]) == 1
    assert not found[0] & {f"compacted/{name}" for name in manifest.read(store).files}
    assert found[0] < set(files(store))


def test_one_that_fails_removes_its_own_files_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("000002-abcdef-0.parquet", "000002-abcdef.index.parquet", ".000002-abcdef-1.parquet.x.aside"):
        (store.compacted / name).write_bytes((store.compacted / manifest.read(store).segments[0].file).read_bytes())
    before = files(store)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(segments, "write_index", fail)
    with pytest.raises(KeyboardInterrupt):
        compact(store)
    assert files(store) == before


def test_files_that_another_compacts_meanwhile_are_no_trouble(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have gone between being listed and being read."""
    write(store, *done(PLANNED[3]))
    once(monkeypatch, loose, "content_of", lambda: [path.unlink() for path in store.rows.iterdir()])
    assert compact(store).left_out == ()


@pytest.mark.parametrize("point", [(manifest, "write", False), (manifest, "write", True)], ids=["before", "after"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["gone", "empty"])
def test_files_that_are_not_there_when_they_are_named_remove_nothing(
    damage: Callable[[Path], object],
    point: tuple[ModuleType, str, bool],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, old = files(store), manifest.read(store)

    def harm() -> None:
        damage(next(store.compacted.glob("000002-*-0.parquet")))

    module, name, after = point
    once(monkeypatch, module, name, harm, after=after)
    with pytest.raises(StudyError, match=r"000002-\w{6}-0.parquet was replaced or removed"):
        compact(store)
    now = files(store)
    assert {name: now.get(name) for name in before if name != "compacted/manifest.json"} == {
        name: content for name, content in before.items() if name != "compacted/manifest.json"
    }
    assert manifest.read(store).files == old.files
    assert rows(store) == expected(3)
    assert compact(store).attempts == 1


def test_the_first_manifest_is_made_once(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one's first compaction may be through before this one has written that there is none yet."""
    fresh = new_store(tmp_path / "fresh")
    write(fresh, *done(PLANNED[0]))
    original = manifest.begin
    with monkeypatch.context() as patch:

        def other() -> None:
            patch.setattr(manifest, "begin", original)
            compact(fresh)

        once(patch, manifest, "begin", other)
        with pytest.raises(StudyError, match=REPLACED):
            compact(fresh)
    assert rows(fresh) == expected(1)
    assert manifest.read(fresh).generation == 1


@pytest.mark.parametrize("call", ["rename", "unlink"])
def test_a_file_on_its_way_out_that_another_puts_back(call: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was moved aside by one when the other looked for such files, which killed compactions leave too."""
    path = store.row_file(TRIALS[2], 1)
    read = durable.sha256(path)

    def clean() -> None:
        leftovers.clean(store, manifest.read(store))

    if call == "rename":
        once(monkeypatch, loose.os, "rename", clean, after=True)
    else:
        once(monkeypatch, Path, "unlink", clean)  # type: ignore[arg-type]
    loose.remove(store, {(TRIALS[2], 1): read})
    assert rows(store) == expected(3)


def test_what_may_be_needed_to_bring_a_manifest_back_is_kept_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two segments only the last has rows that nothing else has: the first is as old, and stays, as does the index;
    also where the last cannot be read.
    """
    monkeypatch.setattr(segments, "SEGMENT", 6)
    monkeypatch.setattr(absorbing, "GROUP", 1)
    monkeypatch.setattr(absorbing, "BATCH", 1)
    monkeypatch.setattr(leftovers, "PATIENCE", -1.0)
    store, (*some, last) = new_store(tmp_path / "sorted"), sorted(PLANNED[:3], key=lambda planned: planned.trial.id)
    for planned in some:
        write(store, *done(planned))
    compact(store)
    old = store.manifest_file.read_bytes()
    write(store, *done(last))
    compact(store)
    newest = store.manifest_file.read_bytes()
    *first, only = (store.compacted / part.file for part in manifest.read(store).segments)
    assert first
    store.manifest_file.write_bytes(old)
    before = files(store)
    with pytest.raises(StudyError, match=rf"{only} has rows that nothing else has"):
        compact(store)
    assert files(store) == before
    only.write_bytes(b"half")
    assert f"{only} (" in compact(store).left_out[0]
    only.write_bytes(before[f"compacted/{only.name}"])
    assert files(store) == before
    store.manifest_file.write_bytes(newest)
    assert rows(store) == expected(3)


def test_an_attempt_that_goes_on_is_not_taken_from_a_segment_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both absorb the same file; what was cut off writes more of it between the two swaps."""
    first = row(PLANNED[3], 1, 10, fd=5.0)
    write(store, first)
    write(store, *done(PLANNED[3], attempt=2))
    original = manifest.write

    def other() -> None:
        with monkeypatch.context() as undone:
            undone.setattr(manifest, "write", original)
            compact(store)
        write(store, first, row(PLANNED[3], 1, 20, fd=1.0))

    once(monkeypatch, manifest, "write", other)
    compact(store)
    assert len(rows(store)) == 9 + 5
    compact(store)
    assert len(rows(store)) == 9 + 5


def test_who_looks_again_and_again_sees_the_manifest_of_a_race(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two manifests of one generation: the second one's index is another."""
    reader, plan, generations = Reader(store), read_plan_table(store.plan_file), list[int]()

    def other() -> None:
        write(store, *done(PLANNED[3]))
        with monkeypatch.context() as undone:
            undone.setattr(manifest, "write", original)
            compact(store)
        generations.append(manifest.read(store).generation)
        assert sum(line.status == "done" for line in reader.read(plan).lines) == 4

    original = manifest.write
    once(monkeypatch, manifest, "write", other)
    monkeypatch.setattr(leftovers, "next_generation", lambda *_: 2)  # neither saw a file of the other
    compact(store)
    assert generations == [manifest.read(store).generation]
    assert sum(line.status == "done" for line in reader.read(plan).lines) == 3


def test_a_file_on_its_way_out_that_has_gone_is_not_put_back(store: Store) -> None:
    """The other removed it between the look for such files and this."""
    path = store.row_file(TRIALS[2], 1)
    path.rename(path.with_name("elsewhere"))
    assert loose.put_back(path.with_name(f".{path.name}{loose.ABSORBED}")) is None
    assert not path.exists()
