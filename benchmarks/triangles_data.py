"""Polygons: 80,000 images drawn by one process and by several, prepared on disk as by gan-study prepare, and parts."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.timing import print_table, side_by_side
from study.data import processes
from study.data.catalogue import Dataset, describe_own, find
from study.data.prepare import prepare
from study.data.triangles import build, polygons, rasterise

VERTICES = (3, 35)
PART = 10_000  # polygons, for the parts
ROUNDS = 3


def main() -> None:
    cores = max(2, processes.cores())
    _whole(cores)
    _parts()


def _whole(cores: int) -> None:
    rows = []
    for vertices in VERTICES:
        dataset = _dataset(vertices)
        works: dict[str, Callable[[], object]] = {
            "drawn by 1 process": lambda: _drawn(dataset, 1),
            f"drawn by {cores} processes": lambda: _drawn(dataset, cores),
            "prepared, by as many as are usual": lambda: _prepared(dataset),
        }
        seconds = side_by_side(works, ROUNDS)
        images = sum(int(count or 0) for count in dataset.splits.values())
        alone = seconds["drawn by 1 process"]
        rows += [
            (str(vertices), name, f"{found:.2f}", f"{images / found:,.0f}", f"{alone / found:.2f}")
            for name, found in seconds.items()
        ]
    columns = ("vertices", "what", "seconds", "images/s", "speed, times one process's")
    print_table("80,000 images of polygons; prepared: drawn, checked, written, fsynced and hashed", columns, rows)


def _parts() -> None:
    rows = []
    for vertices in VERTICES:
        options = _dataset(vertices).options
        shapes = polygons(range(PART), options)
        works: dict[str, Callable[[], object]] = {
            "vertices drawn (hashing)": lambda: polygons(range(PART), options),
            "rasterised": lambda: rasterise(shapes),
        }
        for name, found in side_by_side(works, ROUNDS).items():
            rows.append((str(vertices), name, f"{found / PART * 1e6:.1f}", f"{PART / found:,.0f}"))
    print_table("the parts, in one process on one core", ("vertices", "part", "us/image", "images/s"), rows)


def _dataset(vertices: int) -> Dataset:
    if vertices == 3:
        return find("triangles")
    return describe_own("polygons", {"vertices": vertices, "rotation": "full"})


def _drawn(dataset: Dataset, workers: int) -> int:
    return sum(len(chunk) for split in build(dataset, Path(), workers) for chunk in split.images)


def _prepared(dataset: Dataset) -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepare(dataset, Path(folder))
