"""What a study has cost until now, what it will cost to its end, and when that will be."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.jobs import Jobs
from cluster.papers import Papers
from cluster.profile import Profile
from study.cost import ASSUMPTION, Pace, assumed
from study.identity import from_content
from study.results.glance import Glance, Kind, Line
from study.spec import Merged, Study

Places = Mapping[str, Mapping[str, Any]]  # trial -> its whereabouts
Later = Mapping[str, Mapping[str, int]]  # phase -> trials, steps and evaluations whose settings are not selected yet


@dataclass(frozen=True)
class Machines:
    """What runs the trials, and how its time is counted."""

    unit: str  # GPU-hours, worker-hours or trial-hours
    share: float  # such hours that one trial takes in an hour
    spent: float | None  # such hours, by jobs; None where there were no jobs
    slots: int  # trials at once, now


@dataclass(frozen=True)
class Forecast:
    """Hours in one unit, and the end."""

    unit: str
    spent: float | None  # by jobs, from their starts to their ends; None where there were no jobs
    in_trials: float  # by trials: what their rows tell, and the attempts that are running
    expected: float | None  # more, to the end; None where the settings of all that is left are still to be selected
    basis: str  # what `expected` rests on
    slots: int
    seconds: float | None  # until the end; None where nothing is left, or nobody can know
    done_at: str | None  # ISO, UTC


@dataclass(frozen=True)
class _Work:
    """Seconds of trials."""

    total: float
    longest: float
    trials: int
    basis: str


def machines(spec: Study | Merged, papers: Papers, jobs: Jobs | None, running: int) -> Machines:
    """The newest submission's; without one, this machine, where as many trials run at once as run now."""
    if not papers.submissions:
        gpus = spec.resources.gpus
        return Machines("GPU-hours" if gpus else "trial-hours", gpus or 1.0, None, running)
    profile = Profile.model_validate(dict(papers.submissions[-1].profile))
    slots = jobs.slots if jobs and jobs.slots else running
    lives = [life for life in papers.lives if life.role != "head"]
    if profile.workers.gpus:
        spent = sum(life.hours() * life.gpus for life in lives)
        return Machines("GPU-hours", profile.gpus_of_a_trial(spec.resources), spent, slots)
    places = max(1, profile.slots(spec.resources))
    return Machines("worker-hours", 1 / places, sum(life.hours() for life in lives), slots)


def forecast(glance: Glance, left: Sequence[Line], running: Places, later: Later, on: Machines) -> Forecast:
    """left: the trials that have not ended, those that are running among them."""
    work = _work(glance, left, running, later)
    seconds = None
    if work is not None and work.trials and on.slots:
        seconds = max(work.longest, work.total / min(on.slots, work.trials))
    return Forecast(
        unit=on.unit,
        spent=on.spent,
        in_trials=_had(glance, running) * on.share / 3600,
        expected=None if work is None else work.total * on.share / 3600,
        basis=work.basis if work else "",
        slots=on.slots,
        seconds=seconds,
        done_at=None if seconds is None else (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
    )


def _had(glance: Glance, running: Places) -> float:
    """Seconds in trials: by their rows, but for the attempts that are running, which are counted from their starts."""
    total = 0.0
    for trial, attempts in glance.used.items():
        now = running.get(trial)
        before = [used for number, used in attempts.items() if now is None or number < now["attempt"]]
        total += max((training for training, _ in before), default=0.0) + sum(measuring for _, measuring in before)
    for place in running.values():
        began, seen = (datetime.fromisoformat(place[name]) for name in ("started_at", "seen_at"))
        total += (seen - began).total_seconds()
    return total


def _work(glance: Glance, left: Sequence[Line], running: Places, later: Later) -> _Work | None:
    """What is left; None where no trial is known from which the later phases' time could be guessed."""
    paces = _paces(glance)
    points = {text: json.loads(text) for text in {line.points for line in left}}
    each = [_seconds(line, paces[kind_of(line)], running.get(line.trial), points[line.points]) for line in left]
    more = sum(phase["trials"] for phase in later.values())
    if more and not glance.lines:
        return None
    known = sum(kind_of(line) in glance.paces for line in left)
    basis = [f"the paces that {known:,} of {len(left):,} such trials were recorded at"] if known else []
    basis += [ASSUMPTION] if known < len(left) else []
    total = sum(each) + _later(glance.lines, paces, later)
    return _Work(total, max(each, default=0.0), len(left) + more, "; ".join(basis))


def kind_of(line: Line) -> Kind:
    return line.loss, line.dataset, line.width


def _paces(glance: Glance) -> dict[Kind, Pace]:
    """Recorded where there is a record, else assumed."""
    return {
        kind: Pace(*glance.paces[kind]) if kind in glance.paces else assumed(from_content(content))
        for kind, content in glance.examples.items()
    }


def _seconds(line: Line, pace: Pace, place: Mapping[str, Any] | None, points: Sequence[int]) -> float:
    """Of what a trial has left, from its last row, or from the step that its heartbeat tells."""
    step = max(line.step, (place or {}).get("step") or 0)
    return pace.step * (line.steps - step) + pace.evaluation * sum(point > line.step for point in points)


def _later(lines: Sequence[Line], paces: Mapping[Kind, Pace], later: Later) -> float:
    """Seconds of later phases, at the mean pace of the trials that are known."""
    if not later:
        return 0.0
    step = sum(paces[kind_of(line)].step for line in lines) / len(lines)
    evaluation = sum(paces[kind_of(line)].evaluation for line in lines) / len(lines)
    return sum(phase["steps"] * step + phase["evaluations"] * evaluation for phase in later.values())
