"""A person's own images: a folder of image files, or the arrays of an .npz.

A folder with the sub-folders train and test (and validation) has these splits, and nothing beside them. Of any other
folder all images, of any depth, are one pool. An .npz holds uint8 arrays named train and test (and validation), or one
array, the pool: each [N, H, W], [N, H, W, C] or [N, C, H, W], of the very size and channels, read whole, and shuffled.
A pool is cut into splits, a tenth each for validation and test but at least 2 images; where only validation is missing,
it is cut off train. Who goes where depends on the number of images alone.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from study import durable
from study.data.catalogue import Dataset
from study.data.pools import ORIGIN, Pool, drawn, files, of_array, of_folder
from study.data.source import Source, Split
from study.errors import DataUnavailable, StudyError

SPLITS = ("train", "validation", "test")
ALIKE = {*SPLITS, "training", "val", "valid", "dev", "testing"}  # what a person may have meant by a split's name
LEAST = 2  # images of a split: one has no covariance
NAMED = "train and test (and validation)"


def build(dataset: Dataset, data: Path) -> Iterator[Split]:
    """Yields train, validation and test. Raises DataUnavailable where there is nothing at the path."""
    parts = _parts(_pools(dataset), _path(dataset))
    for name in dataset.splits:
        pool, order = parts[name]
        yield Split(name, pool.chunks(order), None, (pool.source,))


def signature(dataset: Dataset) -> str | None:
    """What a person's files look like from outside: names, sizes, times. None where there are none to look at."""
    if "images" not in dataset.options:
        return None
    path = _path(dataset)
    found = files(path) if path.is_dir() else [path] if path.is_file() else []
    looks = [(str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns) for file in found]
    return durable.sha256_text(json.dumps(looks)) if looks else None


def contents(dataset: Dataset) -> set[str]:
    """Hashes of what the files hold and are called; equal ones are prepared to equal arrays."""
    return {str(pool.source.sha256) for pool in _pools(dataset).values()}


def _pools(dataset: Dataset) -> dict[str, Pool]:
    path = _path(dataset)
    if path.is_dir():
        return {name: of_folder(folder, dataset.shape) for name, folder in _folders(path).items()}
    if path.is_file() and path.suffix == ".npz":
        return _arrays(dataset, path)
    if path.exists():
        raise StudyError(f"images: {path} is neither a folder of images nor an .npz file; name one of these")
    raise DataUnavailable(f"images: there is no {path}; name a folder of images or an .npz file")


def _path(dataset: Dataset) -> Path:
    return Path(str(dataset.options["images"])).expanduser()


def _folders(path: Path) -> dict[str, Path]:
    for name in sorted(entry.name for entry in path.iterdir() if entry.is_dir()):
        if name.lower() in ALIKE and name not in SPLITS:
            raise StudyError(f"{path} has a sub-folder {name}; call it one of {', '.join(SPLITS)}, or otherwise")
    there = {name: path / name for name in SPLITS if (path / name).is_dir()}
    if set(there) <= {"train"}:
        return {"all": path}
    if not {"train", "test"} <= set(there):
        raise StudyError(f"{path} has sub-folders {' and '.join(there)}; give it {NAMED}, or none of these names")
    beside = _beside(path, there)
    if beside:
        raise StudyError(
            f"{path} has images beside {' and '.join(there)} ({beside[0]}, ...); put them into one of these"
        )
    return there


def _beside(path: Path, there: Mapping[str, Path]) -> list[Path]:
    """Images that are in no sub-folder of a split."""
    return [file for file in files(path) if file.relative_to(path).parts[0] not in there]


def _arrays(dataset: Dataset, path: Path) -> dict[str, Pool]:
    try:
        zipfile.ZipFile(path).close()  # numpy would take what is no zip for a pickle, and say so
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise StudyError(f"{path} cannot be read as an .npz of plain arrays ({error}); save it again") from error
    lone = set(arrays) & {"validation", "test"} if len(arrays) == 1 else set()
    if lone or (len(arrays) != 1 and not {"train", "test"} <= set(arrays) <= set(dataset.splits)):
        raise StudyError(f"{path}: expected arrays named {NAMED}, or one array; found {', '.join(arrays) or 'none'}")
    source = Source(ORIGIN, str(path), durable.sha256(path))
    return {name: of_array(array, dataset.shape, f"{path}: {name}", source) for name, array in arrays.items()}


def _parts(pools: Mapping[str, Pool], path: Path) -> dict[str, tuple[Pool, Sequence[int]]]:
    """Split -> the pool that its images are in, and their places."""
    if len(pools) == 1:
        (pool,) = pools.values()
        return {name: (pool, order) for name, order in _cut(pool.order, ["validation", "test"], path).items()}
    parts = {name: (pool, pool.order) for name, pool in pools.items()}
    if "validation" not in parts:
        train = pools["train"]
        parts |= {name: (train, order) for name, order in _cut(train.order, ["validation"], path).items()}
    for name, (_, order) in parts.items():
        if len(order) < LEAST:
            raise StudyError(f"{path}: the split {name} has {len(order)} images; give it at least {LEAST}")
    return parts


def _cut(order: Sequence[int], splits: list[str], path: Path) -> dict[str, Sequence[int]]:
    """A tenth for each of the splits, the rest for train."""
    count, share = len(order), max(LEAST, len(order) // 10)
    least = LEAST * (len(splits) + 1)
    if count < least:
        raise StudyError(f"{path}: {count} images are too few to cut off {' and '.join(splits)}; give at least {least}")
    places = [order[i] for i in drawn(count)]
    shares = {name: places[i * share : (i + 1) * share] for i, name in enumerate(splits)}
    return {**shares, "train": places[len(splits) * share :]}
