"""Interleaved timing: ours, peer, ours, peer, ..., and the median, so that a drifting machine hits both alike."""

import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import torch

Work = Callable[[], object]


def side_by_side(works: dict[str, Work], rounds: int) -> dict[str, float]:
    """Median seconds of each piece of work over the rounds, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in seconds.items()}


def machine() -> str:
    """What the numbers were measured on."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scipy", "ray"))
    return f"{platform.machine()}, {torch.get_num_threads()} threads, Python {platform.python_version()}, {packages}"


def print_table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(line[i]) for line in (columns, *rows)) for i in range(len(columns))]
    print(f"\n{title}")
    for line in (columns, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
