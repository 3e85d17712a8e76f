"""CelebA (Liu et al. 2015): the zip of aligned images by the official partition, cropped and resized as published."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from torchvision.datasets import CelebA
from torchvision.datasets.utils import download_file_from_google_drive

from study import durable
from study.data import pictures
from study.data.catalogue import Dataset
from study.data.source import Images, Source, Split
from study.errors import DataUnavailable, StudyError

ZIP, PARTITION = "img_align_celeba.zip", "list_eval_partition.txt"
FOLDER = "img_align_celeba"  # inside the zip
PARTS = {"0": "train", "1": "validation", "2": "test"}
WIDTH, HEIGHT = 178, 218
CROP, SIDE = 160, 64
TOP, LEFT = (HEIGHT - CROP) // 2, (WIDTH - CROP) // 2  # 29 and 9
REMEDY = "remove it and run gan-study prepare again, or put the official file there"


def build(dataset: Dataset, data: Path) -> Iterator[Split]:
    """Yields the splits, each in the order of the partition file and decoded as it is asked for.

    Of data/raw/celeba, where missing files are downloaded to. Raises DataUnavailable where they cannot be.
    """
    raw = data / "raw" / "celeba"
    origins = {name: _fetch(raw, name) for name in (ZIP, PARTITION)}
    parts = partition(dataset, raw / PARTITION)
    _complete(raw / ZIP, parts)
    sources = tuple(Source(origins[name], str(raw / name), durable.sha256(raw / name)) for name in origins)
    for name, members in parts.items():
        yield Split(name, pictures.stream(_read(raw / ZIP, members), _prepared), None, sources)


def partition(dataset: Dataset, path: Path) -> dict[str, list[str]]:
    """Split -> its images' names, in the order of the file, whose lines are like `000001.jpg 0`; exactly the counts."""
    parts: dict[str, list[str]] = {name: [] for name in dataset.splits}
    seen: set[str] = set()
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        words = line.split()
        if len(words) != 2 or words[1] not in PARTS or words[0] in seen:
            raise StudyError(
                f"{path}, line {number}: expected a name that did not stand before and 0, 1 or 2, found {line!r:.80}; "
                f"{REMEDY}"
            )
        seen.add(words[0])
        parts[PARTS[words[1]]].append(words[0])
    found, expected = {name: len(images) for name, images in parts.items()}, dict(dataset.splits)
    if found != expected:
        raise StudyError(f"{path}: expected {_counts(expected)}, found {_counts(found)}; {REMEDY}")
    return parts


def bilinear(image: npt.NDArray[np.generic], side: int) -> npt.NDArray[np.float32]:
    """[H, H, C] resized to [side, side, C] as TensorFlow 1 did it, with align_corners off and without antialiasing.

    Pixel i lies at i H / side, between its lower neighbour and the next (at the edge, the same again). For 160 to 64
    the steps are 2.5: weights of 0 and 1/2, exact in float32. Each pixel rests on four at most, where PIL's averages
    all that it covers: a picture by one is not a picture by the other.
    """
    at = np.arange(side) * (len(image) / side)
    low = at.astype(int)
    high = np.minimum(low + 1, len(image) - 1)
    weight = (at - low).astype(np.float32)
    values = image.astype(np.float32)
    columns = values[:, low] + (values[:, high] - values[:, low]) * weight[:, None]
    return np.asarray(columns[low] + (columns[high] - columns[low]) * weight[:, None, None])


def _fetch(raw: Path, name: str) -> str:
    """The file's origin; downloaded where it is missing. torchvision knows its place and its md5."""
    if (raw / name).is_file():
        return "the data folder"
    ((place, md5),) = [(place, md5) for place, md5, file in CelebA.file_list if file == name]
    try:
        download_file_from_google_drive(place, str(raw), name, md5)
    except Exception as error:  # of gdown, which is not always installed and has errors of its own
        raise DataUnavailable(
            f"{raw / name} is missing and cannot be downloaded ({' '.join(str(error).split())}); copy the official "
            f"{ZIP} and {PARTITION} to {raw}"
        ) from error
    return "download"


def _complete(path: Path, parts: dict[str, list[str]]) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            there = set(archive.namelist())
    except (zipfile.BadZipFile, OSError) as error:
        raise StudyError(f"{path}: expected the zip of aligned images, but {error}; {REMEDY}") from error
    missing = [name for names in parts.values() for name in names if f"{FOLDER}/{name}" not in there]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise StudyError(f"{path} lacks {FOLDER}/{missing[0]}{more}, which {PARTITION} lists; {REMEDY}")


def _read(path: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Where each image stands, for messages, and its JPEG."""
    with zipfile.ZipFile(path) as archive:
        for name in names:
            where = f"{path}: {FOLDER}/{name}"
            try:
                content = archive.read(f"{FOLDER}/{name}")
            except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, zlib.error) as error:
                raise _damaged(where, str(error)) from error
            yield where, content


def _prepared(file: tuple[str, bytes]) -> Images:
    """[3, 64, 64]. The study kept the resized numbers as they were; rounded, they are off by half a level at most."""
    where, content = file
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            if (image.mode, image.size) != ("RGB", (WIDTH, HEIGHT)):
                raise _damaged(where, f"it is {image.mode} of {image.width}x{image.height}")
            pixels = np.asarray(image)
    except pictures.UNREADABLE as error:
        raise _damaged(where, str(error)) from error
    crop = pixels[TOP : TOP + CROP, LEFT : LEFT + CROP]
    return np.rint(bilinear(crop, SIDE)).astype(np.uint8).transpose(2, 0, 1)


def _damaged(where: str, reason: str) -> StudyError:
    return StudyError(f"{where}: expected a JPEG in RGB of {WIDTH}x{HEIGHT}, but {reason}; {REMEDY}")


def _counts(splits: dict[str, int | None] | dict[str, int]) -> str:
    return ", ".join(f"{count} of {name}" for name, count in splits.items())
