"""A study on the three hosts: sent, watched, and compared with the same study run undisturbed in this process."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from cluster.board import Board, Life
from study import spec, trial
from study.heartbeat import silent
from study.plan import build
from study.results import Store, connect
from study.results.schema import is_measured
from study.session import Options
from tests.commands.command import COMMAND, ROOT
from tests.slurm.conftest import Queued, Slurm, eventually

STUDY: dict[str, Any] = {
    "name": "small",
    "losses": ["ns", "vae"],
    "datasets": {"triangles_tiny": {"steps": 600, "evaluations": 2}},
    "phases": [{"name": "wide", "space": "wide", "settings": 2}],
    "width": 0.125,
    "measure": {"generated": 200, "real": 200},
    "resources": {"checkpoint_minutes": 0.05},
}
PROFILE: dict[str, Any] = {
    "workers": {"number": 3, "partition": "preemptible", "time": "20", "cpus": 1, "memory": "1G", "gpus": 1},
    "head": {"partition": "gpu", "time": "20", "cpus": 1, "memory": "500M"},
    "device": "cpu",
    "grace": 15,
}


A_MOMENT = 2.0  # seconds, of which a trial of these takes about ten


@dataclass(frozen=True)
class Stage:
    """One study's folder on the file system that all hosts share, and the person who sends it."""

    slurm: Slurm
    folder: Path
    data: Path
    name: str = "small"

    @property
    def store(self) -> Store:
        return Store(self.folder / "results" / self.name)

    @property
    def board(self) -> Board:
        return Board(self.store)

    def gan_study(self, *arguments: str, code: int = 0) -> str:
        """What the command prints; it must end with this exit code."""
        environment = {**os.environ, **self.slurm.environment(), "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def write(self, **changed: Any) -> None:
        """The study's and the profile's YAML, with keys changed; workers, head, device and grace are the profile's."""
        profile = {"workers": {**PROFILE["workers"], **changed.pop("workers", {})}}
        head = changed.pop("head", {})
        profile |= {} if head is None else {"head": {**PROFILE["head"], **head}}
        profile |= {key: changed.pop(key, PROFILE[key]) for key in ("device", "grace")}
        (self.folder / f"{self.name}.yaml").write_text(yaml.safe_dump({**STUDY, "name": self.name, **changed}))
        (self.folder / "here.yaml").write_text(yaml.safe_dump(profile))

    def submit(self) -> str:
        return self.gan_study("submit", f"{self.name}.yaml", "--cluster", "here.yaml", "--data", str(self.data))

    def jobs(self, role: str = "") -> list[Queued]:
        """This study's jobs in the queue."""
        return [job for job in self.slurm.squeue() if job.name.startswith(f"{self.name}.{role}")]

    def lives(self, role: str) -> list[Life]:
        return self.board.lives(role)

    def rows(self) -> int:
        return len(list(self.store.rows.glob("*.parquet")))

    def running(self) -> dict[str, dict[str, Any]]:
        """Trials with a heartbeat, by id."""
        found = {}
        for path in (self.store.folder / "trials").glob("*/heartbeat.json"):
            try:
                found[path.parent.name] = json.loads(path.read_text())
            except FileNotFoundError:
                continue
        return found

    def wait(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        eventually(condition, f"{what}\n{self.say()}", seconds)

    def wait_for_trials(self, hosts: int = 1, seconds: float = 300) -> None:
        """Until trials have trained on so many hosts for a moment."""

        def there() -> bool:
            begun = {sign["host"] for sign in self.running().values() if silent(sign["started_at"]) > A_MOMENT}
            return len(begun) >= hosts

        eventually(there, f"trials on {hosts} hosts\n{self.say()}", seconds)

    def wait_for_the_end(self, seconds: float = 600) -> None:
        eventually(lambda: not self.jobs(), f"the end of {self.name}\n{self.say()}", seconds)

    def say(self) -> str:
        """The last lines of every job, for a test that fails."""
        logs = sorted(self.board.jobs.glob("*_log.out"))
        return "\n".join(f"{path.name}: ...{path.read_text()[-1500:]}" for path in logs)

    def measured(self) -> pd.DataFrame:
        return measured(self.store.folder)


def measured(folder: Path) -> pd.DataFrame:
    """What two runs of the same study must agree on, bit for bit, in a fixed order."""
    with connect(folder) as database:
        frame = database.table("evaluations").df()
    names = [name for name in frame.columns if is_measured(name)]
    return frame[names].sort_values(["trial", "step"], ignore_index=True)


def undisturbed(folder: Path, data: Path, **changed: Any) -> pd.DataFrame:
    """The same study's rows, run in this process without Ray, Slurm or interruption; its keys can be changed."""
    study = spec.validate({**STUDY, **changed}, "small")
    store = Store(folder / "small")
    plan = build(study, {})
    store.write_plan([planned.row(i) for i, planned in enumerate(plan)], spec.dump(study))
    for planned in plan:
        assert len(list(trial.run(planned, store, Options(data)))) == 2
    return measured(store.folder)
