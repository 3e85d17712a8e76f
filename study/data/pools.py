"""Images that splits are made of, or cut from: the files of a folder, or an array."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from study import durable, seeds
from study.data import pictures
from study.data.source import Images, Source
from study.errors import StudyError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")  # whatever a file is called: some of PIL's other readers start programs
ORIGIN = "your own images"


@dataclass(frozen=True)
class Pool:
    """Images that can be fetched in any order."""

    source: Source
    order: Sequence[int]  # the places of all of them, in the order that a split of all has
    chunks: Callable[[Sequence[int]], Iterator[Images]]  # [n, C, H, W] of the images at these places


def drawn(count: int) -> list[int]:
    """0 to count - 1, shuffled; a function of the count alone, which no library can change."""
    return sorted(range(count), key=lambda i: seeds.uniform("own images", count, i))


def files(folder: Path) -> list[Path]:
    """The images below a folder, by their relative paths; hidden files are a system's, not a person's."""
    found = []
    for place, folders, names in os.walk(folder):
        for name in folders:
            if (Path(place) / name).is_symlink():
                raise StudyError(f"{Path(place) / name} is a link to a folder, which is not followed; copy it here")
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place) / name for name in names if name.lower().endswith(SUFFIXES) and name[0] != "."]
    for file in found:
        if not file.is_file():
            raise StudyError(f"{file} is a link to a file that is not there; mend or remove it")
    return sorted(found, key=lambda file: file.relative_to(folder).as_posix())


def of_folder(folder: Path, shape: tuple[int, int, int]) -> Pool:
    """The images below a folder in shuffled order: names stand class by class, and a study measures the first images.

    The source's hash is of lines of relative name and file's hash. Raises StudyError where there is no image.
    """
    found = files(folder)
    if not found:
        raise StudyError(f"{folder} has no images ({', '.join(SUFFIXES)}); name another folder as images")

    def chunks(order: Sequence[int]) -> Iterator[Images]:
        return pictures.stream((found[i] for i in order), partial(_picture, shape))

    others = sum(len(names) for _, _, names in os.walk(folder)) - len(found)
    origin = ORIGIN + (f" ({others} files beside them are no {', '.join(SUFFIXES)})" if others else "")
    lines = (f"{file.relative_to(folder).as_posix()!a} {durable.sha256(file)}\n" for file in found)
    return Pool(Source(origin, str(folder), durable.sha256_text("".join(lines))), drawn(len(found)), chunks)


def of_array(array: npt.NDArray[np.generic], shape: tuple[int, int, int], where: str, source: Source) -> Pool:
    """The images of an array in shuffled order, as of a folder.

    Raises StudyError where it is not uint8 of the very size and channels.
    """
    channels, size, _ = shape
    layouts = {(size, size, channels): (0, 3, 1, 2), (channels, size, size): (0, 1, 2, 3)}
    full = array[..., None] if channels == 1 and array.shape[1:] == (size, size) else array
    if full.dtype != np.uint8 or full.shape[1:] not in layouts:
        raise StudyError(
            f"{where}: expected uint8 [N, {size}, {size}, {channels}] or [N, {channels}, {size}, {size}], found "
            f"{array.dtype} {list(array.shape)}; mend the array, or size and channels"
        )
    images = full.astype(np.uint8, copy=False).transpose(layouts[full.shape[1:]])

    def chunks(order: Sequence[int]) -> Iterator[Images]:
        for start in range(0, len(order), pictures.CHUNK):
            yield images[order[start : start + pictures.CHUNK]]

    return Pool(source, drawn(len(images)), chunks)


def _picture(shape: tuple[int, int, int], file: Path) -> Images:
    """[C, H, H]: turned as its EXIF says, on white where it is transparent, the middle square, by PIL's Lanczos."""
    channels, size, _ = shape
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.mode.startswith(("I", "F")):
                raise StudyError(f"{file} is of mode {image.mode}, not of 8 bits a channel; save it with 8")
            turned = ImageOps.exif_transpose(image)
            if turned.has_transparency_data:
                white = Image.new("RGBA", turned.size, "white")
                turned = Image.alpha_composite(white, turned.convert("RGBA"))
            plain = turned.convert("L" if channels == 1 else "RGB")
    except pictures.UNREADABLE as error:
        raise StudyError(f"{file} cannot be read as an image ({error}); replace or remove it") from error
    side = min(plain.size)
    left, top = (plain.width - side) // 2, (plain.height - side) // 2
    square = plain.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(square).reshape(size, size, channels).transpose(2, 0, 1)
