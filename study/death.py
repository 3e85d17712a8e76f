"""The row of a trial whose process could not write it: killed, or failed outside of the trial."""

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from study import durable
from study.attempt import USED, Attempt, ended
from study.errors import StudyError
from study.plan import Planned
from study.provenance import keep_code, keep_study
from study.results.markers import read_marker
from study.results.rowfile import Row
from study.results.store import Store


class WorkerDied(Exception):
    """A trial ended outside of itself: its process was killed, or failed before or after the trial ran."""


def record_death(planned: Planned, store: Store, reason: str) -> Row | None:
    """Writes the failed row that a killed process could not write itself.

    None where its last attempt left an end, stood still for its machine to be left, or where another is at it already.
    """
    trial = planned.trial.id
    with durable.lock(store.trial_lock(trial), wait=False) as held:
        rows = store.read(trial)
        died = _newest(_marked(store, trial), rows)
        mine = [row for row in rows if row["attempt"] == died["attempt"]]
        if not held or "left" in died or ended(rows) or any(row["status"] == "failed" for row in mine):
            return None
        number = died["attempt"]
        while not mine and store.row_file(trial, number).exists():  # it cannot be read, and is not to be written over
            number += 1
        attempt = Attempt(planned, store, number, _common(died, store))
        if "started_at" in died:
            attempt.started_at = datetime.fromisoformat(died["started_at"])
        attempt.rows = list(mine)
        last = max(rows, key=lambda row: (row["step"], row["attempt"]), default={"step": 0})
        used = {name: last[name] for name in USED if last.get(name) is not None}
        for row in (last, *mine):  # the attempt's own comes last: the rows of a file have one
            if row.get("fingerprint"):
                attempt.common["fingerprint"] = row["fingerprint"]
        return attempt.fail(last["step"], WorkerDied(reason), used)


def _marked(store: Store, trial: str) -> Mapping[str, Any] | None:
    """The newest marker; its number alone where it is damaged, with a warning: the death is recorded all the same."""
    paths = store.attempts_of(trial)
    if not paths:
        return None
    number = max(paths)
    try:
        return read_marker(paths[number])
    except StudyError as error:
        warnings.warn(str(error), stacklevel=2)
        return {"attempt": number}


def _newest(marked: Mapping[str, Any] | None, rows: Sequence[Row]) -> Mapping[str, Any]:
    """The newest attempt's marker; its number alone where it died before it could leave one.

    That is the number after those of the rows, which may have come without markers from another folder; or theirs,
    where its death is among the rows already.
    """
    measured = max((row["attempt"] for row in rows), default=0)
    if marked and marked["attempt"] >= measured:
        return marked
    failed = any(row["status"] == "failed" for row in rows if row["attempt"] == measured)
    return {"attempt": measured if failed else measured + 1}


def _common(died: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """The columns of where an attempt ran, by its marker; without one, of the code and the study that it was to run."""
    if "host" in died:
        return dict(died.get("common", {"job": died["job"]}))  # an older program's marker knows the job alone
    study = keep_study(store, store.study_file.read_text()) if store.study_file.exists() else None
    return {**keep_code(store), "study_yaml": study}
