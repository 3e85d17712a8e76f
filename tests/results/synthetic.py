"""Rows as trials write them, of a small plan, and all that readers make of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from study import plan, spec
from study.plan import Planned
from study.results.query import VIEWS, connect
from study.results.rowfile import Row
from study.results.store import Store
from tests.conftest import tiny_study

NOW = datetime(2026, 11, 22, 2, 40, 1, 123456, tzinfo=UTC)
STUDY = tiny_study(losses=["ns", "vae"], phases=[{"name": "wide", "space": "wide", "settings": 2, "seeds": 2}])
PLANNED = plan.build(STUDY, {})
TRIALS = [planned.trial.id for planned in PLANNED]
STEPS = (10, 20, 30)


def new_store(folder: Path) -> Store:
    """A study with a plan of eight trials and no rows."""
    store = Store(folder)
    store.write_plan([planned.row(i) for i, planned in enumerate(PLANNED)], spec.dump(STUDY))
    return store


def row(planned: Planned, attempt: int, step: int, status: str = "ok", **values: Any) -> Row:
    """One row. fd: the value of its metric, and of its twin on the selection split; left out: it has neither."""
    trial = planned.trial
    fd = values.pop("fd", None)
    metrics = {} if fd is None else {"fd_cnn28": fd, "fd_cnn28_selection": fd}
    return {
        "trial": trial.id, "phase": planned.phase, "search": planned.search, "sample": planned.sample,
        "loss": trial.loss, "variant": trial.variant, "dataset": trial.dataset, "seed": trial.seed,
        "content": trial.content, **trial.hyperparameters, "attempt": attempt, "step": step, "steps": trial.steps,
        "objective": "fd_cnn28_selection", "reported": "fd_cnn28", "train_seconds": step / 7, "evaluation_seconds": 0.3,
        "fingerprint": '{"metrics":["fd"]}', "written_at": NOW, "status": status, **metrics, **values,
    }  # fmt: skip


def write(store: Store, *rows: Row) -> Path:
    """Rows of one attempt at one trial."""
    store.write(rows[0]["trial"], rows[0]["attempt"], rows)
    return store.row_file(rows[0]["trial"], rows[0]["attempt"])


def done(planned: Planned, attempt: int = 1) -> list[Row]:
    """The rows of an attempt that went through."""
    return [row(planned, attempt, step, fd=100.0 / step) for step in STEPS]


def seen(store: Store) -> Mapping[str, list[str]]:
    """What the views show and what Store.read returns, as texts: a NaN equals no other NaN."""
    with connect(store.folder) as database:
        views = {view: database.sql(f"FROM {view}").to_arrow_table().to_pylist() for view in VIEWS}
    read = {trial: store.read(trial) for trial in TRIALS}
    return {name: sorted(_text(each) for each in rows) for name, rows in (views | read).items()}


def files(store: Store) -> dict[str, bytes]:
    """Every file below the study's folder but locks, which are empty."""
    paths = sorted(path for path in store.folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(store.folder)): path.read_bytes() for path in paths}


def _text(row: Row) -> str:
    """A column that a file has not is null."""
    return repr(sorted((name, value) for name, value in row.items() if value is not None))
