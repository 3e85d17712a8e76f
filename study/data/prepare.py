"""From official files to one checked uint8 array per split, once; opened memory-mapped ever after."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from study import durable
from study.data.catalogue import Dataset
from study.data.source import Images, Split
from study.data.storing import store
from study.errors import StudyError

FORMAT = 3
KINDS = ("images", "labels")
RECIPE = ("dataset", "shape", "splits", "levels", "options")


class Recipe(Protocol):
    """What a data set's own module offers."""

    def build(self, dataset: Dataset, data: Path) -> Iterator[Split]: ...


@runtime_checkable
class Watching(Protocol):
    """What a recipe offers whose originals may change under their name."""

    def signature(self, dataset: Dataset) -> str | None:
        """Of what the originals look like from outside; None where there are none to look at."""
        ...

    def contents(self, dataset: Dataset) -> set[str]:
        """The sha256 of every source of the originals; asked where they look otherwise than before."""
        ...


@dataclass(frozen=True)
class Prepared:
    """A data set ready for trials."""

    dataset: Dataset
    folder: Path
    sha256: str  # of the arrays' own hashes, in the order of the splits
    manifest: dict[str, Any]

    def count(self, split: str) -> int:
        """How many images the split has."""
        return {each["name"]: int(each["count"]) for each in self.manifest["splits"]}[split]

    def images(self, split: str) -> Images:
        """[N, C, H, W] uint8, memory-mapped: processes of one machine share its pages."""
        path = self.folder / f"{split}.npy"
        array = np.load(path, mmap_mode="c")  # copy on write: torch wants writable memory, nobody writes
        expected = (self.count(split), *self.dataset.shape)
        if array.shape != expected or array.dtype != np.uint8:
            raise StudyError(
                f"{path}: expected uint8 {expected}, found {array.dtype} {array.shape}; run gan-study prepare"
            )
        return cast(Images, array)

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
        manifest = {"format": FORMAT, "recipe": _recipe(dataset), "originals": _signature(dataset)}
        (folder / "prepared.json").unlink(missing_ok=True)  # it would vouch for the arrays that replace those it knew
        manifest["splits"] = [store(dataset, split, folder) for split in _module(dataset).build(dataset, data)]
        durable.write_json(folder / "prepared.json", manifest)
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


def changed(dataset: Dataset, data: Path) -> bool:
    """Whether originals are others than were prepared, so that `prepare` would replace the arrays."""
    manifest = _manifest(dataset, data / dataset.name)
    return manifest is not None and _others(dataset, manifest)


def _others(dataset: Dataset, manifest: dict[str, Any]) -> bool:
    """Whether the originals hold other images than were prepared; a copy that is only younger does not."""
    recipe = _module(dataset)
    if not isinstance(recipe, Watching) or recipe.signature(dataset) in (None, manifest["originals"]):
        return False
    known = {source["sha256"] for split in manifest["splits"] for source in split["sources"]}
    return recipe.contents(dataset) != known


def _module(dataset: Dataset) -> Recipe:
    return cast(Recipe, importlib.import_module(dataset.recipe))


def _signature(dataset: Dataset) -> str | None:
    recipe = _module(dataset)
    return recipe.signature(dataset) if isinstance(recipe, Watching) else None


def _intact(dataset: Dataset, folder: Path) -> Prepared | None:
    """The prepared set if every array still has the hash that was recorded; None where it has to be made (again).

    A person's own images that are gone are not missed; others than were prepared are.
    """
    manifest = _manifest(dataset, folder)
    if manifest is None or _others(dataset, manifest):
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


def _recipe(dataset: Dataset) -> dict[str, Any]:
    """What of the catalogue's entry decides the arrays: another recipe under the same name is another data set."""
    options = {name: value for name, value in dataset.options.items() if name != "images"}  # may move
    entry = (dataset.name, dataset.shape, dataset.splits, dataset.levels, options)
    return cast(dict[str, Any], json.loads(json.dumps(dict(zip(RECIPE, entry, strict=True)))))
