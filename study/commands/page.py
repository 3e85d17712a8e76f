"""The page of gan-study status: what `cluster.progress` found, as a person reads it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.jobs import Jobs, clock
from cluster.progress import STATES, Progress, Where
from study.commands.common import duration, table

FOLDED = 20  # lines of a long list that are shown without --all
FAILURES = 5  # kinds of them


def page(found: Progress, most: int | None, searches: bool = True) -> Group:
    """most: lines of a list that are shown, None for all. searches: the counts of each beside those of all."""
    return Group(*_parts(found, most, searches))


def _parts(found: Progress, most: int | None, searches: bool) -> Iterator[RenderableType]:
    yield _counts(found, searches)
    for phase, count in found.deferred.items():
        yield Text(f"phase {phase}: {count:,} trials more, once their settings can be selected")
    yield from _failures(found)
    if found.jobs is not None:
        yield from _jobs(found.jobs)
    yield from _running(found.running, most)
    yield from _lost(found.lost, most)
    yield Text("")
    yield from map(Text, _time(found))
    yield from (Text(each, style="bold") for each in found.remarks)
    yield Text(_closing(found))


def _counts(found: Progress, searches: bool) -> RenderableType:
    rows = [
        (search.loss, search.dataset, *(search.counts[state] for state in STATES))
        for search in found.searches
        if searches
    ]
    rows.append(("all", "", *(found.counts[state] for state in STATES)))
    return table(f"{found.name}: {found.trials:,} trials", ("loss", "data set", *STATES), rows)


def _failures(found: Progress) -> Iterator[Text]:
    for failure in found.failures[:FAILURES]:
        why = f"{failure.exception}: {failure.message}" if failure.message else failure.exception
        yield Text(f"FAILED {failure.count:,} x {why}; look: gan-study why {found.study} {failure.trial}", style="red")
    if len(found.failures) > FAILURES:
        yield Text(f"and {sum(failure.count for failure in found.failures[FAILURES:]):,} for other reasons")


def _jobs(jobs: Jobs) -> Iterator[RenderableType]:
    rows = [(group.role, group.state, group.detail, group.count) for group in jobs.groups]
    yield table(f"\njobs, to submission {jobs.submission}", ("role", "state", "", "jobs"), rows)
    told = [
        f"{jobs.workers_up:,} of {jobs.workers:,} workers are up: {_at_once(jobs.slots)}",
        f"{jobs.preemptions:,} preemption{'s' * (jobs.preemptions != 1)}",
        f"{jobs.requeues:,} requeue{'s' * (jobs.requeues != 1)}",
    ]
    if jobs.expected:
        told.append(f"Slurm expects the next to start {clock(jobs.expected)}")
    yield Text("; ".join(told))


def _running(places: Sequence[Where], most: int | None) -> Iterator[RenderableType]:
    if places:
        rows = [(*_place(place), _rate(place), *_host(place), _ago(place.started_at)) for place in places[:most]]
        yield from _list("\nrunning now", ("images/s", *_columns(places), "for"), rows, len(places))


def _lost(places: Sequence[Where], most: int | None) -> Iterator[RenderableType]:
    if places:
        title = "\nlost: their processes fell silent, and nobody is at them yet"
        rows = [(*_place(place), *_host(place), _ago(place.seen_at)) for place in places[:most]]
        yield from _list(title, (*_columns(places), "silent for"), rows, len(places))


def _list(title: str, columns: Sequence[str], rows: list[tuple[object, ...]], count: int) -> Iterator[RenderableType]:
    """A table of trials, without the column of seeds where there is only the first."""
    if not rows:
        yield Text(f"{title}: {count:,} trials")
        return
    names = ("search", "sample", "seed", "step", "of", *columns)
    kept = [i for i, name in enumerate(names) if name != "seed" or any(row[i] for row in rows)]
    yield table(title, [names[i] for i in kept], [[row[i] for i in kept] for row in rows])
    if count > len(rows):
        yield Text(f"and {count - len(rows):,} more; --all shows them")


def _columns(places: Sequence[Where]) -> tuple[str, str]:
    return "host", "job" if places[0].job else "process"


def _place(place: Where) -> tuple[object, ...]:
    return place.search, place.sample, place.seed, place.step, place.steps


def _host(place: Where) -> tuple[str, str]:
    return place.host.partition(".")[0], place.job or str(place.pid)


def _rate(place: Where) -> float | None:
    rate = place.images_per_second
    return round(rate) if rate is not None and rate >= 10 else rate


def _ago(moment: str) -> str:
    return duration((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())


def _time(found: Progress) -> Iterator[str]:
    """Hours had and to come, and the end."""
    told = found.forecast
    had = f"{told.in_trials:.3g} in trials"
    if told.spent is not None:
        share = f" ({told.in_trials / told.spent:.0%})" if told.spent else ""
        had = f"{told.spent:.3g} by workers, {told.in_trials:.3g} of them in trials{share}"
    more = f", about {told.expected:.3g} more to the end" if found.left and told.expected is not None else ""
    yield f"{told.unit}: {had}{more}"
    if found.left and told.basis:
        yield f"    by {told.basis}"
    if told.done_at and told.seconds is not None:
        yield f"done about {clock(told.done_at)}, in {duration(told.seconds)}, with {_at_once(told.slots)}"
    elif found.left:
        yield f"when it will be done is unknown {_until(found)}"


def _at_once(slots: int) -> str:
    return f"{slots:,} trial{'s' * (slots != 1)} at once"


def _until(found: Progress) -> str:
    if found.forecast.expected is None:
        return "until its first settings are selected"
    if found.over:
        return "until it goes on"
    return "until a worker is up" if found.jobs is not None else "until a trial runs"


def _closing(found: Progress) -> str:
    """Whether a driver is at work, and what a person may do."""
    on = f" --cluster {found.jobs.cluster}" if found.jobs else ""
    where = f" on {found.jobs.head}" if found.jobs and found.jobs.head else ""
    parts = [f"a driver is at work{where}" if found.driver else "no driver is at work"]
    if found.left and found.over and not found.jobs:
        parts.append(f"go on: gan-study run {found.study}")
    if found.counts["failed"]:
        when = "" if found.over else ", once this has ended"
        parts.append(f"failures again{when}: gan-study retry {found.study}{on}")
    return "; ".join(parts)
