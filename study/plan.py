"""A study's exact, ordered table of trials; each knows its own id."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import search_spaces
from search_spaces.dimensions import Value
from study.measures.protocol import Protocol
from study.spec import Phase, Study


@dataclass(frozen=True)
class Trial:
    """One setting with one seed, from the first step to the last. Equal content, equal id, in every study."""

    loss: str
    dataset: str
    hyperparameters: Mapping[str, Value]
    seed: int
    width: float
    batch_size: int
    batch_norm_decay: float
    evaluations: tuple[int, ...]  # steps at which it is measured; it ends at the last
    protocol: Protocol

    @property
    def steps(self) -> int:
        return self.evaluations[-1]

    @property
    def training(self) -> dict[str, Any]:
        """What decides the weights at every step: not how long it trains, nor what is measured."""
        return {
            "loss": self.loss,
            "dataset": self.dataset,
            "hyperparameters": dict(self.hyperparameters),
            "seed": self.seed,
            "width": self.width,
            "batch_size": self.batch_size,
            "batch_norm_decay": self.batch_norm_decay,
        }

    @cached_property
    def content(self) -> str:
        """Canonical JSON of everything that makes the trial what it is."""
        return canonical({**self.training, "evaluations": self.evaluations, "measure": self.protocol.content()})

    @cached_property
    def id(self) -> str:
        return digest(self.content)

    @cached_property
    def key(self) -> str:
        """The source of the trial's randomness: measuring more, or training longer, changes nothing before."""
        return digest(canonical(self.training))


def from_content(content: str) -> Trial:
    """The trial that a plan's or a row's `content` describes."""
    values = json.loads(content)
    protocol = Protocol.from_content(values.pop("measure"))
    return Trial(**{**values, "evaluations": tuple(values["evaluations"]), "protocol": protocol})


@dataclass(frozen=True)
class Planned:
    """A trial's place in a study."""

    phase: str
    sample: int
    trial: Trial

    @property
    def search(self) -> str:
        return f"{self.phase}/{self.trial.loss}/{self.trial.dataset}"

    def row(self, position: int) -> dict[str, Any]:
        """The line of the plan's table."""
        trial = self.trial
        return {
            "position": position,
            "trial": trial.id,
            "phase": self.phase,
            "search": self.search,
            "sample": self.sample,
            "loss": trial.loss,
            "dataset": trial.dataset,
            "seed": trial.seed,
            "steps": trial.steps,
            "objective": trial.protocol.objective,
            "content": trial.content,
        }


def from_row(row: Mapping[str, Any]) -> Planned:
    """The planned trial that a line of the plan's table describes."""
    return Planned(row["phase"], row["sample"], from_content(row["content"]))


def build(study: Study) -> list[Planned]:
    """The plan: phase by phase; within one, sample by sample, so that searches interrupted early had equal budgets."""
    return [planned for phase in study.phases for planned in _phase(study, phase)]


def summary(study: Study, plan: list[Planned]) -> dict[str, Any]:
    """Counts per search and in all. A trial that two phases share is planned twice, but run and totalled once."""
    searches: dict[tuple[str, str, str], list[Trial]] = defaultdict(list)
    for planned in plan:
        searches[planned.trial.loss, planned.trial.dataset, planned.phase].append(planned.trial)
    trials = {planned.trial.id: planned.trial for planned in plan}.values()
    return {
        "study": study.name,
        "trials": len(trials),
        "planned": len(plan),
        "searches": [
            {"loss": loss, "dataset": dataset, "phase": phase, "trials": len(members),
             "steps": sum(trial.steps for trial in members)}
            for (loss, dataset, phase), members in searches.items()
        ],
        "steps_total": sum(trial.steps for trial in trials),
        "evaluations_total": sum(len(trial.evaluations) for trial in trials),
    }  # fmt: skip


def canonical(content: Mapping[str, Any]) -> str:
    """One text per content: sorted keys, no spaces, numbers as their shortest exact decimal form."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """16 hexadecimal digits: among a million trials two collide with probability 3e-8."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _phase(study: Study, phase: Phase) -> Iterator[Planned]:
    space = search_spaces.find(phase.space)
    protocol = Protocol(
        extractor=study.measure.extractor,
        metrics=tuple(study.measure.metrics),
        generated=study.measure.generated,
        real=study.measure.real,
        split=study.measure.split,
    )
    points = {dataset: schedule.points(dataset) for dataset, schedule in study.datasets.items()}
    losses, datasets = phase.losses or study.losses, phase.datasets or list(study.datasets)
    for sample in range(phase.settings):
        settings = {loss: space.setting(loss, sample, phase.search_seed) for loss in losses}
        for seed in range(phase.seeds):
            for dataset in datasets:
                for loss in losses:
                    trial = Trial(
                        loss=loss,
                        dataset=dataset,
                        hyperparameters=settings[loss],
                        seed=seed,
                        width=study.width,
                        batch_size=study.batch_size,
                        batch_norm_decay=study.batch_norm_decay,
                        evaluations=points[dataset],
                        protocol=protocol,
                    )
                    yield Planned(phase.name, sample, trial)
