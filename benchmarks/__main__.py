"""python -m benchmarks [NAME ...]: prints the tables; without names all but those that take minutes.

A benchmark that is named alone may have options: python -m benchmarks results --help.
"""

import importlib
import sys
from datetime import UTC, datetime

from benchmarks.timing import machine

QUICK = ("front_desk", "distance", "triangles_data", "training", "analysis")
SLOW = ("manifold", "demo", "cluster", "results", "coverage", "analysis_figures")
WITH_OPTIONS = ("results", "coverage", "analysis")


def main() -> None:
    names, options = sys.argv[1:] or list(QUICK), list[str]()
    if names[0] in WITH_OPTIONS:
        names, options = names[:1], names[1:]
    wrong = [name for name in names if name not in QUICK + SLOW]
    if wrong:
        sys.exit(f"benchmarks has no {', '.join(wrong)}; it has {', '.join(QUICK + SLOW)}")
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}")
    for name in names:
        importlib.import_module(f"benchmarks.{name}").main(*([options] if options else []))


if __name__ == "__main__":
    main()
