"""The official idx files: reading them, where they are looked for, and what is said of files that are not right."""

import dataclasses
import gzip
import hashlib
import io
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision
from PIL import Image

from study.data import idx
from study.data.catalogue import Dataset, find
from study.data.prepare import prepare
from study.errors import DataUnavailable, StudyError
from tests.data import official


def squeezed(content: bytes) -> bytes:
    """As gzip does it, but at no time: a test's name must be the same in every process."""
    return gzip.compress(content, mtime=0)


COUNTS = {"train": 30, "test": 20}
TINY = {name: dataclasses.replace(find(name), shape=(1, 4, 6), splits=COUNTS) for name in ("mnist", "fashion")}
FILES = [f"{prefix}-{kind}-ubyte.gz" for prefix in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
DOWNLOAD = torchvision.datasets.MNIST.download
LAYOUTS = {"mnist": "MNIST", "fashion": "FashionMNIST"}


def fill(folder: Path, without: str = "") -> Path:
    official.write_idx(folder, COUNTS, 4, 6)
    if without:
        (folder / without).unlink()
    return folder


def unpack(folder: Path) -> None:
    for name in FILES:
        path = folder / name
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()


def refuses(error: Exception) -> Callable[..., None]:
    def download(self: object) -> None:
        raise error

    return download


@pytest.fixture(autouse=True)
def _nothing_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision.datasets.MNIST, "download", refuses(URLError("no network in a test")))
    monkeypatch.setattr(idx, "DEBIAN", tmp_path / "debian")


@pytest.fixture(params=["mnist", "fashion"])
def dataset(request: pytest.FixtureRequest) -> Dataset:
    return TINY[request.param]


@pytest.mark.parametrize("unpacked", [False, True])
def test_build_reads_all_four(dataset: Dataset, tmp_path: Path, unpacked: bool) -> None:
    raw = tmp_path / "raw" / dataset.name
    made = official.write_idx(raw, COUNTS, 4, 6)
    if unpacked:
        unpack(raw)
    for split in idx.build(dataset, tmp_path):
        (images,) = split.images
        assert images.shape == (COUNTS[split.name], 1, 4, 6)
        np.testing.assert_array_equal(images[:, 0], made[split.name][0])
        assert split.labels is not None
        assert split.labels.tolist() == made[split.name][1].tolist()
        names = [
            name.removesuffix(".gz" * unpacked) for name in FILES if name.startswith(official.PREFIXES[split.name])
        ]
        assert [Path(source.path) for source in split.sources] == [raw / name for name in names]
        for source in split.sources:
            assert source.origin == "the data folder"
            assert source.sha256 == hashlib.sha256(Path(source.path).read_bytes()).hexdigest()


def test_prepared_they_are_the_files_bytes(dataset: Dataset, tmp_path: Path) -> None:
    made = official.write_idx(tmp_path / "raw" / dataset.name, COUNTS, 4, 6)
    prepared = prepare(dataset, tmp_path)[0]
    for name, (images, labels) in made.items():
        np.testing.assert_array_equal(prepared.images(name)[:, 0], images)
        assert prepared.labels(name).tolist() == labels.tolist()
        assert prepared.count(name) == COUNTS[name]


@pytest.mark.parametrize("packed", [True, False])
def test_elements_are_in_the_files_order(tmp_path: Path, packed: bool) -> None:
    content = bytes.fromhex("00000803 00000002 00000001 00000003 010203 fdfeff")
    path = tmp_path / ("a.gz" if packed else "a")
    path.write_bytes(squeezed(content) if packed else content)
    assert idx.read_idx(path, (2, 1, 3)).tolist() == [[[1, 2, 3]], [[253, 254, 255]]]


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 6)).save(file, "PNG")
    return file.getvalue()


GOOD = official.idx(np.arange(24, dtype=np.uint8).reshape(1, 4, 6))
PACKED = squeezed(GOOD)
BAD: dict[str, bytes] = {
    "empty": b"",
    "a PNG": png(),
    "a text": b"<html>404 not found</html>",
    "not compressed": GOOD,
    "truncated after the header": PACKED[:5],
    "truncated in the middle": PACKED[:-12],
    "truncated before the checksum": PACKED[:-3],
    "wrong checksum": PACKED[:-8] + bytes(4) + PACKED[-4:],
    "damaged stream": PACKED[:12] + b"\xff\xff\xff" + PACKED[15:],
    "nothing, compressed": squeezed(b""),
    "a compressed PNG": squeezed(png()),
    "wrong magic": squeezed(b"\x01" + GOOD[1:]),
    "no such element": squeezed(official.idx(np.zeros((1, 4, 6), np.uint8), kind=0x0A)),
    "signed": squeezed(official.idx(np.zeros((1, 4, 6), np.int8), kind=0x09)),
    "floats": squeezed(official.idx(np.zeros((1, 4, 6), ">f4"), kind=0x0D)),
    "four axes": squeezed(official.idx(np.zeros((1, 1, 4, 6), np.uint8))),
    "two images": squeezed(official.idx(np.zeros((2, 4, 6), np.uint8))),
    "labels": squeezed(official.idx(np.zeros(24, np.uint8))),
    "transposed": squeezed(official.idx(np.zeros((1, 6, 4), np.uint8))),
    "more than there can be": squeezed(struct.pack(">BBBB3I", 0, 0, 8, 3, *3 * [2**32 - 1]) + GOOD),
    "header only": squeezed(GOOD[:16]),
    "half a header": squeezed(GOOD[:6]),
    "one byte short": squeezed(GOOD[:-1]),
    "one byte more": squeezed(GOOD + b"\0"),
}


def assert_named(path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        idx.read_idx(path, (1, 4, 6))
    message = str(caught.value)
    assert str(path) in message
    assert "1x4x6 unsigned bytes" in message
    assert "gan-study prepare" in message
    assert "\n" not in message


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_such_file_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(BAD[kind])
    assert_named(path)


@pytest.mark.parametrize("content", [b"", png(), GOOD[:-1], GOOD + b"\0", PACKED, GOOD[:16]])
def test_what_is_no_such_unpacked_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    assert_named(path)


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_is_named(dataset: Dataset, tmp_path: Path, missing: str) -> None:
    raw = fill(tmp_path / "raw" / dataset.name, without=missing)
    with pytest.raises(DataUnavailable) as caught:
        list(idx.build(dataset, tmp_path))
    assert f"{raw} lacks {missing};" in str(caught.value)


def test_three_files_do_not_hide_four_elsewhere(tmp_path: Path) -> None:
    """`build` promises the first place that has all four."""
    fill(tmp_path / "raw" / "fashion", without="t10k-labels-idx1-ubyte.gz")
    debian = fill(tmp_path / "debian")
    assert idx.find(TINY["fashion"], tmp_path / "raw")[1] == debian


def test_the_order_of_the_places(dataset: Dataset, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    layout = fill(raw / LAYOUTS[dataset.name] / "raw")
    assert idx.find(dataset, raw) == ("the data folder", layout)
    debian = fill(tmp_path / "debian")
    packaged = ("Debian's package dataset-fashion-mnist", debian)
    assert idx.find(dataset, raw) == (packaged if dataset.name == "fashion" else ("the data folder", layout))
    assert idx.find(dataset, raw) != ("the data folder", raw / dataset.name)
    own = fill(raw / dataset.name)
    assert idx.find(dataset, raw) == ("the data folder", own)


def test_an_empty_data_folder_is_no_place(tmp_path: Path) -> None:
    raw = tmp_path / "raw" / "fashion"
    raw.mkdir(parents=True)
    (raw / "README").write_text("put the files here")
    debian = fill(tmp_path / "debian")
    assert idx.find(TINY["fashion"], tmp_path / "raw")[1] == debian


@pytest.fixture
def publisher(dataset: Dataset, tmp_path: Path, mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that torchvision downloads from, and whose md5s it knows; its first mirror is down."""
    folder, address = mirror
    fill(folder)
    changed = {
        "download": DOWNLOAD,
        "mirrors": ["http://127.0.0.1:9/", address],
        "resources": [(name, official.md5(folder / name)) for name in FILES],
    }
    reader = type(LAYOUTS[dataset.name], (torchvision.datasets.MNIST,), changed)
    monkeypatch.setitem(idx.READERS, dataset.name, reader)
    return folder


def test_a_download_is_the_last_resort(dataset: Dataset, tmp_path: Path, publisher: Path) -> None:
    train, test = idx.build(dataset, tmp_path)
    assert {source.origin for source in (*train.sources, *test.sources)} == {"download"}
    folder = tmp_path / "raw" / LAYOUTS[dataset.name] / "raw"
    assert [Path(source.path) for source in (*train.sources, *test.sources)] == [folder / name for name in FILES]
    assert next(iter(test.images)).shape == (20, 1, 4, 6)
    again = next(idx.build(dataset, tmp_path))
    assert again.sources[0].origin == "the data folder"


def test_a_download_of_other_bytes_is_refused(dataset: Dataset, tmp_path: Path, publisher: Path) -> None:
    (publisher / FILES[2]).write_bytes(squeezed(official.idx(np.zeros((20, 4, 6), np.uint8))))
    with pytest.raises(DataUnavailable, match=f"{FILES[2]}.* corrupted"):
        list(idx.build(dataset, tmp_path))


@pytest.mark.parametrize(
    "error",
    [
        URLError("unreachable"),
        RuntimeError("Tried a:\nunreachable"),
        TimeoutError("unreachable"),
        PermissionError("unreachable"),
    ],
)
def test_nothing_works(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(torchvision.datasets.MNIST, "download", refuses(error))
    with pytest.raises(DataUnavailable) as caught:
        list(idx.build(dataset, tmp_path))
    message = str(caught.value)
    for part in (f"{dataset.name} is not here", str(tmp_path / "raw" / dataset.name), "unreachable", "copy", *FILES):
        assert part in message
    assert ("dataset-fashion-mnist" in message) == (dataset.name == "fashion")
    assert "\n" not in message


DEBIAN = idx.DEBIAN


@pytest.mark.skipif(not DEBIAN.is_dir(), reason=f"{DEBIAN} is not there")
@pytest.mark.parametrize(("split", "prefix", "per_class"), [("train", "train", 6_000), ("test", "t10k", 1_000)])
def test_the_real_files(split: str, prefix: str, per_class: int) -> None:
    count = find("fashion").splits[split]
    assert count == 10 * per_class
    labels = idx.read_idx(DEBIAN / f"{prefix}-labels-idx1-ubyte.gz", (count,))
    assert np.bincount(labels).tolist() == [per_class] * 10
    images = idx.read_idx(DEBIAN / f"{prefix}-images-idx3-ubyte.gz", (count, 28, 28))
    assert (int(images.min()), int(images.max())) == (0, 255)
    assert float(images.mean()) / 255 == pytest.approx(0.286, abs=0.002)  # the mean that its users normalise with
