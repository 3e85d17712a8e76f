"""How a study stands: its table, its trials' heartbeats, its jobs and what they tell of the time, as one fact sheet."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster import jobs, remarks
from cluster.forecast import Forecast, forecast, machines
from cluster.jobs import Jobs
from cluster.papers import Papers
from study.heartbeat import now
from study.plan import deferred
from study.results.glance import Glance, Line
from study.spec import Merged, Study

STATES = ("done", "running", "diverged", "failed", "lost", "started", "waiting")
LEFT = ("running", "lost", "started", "waiting")  # a failed one is run again by gan-study retry alone


@dataclass(frozen=True)
class Seen:
    """Everything that a page rests on, read at one moment."""

    study: str  # as the user names it
    spec: Study | Merged
    glance: Glance
    running: Mapping[str, Mapping[str, Any]]  # trial -> its whereabouts
    lost: Mapping[str, Mapping[str, Any]]  # trial -> where its process fell silent
    locked: bool  # some process holds the driver's lock, as far as this machine can tell
    papers: Papers


@dataclass(frozen=True)
class Search:
    """The trials of one loss on one data set."""

    loss: str
    dataset: str
    counts: Mapping[str, int]  # by state


@dataclass(frozen=True)
class Where:
    """A trial that is running, or that was lost, and where."""

    trial: str
    search: str
    sample: int
    seed: int
    step: int
    steps: int
    images_per_second: float | None  # None before it is known
    host: str
    job: str | None  # None outside of Slurm
    pid: int
    started_at: str
    seen_at: str


@dataclass(frozen=True)
class Failure:
    """Trials that failed alike."""

    exception: str | None
    message: str | None
    count: int
    trial: str  # one of them


@dataclass(frozen=True)
class Progress:
    """One honest page."""

    study: str
    name: str
    seen_at: str
    trials: int
    counts: Mapping[str, int]  # by state; they add up to `trials`
    searches: tuple[Search, ...]
    deferred: Mapping[str, int]  # phase -> trials whose settings have still to be selected
    running: tuple[Where, ...]
    lost: tuple[Where, ...]
    failures: tuple[Failure, ...]
    jobs: Jobs | None  # None where the study was never sent to a cluster
    forecast: Forecast
    driver: bool  # one is at work, on a cluster or on a person's machine
    remarks: tuple[str, ...]  # what a person should know of the jobs, and what to do

    @property
    def left(self) -> int:
        """Trials that have not ended, those of later phases included."""
        return sum(self.counts[state] for state in LEFT) + sum(self.deferred.values())

    @property
    def over(self) -> bool:
        """Whether nothing is running or queued any more, and no driver is at work."""
        return not self.driver and not self.running and (self.jobs is None or self.jobs.over)


def progress(seen: Seen) -> Progress:
    """The facts, each trial in exactly one state."""
    lines = seen.glance.lines
    states = {line.trial: _state(line, seen) for line in lines}
    left = [line for line in lines if states[line.trial] in LEFT]
    running = {trial: place for trial, place in seen.running.items() if states[trial] == "running"}
    later = deferred(seen.spec, _known(seen.glance)) if isinstance(seen.spec, Study) else {}
    stand = jobs.stand(seen.papers)
    on = machines(seen.spec, seen.papers, stand, len(running))
    unattended = len(left) + sum(phase["trials"] for phase in later.values())
    if seen.locked and not (stand and stand.head):
        unattended = 0  # a driver on a person's machine needs no jobs
    return Progress(
        study=seen.study,
        name=seen.spec.name,
        seen_at=now(),
        trials=len(lines),
        counts=dict.fromkeys(STATES, 0) | Counter(states.values()),
        searches=_searches(lines, states),
        deferred={phase: counted["trials"] for phase, counted in later.items()},
        running=_places(lines, running),
        lost=_places(lines, {trial: place for trial, place in seen.lost.items() if states[trial] == "lost"}),
        failures=_failures(lines, states),
        jobs=stand,
        forecast=forecast(seen.glance, left, running, later, on),
        driver=seen.locked or bool(stand and stand.head),
        remarks=remarks.find(seen.papers, stand, seen.study, unattended) if stand else (),
    )


def _state(line: Line, seen: Seen) -> str:
    """By the table, unless a process is at the trial, or was and fell silent after what the table tells."""
    if line.status in ("done", "diverged"):
        return line.status
    if line.trial in seen.running:
        return "running"
    silent = seen.lost.get(line.trial)
    if silent is None or (line.status == "failed" and silent["attempt"] <= line.attempt):
        return line.status
    return "lost"


def _known(glance: Glance) -> dict[str, dict[tuple[str, str], None]]:
    """Phase -> the searches whose settings are in the plan."""
    found: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    for phase, loss, dataset in glance.searches:
        found[phase][loss, dataset] = None
    return found


def _searches(lines: Sequence[Line], states: Mapping[str, str]) -> tuple[Search, ...]:
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for line in lines:
        found[line.loss, line.dataset][states[line.trial]] += 1
    return tuple(Search(loss, dataset, dict.fromkeys(STATES, 0) | counts) for (loss, dataset), counts in found.items())


def _places(lines: Sequence[Line], places: Mapping[str, Mapping[str, Any]]) -> tuple[Where, ...]:
    """In the plan's order."""
    return tuple(_where(line, places[line.trial]) for line in lines if line.trial in places)


def _where(line: Line, place: Mapping[str, Any]) -> Where:
    told = {name: place[name] for name in ("images_per_second", "host", "job", "pid", "started_at", "seen_at")}
    step = max(line.step, place["step"] or 0)
    return Where(line.trial, line.search, line.sample, line.seed, step, line.steps, **told)


def _failures(lines: Sequence[Line], states: Mapping[str, str]) -> tuple[Failure, ...]:
    """The most frequent first."""
    failed = [line for line in lines if states[line.trial] == "failed"]
    counts = Counter((line.exception, line.message) for line in failed)
    example = {(line.exception, line.message): line.trial for line in failed}
    return tuple(Failure(*alike, count, example[alike]) for alike, count in counts.most_common())
