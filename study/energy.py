"""What the machine says that it has used: the energy counters that Linux offers of processor packages (RAPL)."""

from pathlib import Path
from threading import Lock

POWERCAP = Path("/sys/class/powercap")
PACKAGES = "intel-rapl:*"  # the driver's name for AMD's too


class Meter:
    """Joules since it was made. A counter begins anew after some 262 kJ, a quarter of an hour of a busy processor: the
    meter has to be read more often than that.
    """

    def __init__(self, folder: Path) -> None:
        """folder: POWERCAP, where a machine has it."""
        self._lock = Lock()  # the heartbeat reads from a thread of its own
        self._used = 0
        self._ranges = _packages(folder)
        self._last = self._read()

    def joules(self) -> float | None:
        """Of all processor packages, whoever used them; None where the machine has no counters, or tells root alone, as
        most do since 2020.
        """
        with self._lock:
            now = self._read()
            if now is None or self._last is None:
                self._last = None  # what is missing in between would be missing from the sum
                return None
            for package, begins_anew_at in self._ranges.items():
                used = now[package] - self._last[package]
                self._used += used if used >= 0 else used + begins_anew_at
            self._last = now
            return self._used / 1e6

    def _read(self) -> dict[Path, int] | None:
        """Package -> microjoules."""
        try:
            return {package: int((package / "energy_uj").read_text()) for package in self._ranges} or None
        except (OSError, ValueError):
            return None


def _packages(folder: Path) -> dict[Path, int]:
    """Package -> the microjoules at which its counter begins anew. Parts of a package (core, dram) are zones below it
    with two colons in their names; the zone psys, of the whole board, counts the packages again.
    """
    found = {}
    for zone in sorted(folder.glob(PACKAGES)):
        try:
            if zone.name.count(":") == 1 and (zone / "name").read_text().startswith("package"):
                found[zone] = int((zone / "max_energy_range_uj").read_text())
        except (OSError, ValueError):
            return {}
    return found
