"""Reading results: the newest truth about every trial, whatever was interrupted, repeated or damaged."""

import hashlib
import shutil
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study import plan, spec
from study.errors import StudyError
from study.plan import Planned
from study.results import connect, load, schema
from study.results.store import Store
from tests.conftest import tiny_study

NOW = datetime(2026, 11, 22, 2, 40, 1, 123456, tzinfo=UTC)
STUDY = tiny_study(losses=["ns", "vae"], phases=[{"name": "wide", "space": "wide", "settings": 4}])
PLANNED = plan.build(STUDY, {})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A study's folder with a plan of eight trials and no rows."""
    found = Store(tmp_path / "tiny")
    found.write_plan([planned.row(i) for i, planned in enumerate(PLANNED)], spec.dump(STUDY))
    return found


def row(planned: Planned, attempt: int, step: int, status: str = "ok", **values: Any) -> dict[str, Any]:
    """One row as a trial would write it; fd is the value of its metric, and of its twin on the selection split.

    chosen_by: another value for the twin.
    """
    trial = planned.trial
    base = {
        "trial": trial.id, "phase": planned.phase, "search": planned.search, "sample": planned.sample,
        "loss": trial.loss, "dataset": trial.dataset, "seed": trial.seed, "content": trial.content,
        **trial.hyperparameters, "attempt": attempt, "step": step, "steps": trial.steps,
        "objective": "fd_cnn28_selection", "reported": "fd_cnn28", "variant": trial.variant,
        "written_at": NOW, "status": status,
    }  # fmt: skip
    if "fd" in values:
        base["fd_cnn28"] = values.pop("fd")
        base["fd_cnn28_selection"] = values.pop("chosen_by", base["fd_cnn28"])
        base["fingerprint"] = "{}"
    return base | values


def write(store: Store, *rows: dict[str, Any]) -> None:
    """Rows of one attempt at one trial."""
    store.write(rows[0]["trial"], rows[0]["attempt"], rows)


def ask(store: Store, sql: str) -> list[tuple[Any, ...]]:
    with connect(store.folder) as database:
        return database.execute(sql).fetchall()


def test_without_a_plan_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="run gan-study run first"):
        connect(tmp_path)


def test_without_rows_every_trial_waits(store: Store) -> None:
    found = ask(store, "SELECT trial, status, step, score, phase, sample, learning_rate, batch_norm FROM trials")
    assert [each[0] for each in found] == [planned.trial.id for planned in PLANNED]
    assert {each[1:5] for each in found} == {("waiting", None, None, "wide")}
    assert [each[5] for each in found] == [0, 0, 1, 1, 2, 2, 3, 3]
    settings_of = [planned.trial.hyperparameters for planned in PLANNED]
    assert [each[6:] for each in found] == [(s["learning_rate"], s["batch_norm"]) for s in settings_of]
    assert ask(store, "SELECT count(*) FROM evaluations") == ask(store, "SELECT count(*) FROM attempts") == [(0,)]


def test_the_newest_attempt_of_a_step_counts(store: Store) -> None:
    trial = PLANNED[0]
    write(store, row(trial, 1, 10, fd=1.0), row(trial, 1, 20, fd=2.0))
    write(store, row(trial, 2, 20, fd=20.0), row(trial, 2, 30, fd=30.0))
    assert ask(store, "SELECT step, attempt, fd_cnn28, score, ending FROM evaluations") == [
        (10, 1, 1.0, 1.0, False), (20, 2, 20.0, 20.0, False), (30, 2, 30.0, 30.0, True)
    ]  # fmt: skip
    assert ask(store, "SELECT step, attempt FROM attempts ORDER BY attempt, step") == [
        (10, 1),
        (20, 1),
        (20, 2),
        (30, 2),
    ]


def test_the_tenth_attempt_is_newer_than_the_ninth(store: Store) -> None:
    for attempt in (9, 10, 100, 99):
        write(store, row(PLANNED[0], attempt, 10, fd=float(attempt)))
    assert ask(store, "SELECT attempt, fd_cnn28 FROM evaluations") == [(100, 100.0)]


def test_a_failure_that_a_later_attempt_went_past_is_history(store: Store) -> None:
    trial = PLANNED[0]
    write(store, row(trial, 1, 10, fd=1.0), row(trial, 1, 10, "failed", exception="OSError", message="full"))
    status = "SELECT status, step, exception, message FROM trials WHERE position = 0"
    assert ask(store, status) == [("failed", 10, "OSError", "full")]
    assert ask(store, "SELECT step, status, ending FROM evaluations ORDER BY status") == [
        (10, "failed", True), (10, "ok", False)
    ]  # fmt: skip
    write(store, row(trial, 2, 20, fd=2.0))
    assert ask(store, status) == [("started", 20, None, None)]
    assert ask(store, "SELECT step, attempt, status FROM evaluations") == [(10, 1, "ok"), (20, 2, "ok")]
    assert ask(store, "SELECT count(*) FROM attempts WHERE status = 'failed'") == [(1,)]


def test_a_failure_of_the_newest_attempt_counts(store: Store) -> None:
    trial = PLANNED[0]
    write(store, row(trial, 1, 10, fd=1.0), row(trial, 1, 10, "failed", message="first"))
    write(store, row(trial, 2, 20, fd=2.0), row(trial, 2, 20, "failed", message="second"))
    assert ask(store, "SELECT message FROM evaluations WHERE status = 'failed'") == [("second",)]
    assert ask(store, "SELECT status, message, score, score_step FROM trials WHERE position = 0") == [
        ("failed", "second", 1.0, 10)
    ]


def test_every_status_of_a_trial(store: Store) -> None:
    write(store, row(PLANNED[1], 1, 10, fd=3.0), row(PLANNED[1], 1, 20, fd=2.0))
    write(store, row(PLANNED[2], 1, 10, fd=3.0), row(PLANNED[2], 1, 30, fd=4.0))
    write(store, row(PLANNED[3], 1, 10, fd=3.0), row(PLANNED[3], 1, 20, "diverged", message="the loss is nan"))
    write(store, row(PLANNED[4], 1, 0, "failed", exception="ValueError"))
    found = ask(store, "SELECT status, step, score, score_step FROM trials ORDER BY position")
    assert found == [
        ("waiting", None, None, None), ("started", 20, 2.0, 20), ("done", 30, 3.0, 10), ("diverged", 20, 3.0, 10),
        ("failed", 0, None, None), *[("waiting", None, None, None)] * 3,
    ]  # fmt: skip
    assert {status for status, *_ in found} == set(schema.TRIAL_STATUSES)


def test_the_score_is_the_best_measured_value_of_the_objective(store: Store) -> None:
    trial = PLANNED[0]
    write(
        store, row(trial, 1, 5, fd=7.0, fd_other=0.1), row(trial, 1, 10, fd=3.0, fd_other=9.0),
        row(trial, 1, 15, fd=5.0, fd_other=0.2), row(trial, 1, 20, "diverged", fd=0.5, fd_other=0.0),
    )  # fmt: skip
    assert ask(store, "SELECT score, score_step FROM trials WHERE position = 0") == [(3.0, 10)]
    write(store, row(PLANNED[1], 1, 10, fd=3.0, fd_other=2.0, objective="fd_other", reported="fd_other"))
    assert ask(store, "SELECT score FROM trials WHERE position = 1") == [(2.0,)]


@pytest.mark.parametrize("value", [None, float("nan")])
def test_what_is_no_number_never_wins(value: float | None, store: Store) -> None:
    write(store, row(PLANNED[0], 1, 10, fd=value), row(PLANNED[0], 1, 20, fd=4.0), row(PLANNED[0], 1, 30, fd=value))
    write(store, row(PLANNED[1], 1, 10, "diverged", fd=value))
    assert ask(store, "SELECT score, score_step FROM trials WHERE position < 2 ORDER BY position") == [
        (4.0, 20), (None, None)
    ]  # fmt: skip


def test_a_trial_of_two_phases_is_one_trial_in_two_rows(tmp_path: Path) -> None:
    study = tiny_study(
        losses=["ns"], phases=[{"name": name, "space": "wide", "settings": 1} for name in ("first", "second")]
    )
    built, store = plan.build(study, {}), Store(tmp_path)
    store.write_plan([planned.row(i) for i, planned in enumerate(built)], spec.dump(study))
    write(store, row(built[0], 1, 30, fd=1.5))
    assert ask(store, "SELECT phase, status, score FROM trials") == [("first", "done", 1.5), ("second", "done", 1.5)]
    assert ask(store, "SELECT count(*) FROM evaluations") == [(1,)]


def test_hyperparameters_are_typed_and_null_where_a_loss_has_none(store: Store) -> None:
    (found,) = ask(store, "SELECT disc_iters, clip, typeof(disc_iters), typeof(batch_norm), typeof(beta1), batch_norm "
                          "FROM trials WHERE loss = 'vae' AND sample = 0")  # fmt: skip
    assert found == (None, None, "BIGINT", "BOOLEAN", "DOUBLE", True)


def test_timestamps_come_back(store: Store) -> None:
    write(store, row(PLANNED[0], 1, 10, fd=1.0))
    evaluations = load(store.folder)
    assert evaluations["written_at"][0] == NOW
    assert evaluations["written_at"].dt.tz is not None
    ((found,),) = ask(store, "SELECT epoch_us(written_at) FROM evaluations")
    assert found == round(NOW.timestamp() * 1e6)


def test_frames_hold_every_column(store: Store) -> None:
    write(store, row(PLANNED[0], 1, 30, fd=1.0))
    trials, evaluations = load(store.folder, "trials"), load(store.folder)
    assert len(trials) == 8
    assert len(evaluations) == 1
    assert set(schema.COLUMNS) | {"fd_cnn28", "fd_cnn28_selection", "score", "selection_score", "ending"} == set(
        evaluations.columns
    )
    assert list(trials["status"]) == ["done"] + ["waiting"] * 7


def damage_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_zeros(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def damage_foreign(path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), path)


def damage_future(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({"schema_version": str(schema.VERSION + 1)}), path)


def damage_types(path: Path) -> None:
    table = pa.table({"trial": ["x"], "step": ["ten"]})
    pq.write_table(table.replace_schema_metadata({"schema_version": str(schema.VERSION)}), path)


def damage_half(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 4)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [damage_cut, damage_empty, damage_zeros, damage_foreign, damage_future, damage_types, damage_half],
    ids=lambda function: function.__name__,
)  # fmt: skip
def test_a_damaged_file_is_left_out_by_name(damage: Callable[[Path], None], store: Store) -> None:
    for planned in PLANNED[:3]:
        write(store, row(planned, 1, 30, fd=1.0))
    path = store.rows / f"{PLANNED[1].trial.id}.001.parquet"
    damage(path)
    with pytest.warns(UserWarning, match="left out 1 of 3 files") as caught:
        found = ask(store, "SELECT status FROM trials ORDER BY position LIMIT 3")
    assert str(path) in str(caught[0].message)
    assert found == [("done",), ("waiting",), ("done",)]


def test_several_damaged_files_are_all_named(store: Store) -> None:
    for planned in PLANNED[:4]:
        write(store, row(planned, 1, 30, fd=1.0))
    damage_empty(store.rows / f"{PLANNED[0].trial.id}.001.parquet")
    damage_cut(store.rows / f"{PLANNED[1].trial.id}.001.parquet")
    shutil.copy(store.rows / f"{PLANNED[2].trial.id}.001.parquet", store.rows / "copy.parquet")
    with pytest.warns(UserWarning, match="left out 3 of 5 files") as caught:
        assert ask(store, "SELECT count(*) FROM evaluations") == [(2,)]
    for name in (PLANNED[0].trial.id, PLANNED[1].trial.id, "copy.parquet"):
        assert name in str(caught[0].message)


def test_files_of_writes_under_way_are_no_files(store: Store) -> None:
    write(store, row(PLANNED[0], 1, 30, fd=1.0))
    (store.rows / f".{PLANNED[1].trial.id}.001.parquet.abc.aside").write_bytes(b"half")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ask(store, "SELECT count(*) FROM evaluations") == [(1,)]


def snapshot(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "COPY trials TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{folder}/plan.parquet' (FORMAT parquet)",
        "EXPORT DATABASE '{folder}/out'",
        "SELECT * FROM read_csv('{folder}/study.yaml')",
        "SELECT * FROM read_text('{folder}/study.yaml')",
        "SELECT * FROM read_parquet('{folder}/plan.parquet')",
        "SELECT * FROM '{folder}/plan.parquet'",
        "SELECT * FROM glob('{folder}/*')",
        "COPY trials FROM '{folder}/plan.parquet'",
        "ATTACH '{folder}/out.db' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "SET lock_configuration = false",
    ],
)
def test_a_query_reaches_no_file(sql: str, store: Store) -> None:
    write(store, row(PLANNED[0], 1, 30, fd=1.0))
    before = snapshot(store.folder)
    with connect(store.folder) as database, pytest.raises(duckdb.Error):
        database.execute(sql.format(folder=store.folder)).fetchall()
    assert snapshot(store.folder) == before


@pytest.mark.parametrize("sql", ["DELETE FROM attempts", "DROP TABLE trials", "UPDATE evaluations SET score = 0"])
def test_a_query_changes_no_stored_row(sql: str, store: Store) -> None:
    write(store, row(PLANNED[0], 1, 30, fd=1.0))
    before = snapshot(store.folder)
    with connect(store.folder) as database, pytest.raises(duckdb.Error):
        database.execute(sql)
    assert snapshot(store.folder) == before
    assert ask(store, "SELECT count(*), min(score) FROM evaluations") == [(1, 1.0)]
    assert ask(store, "SELECT count(*) FROM trials") == [(8,)]


STEPS = (10, 20, 30)
ENDINGS = st.sampled_from(["killed", "failed"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), ENDINGS), min_size=1, max_size=5))
def test_any_history_leaves_one_row_per_measured_step(tmp_path: Path, history: list[tuple[int, int, str]]) -> None:
    """Each attempt measures so many steps from its first, which repeats up to two, and is killed or fails."""
    store = Store(tmp_path / "any")
    shutil.rmtree(store.folder, ignore_errors=True)
    store.write_plan([planned.row(i) for i, planned in enumerate(PLANNED)], spec.dump(STUDY))
    done, expected, failed = 0, dict[int, int](), False
    for attempt, (back, count, ending) in enumerate(history, 1):
        first = max(0, done - back)
        measured = STEPS[first : first + count]
        done = first + len(measured)
        expected |= dict.fromkeys(measured, attempt)
        rows = [row(PLANNED[0], attempt, step, fd=float(step)) for step in measured]
        if ending == "failed" and done < len(STEPS):
            rows.append(row(PLANNED[0], attempt, max(measured, default=0), "failed"))
        if rows:
            write(store, *rows)
            failed = rows[-1]["status"] == "failed"
    with connect(store.folder) as database:
        found = database.execute("SELECT step, attempt FROM evaluations WHERE status = 'ok'").fetchall()
        failures = database.execute("SELECT count(*) FROM evaluations WHERE status = 'failed'").fetchall()
        ((status, score),) = database.execute("SELECT status, score FROM trials WHERE position = 0").fetchall()
    assert found == sorted(expected.items())
    assert failures == [(int(failed),)]
    whole = 30 in expected
    wanted = "done" if whole else "failed" if failed else "started" if expected else "waiting"
    assert (status, score) == (wanted, min(expected, default=None))


def test_an_earlier_plan_of_the_same_name_stays_in_attempts_alone(store: Store) -> None:
    first, second = PLANNED[0], PLANNED[1]
    write(store, row(first, 1, 30, fd=5.0, fingerprint="one way"))
    write(store, row(second, 1, 30, fd=6.0, fingerprint="another way"))
    store.write_plan([second.row(0)], "")
    assert ask(store, "SELECT trial FROM evaluations") == [(second.trial.id,)]
    assert ask(store, "SELECT trial FROM trials") == [(second.trial.id,)]
    assert ask(store, "SELECT count(*) FROM attempts") == [(2,)]


def test_selection_chooses_the_evaluation_and_the_other_split_reports_it(store: Store) -> None:
    """Step 20 has the least value on the selection split, step 30 on the reporting split: 20 is what is reported."""
    trial = PLANNED[0]
    write(
        store,
        row(trial, 1, 10, fd=5.0, chosen_by=6.0),
        row(trial, 1, 20, fd=4.0, chosen_by=2.0),
        row(trial, 1, 30, fd=3.0, chosen_by=2.5),
    )
    sql = "SELECT status, score, selection_score, score_step FROM trials WHERE position = 0"
    assert ask(store, sql) == [("done", 4.0, 2.0, 20)]
    assert ask(store, "SELECT score, selection_score FROM evaluations ORDER BY step") == [
        (5.0, 6.0), (4.0, 2.0), (3.0, 2.5)
    ]  # fmt: skip


def test_a_step_that_was_measured_twice_has_one_row_whatever_it_measured(store: Store) -> None:
    """Another machine may have found otherwise: the newest attempt counts, and an end that it went past does not."""
    write(store, row(PLANNED[0], 1, 10, fd=3.0), row(PLANNED[0], 1, 20, fd=2.0))
    write(store, row(PLANNED[0], 2, 20, "diverged", message="the loss is nan"))
    assert ask(store, "SELECT step, attempt, status FROM evaluations") == [(10, 1, "ok"), (20, 2, "diverged")]
    assert ask(store, "SELECT status, score, score_step FROM trials WHERE position = 0") == [("diverged", 3.0, 10)]
    write(store, row(PLANNED[0], 3, 30, fd=1.0))
    assert ask(store, "SELECT step, attempt, status FROM evaluations") == [
        (10, 1, "ok"), (20, 1, "ok"), (30, 3, "ok")
    ]  # fmt: skip
    assert ask(store, "SELECT status, score_step FROM trials WHERE position = 0") == [("done", 30)]
