"""A study's exact, ordered table of trials; each knows its own id."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import search_spaces
from search_spaces.dimensions import Value
from study.identity import Trial, from_content
from study.parts import Phase
from study.spec import Study


@dataclass(frozen=True)
class Planned:
    """A trial's place in a study, and how its setting came about."""

    phase: str
    sample: int
    trial: Trial
    space: str | None = None  # null in a phase with `select`, as the sampler is
    sampler: str | None = None
    search_seed: int | None = None
    evidence: str | None = None  # JSON: what its setting was selected by, in a phase with `select`

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
            "space": self.space,
            "sampler": self.sampler,
            "search_seed": self.search_seed,
            "sample": self.sample,
            "loss": trial.loss,
            "variant": trial.variant,
            "dataset": trial.dataset,
            "seed": trial.seed,
            "steps": trial.steps,
            "objective": trial.protocol.objective,
            "reported": trial.protocol.reported,
            **trial.hyperparameters,
            "evidence": self.evidence,
            "content": trial.content,
        }


def from_row(row: Mapping[str, Any]) -> Planned:
    """The planned trial that a line of the plan's table describes."""
    draw = {name: row[name] for name in ("space", "sampler", "search_seed", "evidence")}
    return Planned(row["phase"], row["sample"], from_content(row["content"]), **draw)


@dataclass(frozen=True)
class Selected:
    """The setting that a phase with `select` repeats."""

    sample: int  # its number in the search that it was selected from
    hyperparameters: Mapping[str, Value]
    first_seed: int  # the first that the selection did not use
    evidence: str  # canonical JSON


Selections = Mapping[str, Mapping[tuple[str, str], Selected]]  # phase -> (loss, data set) -> setting


def build(study: Study, selections: Selections) -> list[Planned]:
    """The plan: phase by phase; within one, sample by sample, so that searches interrupted early had equal budgets.

    Of a phase with `select` the searches are in it whose setting is known; `deferred` counts the others.
    """
    return [planned for phase in study.phases for planned in _phase(study, phase, selections)]


def deferred(study: Study, selections: Mapping[str, Mapping[tuple[str, str], object]]) -> dict[str, dict[str, int]]:
    """Phase -> trials, steps and evaluations of the searches whose setting has still to be selected."""
    found = {}
    for phase in study.phases:
        known = selections.get(phase.name, {})
        points = [
            study.datasets[dataset].points(dataset)
            for dataset in phase.datasets or study.datasets
            for loss in phase.losses or study.losses
            if phase.select is not None and (loss, dataset) not in known
        ]
        if points:
            found[phase.name] = {
                "trials": phase.seeds * len(points),
                "steps": phase.seeds * sum(each[-1] for each in points),
                "evaluations": phase.seeds * sum(map(len, points)),
            }
    return found


def summary(study: Study, plan: list[Planned], later: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Counts per search and in all. A trial that two phases share is planned twice, but run and totalled once.

    later: what `deferred` counts; it is in the totals, but in no search yet.
    """
    searches: dict[tuple[str, str, str], list[Trial]] = defaultdict(list)
    for planned in plan:
        searches[planned.trial.loss, planned.trial.dataset, planned.phase].append(planned.trial)
    trials = {planned.trial.id: planned.trial for planned in plan}.values()
    more = {name: sum(phase[name] for phase in later.values()) for name in ("trials", "steps", "evaluations")}
    return {
        "study": study.name,
        "trials": len(trials) + more["trials"],
        "planned": len(plan) + more["trials"],
        "searches": [
            {"loss": loss, "variant": members[0].variant, "dataset": dataset, "phase": phase, "trials": len(members),
             "steps": sum(trial.steps for trial in members)}
            for (loss, dataset, phase), members in searches.items()
        ],
        "deferred": {name: dict(phase) for name, phase in later.items()},
        "steps_total": sum(trial.steps for trial in trials) + more["steps"],
        "evaluations_total": sum(len(trial.evaluations) for trial in trials) + more["evaluations"],
    }  # fmt: skip


def _phase(study: Study, phase: Phase, selections: Selections) -> Iterator[Planned]:
    datasets = phase.datasets or list(study.datasets)
    shared = {dataset: _shared(study, dataset) for dataset in datasets}
    variants = {
        (loss, name): study.variant_of(loss, name, phase) for loss in phase.losses or study.losses for name in datasets
    }
    places = _drawn(phase, variants) if phase.select is None else _selected(selections.get(phase.name, {}))
    for settings in places:
        for repeat in range(phase.seeds):
            for dataset in datasets:
                for loss in phase.losses or study.losses:
                    place = settings.get((loss, dataset))
                    if place is None:  # still to be selected
                        continue
                    first = place.first_seed if phase.first_seed is None else phase.first_seed
                    trial = Trial(
                        loss=loss,
                        variant=variants[loss, dataset],
                        hyperparameters=place.hyperparameters,
                        seed=first + repeat,
                        **shared[dataset],
                    )
                    yield Planned(phase.name, place.sample, trial, **place.draw)


def _shared(study: Study, dataset: str) -> dict[str, Any]:
    """What all trials on one data set have in common."""
    schedule = study.datasets[dataset]
    return {
        "dataset": dataset,
        "own": schedule.own,
        "width": study.width,
        "batch_size": study.batch_size,
        "batch_norm_decay": study.batch_norm_decay,
        "evaluations": schedule.points(dataset),
        "protocol": study.measure.protocol(study.dataset(dataset)),
    }


@dataclass(frozen=True)
class _Place:
    """One setting of one search, and what `Planned` says of it."""

    sample: int
    hyperparameters: Mapping[str, Value]
    first_seed: int
    draw: Mapping[str, Any]


Places = dict[tuple[str, str], _Place]  # (loss, data set) -> setting


def _drawn(phase: Phase, variants: Mapping[tuple[str, str], str]) -> Iterator[Places]:
    """Sample by sample the setting of every search."""
    space, sampler = search_spaces.find(str(phase.space)), search_spaces.SAMPLERS[phase.sampler]
    draw = {
        "space": phase.space,
        "sampler": phase.sampler,
        "search_seed": phase.search_seed if sampler.seeded else None,
    }
    for sample in range(phase.settings or 0):
        drawn = {
            (loss, variant): sampler.setting(space, loss, variant, sample, phase.search_seed)
            for loss, variant in {(loss, variant) for (loss, _), variant in variants.items()}
        }
        yield {
            (loss, dataset): _Place(sample, drawn[loss, variant], 0, draw)
            for (loss, dataset), variant in variants.items()
        }


def _selected(chosen: Mapping[tuple[str, str], Selected]) -> Iterator[Places]:
    """The one setting of every search, once it is selected."""
    if chosen:
        yield {
            search: _Place(each.sample, each.hyperparameters, each.first_seed, {"evidence": each.evidence})
            for search, each in chosen.items()
        }
