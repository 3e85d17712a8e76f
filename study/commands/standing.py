"""Where every trial of a plan stands, and which are to be run."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from study.errors import StudyError
from study.results.query import connect
from study.results.rowfile import Row
from study.results.store import Store
from study.results.views import USUAL
from study.spec import Study


def standing(store: Store, planned: Sequence[Row] | None = None) -> dict[str, dict[str, Any]]:
    """Where every planned trial stands: status, failures, best score, and the images and seconds it has had.

    planned: the plan's rows, where they are other than those that the folder keeps.
    Raises StudyError where row files cannot be read: what they hold would be repeated.
    """
    names = (
        "trial", "status", "images_seen", "train_seconds", "loss", "dataset", "sample", "score", "selection_score",
        "exception", "message",
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as told, connect(store.folder, planned, columns=USUAL) as database:
        rows = database.execute(
            f"SELECT {', '.join(names)}, coalesce(failures, 0) FROM trials LEFT JOIN "
            "(SELECT trial, count(*) AS failures FROM attempts WHERE status = 'failed' GROUP BY trial) USING (trial)"
        ).fetchall()
    unread = [str(each.message) for each in told if "left out" in str(each.message)]
    if unread:
        raise StudyError(f"{unread[0]}; move them away to measure their trials again, or bring the whole files back")
    return {row[0]: dict(zip((*names, "failures"), row, strict=True)) for row in rows}


def wanted(facts: Mapping[str, Any], statuses: Collection[str], forgiven: Mapping[str, int], study: Study) -> bool:
    """Whether a trial is to be run: it is in one of the states, or failed since the order and has tries left.

    So a head that was killed goes on as if it had not been: a trial waiting for its retry then gets it, and one that
    has had all its retries is not repeated.
    """
    since = facts["failures"] - forgiven.get(facts["trial"], 0)
    if facts["status"] == "failed" and since > 0:
        return since <= study.resources.retries
    if facts["status"] == "started" and "failed" in statuses and facts["trial"] in forgiven:
        return True  # the retry of a failed one, in the middle
    return facts["status"] in statuses
