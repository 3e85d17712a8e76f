"""Image files to chunks of arrays, decoded by a few threads."""

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
from PIL import Image

from study.data.source import Images

CHUNK = 1_000  # images held at once: 12 MB at 64x64x3
THREADS = min(8, os.cpu_count() or 1)  # a photograph of 24 megapixels takes some 200 MB while it is decoded
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError)  # what PIL raises

File = TypeVar("File")


def stream(files: Iterable[File], decode: Callable[[File], Images]) -> Iterator[Images]:
    """Chunks [n, C, H, W] of what `decode` makes of each file [C, H, W], in order.

    Files are taken from their iterable in the caller's thread, a chunk at a time, and decoded in several: PIL lets go
    of Python's lock while it decodes.
    """
    waiting = iter(files)
    with ThreadPoolExecutor(THREADS) as pool:
        while chunk := list(pool.map(decode, islice(waiting, CHUNK))):
            yield np.stack(chunk)
