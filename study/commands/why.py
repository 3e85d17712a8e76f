"""gan-study why"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.board import Board
from study.commands.common import RESULTS, Results, StudyName, console, duration, folder_of, table
from study.errors import StudyError
from study.heartbeat import silent
from study.results.query import connect
from study.results.store import Store
from study.whereabouts import attempts, lost, whereabouts

LOG_LINES = 40
ENDS = """
    SELECT attempt,
           CASE WHEN status = 'ok' THEN 'done' WHEN message IS NULL THEN status ELSE status || ': ' || message END
    FROM attempts WHERE trial = ? AND (status <> 'ok' OR step = steps)
"""
KILLED = "its process was killed, or stopped"  # without having written how it ended
Place = Mapping[str, Any]


def command(
    study: StudyName,
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="A trial's id, or as much of it as is unique.")],
    results: Results = RESULTS,
) -> None:
    """Everything about one trial: configuration, history, attempts, traceback, log; wherever it ran.

    Example: gan-study why demo d81f2970
    """
    store = Store(folder_of(study, results))
    with connect(store.folder) as database:
        found = database.execute("SELECT DISTINCT trial FROM plan WHERE starts_with(trial, ?)", [trial]).fetchall()
        if len(found) != 1:
            many = f"fits {len(found)} trials; give more digits" if found else "fits no trial of the plan"
            raise StudyError(f"{trial!r} {many}; all of them: gan-study query {study} 'SELECT trial FROM trials'")
        (name,) = found[0]
        facts = _row(database, "SELECT * FROM trials WHERE trial = ? LIMIT 1", name)
        history = database.execute(
            f"SELECT attempt, step, status, {_scores(facts)}, train_seconds, images_seen, message FROM attempts "
            "WHERE trial = ? ORDER BY attempt, step", [name]).fetchall()  # fmt: skip
        last = _row(database, "SELECT * FROM attempts WHERE trial = ? ORDER BY attempt DESC, step DESC LIMIT 1", name)
        ends = dict(database.execute(ENDS, [name]).fetchall())
    console.print(f"trial {name}: {_now(store, name, facts)}")
    console.print(f"{facts['search']}, sample {facts['sample']}, seed {facts['seed']}")
    console.print("\nconfiguration\n" + json.dumps(json.loads(facts["content"]), indent=1))
    if facts["evidence"]:
        console.print("\nits setting was selected\n" + json.dumps(json.loads(facts["evidence"]), indent=1))
    chosen = [facts["objective"]] if facts["objective"] != facts["reported"] else []
    columns = ("attempt", "step", "status", facts["reported"], *chosen, "train seconds", "images", "message")
    console.print(table("\nhistory", columns, history))
    _attempts(store, name, ends, last)
    _provenance(last)
    _files(store, name, last)


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
    made = attempts(store, trial)
    if not made:
        return
    endings = [_ending(store, trial, attempt, ends) for attempt in made]
    rows = [
        (made_by["attempt"], made_by["host"], str(made_by["pid"]), made_by.get("job"), made_by["started_at"], ending)
        for made_by, ending in zip(made, endings, strict=True)
    ]
    console.print(table("\nattempts", ("attempt", "host", "process", "job", "started at", "ended"), rows))
    logs = {made_by["attempt"]: log for made_by in made if (log := _log_of(store, made_by))}
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
        if life.job == attempt.get("job") and life.started_at <= attempt["started_at"]
    ]  # fmt: skip
    return store.folder / lives[-1].log if lives and lives[-1].log else None


def _scores(facts: Mapping[str, Any]) -> str:
    """What is reported, and where it is another number what it was chosen by."""
    return "score" if facts["objective"] == facts["reported"] else "score, selection_score"


def _provenance(last: Mapping[str, Any]) -> None:
    for column in (
        "fingerprint",
        "source",
        "commit",
        "dirty",
        "versions",
        "hardware",
        "job",
        "started_at",
        "written_at",
    ):
        if last.get(column) is not None:
            console.print(f"{column}: {last[column]}")


def _files(store: Store, trial: str, last: Mapping[str, Any]) -> None:
    if last.get("trace"):
        trace = store.folder / last["trace"]
        console.print(f"\ntraceback ({trace})\n{trace.read_text()}")
    log = store.log_file(trial)
    if log.exists():
        _tail(log, "log of all its attempts, wherever they ran")
    for path in sorted([*store.samples.glob(f"{trial}.*"), *store.generators.glob(f"{trial}.*")]):
        console.print(f"file: {path}")


def _tail(log: Path, what: str) -> None:
    lines = log.read_text(errors="replace").splitlines()
    console.print(f"\n{what} ({log}, the last {min(LOG_LINES, len(lines))} of {len(lines)} lines)")
    console.print("\n".join(lines[-LOG_LINES:]))


def _row(database: Any, sql: str, trial: str) -> dict[str, Any]:
    """The first row of the answer; empty where there is none."""
    rows = database.sql(sql, params=[trial]).to_arrow_table().to_pylist()
    return rows[0] if rows else {}
