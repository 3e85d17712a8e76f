"""gan-study status"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from study import spec
from study.attempt import whereabouts
from study.commands.common import RESULTS, Results, StudyName, console, folder_of, table
from study.durable import locked
from study.plan import deferred
from study.results.query import connect
from study.results.store import Store

UNFINISHED = ("waiting", "started", "failed")  # a failed one may be in a retry


def command(study: StudyName, results: Results = RESULTS) -> None:
    """Where a study stands: done, running (where, since when), diverged, failed, started, waiting.

    Example: gan-study status demo
    """
    store = Store(folder_of(study, results))
    with connect(store.folder) as database:
        names = ("trial", "phase", "status", "search", "sample", "seed", "step", "steps", "loss", "dataset")
        trials = [dict(zip(names, row, strict=True)) for row in
                  database.execute(f"SELECT {', '.join(names)} FROM trials").fetchall()]  # fmt: skip
    running = {
        t["trial"]: place for t in trials if t["status"] in UNFINISHED if (place := whereabouts(store, t["trial"]))
    }
    for trial in trials:
        if trial["trial"] in running:
            trial["status"] = "running"
    states = ("done", "running", "diverged", "failed", "started", "waiting")
    counts = Counter((t["loss"], t["dataset"], t["status"]) for t in trials)
    searches = dict.fromkeys((t["loss"], t["dataset"]) for t in trials)
    rows = [(*search, *(counts[*search, state] for state in states)) for search in searches]
    rows.append(("all", "", *(sum(1 for t in trials if t["status"] == state) for state in states)))
    console.print(table(f"{store.folder.name}: {len(trials):,} trials", ("loss", "data set", *states), rows))
    planned = spec.parse(store.study_file.read_text(), str(store.study_file))
    known = {phase.name: {(t["loss"], t["dataset"]): None for t in trials if t["phase"] == phase.name}
             for phase in planned.phases}  # fmt: skip
    later_phases = deferred(planned, known)
    for phase, later in later_phases.items():
        console.print(f"phase {phase}: {later['trials']:,} trials more, once their settings can be selected")
    if running:
        lines = [_running(trial, running[trial["trial"]]) for trial in trials if trial["trial"] in running]
        columns = ("search", "sample", "seed", "measured at", "of", "host", "process", "for")
        console.print(table("\nrunning now", columns, lines))
    console.print("\na driver is at work" if locked(store.driver_lock) else "\nno driver is at work", end="")
    left = sum(t["status"] in ("started", "waiting") for t in trials)
    failed = sum(t["status"] == "failed" for t in trials)
    hints = [f"go on: gan-study run {study}"] * bool(left or later_phases)
    hints += [f"failures again: gan-study retry {study}"] * bool(failed)
    console.print("".join(f"; {hint}" for hint in hints))


def _running(trial: dict[str, Any], where: dict[str, Any]) -> tuple[object, ...]:
    place = (where["host"], where["pid"], _since(where["started_at"]))
    return (trial["search"], trial["sample"], trial["seed"], trial["step"] or 0, trial["steps"], *place)


def _since(started_at: str) -> str:
    minutes = (datetime.now(UTC) - datetime.fromisoformat(started_at)).total_seconds() / 60
    return f"{minutes:.1f} min"
