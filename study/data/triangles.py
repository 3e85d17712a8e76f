"""Images of convex polygons by the published recipe, each a function of its index alone."""

import json
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from study import seeds
from study.data import processes
from study.data.catalogue import Dataset
from study.data.source import Images, Source, Split

SIDE = 28  # pixels
SUBPIXELS = 8  # per pixel and axis: a pixel takes one of 65 grey levels
SCALE = 0.75  # of the unit circle's box
MIN_ANGLE = 20.0  # degrees; the recipe halves it: neighbouring vertices are at least 10 degrees of arc apart
CHUNK = 2_000  # images made at once: 1.6 MB
BLOCK = 256  # polygons rasterised at once: 256 x 224 lines of float64 are 0.5 MB, and three of them fit a core's cache
WORKERS = 8  # at most: one process writes what they all draw
DRAWS = 500_000  # numbers hashed in some 0.4 s, twice what a process takes to start: fewer are no work for another one

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.intp]

LINES = (np.arange(SIDE * SUBPIXELS) + 0.5).reshape(SIDE, SUBPIXELS).T[..., None]  # [lines of a pixel, pixels, 1]


def _before() -> npt.NDArray[np.uint64]:
    """[225, 4]: row k says of the pixels of a line, a byte each, how many of their subpixels are among the first k.

    Eight pixels share a word, so that one addition counts for all of them: a byte holds the 64 subpixels of a pixel.
    """
    counts = np.zeros((SIDE * SUBPIXELS + 1, 32), np.uint8)
    counts[:, :SIDE] = np.clip(np.arange(len(counts))[:, None] - np.arange(SIDE) * SUBPIXELS, 0, SUBPIXELS)
    return counts.view(np.uint64)


BEFORE = _before()


def build(dataset: Dataset, data: Path, workers: int | None = None) -> Iterator[Split]:
    """Yields every split; image i of a split is polygon (offset of the split + i), however many processes draw.

    workers: processes; left out: as many as may run at once, where there is enough to draw.
    """
    first = 0
    for name, count in dataset.splits.items():
        indices = range(first, first + int(count or 0))
        images = _chunks(indices, dataset.options, workers or _usual(len(indices), dataset.options))
        yield Split(name, images, None, (Source("generated from the recipe", name, None),))
        first += len(indices)


def polygons(indices: range, options: Mapping[str, object]) -> Array:
    """Vertices [len(indices), n, 2] in pixels, x to the right and y downwards, in order around the polygon.

    angle_i = i s + a/2 + U (s - a/2) with s = 360/n and a = 20 degrees, on the unit circle mapped to [0, 1]^2;
    turned by U * rotation_turns of a full turn; times 28 * 0.75; moved so that the vertices' mean is (14, 14).
    The published code took radians of a number in [0, 2 pi), at most 6.3 degrees: rotation_turns = 2 pi / 360.
    """
    n, turns = int(str(options["vertices"])), float(str(options["rotation_turns"]))
    draws = np.array([seeds.uniforms(("polygon", n, i), n + 1) for i in indices]).reshape(-1, n + 1)
    segment = 360.0 / n
    degrees = np.arange(n) * segment + MIN_ANGLE / 2 + draws[:, :n] * (segment - MIN_ANGLE / 2)
    radians = np.radians(degrees) + draws[:, n:] * turns * 2 * np.pi
    circle = np.stack([np.cos(radians), np.sin(radians)], axis=-1)
    points = (circle + 1) / 2 * SIDE * SCALE
    return np.asarray(points - points.mean(axis=1, keepdims=True) + SIDE / 2)


def rasterise(vertices: Array) -> Images:
    """Grey levels 0 (inside) .. 64 (outside) [N, 28, 28]: the subpixel centres outside the polygon, counted per pixel.

    vertices: [N, n, 2] in pixels, of convex polygons, in order around them either way. A line of subpixels meets a
    convex polygon in one interval, so counting is arithmetic on its two ends.
    """
    images = np.empty((len(vertices), SIDE, SIDE), np.uint8)
    for start in range(0, len(vertices), BLOCK):
        images[start : start + BLOCK] = _outside(*_intervals(vertices[start : start + BLOCK]))
    return images


def _outside(low: Counts, high: Counts) -> Images:
    """Grey levels [N, 28, 28] by the subpixels low..high - 1 of each line that are inside."""
    inside = np.zeros((*low.shape[1:], BEFORE.shape[1]), np.uint64)
    one = np.empty_like(inside)
    for line in range(SUBPIXELS):
        inside += np.take(BEFORE, high[line], axis=0, out=one, mode="clip")  # the mode that needs no second buffer
        inside -= np.take(BEFORE, low[line], axis=0, out=one, mode="clip")
    return np.asarray(SUBPIXELS**2 - inside.view(np.uint8)[..., :SIDE].transpose(1, 0, 2))


def _intervals(vertices: Array) -> tuple[Counts, Counts]:
    """The first subpixel inside and the first behind it, for each of the 224 lines: [8 lines, 28 pixels, N] both.

    They are equal where the line meets no subpixel's centre. The polygons come last: numpy is quick along them.
    """
    x, y = np.ascontiguousarray(np.moveaxis(vertices * SUBPIXELS, (2, 1), (0, 1)))  # each [n, N]
    left = np.full((*LINES.shape[:2], len(vertices)), np.inf)
    right, along = np.full_like(left, -np.inf), np.empty_like(left)  # reused: fresh memory would cost as much again
    for i in range(len(x)):
        j = (i + 1) % len(x)
        with np.errstate(divide="ignore", invalid="ignore"):  # a level side: no line crosses it, nor does 0 / 0
            np.subtract(LINES, y[i], out=along)
            along /= y[j] - y[i]
            misses = (along < 0) | (along > 1)
            along *= x[j] - x[i]
            along += x[i]
        np.copyto(along, np.nan, where=misses)
        np.fmin(left, along, out=left)  # which passes over what is no number
        np.fmax(right, along, out=right)
    # Centre k + 0.5 lies in [left, right] for k from ceil(left - 0.5) to floor(right - 0.5).
    left -= 0.5
    right -= 0.5
    low = np.clip(np.ceil(left, out=left), 0, SIDE * SUBPIXELS, out=left).astype(np.intp)
    high = np.clip(np.floor(right, out=right) + 1, 0, SIDE * SUBPIXELS, out=right).astype(np.intp)
    return low, np.maximum(low, high, out=high)


def _usual(count: int, options: Mapping[str, object]) -> int:
    """How many processes draw so many images."""
    draws = count * (int(str(options["vertices"])) + 1)
    return max(1, min(processes.cores(), WORKERS, draws // DRAWS))


def _chunks(indices: range, options: Mapping[str, object], workers: int) -> Iterator[Images]:
    parts = _parts(indices)
    if workers == 1:
        yield from (_draw(part, options) for part in parts)
        return
    whole = (indices.start, indices.stop, workers)
    shares = [[*map(str, (*whole, share)), json.dumps(dict(options))] for share in range(workers)]
    with processes.outputs(__name__, shares) as pipes:
        for i, part in enumerate(parts):
            read = processes.read(pipes[i % workers], len(part) * SIDE * SIDE)
            yield np.frombuffer(read, np.uint8).reshape(-1, 1, SIDE, SIDE)


def _parts(indices: range) -> list[range]:
    return [indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK)]


def _draw(indices: range, options: Mapping[str, object]) -> Images:
    return rasterise(polygons(indices, options))[:, None]


def _main(arguments: list[str]) -> None:
    """Writes the grey levels of every chunk that is this process's, to who started it."""
    start, stop, workers, share = map(int, arguments[:4])
    options = json.loads(arguments[4])
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # to end without a word once nobody reads
    for part in _parts(range(start, stop))[share::workers]:
        sys.stdout.buffer.write(_draw(part, options).data)


if __name__ == "__main__":
    _main(sys.argv[1:])
