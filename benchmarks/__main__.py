"""python -m benchmarks [NAME ...]: prints the tables; without names all but those that take minutes."""

import importlib
import sys
from datetime import UTC, datetime

from benchmarks.timing import machine

QUICK = ("front_desk", "distance", "training")
SLOW = ("demo", "cluster")


def main() -> None:
    names = sys.argv[1:] or QUICK
    wrong = [name for name in names if name not in QUICK + SLOW]
    if wrong:
        sys.exit(f"benchmarks has no {', '.join(wrong)}; it has {', '.join(QUICK + SLOW)}")
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}")
    for name in names:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
