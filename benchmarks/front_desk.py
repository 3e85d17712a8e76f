"""How long the command takes to answer, and to plan 100,000 trials."""

import subprocess
import sys

from benchmarks.timing import print_table, side_by_side
from study.plan import build, summary
from study.spec import validate

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "gan-study --help": [sys.executable, "-m", "study", "--help"],
    "gan-study plan demo": [sys.executable, "-m", "study", "plan", "demo"],
    "gan-study list losses": [sys.executable, "-m", "study", "list", "losses"],
}
LARGE = {
    "name": "large",
    "datasets": {"fashion": {}, "triangles": {}},
    "phases": [{"name": "wide", "space": "wide", "settings": 6_250}],
}


def main() -> None:
    seconds = side_by_side({name: lambda call=call: _run(call) for name, call in COMMANDS.items()}, rounds=5)
    seconds |= side_by_side({"plan of 100,000 trials, in process": _plan}, rounds=1)
    print_table("seconds to answer", ("what", "seconds"), [(name, f"{value:.2f}") for name, value in seconds.items()])


def _run(call: list[str]) -> None:
    subprocess.run(call, check=True, capture_output=True)


def _plan() -> None:
    study = validate(LARGE, "benchmark")
    assert summary(study, build(study, {}), {})["trials"] == 100_000
