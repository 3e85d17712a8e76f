"""Sends the probe to a node of a partition, and judges what it saw there."""

import importlib.metadata
import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from cluster import launch, probe, verdicts
from cluster.finding import Finding, problem, unknown
from cluster.profile import Profile, Slurm, Workers
from cluster.slurm import scrubbed
from cluster.slurm_limits import Partition
from study import durable, source

IMMEDIATE = 10  # seconds that a probe waits for a node
ANSWER = 180  # seconds that it may take there: set-up lines, and torch from a slow file system


@dataclass(frozen=True)
class Places:
    """Folders that every node must see under the same path; absolute."""

    results: Path
    data: Path


def packages() -> list[str]:
    """What this program needs, by name."""
    found = importlib.metadata.requires("gan-study") or []
    return [
        wanted.name for wanted in map(Requirement, found) if not wanted.marker or wanted.marker.evaluate({"extra": ""})
    ]


def probe_findings(profile: Profile, places: Places, partitions: Mapping[str, Partition]) -> Iterator[Finding]:
    """A real job of seconds on a node of each partition that the profile names.

    Only where nodes are idle, wholly or in part: nobody's job is to be preempted for it.
    """
    looked_at: set[str] = set()
    for role, job in profile.roles().items():
        if job.partition in looked_at or job.partition not in partitions:
            continue
        looked_at.add(job.partition)
        if any(kind.idle for kind in partitions[job.partition].kinds):
            with meeting(places.results) as folder:
                yield from _probe(role, job, profile, Places(folder, places.data))
        else:
            yield _busy(f"{role} node", job)


@contextmanager
def meeting(results: Path) -> Iterator[Path]:
    """A folder in the results for one probe, with a file to see, a lock that is held, and the frozen code."""
    made = [folder for folder in (results, *results.parents) if not folder.exists()]
    folder = results / f".doctor-{secrets.token_hex(4)}"
    try:
        durable.write_bytes(folder / "sent", secrets.token_hex(8).encode())
        with durable.lock(folder / "lock", wait=True):
            yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder)
        for empty in made:
            if empty.exists() and not any(empty.iterdir()):
                empty.rmdir()


def _probe(role: str, job: Slurm, profile: Profile, places: Places) -> Iterator[Finding]:
    name, before = f"{role} node", time.time()
    code, out, err = _run([*srun(job), "bash", "-c", script(role, profile, places)])
    after = time.time()
    line = next((line for line in out.splitlines() if line.startswith(probe.MARK)), None)
    if line is None:
        yield _silent(name, role, job, code, err or out)
        return
    said = json.loads(line.removeprefix(probe.MARK))
    name = f"{name} {said['host']}"
    yield from verdicts.versions(name, said["versions"], probe.versions(packages()))
    yield from verdicts.shared(name, said["shared"], places.results)
    yield from verdicts.clock(name, said["time"], before, after)
    yield from verdicts.data(name, said["data"], places.data)
    yield from verdicts.scratch(name, said["scratch"], profile.scratch)
    if said["devices"] is not None:
        yield from verdicts.cuda(name, said["devices"])


def srun(job: Slurm) -> list[str]:
    """The command that starts a small job where the profile's would run."""
    asked: dict[str, Any] = {
        "immediate": IMMEDIATE, "job-name": "gan-study-doctor", "partition": job.partition, "account": job.account,
        "qos": job.qos, "constraint": job.constraint, "time": min(job.time, 5), "nodes": 1, "ntasks": 1,
        "cpus-per-task": 1, "mem": f"{min(job.memory_mb, 4096)}M", "chdir": "/",
    }  # fmt: skip
    if isinstance(job, Workers) and job.gpus:
        asked["gres"] = ":".join(filter(None, ("gpu", job.gpu_type, "1")))
    asked |= job.options
    given = {key: value for key, value in asked.items() if value is not None}
    return ["srun", *(f"--{key}" if value is True else f"--{key}={value}" for key, value in given.items())]


def script(role: str, profile: Profile, places: Places) -> str:
    """The shell lines that run the probe as a job's would run its program."""
    code = source.freeze(places.results)
    python = profile.python or shlex.quote(sys.executable)
    uses_cuda = role == "workers" and profile.workers.gpus > 0 and profile.device != "cpu"
    arguments = [str(places.results), profile.scratch, str(places.data), ",".join(packages()), *["cuda"] * uses_cuda]
    return "\n".join([*launch.setup(profile, str(code)), f"exec {python} -m cluster.probe {shlex.join(arguments)}"])


def _run(command: list[str]) -> tuple[int, str, str]:
    """Exit code and both outputs; srun is ended politely when it takes too long, so that it ends its job."""
    try:
        child = subprocess.Popen(
            command, env={**scrubbed(os.environ), "LC_ALL": "C"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace",
        )  # fmt: skip
    except FileNotFoundError:
        return 127, "", f"there is no command {command[0]}"
    try:
        out, err = child.communicate(timeout=IMMEDIATE + ANSWER)
    except subprocess.TimeoutExpired:
        child.terminate()
        out, err = child.communicate()
        err += f"no answer within {IMMEDIATE + ANSWER} s"
    return child.returncode, out, err


def _busy(name: str, job: Slurm) -> Finding:
    return unknown(
        name,
        f"no node of {job.partition} is free, so none was looked at (waited for {IMMEDIATE} s at most)",
        f"run gan-study doctor again when sinfo -p {job.partition} lists idle nodes",
    )


def _silent(name: str, role: str, job: Slurm, code: int, words: str) -> Finding:
    """Of a probe that told nothing: no node was free, Slurm refused, or the profile's Python did not start."""
    if re.search("Requested nodes are busy|Immediate execution impossible", words):
        return _busy(name, job)
    lines = [line for line in words.splitlines() if not re.search("^srun: error: .*: task 0: ", line)]
    last = " ".join(" ".join(lines[-3:]).split()) or f"exit code {code}"
    if re.search("^srun: |^there is no command", last):
        keys = f"{role}.account, qos, constraint and options"
        return problem(name, f"no job was started in {job.partition}: {last}", f"put {keys} of the profile right")
    return problem(
        name,
        f"the profile's Python did not run there: {last}",
        "put setup and python of the profile right; both must be there on every node",
    )
