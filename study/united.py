"""What united studies were asked for: as one study, where one describes their plan; else their names, not to be run."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from study import plan, source, spec
from study.errors import StudyError
from study.plan import Planned, Selected, from_row
from study.results.rowfile import Row
from study.results.schema import FILES
from study.spec import Study

SHARED = ("variant", "width", "batch_size", "batch_norm_decay", "measure")  # of all trials of a study
VARYING = {"losses", "datasets", "settings", "seeds", "first_seed"}  # in which phases of one name can be united


def describe(name: str, texts: Mapping[str, str], rows: Sequence[Row]) -> str:
    """The text of study.yaml for a plan that unites those of several studies.

    texts: what each was asked for. It is one study where some study has exactly these rows as its plan, and can be run
    then like any other; else it is what `spec.Merged` reads.
    """
    of = " and ".join(texts)
    study = _one(name, texts)
    if study is not None and _is_planned(study, rows):
        head = (
            f"# Written by gan-study merge: {of} united. What is no part of a trial, such as resources, is that of\n"
            f"# {next(iter(texts))}.\n"
        )
        return head + spec.dump(study)
    kept = {each: FILES["study_yaml"].format(source.digest(text.encode())) for each, text in texts.items()}
    head = (
        f"# Written by gan-study merge. No one study has the plan of {of} together, which plan.parquet holds: so this\n"
        "# can be read, and not be run. What each was asked for is in these files below provenance/.\n"
    )
    return head + yaml.safe_dump({"name": name, "merged": kept}, sort_keys=False, allow_unicode=True)


def _one(name: str, texts: Mapping[str, str]) -> Study | None:
    """The one study that may describe all of them; None where they differ in what a study's trials share."""
    try:
        studies = [spec.parse(text, each) for each, text in texts.items()]
        contents = [study.model_dump() for study in studies]
        first = contents[0]
        if any(content[key] != first[key] for content in contents for key in SHARED):
            return None
        datasets = _together([content["datasets"] for content in contents])
        phases = _phases(studies)
        if datasets is None or phases is None:
            return None
        losses = list(dict.fromkeys(loss for study in studies for loss in study.losses))
        for phase in phases:  # what is left out is the study's
            phase["losses"] = None if phase["losses"] == losses else phase["losses"]
            phase["datasets"] = None if phase["datasets"] == list(datasets) else phase["datasets"]
        made = {**first, "name": name, "losses": losses, "datasets": datasets, "phases": phases}
        return spec.validate(made, name)
    except StudyError:  # one of them is of another version, or they make no study together
        return None


def _together(several: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """All data sets, by name; None where two of one name are not equal, wherever a person's own images lie."""
    united: dict[str, Any] = {}
    for each in several:
        for name, entry in each.items():
            if united.setdefault(name, entry) | {"images": None} != entry | {"images": None}:
                return None
    return united


def _phases(studies: Sequence[Study]) -> list[dict[str, Any]] | None:
    united: dict[str, dict[str, Any]] = {}
    for study in studies:
        for phase in study.phases:
            mine = phase.model_dump()
            mine["losses"], mine["datasets"] = phase.losses or study.losses, phase.datasets or list(study.datasets)
            other = united.setdefault(phase.name, mine)
            if other is not mine and not _widen(other, mine):
                return None
    return list(united.values())


def _widen(phase: dict[str, Any], other: Mapping[str, Any]) -> bool:
    """Makes a phase hold the trials of another too, as far as one phase can; whether it may."""
    if any(phase[key] != other[key] for key in phase if key not in VARYING):
        return False
    for key in ("losses", "datasets"):
        phase[key] = list(dict.fromkeys([*phase[key], *other[key]]))
    if phase["select"] is not None:
        return all(phase[key] == other[key] for key in ("seeds", "first_seed"))
    phase["settings"] = max(phase["settings"], other["settings"])
    firsts = [each["first_seed"] or 0 for each in (phase, other)]
    ends = [first + each["seeds"] for first, each in zip(firsts, (phase, other), strict=True)]
    phase["first_seed"] = min(firsts) or None
    phase["seeds"] = max(ends) - min(firsts)
    return True


def _is_planned(study: Study, rows: Sequence[Row]) -> bool:
    """Whether the study's plan has these rows, and no other, in whatever order."""
    selections: dict[str, dict[tuple[str, str], Selected]] = {}
    for row in rows:
        if row["evidence"] is not None:
            each, after = from_row(row), _after(row["evidence"])
            selected = Selected(each.sample, each.trial.hyperparameters, after, row["evidence"])
            selections.setdefault(each.phase, {})[each.trial.loss, each.trial.dataset] = selected
    try:
        planned = plan.build(study, selections)
    except StudyError:
        return False
    return {_place(each) for each in planned} == {(row["phase"], row["sample"], row["trial"]) for row in rows}


def _place(planned: Planned) -> tuple[str, int, str]:
    return planned.phase, planned.sample, planned.trial.id


def _after(evidence: str) -> int:
    """The first seed that the selection did not use."""
    return max(json.loads(evidence)["seeds"]) + 1
