"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017, arXiv 1708.07747) from their four official idx files.

The files are looked for in data/raw/NAME, in Debian's package (Fashion-MNIST's alone), and where torchvision keeps
them, data/raw/MNIST/raw or data/raw/FashionMNIST/raw; then torchvision downloads them and checks their md5s.
"""

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import cast

import torch
from torchvision.datasets import MNIST, FashionMNIST
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

from study import durable
from study.data.catalogue import Dataset
from study.data.source import Images, Source, Split
from study.errors import DataUnavailable, StudyError

READERS = {"mnist": MNIST, "fashion": FashionMNIST}
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PACKAGE = "Debian's package dataset-fashion-mnist"
PREFIXES = {"train": "train", "test": "t10k"}
NAMES = [f"{prefix}-{kind}-ubyte" for prefix in PREFIXES.values() for kind in ("images-idx3", "labels-idx1")]


def build(dataset: Dataset, data: Path) -> Iterator[Split]:
    """Yields the splits from the first place that has all four files. Raises DataUnavailable where none has."""
    origin, folder = find(dataset, data / "raw")
    _, height, width = dataset.shape
    for name, count in dataset.splits.items():
        images = _file(folder, f"{PREFIXES[name]}-images-idx3-ubyte")
        labels = _file(folder, f"{PREFIXES[name]}-labels-idx1-ubyte")
        sources = tuple(Source(origin, str(file), durable.sha256(file)) for file in (images, labels))
        array = read_idx(images, (int(count or 0), height, width))
        yield Split(name, (array[:, None],), read_idx(labels, (int(count or 0),)), sources)


def find(dataset: Dataset, raw: Path) -> tuple[str, Path]:
    """Origin and folder of the four files; downloaded where no place has them."""
    layout = raw / READERS[dataset.name].__name__ / "raw"  # torchvision names the folder after its class
    package = [(PACKAGE, DEBIAN)] if dataset.name == "fashion" else []
    for origin, folder in [("the data folder", raw / dataset.name), *package, ("the data folder", layout)]:
        if not _lacking(folder):
            return origin, folder
    _download(dataset, raw)
    return "download", layout


def read_idx(path: Path, shape: tuple[int, ...]) -> Images:
    """The array in an idx file, gzipped or not; the file must hold exactly `shape` unsigned bytes."""
    expected = f"{path}: expected an idx file of {'x'.join(map(str, shape))} unsigned bytes"
    remedy = "remove it and run gan-study prepare again, or put the official file there"
    try:
        found = _parse(path)
    except (OSError, EOFError, zlib.error, AssertionError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error) or "its header and its length do not fit"  # torchvision asserts without a word
        raise StudyError(f"{expected}, but it cannot be read ({reason}); {remedy}") from error
    if tuple(found.shape) != shape or found.dtype != torch.uint8:
        size = "x".join(map(str, found.shape))
        raise StudyError(f"{expected}, found {size} of {str(found.dtype).removeprefix('torch.')}; {remedy}")
    return cast(Images, found.numpy())


def _parse(path: Path) -> torch.Tensor:
    if not path.stat().st_size:
        raise EOFError("it is empty")
    if path.suffix != ".gz":
        return cast(torch.Tensor, read_sn3_pascalvincent_tensor(str(path)))
    with tempfile.NamedTemporaryFile() as plain:  # the reader takes no compressed file
        with gzip.open(path) as packed:
            shutil.copyfileobj(packed, plain)
        plain.flush()
        return cast(torch.Tensor, read_sn3_pascalvincent_tensor(plain.name))


def _file(folder: Path, name: str) -> Path:
    """Gzipped as published, or unpacked."""
    packed = folder / f"{name}.gz"
    return packed if packed.is_file() else folder / name


def _lacking(folder: Path) -> list[str]:
    return [f"{name}.gz" for name in NAMES if not _file(folder, name).is_file()]


def _download(dataset: Dataset, raw: Path) -> None:
    reader, folder = READERS[dataset.name], raw / dataset.name
    lacking = f"{folder} lacks {', '.join(_lacking(folder))}"
    try:
        reader(str(raw), download=True)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = " ".join(str(error).split())  # torchvision tells of every mirror on a line of its own
        package = f", or install {PACKAGE}" if dataset.name == "fashion" else ""
        raise DataUnavailable(
            f"{dataset.name} is not here and cannot be downloaded ({reason}): {lacking}; copy the official files "
            f"there{package}"
        ) from error
