"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747) from its four official idx files."""

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torchvision.datasets import FashionMNIST
from torchvision.datasets.utils import download_url

from study import durable
from study.data.catalogue import Dataset
from study.data.source import Source, Split
from study.errors import DataUnavailable, StudyError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PREFIXES = {"train": "train", "test": "t10k"}
FILES = [f"{prefix}-{kind}-ubyte.gz" for prefix in PREFIXES.values() for kind in ("images-idx3", "labels-idx1")]
UNSIGNED_BYTE = 0x08  # the idx format's code for the element type


def build(dataset: Dataset, data: Path) -> Iterator[Split]:
    """Yields the splits from the first place that has all four files: the data folder, Debian's package, a download."""
    origin, folder = find(data / "raw" / "fashion", DEBIAN)
    _, height, width = dataset.shape
    for name, count in dataset.splits.items():
        images_file = folder / f"{PREFIXES[name]}-images-idx3-ubyte.gz"
        labels_file = folder / f"{PREFIXES[name]}-labels-idx1-ubyte.gz"
        images = read_idx(images_file, (count, height, width))
        labels = read_idx(labels_file, (count,))
        sources = tuple(Source(origin, str(file), durable.sha256(file)) for file in (images_file, labels_file))
        yield Split(name, images[:, None], labels, sources)


def find(raw: Path, debian: Path) -> tuple[str, Path]:
    """Origin and folder of the four files. Raises DataUnavailable where none of the three places has them."""
    for origin, folder in (("the data folder", raw), ("Debian's package dataset-fashion-mnist", debian)):
        if all((folder / name).is_file() for name in FILES):
            return origin, folder
    return "download", _download(raw, debian)


def read_idx(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """The array in a gzipped idx file; the file must hold exactly `shape` unsigned bytes."""
    expected = f"a gzipped idx file of {'x'.join(map(str, shape))} unsigned bytes"
    remedy = "remove it and run gan-study prepare again, or put the official file there"
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise StudyError(f"{path}: expected {expected}, but it cannot be read ({error}); {remedy}") from error
    header = bytes([0, 0, UNSIGNED_BYTE, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    if content[: len(header)] != header:
        raise StudyError(
            f"{path}: expected {expected}, but its header is {content[: len(header)].hex(' ', 4)}; {remedy}"
        )
    if len(content) != len(header) + math.prod(shape):
        found = len(content) - len(header)
        raise StudyError(f"{path}: expected {expected}, but {found} bytes follow its header; {remedy}")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _download(raw: Path, debian: Path) -> Path:
    """The folder with all four files, each with the md5 that torchvision knows."""
    try:
        for name, md5 in FashionMNIST.resources:
            download_url(FashionMNIST.mirrors[0] + name, str(raw), name, md5)
    except (OSError, RuntimeError) as error:
        raise DataUnavailable(
            f"Fashion-MNIST is not in {raw}, not in {debian} and cannot be downloaded ({error}); install Debian's "
            f"package dataset-fashion-mnist, or copy the four official *-ubyte.gz files to {raw}"
        ) from error
    return raw
