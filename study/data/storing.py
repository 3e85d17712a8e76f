"""A split's arrays, checked against the catalogue while they are written."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from study import durable
from study.data.catalogue import Dataset
from study.data.source import Split
from study.errors import StudyError


def store(dataset: Dataset, split: Split, folder: Path) -> dict[str, Any]:
    """Writes SPLIT.npy, and SPLIT_labels.npy where there are labels; returns what the manifest says of them.

    Raises StudyError where the images or labels are not what the catalogue says.
    """
    where = f"{dataset.name}, split {split.name}, from {split.sources[0].path}"
    images, labels = folder / f"{split.name}.npy", folder / f"{split.name}_labels.npy"
    if split.labels is not None:
        _check_labels(dataset, split.labels, where)
    durable.write(images, partial(_write_images, dataset, split, where))
    if split.labels is not None:
        durable.write(labels, partial(_write_labels, split.labels))
    return {
        "name": split.name,
        "count": len(np.load(images, mmap_mode="r")),
        "bytes": images.stat().st_size,
        "images": images.name,
        "images_sha256": durable.sha256(images),
        "labels": None if split.labels is None else labels.name,
        "labels_sha256": None if split.labels is None else durable.sha256(labels),
        "sources": [asdict(source) for source in split.sources],
    }


def _write_images(dataset: Dataset, split: Split, where: str, file: IO[bytes]) -> None:
    """An .npy, chunk by chunk as they come; through a memory map, all that is written would stay in memory.

    How many there are is known at the end: the header leaves room for any number, and is written again.
    """
    wanted = dataset.splits[split.name]  # None: as many as come
    expected = f"expected uint8 {(wanted, *dataset.shape)}"
    count, low, high = 0, 255, 0
    _write_header(file, (0, *dataset.shape))
    for chunk in split.images:
        count += len(chunk)
        if chunk.shape[1:] != dataset.shape or chunk.dtype != np.uint8:
            raise StudyError(f"{where}: {expected}, found {chunk.dtype} {(count, *chunk.shape[1:])}")
        low, high = min(low, int(chunk.min(initial=255))), max(high, int(chunk.max(initial=0)))
        file.write(np.ascontiguousarray(chunk).data)
    if wanted not in (None, count):
        raise StudyError(f"{where}: {expected}, found uint8 {(count, *dataset.shape)}")
    if high > dataset.levels or (wanted is not None and (low, high) != (0, dataset.levels)):
        raise StudyError(f"{where}: expected grey levels from 0 to {dataset.levels}, found {low} to {high}")
    file.seek(0)
    _write_header(file, (count, *dataset.shape))


def _write_header(file: IO[bytes], shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _write_labels(array: npt.NDArray[np.uint8], file: IO[bytes]) -> None:
    np.save(file, array)


def _check_labels(dataset: Dataset, labels: npt.NDArray[np.uint8], where: str) -> None:
    if set(np.unique(labels)) != set(range(dataset.classes)):
        raise StudyError(
            f"{where}: expected labels 0 to {dataset.classes - 1}, found {sorted(set(labels.tolist()))[:12]}"
        )
