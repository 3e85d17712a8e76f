"""CIFAR-10 (Krizhevsky 2009) from its official pickled batches, in data/raw/cifar10 or downloaded."""

import tarfile
import zlib
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import numpy as np
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity

from study import durable
from study.data.catalogue import Dataset
from study.data.source import Source, Split
from study.errors import DataUnavailable


def build(dataset: Dataset, data: Path) -> Iterator[Split]:
    """Yields the splits: from cifar-10-batches-py/, else cifar-10-python.tar.gz, in data/raw/cifar10, else a download.

    Raises DataUnavailable where there is none of them.
    """
    return splits(dataset, data / "raw" / "cifar10", CIFAR10)


def splits(dataset: Dataset, folder: Path, reader: type[CIFAR10]) -> Iterator[Split]:
    """The splits by torchvision's reader, images in the order of the batches.

    Unpickling runs whatever code a file holds: the reader compares all with the md5s it knows before it opens one.
    """
    origin = _complete(folder, reader)
    for name in dataset.splits:
        found = reader(str(folder), train=name == "train")
        batches = [folder / reader.base_folder / batch for batch, _ in _batches(reader)[name]]
        sources = tuple(Source(origin, str(batch), durable.sha256(batch)) for batch in batches)
        images = np.asarray(found.data, np.uint8).transpose(0, 3, 1, 2)  # the reader turned them round
        yield Split(name, (images,), np.asarray(found.targets, np.uint8), sources)


def _batches(reader: type[CIFAR10]) -> dict[str, list[tuple[str, str]]]:
    """Split -> name and md5 of its files."""
    return {"train": reader.train_list, "test": reader.test_list}


def _faults(folder: Path, reader: type[CIFAR10]) -> list[str]:
    """The files that are missing, or are not the official ones."""
    if not (folder / reader.base_folder).is_dir():
        return [f"{folder / reader.base_folder} is missing"]
    files = [*reader.train_list, *reader.test_list, (reader.meta["filename"], reader.meta["md5"])]
    faults = []
    for name, md5 in files:
        path = folder / reader.base_folder / name
        if not path.is_file():
            faults.append(f"{path} is missing")
        elif not check_integrity(str(path), md5):
            faults.append(f"{path} is damaged (its md5 is not {md5})")
    return faults


def _complete(folder: Path, reader: type[CIFAR10]) -> str:
    """Sees to it that every file is there, out of the archive or the network, and says which."""
    faults, archive = _faults(folder, reader), folder / reader.filename
    origin = "download" if faults and not check_integrity(str(archive), reader.tgz_md5) else "the data folder"
    if not faults:
        return origin
    if origin == "download" and archive.is_file():
        faults.append(f"{archive} is damaged (its md5 is not {reader.tgz_md5})")
    try:
        reader(str(folder), download=True)
    except (OSError, RuntimeError, HTTPException, tarfile.TarError, EOFError, zlib.error) as error:
        raise DataUnavailable(
            f"cifar10 is not here and cannot be downloaded ({' '.join(str(error).split())}): {'; '.join(faults)}; copy "
            f"the official {reader.filename} (md5 {reader.tgz_md5}) to {folder}"
        ) from error
    return origin
