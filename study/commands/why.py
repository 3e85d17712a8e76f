"""gan-study why"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.board import Board
from study.commands import recorded
from study.commands.common import RESULTS, Recorded, Results, console, duration, folder_of, table
from study.commands.origins import outline, tell
from study.heartbeat import silent
from study.results.query import connect
from study.results.store import Store
from study.whereabouts import lost, whereabouts

LOG_LINES = 40
ENDS = """
    SELECT attempt,
           CASE WHEN status = 'ok' THEN 'done' WHEN message IS NULL THEN status ELSE status || ': ' || message END
    FROM attempts WHERE trial = ? AND (status <> 'ok' OR step = steps)
"""
NEWEST = (
    "SELECT DISTINCT ON (attempt) * FROM attempts WHERE trial = ? ORDER BY attempt, step DESC, status = 'failed' DESC"
)
HISTORY = """
    SELECT attempt, step, status, {scores}, train_seconds, evaluation_seconds, energy_joules, images_seen, written_at,
           message
    FROM attempts WHERE trial = ? ORDER BY attempt, step
"""
KILLED = "its process was killed, or stopped"  # without having written how it ended
Place = Mapping[str, Any]


def command(
    study: Recorded,
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="A trial's id, or as much of it as is unique.")],
    results: Results = RESULTS,
) -> None:
    """Everything about one trial: configuration, history, attempts, where its numbers come from, traceback, log.

    Ends with the command that reproduces it. Example: gan-study why demo d81f2970
    """
    store = Store(folder_of(study, results))
    with connect(store.folder) as database:
        name = recorded.find(database, study, trial)
        newest = recorded.rows(database, NEWEST, name)
        last = newest[-1] if newest else {}
        ends = dict(database.execute(ENDS, [name]).fetchall())
        planned = recorded.rows(database, "SELECT * FROM trials WHERE trial = ? LIMIT 1", name)
        facts = planned[0] if planned else _unplanned(last, ends)
        history = recorded.rows(database, HISTORY.format(scores=_scores(facts)), name)
    console.print(f"trial {name}: {_now(store, name, facts)}")
    console.print(f"{facts['search']}, sample {facts['sample']}, seed {facts['seed']}")
    _outline("configuration", facts["content"])
    if facts["evidence"]:
        _outline("its setting was selected", facts["evidence"])
    chosen = [facts["objective"]] if facts["objective"] != facts["reported"] else []
    columns = ("attempt", "step", "status", facts["reported"], *chosen, "train seconds", "evaluation seconds", "joules",
               "images", "written at (UTC)", "message")  # fmt: skip
    for row in history:
        row["written_at"] = row["written_at"] and f"{row['written_at']:%Y-%m-%d %H:%M:%S}"
    console.print(table("\nhistory", columns, [tuple(row.values()) for row in history]))
    _attempts(store, name, ends, last)
    if newest:
        console.print("\n".join(tell(store, facts, newest)))
    _files(store, name, last)
    if newest:
        _again(store, last)


def _unplanned(last: Mapping[str, Any], ends: Mapping[int, str]) -> dict[str, Any]:
    """What the view trials would say of a trial that the plan has not."""
    status = ends.get(last["attempt"], "started")
    return {**last, "evidence": None, "status": f"{status}; the plan has it not: its rows are in attempts alone"}


def _outline(title: str, content: str) -> None:
    console.print("\n".join(["", title, *outline(json.loads(content), 1)]))


def _again(store: Store, last: Mapping[str, Any]) -> None:
    """How to get the code that measured the trial, and the one command that reproduces it."""
    ways = list(recorded.code(store, last))
    if ways:
        console.print("\n".join(["", "to run it with its own code", *(f"  {way}" for way in ways)]))
    console.print(f"\nreproduce it: {recorded.command(store, last)}")


def _now(store: Store, trial: str, facts: Mapping[str, Any]) -> str:
    """How it stands, and where it is."""
    if place := whereabouts(store, trial):
        rate = f", {place['images_per_second']:,.0f} images/s" if place["images_per_second"] else ""
        return f"running on {_place(place)} for {duration(silent(place['started_at']))}{_step(place)}{rate}"
    place = lost(store, trial)
    if place and facts["status"] in ("waiting", "started"):
        return f"lost: silent for {duration(silent(place['seen_at']))} on {_place(place)}{_step(place)}"
    return str(facts["status"])


def _step(place: Place) -> str:
    return "" if place["step"] is None else f", at step {place['step']:,} of {place['steps']:,}"


def _place(place: Place) -> str:
    job = f", job {place['job']}" if place.get("job") else ""
    return f"{place['host']} (process {place['pid']}{job})"


def _attempts(store: Store, trial: str, ends: Mapping[int, str], last: Mapping[str, Any]) -> None:
    """Who has been at the trial, how each ended, and the last words of the job that the last one died with."""
    made, unread = recorded.made_by(store, trial)
    for reason in unread:
        console.print(f"\n{reason}")
    if not made:
        return
    endings = [_ending(store, trial, attempt, ends) for attempt in made]
    rows = [
        (each["attempt"], each.get("host"), str(each.get("pid", "-")), each.get("job"), each.get("started_at"), ending)
        for each, ending in zip(made, endings, strict=True)
    ]
    console.print(table("\nattempts", ("attempt", "host", "process", "job", "started at", "ended"), rows))
    logs = {each["attempt"]: log for each in made if (log := _log_of(store, each))}
    for log in dict.fromkeys(logs.values()):
        told = [str(number) for number, other in logs.items() if other == log]
        console.print(f"log of the job of attempt {', '.join(told)}: {log}{'' if log.exists() else ' (not there)'}")
    newest = logs.get(made[-1]["attempt"])
    if newest and newest.exists() and (KILLED in endings[-1] or last.get("exception") == "WorkerDied"):
        _tail(newest, "log of that job")


def _ending(store: Store, trial: str, attempt: Place, ends: Mapping[int, str]) -> str:
    """By its rows, by what it left behind, or by its heartbeat."""
    number = attempt["attempt"]
    if number in ends:
        return ends[number]
    if "left" in attempt:
        return f"left: {attempt['left']}"
    if (place := whereabouts(store, trial)) and place["attempt"] == number:
        return "-"
    if (place := lost(store, trial)) and place["attempt"] == number:
        return f"{KILLED}, or its host is cut off: silent for {duration(silent(place['seen_at']))}"
    return KILLED


def _log_of(store: Store, attempt: Place) -> Path | None:
    """What the job printed in which the attempt ran; None outside of a cluster."""
    lives = [
        life for life in Board(store).lives("worker")
        if life.job == attempt.get("job") and life.started_at <= attempt.get("started_at", "")
    ]  # fmt: skip
    return store.folder / lives[-1].log if lives and lives[-1].log else None


def _scores(facts: Mapping[str, Any]) -> str:
    """What is reported, and where it is another number what it was chosen by."""
    return "score" if facts["objective"] == facts["reported"] else "score, selection_score"


def _files(store: Store, trial: str, last: Mapping[str, Any]) -> None:
    if last.get("trace"):
        trace = store.folder / last["trace"]
        told = trace.read_text(errors="replace") if trace.exists() else f"(not there: {trace})"
        console.print(f"\ntraceback ({trace})\n{told}")
    log = store.log_file(trial)
    if log.exists():
        _tail(log, "log of all its attempts, wherever they ran")
    for path in sorted([*store.samples.glob(f"{trial}.*"), *store.generators.glob(f"{trial}.*")]):
        console.print(f"file: {path}")


def _tail(log: Path, what: str) -> None:
    lines = log.read_text(errors="replace").splitlines()
    console.print(f"\n{what} ({log}, the last {min(LOG_LINES, len(lines))} of {len(lines)} lines)")
    console.print("\n".join(lines[-LOG_LINES:]))
