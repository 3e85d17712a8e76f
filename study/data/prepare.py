"""From official files to one checked uint8 array per split, once; opened memory-mapped ever after."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from study import durable
from study.data.catalogue import Dataset
from study.data.source import Split
from study.errors import StudyError

FORMAT = 2
KINDS = ("images", "labels")
RECIPE = ("dataset", "shape", "splits", "levels", "options")


class Recipe(Protocol):
    """What a data set's own module offers."""

    def build(self, dataset: Dataset, data: Path) -> Iterator[Split]: ...


@dataclass(frozen=True)
class Prepared:
    """A data set ready for trials."""

    dataset: Dataset
    folder: Path
    sha256: str  # of the arrays' own hashes, in the order of the splits
    manifest: dict[str, Any]

    def images(self, split: str) -> npt.NDArray[np.uint8]:
        """[N, C, H, W] uint8, memory-mapped: processes of one machine share its pages."""
        path = self.folder / f"{split}.npy"
        array = np.load(path, mmap_mode="c")  # copy on write: torch wants writable memory, nobody writes
        expected = (self.dataset.splits[split], *self.dataset.shape)
        if array.shape != expected or array.dtype != np.uint8:
            raise StudyError(
                f"{path}: expected uint8 {expected}, found {array.dtype} {array.shape}; run gan-study prepare"
            )
        return cast(npt.NDArray[np.uint8], array)

    def labels(self, split: str) -> npt.NDArray[np.uint8]:
        """[N] uint8; raises StudyError for a data set without labels."""
        if not self.dataset.classes:
            raise StudyError(f"{self.dataset.name} has no labels")
        return cast(npt.NDArray[np.uint8], np.load(self.folder / f"{split}_labels.npy", mmap_mode="r"))


def prepare(dataset: Dataset, data: Path) -> tuple[Prepared, bool]:
    """The prepared data set, and whether it was made just now. One process prepares, others wait for it."""
    folder = data / dataset.name
    with durable.lock(folder / "lock", wait=True):
        found = _intact(dataset, folder)
        if found is not None:
            return found, False
        recipe = cast(Recipe, importlib.import_module(dataset.recipe))
        splits = [_store(dataset, split, folder) for split in recipe.build(dataset, data)]
        durable.write_json(folder / "prepared.json", {"format": FORMAT, "recipe": _recipe(dataset), "splits": splits})
    return open_prepared(dataset, data), True


def open_prepared(dataset: Dataset, data: Path) -> Prepared:
    """What an earlier `prepare` left, without reading the arrays. Raises StudyError where there is nothing of use."""
    folder = data / dataset.name
    manifest = _manifest(dataset, folder)
    if manifest is None:
        raise StudyError(
            f"{dataset.name} is not prepared in {data}, or otherwise than now; run gan-study prepare first"
        )
    digest = durable.sha256_text("".join(split["images_sha256"] for split in manifest["splits"]))
    return Prepared(dataset, folder, digest, manifest)


def _intact(dataset: Dataset, folder: Path) -> Prepared | None:
    """The prepared set if every array still has the hash that was recorded; None where it has to be made (again)."""
    manifest = _manifest(dataset, folder)
    if manifest is None:
        return None
    for split in manifest["splits"]:
        for kind in KINDS:
            name, digest = split[kind], split[f"{kind}_sha256"]
            if name and not ((folder / name).exists() and durable.sha256(folder / name) == digest):
                return None
    return open_prepared(dataset, folder.parent)


def _manifest(dataset: Dataset, folder: Path) -> dict[str, Any] | None:
    """What the folder says of itself; None where it is of another format, or made by another recipe."""
    path = folder / "prepared.json"
    try:
        manifest = json.loads(path.read_text()) if path.exists() else None
    except ValueError:  # damaged: as if it were not there
        return None
    current = isinstance(manifest, dict) and (manifest.get("format"), manifest.get("recipe")) == (
        FORMAT,
        _recipe(dataset),
    )
    return cast(dict[str, Any], manifest) if current else None


def _store(dataset: Dataset, split: Split, folder: Path) -> dict[str, Any]:
    _check(dataset, split)
    stored: dict[str, Any] = {"name": split.name, "sources": [asdict(source) for source in split.sources]}
    for kind, array, suffix in zip(KINDS, (split.images, split.labels), ("", "_labels"), strict=True):
        path = folder / f"{split.name}{suffix}.npy"
        if array is not None:
            durable.write(path, partial(_save, array))
        there = array is not None
        stored |= {kind: path.name if there else None, f"{kind}_sha256": durable.sha256(path) if there else None}
    return stored | {"bytes": (folder / stored["images"]).stat().st_size}


def _save(array: npt.NDArray[np.uint8], file: IO[bytes]) -> None:
    np.save(file, array)


def _recipe(dataset: Dataset) -> dict[str, Any]:
    """What of the catalogue's entry decides the arrays: another recipe under the same name is another data set."""
    entry = (dataset.name, dataset.shape, dataset.splits, dataset.levels, dataset.options)
    return cast(dict[str, Any], json.loads(json.dumps(dict(zip(RECIPE, entry, strict=True)))))


def _check(dataset: Dataset, split: Split) -> None:
    where = f"{dataset.name}, split {split.name}, from {split.sources[0].path}"
    expected = (dataset.splits[split.name], *dataset.shape)
    if split.images.shape != expected or split.images.dtype != np.uint8:
        raise StudyError(f"{where}: expected uint8 {expected}, found {split.images.dtype} {split.images.shape}")
    low, high = int(split.images.min()), int(split.images.max())
    if low != 0 or high != dataset.levels:
        raise StudyError(f"{where}: expected grey levels from 0 to {dataset.levels}, found {low} to {high}")
    if split.labels is not None and set(np.unique(split.labels)) != set(range(dataset.classes)):
        raise StudyError(
            f"{where}: expected labels 0 to {dataset.classes - 1}, found {sorted(set(split.labels.tolist()))[:12]}"
        )
