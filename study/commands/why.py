"""gan-study why"""

import json
from typing import Annotated, Any

import typer

from study.attempt import whereabouts
from study.commands.common import RESULTS, Results, StudyName, console, folder_of, table
from study.errors import StudyError
from study.results.query import connect
from study.results.store import Store

LOG_LINES = 40


def command(
    study: StudyName,
    trial: Annotated[str, typer.Argument(metavar="TRIAL", help="A trial's id, or as much of it as is unique.")],
    results: Results = RESULTS,
) -> None:
    """Everything about one trial: configuration, history, traceback, log.

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
    where = whereabouts(store, name)
    console.print(f"trial {name}: {facts['status']}{f', running on {where}' if where else ''}")
    console.print(f"{facts['search']}, sample {facts['sample']}, seed {facts['seed']}")
    console.print("\nconfiguration\n" + json.dumps(json.loads(facts["content"]), indent=1))
    if facts["evidence"]:
        console.print("\nits setting was selected\n" + json.dumps(json.loads(facts["evidence"]), indent=1))
    chosen = [facts["objective"]] if facts["objective"] != facts["reported"] else []
    columns = ("attempt", "step", "status", facts["reported"], *chosen, "train seconds", "images", "message")
    console.print(table("\nhistory", columns, history))
    _provenance(last)
    _files(store, name, last)


def _scores(facts: dict[str, Any]) -> str:
    """What is reported, and where it is another number what it was chosen by."""
    return "score" if facts["objective"] == facts["reported"] else "score, selection_score"


def _provenance(last: dict[str, Any]) -> None:
    for column in ("fingerprint", "commit", "dirty", "versions", "hardware", "started_at", "written_at"):
        if last.get(column) is not None:
            console.print(f"{column}: {last[column]}")


def _files(store: Store, trial: str, last: dict[str, Any]) -> None:
    if last.get("trace"):
        trace = store.folder / last["trace"]
        console.print(f"\ntraceback ({trace})\n{trace.read_text()}")
    log = store.log_file(trial)
    if log.exists():
        lines = log.read_text().splitlines()
        console.print(f"\nlog ({log}, the last {min(LOG_LINES, len(lines))} of {len(lines)} lines)")
        console.print("\n".join(lines[-LOG_LINES:]))
    for path in sorted([*store.samples.glob(f"{trial}.*"), *store.generators.glob(f"{trial}.*")]):
        console.print(f"file: {path}")


def _row(database: Any, sql: str, trial: str) -> dict[str, Any]:
    """The first row of the answer; empty where there is none."""
    rows = database.sql(sql, params=[trial]).to_arrow_table().to_pylist()
    return rows[0] if rows else {}
