"""Preparing a data set: once, whole or not at all, checked, and opened without reading it."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from study import durable
from study.data import triangles
from study.data.catalogue import Dataset, find
from study.data.prepare import open_prepared, prepare
from study.data.source import Images, Source, Split
from study.errors import StudyError

ROOT = Path(__file__).parents[2]
TINY = find("triangles_tiny")
LABELLED = Dataset("labelled", (1, 2, 2), {"train": 6, "test": 3}, "train", "test", 9, 3, 1, (1,), "a_recipe_for_tests")


def files(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Inode, time and hash of every file but the lock: a rewritten file has another inode."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.iterdir())
        if path.name != "lock"
    }


def labelled_splits(dataset: Dataset, data: Path) -> Iterator[Split]:
    for name, count in dataset.splits.items():
        images = np.arange(count * 4, dtype=np.uint8).reshape(count, 1, 2, 2) % 10
        chunks = iter((images[:1], images[1:2], images[2:]))
        yield Split(name, chunks, np.arange(count, dtype=np.uint8) % 3, (Source("a test", "nowhere", None),))


def recipe(
    monkeypatch: pytest.MonkeyPatch, splits: Callable[[Dataset, Path], Iterator[Split]] = labelled_splits
) -> None:
    module = ModuleType("a_recipe_for_tests")
    module.build = splits  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_recipe_for_tests", module)


def test_the_second_time_nothing_is_written(tmp_path: Path) -> None:
    first, made = prepare(TINY, tmp_path)
    before = files(first.folder)
    again, made_again = prepare(TINY, tmp_path)
    assert (made, made_again) == (True, False)
    assert files(first.folder) == before
    assert set(before) == {"train.npy", "test.npy", "prepared.json"}
    assert again == first == open_prepared(TINY, tmp_path)


def test_two_folders_hold_the_same_bytes(tmp_path: Path) -> None:
    first, second = prepare(TINY, tmp_path / "a")[0], prepare(TINY, tmp_path / "b")[0]
    assert first.sha256 == second.sha256
    np.testing.assert_array_equal(first.images("test"), second.images("test"))


def test_arrays_are_mapped_and_writing_reaches_no_file(tmp_path: Path) -> None:
    prepared = prepare(TINY, tmp_path)[0]
    images = prepared.images("train")
    assert isinstance(images, np.memmap)
    assert (images.shape, images.dtype) == ((1024, 1, 28, 28), np.uint8)
    assert prepared.images("test").shape == (256, 1, 28, 28)
    assert (prepared.count("train"), prepared.count("test")) == (1024, 256)
    expected = triangles.rasterise(triangles.polygons(range(1000, 1024), TINY.options))
    np.testing.assert_array_equal(images[1000:, 0], expected)
    before = files(prepared.folder)
    if images.flags.writeable:  # copy on write, for torch's sake
        images[1000:] = 1
        images.flush()
    assert files(prepared.folder) == before
    np.testing.assert_array_equal(prepared.images("train")[1000:, 0], expected)


def test_the_manifest_says_what_and_whence(tmp_path: Path) -> None:
    prepared = prepare(TINY, tmp_path)[0]
    manifest = json.loads((tmp_path / TINY.name / "prepared.json").read_text())
    assert prepared.manifest == manifest
    assert manifest["recipe"]["dataset"] == "triangles_tiny"
    assert [(split["name"], split["count"]) for split in manifest["splits"]] == [("train", 1024), ("test", 256)]
    for split in manifest["splits"]:
        content = (tmp_path / TINY.name / split["images"]).read_bytes()
        assert split["images_sha256"] == hashlib.sha256(content).hexdigest()
        assert split["bytes"] == len(content)
        assert [source["origin"] for source in split["sources"]] == ["generated from the recipe"]
    together = "".join(split["images_sha256"] for split in manifest["splits"])
    assert prepared.sha256 == hashlib.sha256(together.encode()).hexdigest()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [flip, Path.unlink, lambda path: os.truncate(path, 500)])
@pytest.mark.parametrize("name", ["train.npy", "test.npy"])
def test_a_damaged_array_is_made_again(tmp_path: Path, name: str, damage: Callable[[Path], object]) -> None:
    good = prepare(TINY, tmp_path)[0]
    content = (good.folder / name).read_bytes()
    damage(good.folder / name)
    again, made = prepare(TINY, tmp_path)
    assert made
    assert (good.folder / name).read_bytes() == content
    assert again == good


@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_damaged_labels_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], object]
) -> None:
    recipe(monkeypatch)
    good = prepare(LABELLED, tmp_path)[0]
    assert good.labels("train").tolist() == [0, 1, 2, 0, 1, 2]
    damage(good.folder / "train_labels.npy")
    again, made = prepare(LABELLED, tmp_path)
    assert made
    assert again.labels("train").tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    "change", [{"splits": {"train": 40, "test": 20}}, {"options": {"vertices": 4, "rotation_turns": 1.0}}]
)
def test_a_changed_catalogue_entry_is_made_again(tmp_path: Path, change: dict[str, object]) -> None:
    """What was prepared for another entry of the same name is no longer this data set."""
    old = prepare(TINY, tmp_path)[0].sha256
    changed = dataclasses.replace(TINY, **change)  # type: ignore[arg-type]
    prepared, made = prepare(changed, tmp_path)
    assert made
    assert prepared.sha256 != old
    assert len(prepared.images("train")) == changed.splits["train"]


def test_a_crash_in_the_recipe_leaves_nothing_to_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = triangles.build

    def crash(dataset: Dataset, data: Path) -> Iterator[Split]:
        yield next(iter(build(dataset, data)))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(triangles, "build", crash)
        with pytest.raises(KeyboardInterrupt):
            prepare(TINY, tmp_path)
    assert set(files(tmp_path / TINY.name)) == {"train.npy"}  # whole, and made again below
    with pytest.raises(StudyError, match="gan-study prepare"):
        open_prepared(TINY, tmp_path)
    prepared, made = prepare(TINY, tmp_path)
    assert made
    assert len(prepared.images("test")) == 256


def test_a_crash_while_writing_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(dataset: Dataset, data: Path) -> Iterator[Split]:
        for split in triangles_build(dataset, data):
            yield dataclasses.replace(split, images=broken(split.images))

    def broken(chunks: Iterable[Images]) -> Iterator[Images]:
        yield next(iter(chunks))[:500]
        raise OSError("no space left on device")

    triangles_build = triangles.build
    with monkeypatch.context() as patched:
        patched.setattr(triangles, "build", crash)
        with pytest.raises(OSError, match="no space"):
            prepare(TINY, tmp_path)
    assert files(tmp_path / TINY.name) == {}
    assert prepare(TINY, tmp_path)[1]


def test_a_crash_while_repairing_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = prepare(TINY, tmp_path)[0]
    flip(good.folder / "train.npy")

    def crash(dataset: Dataset, data: Path) -> Iterator[Split]:
        raise OSError("unplugged")

    with monkeypatch.context() as patched:
        patched.setattr(triangles, "build", crash)
        with pytest.raises(OSError, match="unplugged"):
            prepare(TINY, tmp_path)
    with pytest.raises(StudyError, match="gan-study prepare"):
        open_prepared(TINY, tmp_path)
    assert prepare(TINY, tmp_path) == (good, True)


def test_a_crash_leaves_no_manifest_of_other_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the old manifest still there, it would name the hash of arrays that have been replaced."""
    recipe(monkeypatch)
    prepare(LABELLED, tmp_path)
    flip(tmp_path / "labelled" / "test.npy")

    def crash(dataset: Dataset, data: Path) -> Iterator[Split]:
        (train, _) = labelled_splits(dataset, data)
        yield dataclasses.replace(train, images=(9 - IMAGES,))
        raise KeyboardInterrupt

    recipe(monkeypatch, crash)
    with pytest.raises(KeyboardInterrupt):
        prepare(LABELLED, tmp_path)
    with pytest.raises(StudyError, match="gan-study prepare"):
        open_prepared(LABELLED, tmp_path)


def wrong(**change: object) -> Callable[[Dataset, Path], Iterator[Split]]:
    def splits(dataset: Dataset, data: Path) -> Iterator[Split]:
        for split in labelled_splits(dataset, data):
            yield dataclasses.replace(split, **change)  # type: ignore[arg-type]

    return splits


IMAGES = np.arange(24, dtype=np.uint8).reshape(6, 1, 2, 2) % 10


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"images": ()}, r"expected uint8 \(6, 1, 2, 2\), found uint8 \(0, 1, 2, 2\)"),
        ({"images": (IMAGES[:5],)}, r"expected uint8 \(6, 1, 2, 2\), found uint8 \(5, 1, 2, 2\)"),
        ({"images": (IMAGES, IMAGES[:1])}, r"expected uint8 \(6, 1, 2, 2\), found uint8 \(7, 1, 2, 2\)"),
        ({"images": (IMAGES[:4], IMAGES[4:, 0])}, r"expected uint8 \(6, 1, 2, 2\), found uint8 \(6, 2, 2\)"),
        ({"images": (IMAGES[:4], IMAGES[4:, :, :1])}, r"expected uint8 \(6, 1, 2, 2\), found uint8 \(6, 1, 1, 2\)"),
        ({"images": (IMAGES.astype(np.float32),)}, "found float32"),
        ({"images": (IMAGES[:3], IMAGES[3:] + 1)}, "grey levels from 0 to 9, found 0 to 10"),
        ({"images": (IMAGES + 1,)}, "grey levels from 0 to 9, found 1 to 10"),
        ({"images": (IMAGES[:3] // 2, IMAGES[3:] // 2)}, "grey levels from 0 to 9, found 0 to 4"),
        ({"labels": np.zeros(6, np.uint8)}, r"labels 0 to 2, found \[0\]"),
        ({"labels": np.arange(6, dtype=np.uint8)}, r"labels 0 to 2, found \[0, 1, 2, 3, 4, 5\]"),
    ],
)
def test_what_does_not_fit_the_catalogue_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], expected: str
) -> None:
    recipe(monkeypatch, wrong(**change))
    with pytest.raises(StudyError, match=expected) as caught:
        prepare(LABELLED, tmp_path)
    assert "labelled, split train, from nowhere" in str(caught.value)
    assert files(tmp_path / "labelled") == {}


AS_MANY = dataclasses.replace(LABELLED, splits={"train": None, "test": None}, classes=0)


def unlabelled(*chunks: Images) -> Callable[[Dataset, Path], Iterator[Split]]:
    def splits(dataset: Dataset, data: Path) -> Iterator[Split]:
        for name in dataset.splits:
            yield Split(name, iter(chunks), None, (Source("a test", "nowhere", None),))

    return splits


@pytest.mark.parametrize("count", [2, 9, 10, 99, 100_000])
def test_as_many_as_come_where_the_catalogue_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Their number is in the manifest, and the file is the very one that numpy writes."""
    images = np.arange(count * 4, dtype=np.uint64).reshape(count, 1, 2, 2).astype(np.uint8) % 4 + 2

    recipe(monkeypatch, unlabelled(*(images[i : i + 5_000] for i in range(0, count, 5_000))))
    prepared = prepare(AS_MANY, tmp_path)[0]
    assert prepared.count("train") == count
    np.testing.assert_array_equal(prepared.images("train"), images)
    np.save(tmp_path / "whole.npy", images)
    assert (prepared.folder / "train.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_a_level_that_is_too_high_is_refused_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe(monkeypatch, unlabelled(IMAGES[:3], IMAGES[3:] + 1))
    with pytest.raises(StudyError, match="grey levels from 0 to 9, found 0 to 10"):
        prepare(AS_MANY, tmp_path)


def test_chunks_in_any_order_of_memory_are_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1) % 10  # [N, H, W, C], seen as [N, C, H, W]
    assert not images.transpose(0, 3, 2, 1).flags.c_contiguous
    recipe(monkeypatch, unlabelled(images.transpose(0, 3, 2, 1)))
    np.testing.assert_array_equal(prepare(AS_MANY, tmp_path)[0].images("train"), images.transpose(0, 3, 2, 1))


def test_an_array_that_was_exchanged_is_noticed(tmp_path: Path) -> None:
    prepared = prepare(TINY, tmp_path)[0]
    (prepared.folder / "train.npy").write_bytes((prepared.folder / "test.npy").read_bytes())
    with pytest.raises(StudyError, match=r"expected uint8 \(1024, 1, 28, 28\), found uint8 \(256, 1, 28, 28\)"):
        prepared.images("train")


def test_labels_are_mapped_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe(monkeypatch)
    labels = prepare(LABELLED, tmp_path)[0].labels("test")
    assert isinstance(labels, np.memmap)
    assert (labels.tolist(), labels.dtype) == ([0, 1, 2], np.uint8)
    with pytest.raises(StudyError, match="triangles_tiny has no labels"):
        prepare(TINY, tmp_path)[0].labels("test")


def test_what_is_not_prepared_says_how(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=f"triangles_tiny is not prepared in {tmp_path}, .*run gan-study prepare"):
        open_prepared(TINY, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_format_is_refused_and_made_again(tmp_path: Path) -> None:
    folder = prepare(TINY, tmp_path)[0].folder
    (folder / "prepared.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(StudyError, match="run gan-study prepare"):
        open_prepared(TINY, tmp_path)
    assert prepare(TINY, tmp_path)[1]
    assert open_prepared(TINY, tmp_path).folder == folder


PROGRAM = """
import pathlib, sys
from study.data.catalogue import find
from study.data.prepare import prepare
print("ready", flush=True)
prepared, made = prepare(find("triangles_tiny"), pathlib.Path(sys.argv[1]))
print(made, prepared.sha256, int(prepared.images("test").sum()), flush=True)
"""


def test_two_processes_make_one_good_set(tmp_path: Path) -> None:
    """Both find the lock taken, so both wait for it; one prepares, the other finds its work done."""
    with durable.lock(tmp_path / TINY.name / "lock", wait=True):
        both = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE, text=True,
            )
            for _ in range(2)
        ]  # fmt: skip
        for process in both:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
    ends = [process.communicate(timeout=60)[0].split() for process in both]
    assert sorted(made for made, _, _ in ends) == ["False", "True"]
    prepared = open_prepared(TINY, tmp_path)
    assert {tuple(rest) for _, *rest in ends} == {(prepared.sha256, str(int(prepared.images("test").sum())))}
    assert set(files(prepared.folder)) == {"train.npy", "test.npy", "prepared.json"}
