"""What a data set's recipe hands over: images in chunks, so that none need be whole in memory, and whence they are."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Source:
    """One thing a split was made from."""

    origin: str  # "the data folder", "Debian's package dataset-fashion-mnist", "download", "generated from the recipe"
    path: str
    sha256: str | None  # None for what is generated; a folder's is of its files' names and hashes


@dataclass(frozen=True)
class Split:
    """A split before it is checked and stored."""

    name: str
    images: Iterable[Images]  # chunks [n, C, H, W], one after the other; gone through once
    labels: npt.NDArray[np.uint8] | None  # [N], where there are any
    sources: tuple[Source, ...]
