"""The demo from nothing: how long its study takes on this machine and how much memory all its processes share out."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import print_table

EVERY_S = 1.0


def main() -> None:
    subprocess.run([sys.executable, "-m", "study", "prepare", "demo"], check=True)
    with tempfile.TemporaryDirectory() as results:
        start = time.monotonic()
        call = [sys.executable, "-m", "study", "run", "demo", "--results", results]
        run = subprocess.Popen(call)
        peak = 0
        while run.poll() is None:
            peak = max(peak, _proportional_bytes(run.pid))
            time.sleep(EVERY_S)
        minutes = (time.monotonic() - start) / 60
        size = sum(path.stat().st_size for path in Path(results).rglob("*") if path.is_file())
    rows = [
        ("minutes", f"{minutes:.1f}"),
        ("peak memory, GB", f"{peak / 1e9:.2f}"),
        ("results, MB", f"{size / 1e6:.0f}"),
    ]
    print_table("gan-study run demo, exit code " + str(run.returncode), ("what", "measured"), rows)


def _proportional_bytes(pid: int) -> int:
    """Proportional set size of a process and all that descend from it: shared pages are counted once."""
    return sum(_pss(each) for each in _family(pid))


def _family(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # ended between the listing and the reading
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # ended meanwhile
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
