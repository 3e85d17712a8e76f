"""Checks the machine that gan-study is called on: packages, processors, CUDA, folders, and what a study needs there."""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from cluster import probe, verdicts
from cluster.finding import Finding, ok, problem, unknown, warning
from cluster.probing import ANSWER, meeting
from study.spec import Study

LEAST_MEMORY = 2 * 10**9  # bytes: a driver, Ray, and a small trial
LEAST_DISK = 5 * 10**9  # bytes: checkpoints of some trials, samples, rows
SCRATCH = "/tmp"  # where Ray's sockets of gan-study run are


def environment() -> Iterator[Finding]:
    """Python and packages against what the program says that it needs."""
    try:
        metadata = importlib.metadata.metadata("gan-study")
    except importlib.metadata.PackageNotFoundError:
        yield unknown("packages", "gan-study is not installed, so what it needs is not known",
                      "pip install --editable . in the checkout")  # fmt: skip
        return
    python, wanted = platform.python_version(), metadata["Requires-Python"]
    if python in SpecifierSet(wanted):
        yield ok("Python", f"{python} at {sys.executable}")
    else:
        yield problem("Python", f"{python} is not {wanted}", "make a virtual environment with a newer Python")
    faults = [fault for each in importlib.metadata.requires("gan-study") or [] if (fault := _fault(Requirement(each)))]
    for detail, remedy in faults:
        yield problem("packages", detail, remedy)
    if not faults:
        yield ok("packages", f"all that gan-study {metadata['Version']} needs")


def _fault(wanted: Requirement) -> tuple[str, str] | None:
    """What is wrong with an installed package, and what to do; None where nothing is."""
    if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
        return None
    version = probe.versions([wanted.name])[wanted.name]
    if version is not None and wanted.specifier.contains(version, prereleases=True):
        return None
    return f"{wanted.name} {version or 'is missing'}, wanted is {wanted}", f"pip install '{wanted}'"


def hardware(study: Study | None) -> Iterator[Finding]:
    """Processors, memory and CUDA, and whether the study's trials fit."""
    cores, memory = len(os.sched_getaffinity(0)), _free_memory()
    yield ok("processors", f"{cores} may be used" + f" of {os.cpu_count()}" * (cores != os.cpu_count()))
    if memory < LEAST_MEMORY:
        yield warning("memory", f"{memory / 1e9:.1f} GB are free", "end other programs, or take fewer --workers")
    else:
        yield ok("memory", f"{memory / 1e9:.1f} GB are free")
    seen, gpus = _devices(), study.resources.gpus if study else 0
    if isinstance(seen, list) and seen:
        yield ok("CUDA", f"torch sees {', '.join(seen)}")
    elif gpus:
        why = seen if isinstance(seen, str) else "torch sees no CUDA device"
        yield problem("CUDA", f"{why}, but the study asks for GPUs",
                      "set resources.gpus: 0 in the study, or run where there is a GPU: nvidia-smi")  # fmt: skip
    elif isinstance(seen, str):
        yield problem("CUDA", seen, "install torch as its site tells for this machine: pip install torch")
    else:
        yield ok("CUDA", "torch sees no device; trials compute on the processors")


def _devices() -> list[str] | str:
    """As `probe.devices`, in a process of its own: this one is to stay light."""
    code = "import json; from cluster import probe; print(probe.MARK + json.dumps(probe.devices()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=ANSWER)
    line = next((line for line in done.stdout.splitlines() if line.startswith(probe.MARK)), None)
    if line is None:
        return done.stderr.strip().rpartition("\n")[2] or f"the interpreter ended with exit code {done.returncode}"
    seen: list[str] | str = json.loads(line.removeprefix(probe.MARK))
    return seen


def _free_memory() -> int:
    """Bytes that programs may still take."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def results(folder: Path) -> Iterator[Finding]:
    """Whether rows can be written there whole and locked, and how much room there is."""
    try:
        with meeting(folder) as place:
            yield from _written(folder, place)
            free = shutil.disk_usage(place).free
    except OSError as error:
        yield problem("results", f"{folder} cannot be written: {error.strerror}", "name another folder: --results DIR")
        return
    if free < LEAST_DISK:
        yield warning("disk", f"{free / 1e9:.1f} GB are free in {folder}", "remove old results, or set --results DIR")
    else:
        yield ok("disk", f"{free / 1e9:.0f} GB are free in {folder}")


def _written(folder: Path, place: Path) -> Iterator[Finding]:
    """A rename and a lock, as another process of this machine sees them."""
    code = f"import json; from cluster import probe; print(json.dumps(probe.shared({str(place)!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=ANSWER)
    said = json.loads(done.stdout)
    whole = said["left"] is not None and (place / "left").read_text() == said["left"]
    if whole and said["lock"] == "held":
        yield ok("results", f"{folder} can be written; renames are whole, and locks hold")
    else:
        yield problem("results", f"{folder}: {said.get('error') or 'a lock is ' + str(said['lock'])}",
                      "name a folder on another file system: --results DIR")  # fmt: skip


def scratch() -> Iterator[Finding]:
    """Where Ray's sockets are; their paths below it are short enough for the kernel."""
    yield from verdicts.scratch("scratch", probe.room(SCRATCH), SCRATCH)
