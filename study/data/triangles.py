"""Images of convex polygons by the published recipe, each a function of its index alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from study import seeds
from study.data.catalogue import Dataset
from study.data.source import Images, Source, Split

SIDE = 28  # pixels
SUBPIXELS = 8  # per pixel and axis: a pixel takes one of 65 grey levels
SCALE = 0.75  # of the unit circle's box
MIN_ANGLE = 20.0  # degrees; the recipe halves it: neighbouring vertices are at least 10 degrees of arc apart
CHUNK = 2_000  # images rasterised at once: 2,000 x 224 lines x 28 pixels of int16 are 25 MB

Array = npt.NDArray[np.float64]


def build(dataset: Dataset, data: Path) -> Iterator[Split]:
    """Yields every split; image i of a split is polygon (offset of the split + i)."""
    first = 0
    for name, count in dataset.splits.items():
        indices = range(first, first + int(count or 0))
        yield Split(name, _chunks(indices, dataset.options), None, (Source("generated from the recipe", name, None),))
        first += len(indices)


def polygons(indices: range, options: Mapping[str, object]) -> Array:
    """Vertices [len(indices), n, 2] in pixels, x to the right and y downwards, in order around the polygon.

    angle_i = i s + a/2 + U (s - a/2) with s = 360/n and a = 20 degrees, on the unit circle mapped to [0, 1]^2;
    turned by U * rotation_turns of a full turn; times 28 * 0.75; moved so that the vertices' mean is (14, 14).
    The published code took radians of a number in [0, 2 pi), at most 6.3 degrees: rotation_turns = 2 pi / 360.
    """
    n, turns = int(str(options["vertices"])), float(str(options["rotation_turns"]))
    draws = np.array([[seeds.uniform("polygon", n, i, j) for j in range(n + 1)] for i in indices])
    segment = 360.0 / n
    degrees = np.arange(n) * segment + MIN_ANGLE / 2 + draws[:, :n] * (segment - MIN_ANGLE / 2)
    radians = np.radians(degrees) + draws[:, n:] * turns * 2 * np.pi
    circle = np.stack([np.cos(radians), np.sin(radians)], axis=-1)
    points = (circle + 1) / 2 * SIDE * SCALE
    return np.asarray(points - points.mean(axis=1, keepdims=True) + SIDE / 2)


def rasterise(vertices: Array) -> Images:
    """Grey levels 0 (inside) .. 64 (outside) [N, 28, 28]: the subpixel centres outside the polygon, counted per pixel.

    A line of subpixels meets a convex polygon in one interval, so counting is arithmetic on its two ends.
    """
    left, right = _intervals(vertices)
    starts = np.arange(SIDE) * SUBPIXELS
    # Centre k + 0.5 lies in [left, right] for k from ceil(left - 0.5) to floor(right - 0.5).
    low = np.clip(np.ceil(left - 0.5)[..., None] - starts, 0, SUBPIXELS)
    high = np.clip(np.floor(right - 0.5)[..., None] + 1 - starts, 0, SUBPIXELS)
    inside = np.maximum(high - low, 0).reshape(len(vertices), SIDE, SUBPIXELS, SIDE).sum(axis=2)
    return (SUBPIXELS**2 - inside).astype(np.uint8)


def _chunks(indices: range, options: Mapping[str, object]) -> Iterator[Images]:
    for start in range(0, len(indices), CHUNK):
        yield rasterise(polygons(indices[start : start + CHUNK], options))[:, None]


def _intervals(vertices: Array) -> tuple[Array, Array]:
    """Where each of the 224 subpixel lines enters and leaves the polygon; left > right where it misses."""
    corners = vertices * SUBPIXELS
    y = np.arange(SIDE * SUBPIXELS) + 0.5
    left = np.full((len(vertices), len(y)), np.inf)
    right = np.full_like(left, -np.inf)
    for begin, end in zip(np.moveaxis(corners, 1, 0), np.moveaxis(np.roll(corners, -1, axis=1), 1, 0), strict=True):
        rise = (end - begin)[:, 1, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            along = (y - begin[:, 1, None]) / rise
        crosses = (rise != 0) & (along >= 0) & (along <= 1)
        x = np.where(crosses, begin[:, 0, None] + np.where(crosses, along, 0) * (end - begin)[:, 0, None], np.nan)
        left, right = np.fmin(left, x), np.fmax(right, x)
    return left, right
