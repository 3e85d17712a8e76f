"""What a data set's recipe hands over: arrays, and where each came from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Source:
    """One thing a split was made from."""

    origin: str  # "the data folder", "Debian's package dataset-fashion-mnist", "download", "generated from the recipe"
    path: str
    sha256: str | None  # None for what is generated


@dataclass(frozen=True)
class Split:
    """A split before it is checked and stored: images [N, C, H, W] uint8, labels [N] uint8 where there are any."""

    name: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8] | None
    sources: tuple[Source, ...]
