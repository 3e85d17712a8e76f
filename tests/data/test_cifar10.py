"""CIFAR-10's official batches: their order, their md5s before anything is unpickled, and what is said of wrong ones."""

import dataclasses
import hashlib
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from study.data import cifar10
from study.data.catalogue import find
from study.data.prepare import prepare
from study.errors import DataUnavailable
from tests.data import official

COUNTS = {"train": 35, "test": 20}  # batches of 7
TINY = dataclasses.replace(find("cifar10"), splits=COUNTS)
BATCHES = [name for names in official.BATCHES.values() for name in names]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "cifar10"


def test_images_are_in_the_order_of_the_batches(folder: Path) -> None:
    reader, made = official.write_cifar10(folder, COUNTS)
    found = list(cifar10.splits(TINY, folder, reader))
    assert [split.name for split in found] == ["train", "test"]
    for split in found:
        images, labels = made[split.name]
        np.testing.assert_array_equal(np.concatenate(list(split.images)), images)
        assert split.labels is not None
        assert (split.labels.tolist(), split.labels.dtype) == (labels, np.uint8)
        paths = [Path(source.path) for source in split.sources]
        assert [path.name for path in paths] == official.BATCHES[split.name]
        assert [source.sha256 for source in split.sources] == [
            hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
        ]
        assert {source.origin for source in split.sources} == {"the data folder"}


def test_the_first_thousand_bytes_are_the_red_rows(folder: Path) -> None:
    """A line of a batch is 1,024 bytes of red, row by row, then green, then blue."""
    reader, _ = official.write_cifar10(folder, COUNTS)
    line = pickle.loads((folder / "cifar-10-batches-py" / "data_batch_2").read_bytes(), encoding="bytes")[b"data"][0]
    images = np.concatenate(list(next(cifar10.splits(TINY, folder, reader)).images))
    assert images[7, 0, 0].tolist() == line[:32].tolist()
    assert images[7, 1, 2, 5] == line[1024 + 2 * 32 + 5]
    assert images[7, 2, 31, 31] == line[3071]


def test_prepared_they_are_what_was_in_the_batches(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, made = official.write_cifar10(folder, COUNTS)
    monkeypatch.setattr(cifar10, "CIFAR10", reader)
    prepared = prepare(TINY, tmp_path)[0]
    for name, (images, labels) in made.items():
        np.testing.assert_array_equal(prepared.images(name), images)
        assert prepared.labels(name).tolist() == labels


def test_the_archive_will_do(folder: Path) -> None:
    reader, made = official.write_cifar10(folder, COUNTS, archived=True)
    assert [path.name for path in folder.iterdir()] == ["cifar-10-python.tar.gz"]
    for split in cifar10.splits(TINY, folder, reader):
        np.testing.assert_array_equal(np.concatenate(list(split.images)), made[split.name][0])
        assert {source.origin for source in split.sources} == {"the data folder"}


def test_the_archive_mends_a_batch(folder: Path) -> None:
    reader, made = official.write_cifar10(folder, COUNTS, archived=True)
    list(cifar10.splits(TINY, folder, reader))
    (folder / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"damaged")
    (train, _) = cifar10.splits(TINY, folder, reader)
    np.testing.assert_array_equal(np.concatenate(list(train.images)), made["train"][0])


def test_a_download_is_the_last_resort(folder: Path, mirror: tuple[Path, str]) -> None:
    served, address = mirror
    reader, made = official.write_cifar10(served, COUNTS, archived=True)
    reader.url = f"{address}cifar-10-python.tar.gz"
    for split in cifar10.splits(TINY, folder, reader):
        np.testing.assert_array_equal(np.concatenate(list(split.images)), made[split.name][0])
        assert {source.origin for source in split.sources} == {"download"}


def marker(path: Path) -> bytes:
    """A pickle that leaves a file when it is loaded."""

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (path,)

    return pickle.dumps(Evil())


@pytest.mark.parametrize("name", [*BATCHES, "batches.meta"])
@pytest.mark.parametrize("loss", ["is missing", "is damaged"])
def test_the_very_file_is_named_and_nothing_is_unpickled(
    folder: Path, tmp_path: Path, name: str, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, _ = official.write_cifar10(folder, COUNTS)
    path = folder / "cifar-10-batches-py" / name
    evil = marker(tmp_path / "evil")
    pickle.loads(evil)
    assert (tmp_path / "evil").exists()
    (tmp_path / "evil").unlink()
    path.unlink()
    if loss == "is damaged":
        path.write_bytes(evil)
    with pytest.raises(DataUnavailable) as caught:
        list(cifar10.splits(TINY, folder, reader))
    message = str(caught.value)
    assert f"{path} {loss}" in message
    assert [other for other in BATCHES if f"/{other} " in message] == [name] * (name in BATCHES)
    for part in ("cifar-10-python.tar.gz", str(folder), reader.tgz_md5):
        assert part in message
    assert "\n" not in message
    assert not (tmp_path / "evil").exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def other(path: Path) -> None:
    with tarfile.open(path, "w:gz"):
        pass


@pytest.mark.parametrize("damage", [cut, other])
def test_a_damaged_archive_is_named(folder: Path, damage: Callable[[Path], None]) -> None:
    reader, _ = official.write_cifar10(folder, COUNTS, archived=True)
    damage(folder / "cifar-10-python.tar.gz")
    with pytest.raises(DataUnavailable, match=rf"{folder / 'cifar-10-python.tar.gz'} is damaged \(its md5"):
        list(cifar10.splits(TINY, folder, reader))


def test_the_official_md5s_are_those_that_count(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches in the right format, but not the published ones."""
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    official.write_cifar10(folder, COUNTS)
    with pytest.raises(DataUnavailable, match=r"data_batch_1 is damaged \(its md5 is not c99cafc152244af"):
        list(cifar10.build(TINY, tmp_path))


def test_a_folder_without_any_is_told_in_few_words(folder: Path) -> None:
    reader, _ = official.write_cifar10(folder.parent / "elsewhere", COUNTS)
    with pytest.raises(
        DataUnavailable, match=rf": {folder / 'cifar-10-batches-py'} is missing; copy the official .*gz"
    ):
        list(cifar10.splits(TINY, folder, reader))
