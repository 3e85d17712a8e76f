"""Where everything of one study is."""

import re
from collections.abc import Iterator
from pathlib import Path

from study.results import rowfile, schema

MARKER = re.compile(r"attempt-([1-9][0-9]*)\.json")


class Folder:
    """Every path that a study has; nobody else spells them out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = folder / "rows"
        self.compacted = folder / "compacted"
        self.provenance = folder / "provenance"
        self.samples = folder / "samples"
        self.generators = folder / "generators"
        self.study_file = folder / "study.yaml"
        self.plan_file = folder / "plan.parquet"
        self.manifest_file = self.compacted / "manifest.json"
        self.driver_lock = folder / "driver.lock"  # held by the one process that may run the study
        self.compact_lock = self.compacted / "lock"  # held by the one process that may compact it

    def row_file(self, trial: str, attempt: int) -> Path:
        return self.rows / rowfile.name_of(trial, attempt)

    def provenance_file(self, column: str, digest: str) -> Path:
        """What a row's column names, of schema.FILES."""
        return self.provenance / schema.FILES[column].format(digest)

    def trial_folder(self, trial: str) -> Path:
        """Lock, checkpoints, log and traces of one trial."""
        return self.folder / "trials" / trial

    def trial_lock(self, trial: str) -> Path:
        return self.trial_folder(trial) / "lock"

    def log_file(self, trial: str) -> Path:
        return self.trial_folder(trial) / "log.txt"

    def trace_file(self, trial: str, attempt: int) -> Path:
        return self.trial_folder(trial) / f"trace-{attempt}.txt"

    def heartbeat_file(self, trial: str) -> Path:
        """There while an attempt runs, and after its process was killed."""
        return self.trial_folder(trial) / "heartbeat.json"

    def marker_file(self, trial: str, attempt: int) -> Path:
        """Says who made an attempt."""
        return self.trial_folder(trial) / f"attempt-{attempt}.json"

    def attempts_of(self, trial: str) -> dict[int, Path]:
        """The markers of the attempts at a trial by their numbers, in order; a copy has another name, and is none."""
        found = ((MARKER.fullmatch(path.name), path) for path in self.trial_folder(trial).glob("attempt-*.json"))
        return dict(sorted((int(name[1]), path) for name, path in found if name))

    def markers(self) -> Iterator[Path]:
        """The markers of all attempts, trial by trial, in the order of their numbers."""
        for trial in sorted(self.trial_folder("").glob("*")):
            yield from self.attempts_of(trial.name).values()

    def sample_file(self, trial: str, step: int) -> Path:
        return self.samples / f"{trial}.{step}.png"

    def picture_file(self, trial: str, step: int, metric: str) -> Path:
        """What a metric has to show of an evaluation, beside its sample grid."""
        return self.samples / f"{trial}.{step}.{metric}.png"

    def generator_file(self, trial: str) -> Path:
        return self.generators / f"{trial}.safetensors"
