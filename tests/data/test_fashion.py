"""The official idx files: reading them, where they are looked for, and what is said of files that are not right."""

import gzip
import io
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from study.data import fashion
from study.data.catalogue import Dataset, find
from study.errors import DataUnavailable, StudyError

Bytes = npt.NDArray[np.uint8]

TINY = Dataset("fashion", (1, 4, 6), {"train": 5, "test": 3}, 255, 10, 1, (1,), "study.data.fashion")
FILES = {
    "train-images-idx3-ubyte.gz": (5, 4, 6),
    "train-labels-idx1-ubyte.gz": (5,),
    "t10k-images-idx3-ubyte.gz": (3, 4, 6),
    "t10k-labels-idx1-ubyte.gz": (3,),
}


def idx(values: Bytes, kind: int = 0x08) -> bytes:
    """The official format: two zero bytes, element type, number of axes, lengths as big-endian ints, elements."""
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, kind, values.ndim, *values.shape) + values.tobytes()


def content(name: str) -> Bytes:
    shape = FILES[name]
    return np.random.default_rng(len(name) + len(shape)).integers(0, 10, shape, dtype=np.uint8)


def fill(folder: Path, without: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if name != without:
            (folder / name).write_bytes(gzip.compress(idx(content(name))))
    return folder


@pytest.fixture(autouse=True)
def _nothing_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise URLError("no network in a test")

    monkeypatch.setattr(fashion, "download_url", refuse)
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path / "debian")


def test_build_reads_all_four(tmp_path: Path) -> None:
    raw = fill(tmp_path / "raw" / "fashion")
    train, test = fashion.build(TINY, tmp_path)
    assert (train.name, test.name) == ("train", "test")
    np.testing.assert_array_equal(train.images, content("train-images-idx3-ubyte.gz")[:, None])
    np.testing.assert_array_equal(test.images, content("t10k-images-idx3-ubyte.gz")[:, None])
    assert train.labels is not None
    assert test.labels is not None
    assert train.labels.tolist() == content("train-labels-idx1-ubyte.gz").tolist()
    assert test.labels.tolist() == content("t10k-labels-idx1-ubyte.gz").tolist()
    assert [Path(source.path) for source in test.sources] == [
        raw / "t10k-images-idx3-ubyte.gz",
        raw / "t10k-labels-idx1-ubyte.gz",
    ]
    assert {source.origin for source in train.sources} == {"the data folder"}


def test_elements_are_in_the_files_order(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes.fromhex("00000803 00000002 00000001 00000003 010203 fdfeff")))
    assert fashion.read_idx(path, (2, 1, 3)).tolist() == [[[1, 2, 3]], [[253, 254, 255]]]


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 6)).save(file, "PNG")
    return file.getvalue()


GOOD = idx(np.arange(24, dtype=np.uint8).reshape(1, 4, 6))
BAD: dict[str, bytes] = {
    "empty": b"",
    "a PNG": png(),
    "a text": b"<html>404 not found</html>",
    "not compressed": GOOD,
    "truncated after the header": gzip.compress(GOOD)[:5],
    "truncated in the middle": gzip.compress(GOOD)[:-12],
    "truncated before the checksum": gzip.compress(GOOD)[:-3],
    "wrong checksum": gzip.compress(GOOD)[:-8] + bytes(4) + gzip.compress(GOOD)[-4:],
    "damaged stream": gzip.compress(GOOD)[:12] + b"\xff\xff\xff" + gzip.compress(GOOD)[15:],
    "a compressed PNG": gzip.compress(png()),
    "wrong magic": gzip.compress(b"\x01" + GOOD[1:]),
    "floats": gzip.compress(idx(np.zeros((1, 4, 6), np.uint8), kind=0x0D)),
    "two images": gzip.compress(idx(np.zeros((2, 4, 6), np.uint8))),
    "labels": gzip.compress(idx(np.zeros(24, np.uint8))),
    "transposed": gzip.compress(idx(np.zeros((1, 6, 4), np.uint8))),
    "header only": gzip.compress(GOOD[:16]),
    "one byte short": gzip.compress(GOOD[:-1]),
    "one byte more": gzip.compress(GOOD + b"\0"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_such_file_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(BAD[kind])
    with pytest.raises(StudyError) as caught:
        fashion.read_idx(path, (1, 4, 6))
    message = str(caught.value)
    assert str(path) in message
    assert "1x4x6 unsigned bytes" in message
    assert "gan-study prepare" in message
    assert "\n" not in message


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    raw = fill(tmp_path / "raw" / "fashion", without=missing)
    with pytest.raises(StudyError) as caught:
        list(fashion.build(TINY, tmp_path))
    assert str(raw) in str(caught.value)
    assert missing in str(caught.value) or isinstance(caught.value, DataUnavailable)


def test_three_files_do_not_hide_four_elsewhere(tmp_path: Path) -> None:
    """`build` promises the first place that has all four."""
    fill(tmp_path / "raw" / "fashion", without="t10k-labels-idx1-ubyte.gz")
    debian = fill(tmp_path / "debian")
    assert fashion.find(tmp_path / "raw" / "fashion", debian)[1] == debian


def test_the_data_folder_comes_first_then_debian(tmp_path: Path) -> None:
    raw, debian = tmp_path / "raw" / "fashion", fill(tmp_path / "debian")
    origin, folder = fashion.find(raw, debian)
    assert folder == debian
    assert "dataset-fashion-mnist" in origin
    fill(raw)
    assert fashion.find(raw, debian) == ("the data folder", raw)


def test_an_empty_data_folder_is_no_place(tmp_path: Path) -> None:
    raw = tmp_path / "raw" / "fashion"
    raw.mkdir(parents=True)
    (raw / "README").write_text("put the files here")
    debian = fill(tmp_path / "debian")
    assert fashion.find(raw, debian)[1] == debian


def test_a_download_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int]] = []

    def fetch(url: str, root: str, name: str, md5: str) -> None:
        calls.append((root, len(md5)))
        assert url.endswith("/" + name)
        fill(Path(root))

    monkeypatch.setattr(fashion, "download_url", fetch)
    train, test = fashion.build(TINY, tmp_path)
    assert calls == [(str(tmp_path / "raw" / "fashion"), 32)] * 4
    assert {source.origin for source in (*train.sources, *test.sources)} == {"download"}
    assert test.images.shape == (3, 1, 4, 6)


def fails_with(error: Exception) -> Callable[..., None]:
    def fetch(*arguments: object, **named: object) -> None:
        raise error

    return fetch


@pytest.mark.parametrize(
    "error",
    [URLError("unreachable"), RuntimeError("unreachable"), TimeoutError("unreachable"), PermissionError("unreachable")],
)
def test_nothing_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(fashion, "download_url", fails_with(error))
    raw = tmp_path / "raw" / "fashion"
    with pytest.raises(DataUnavailable) as caught:
        list(fashion.build(TINY, tmp_path))
    message = str(caught.value)
    for part in ("Fashion-MNIST", str(raw), str(tmp_path / "debian"), "unreachable", "dataset-fashion-mnist", "copy"):
        assert part in message


DEBIAN = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.skipif(not DEBIAN.is_dir(), reason=f"{DEBIAN} is not there")
@pytest.mark.parametrize(("split", "prefix", "per_class"), [("train", "train", 6_000), ("test", "t10k", 1_000)])
def test_the_real_files(split: str, prefix: str, per_class: int) -> None:
    count = find("fashion").splits[split]
    labels = fashion.read_idx(DEBIAN / f"{prefix}-labels-idx1-ubyte.gz", (count,))
    assert np.bincount(labels).tolist() == [per_class] * 10
    images = fashion.read_idx(DEBIAN / f"{prefix}-images-idx3-ubyte.gz", (10 * per_class, 28, 28))
    assert images.shape == (count, 28, 28)
    assert (int(images.min()), int(images.max())) == (0, 255)
    assert float(images.mean()) / 255 == pytest.approx(0.286, abs=0.002)  # the mean that its users normalise with
