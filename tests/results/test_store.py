"""Writing results: under the schema, whole or not at all, one file per trial and attempt."""

import math
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study import durable, plan, spec
from study.errors import StudyError
from study.results import load, rowfile, schema
from study.results.compact import compact
from study.results.glance import Reader
from study.results.rowfile import NAME
from study.results.store import Store, read_plan, read_plan_table
from tests.conftest import tiny_study
from tests.results.synthetic import PLANNED, TRIALS, done, new_store, write

TRIAL = "0123456789abcdef"
NOW = datetime(2026, 11, 22, 2, 40, 1, 123456, tzinfo=UTC)
ROW: dict[str, Any] = {
    "trial": TRIAL, "loss": "ns", "attempt": 1, "step": 10, "steps": 30, "status": "ok", "batch_norm": True,
    "learning_rate": 0.1, "clip": None, "discriminator_loss": float("nan"), "fd_cnn28": 1 / 3, "fingerprint": "{}",
    "written_at": NOW,
}  # fmt: skip


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(TRIAL, 1, [ROW, {**ROW, "step": 20, "clip": 0.5}])
    assert [path.name for path in store.rows.iterdir()] == [f"{TRIAL}.001.parquet"]
    first, second = store.read(TRIAL)
    assert math.isnan(first.pop("discriminator_loss"))
    assert first == {name: value for name, value in ROW.items() if name != "discriminator_loss"}
    assert (second["step"], second["clip"]) == (20, 0.5)
    assert first["written_at"].tzinfo is not None
    assert type(first["batch_norm"]) is bool


def test_a_column_that_only_some_rows_have_is_null_elsewhere(tmp_path: Path) -> None:
    store = Store(tmp_path)
    failed = {"trial": TRIAL, "attempt": 1, "step": 10, "steps": 30, "status": "failed", "exception": "OSError"}
    store.write(TRIAL, 1, [ROW, failed])
    ok, other = store.read(TRIAL)
    assert (ok["exception"], other["exception"]) == (None, "OSError")
    assert (ok["fd_cnn28"], other["fd_cnn28"], other["batch_norm"]) == (1 / 3, None, None)


@pytest.mark.parametrize("name", ["fd", "fid2", "Fd_cnn28", "fd_cnn-28", "fd_", "score", "position2", "trail", ""])
def test_an_unknown_column_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="neither a column of the results table nor the name of a metric column"):
        Store(tmp_path).write(TRIAL, 1, [{**ROW, name: 1.0}])
    assert not (tmp_path / "rows").exists()


@pytest.mark.parametrize("name", ["fid", "fd_cnn28", "fd_other_extractor2"])
def test_a_metric_column_is_known_by_its_pattern(name: str, tmp_path: Path) -> None:
    Store(tmp_path).write(TRIAL, 1, [{**ROW, name: 2.5}])
    table = pq.read_table(tmp_path / "rows" / f"{TRIAL}.001.parquet")
    assert table.schema.field(name).type == pa.float64()
    assert table.schema.field(name).nullable
    assert table[name].to_pylist() == [2.5]


@pytest.mark.parametrize(
    ("name", "value"),
    [("step", "ten"), ("step", 1.5), ("fd_cnn28", "1.0"), ("status", 3), ("batch_norm", "on"), ("written_at", "now"),
     ("step", 2**63), ("trial", b"x" * 3 + b"\xff")],
)  # fmt: skip
def test_a_wrong_type_is_refused_and_the_file_stays(name: str, value: object, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(TRIAL, 1, [ROW])
    path = store.rows / f"{TRIAL}.001.parquet"
    before = path.read_bytes()
    with pytest.raises((pa.ArrowException, OverflowError, TypeError, ValueError)):
        store.write(TRIAL, 1, [ROW, {**ROW, name: value}])
    assert path.read_bytes() == before
    assert list(store.rows.iterdir()) == [path]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        *[({name: None}, f"a row has no {name}; every row has trial, attempt, step, steps, status")
          for name in schema.REQUIRED],
        ({"status": "finished"}, "status 'finished': allowed are ok, diverged, failed"),
        ({"step": -1}, "step -1: allowed are 0 to 30, the row's steps"),
        ({"step": 31}, "step 31: allowed are 0 to 30, the row's steps"),
        ({"step": -1, "steps": -1}, "step -1: allowed are 0 to -1, the row's steps"),
        ({"step": 10}, "step 10: an attempt has one row of status 'ok' there, not two"),
        ({"objective": "score"}, "objective 'score': allowed are names of metric columns, such as fd_cnn28"),
        ({"reported": ""}, "reported '': allowed are names of metric columns, such as fd_cnn28"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_value_that_no_row_has_is_refused(values: dict[str, Any], told: str, tmp_path: Path) -> None:
    store, second = Store(tmp_path), {**ROW, "step": 20} | values
    store.write(TRIAL, 1, [ROW])
    before = store.row_file(TRIAL, 1).read_bytes()
    with pytest.raises(ValueError, match=re.escape(told)):
        store.write(TRIAL, 1, [ROW, second])
    assert store.row_file(TRIAL, 1).read_bytes() == before


@pytest.mark.parametrize("name", schema.REQUIRED)
def test_a_column_that_no_row_is_without_must_be_there(name: str, tmp_path: Path) -> None:
    lacking = {other: value for other, value in ROW.items() if other != name}
    with pytest.raises(ValueError, match=f"a row has no {name}; every row has trial, attempt, step, steps, status"):
        Store(tmp_path).write(TRIAL, 1, [lacking])
    assert not (tmp_path / "rows").exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [*[({name: None}, f"a row has no {name}") for name in schema.REQUIRED],
     ({"status": "finished"}, "a row has the status 'finished'; there are ok, diverged, failed")],
    ids=str,
)  # fmt: skip
def test_a_file_with_a_value_that_no_row_has_is_damaged(values: dict[str, Any], told: str, tmp_path: Path) -> None:
    """An older program, or another one, wrote it: neither a reader nor a compaction takes it for a table of rows."""
    store = new_store(tmp_path)
    write(store, *done(PLANNED[1]))
    rows = done(PLANNED[0])
    table = rowfile.table_of([*rows[:2], {**rows[2], **values}], list(rows[0]))
    path = store.row_file(TRIALS[0], 1)
    pq.write_table(table.replace_schema_metadata({"schema_version": "2"}), path)
    with pytest.warns(UserWarning, match=f"left out 1 of 2 files: {re.escape(f'{path} ({told})')}"):
        assert len(load(tmp_path, "attempts")) == 3
    with pytest.warns(UserWarning, match=re.escape(f"{path} ({told})")):
        lines = Reader(store).read(read_plan_table(store.plan_file)).lines
    assert [line.status for line in lines[:2]] == ["waiting", "done"]
    assert compact(store).left_out == (f"{path} ({told})",)
    assert path.exists()


def test_the_file_says_its_version_and_types(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(TRIAL, 3, [ROW])
    found = pq.read_schema(store.rows / f"{TRIAL}.003.parquet")
    assert found.metadata[b"schema_version"] == b"3"
    assert found.names == list(ROW)
    assert {name: str(found.field(name).type) for name in ("trial", "step", "batch_norm", "clip", "written_at")} == {
        "trial": "string", "step": "int64", "batch_norm": "bool", "clip": "double",
        "written_at": "timestamp[us, tz=UTC]",
    }  # fmt: skip


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_crash_in_a_write_leaves_the_rows_before_it(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.write(TRIAL, 1, [ROW])

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, moment, crash)
    with pytest.raises(KeyboardInterrupt):
        store.write(TRIAL, 1, [ROW, {**ROW, "step": 20}])
    monkeypatch.undo()
    assert [row["step"] for row in store.read(TRIAL)] == [10]
    assert [path.name for path in store.rows.iterdir()] == [f"{TRIAL}.001.parquet"]


def test_a_reader_during_a_write_sees_the_old_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, seen = Store(tmp_path), list[list[int]]()
    store.write(TRIAL, 1, [ROW])
    original = durable.os.replace

    def look(source: str, target: Path) -> None:
        seen.append([row["step"] for row in store.read(TRIAL)])
        original(source, target)

    monkeypatch.setattr(durable.os, "replace", look)
    store.write(TRIAL, 1, [ROW, {**ROW, "step": 20}])
    assert seen == [[10]]
    assert [row["step"] for row in store.read(TRIAL)] == [10, 20]


def test_attempts_are_read_in_order_and_other_trials_left_out(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for attempt in (10, 2, 1):
        store.write(TRIAL, attempt, [{**ROW, "attempt": attempt}])
    store.write("f" * 16, 1, [{**ROW, "trial": "f" * 16}])
    (store.rows / f".{TRIAL}.001.parquet.xyz.aside").write_bytes(b"half")
    assert [row["attempt"] for row in store.read(TRIAL)] == [1, 2, 10]
    assert store.read("e" * 16) == []
    assert Store(tmp_path / "missing").read(TRIAL) == []


def test_a_damaged_attempt_does_not_hide_the_others(tmp_path: Path) -> None:
    """A trial whose first attempt's file was cut short can go on."""
    store = Store(tmp_path)
    for attempt in (1, 2):
        store.write(TRIAL, attempt, [{**ROW, "attempt": attempt}])
    damaged = store.rows / f"{TRIAL}.001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.warns(UserWarning, match=f"{TRIAL}.001.parquet"):
        rows = store.read(TRIAL)
    assert [row["attempt"] for row in rows] == [2]


def test_file_names_tell_trial_and_attempt(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(TRIAL, 1234, [ROW])
    (path,) = store.rows.iterdir()
    match = NAME.fullmatch(path.name)
    assert match is not None
    assert (match["trial"], int(match["attempt"])) == (TRIAL, 1234)
    for foreign in ("notes.parquet", f"{TRIAL}.parquet", f"{TRIAL}.1.parquet.bak", f"x{TRIAL}.001.parquet"):
        assert NAME.fullmatch(foreign) is None


def test_the_plan_comes_back(tmp_path: Path) -> None:
    study, store = tiny_study(), Store(tmp_path / "new")
    rows = [planned.row(i) for i, planned in enumerate(plan.build(study, {}))]
    store.write_plan(rows, spec.dump(study))
    nothing = dict.fromkeys(schema.PLAN_COLUMNS)
    assert read_plan(store.plan_file) == [nothing | row for row in rows]
    assert spec.parse(store.study_file.read_text(), "stored") == study
    found = pq.read_schema(store.plan_file)
    assert found.names == list(schema.PLAN_COLUMNS)
    assert found.metadata[b"schema_version"] == str(schema.VERSION).encode()


def test_which_columns_two_runs_agree_on() -> None:
    assert schema.is_measured("fd_cnn28")
    assert schema.is_measured("step")
    assert schema.is_measured("learning_rate")
    unmeasured = {name for name in schema.COLUMNS if not schema.is_measured(name)}
    assert unmeasured == {
        "phase", "search", "sample", "space", "sampler", "search_seed", "attempt", "train_seconds",
        "evaluation_seconds", "exception", "message", "trace", "source", "commit", "dirty", "diff", "study_yaml",
        "versions", "hardware", "job", "slurm", "energy_joules", "started_at", "written_at",
    }  # fmt: skip
    assert not schema.is_measured("nothing")


def test_every_file_of_a_trial_has_its_own_path(tmp_path: Path) -> None:
    store = Store(tmp_path)
    paths = [
        store.trial_lock(TRIAL), store.log_file(TRIAL), store.sample_file(TRIAL, 10), store.sample_file(TRIAL, 20),
        store.generator_file(TRIAL), store.plan_file, store.study_file, store.driver_lock,
        store.trial_lock("f" * 16), store.sample_file("f" * 16, 10), store.generator_file("f" * 16),
    ]  # fmt: skip
    assert len(set(paths)) == len(paths)
    assert all(tmp_path in path.parents for path in paths)


def test_a_plan_of_another_version_is_told(tmp_path: Path) -> None:
    study, store = tiny_study(), Store(tmp_path / "old")
    store.write_plan([planned.row(i) for i, planned in enumerate(plan.build(study, {}))], spec.dump(study))
    pq.write_table(pq.read_table(store.plan_file).drop_columns(["space", "sampler"]), store.plan_file)
    with pytest.raises(StudyError, match=r"another version of gan-study \(it lacks space, sampler\); give"):
        read_plan(store.plan_file)


def test_a_plan_without_a_checksum_is_of_another_version(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_plan([], "name: tiny\n")
    pq.write_table(pq.read_table(store.plan_file).replace_schema_metadata({"schema_version": "3"}), store.plan_file)
    with pytest.raises(StudyError, match=r"another version of gan-study \(it lacks a checksum\); give"):
        read_plan(store.plan_file)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(99) + b"PAR1"])
def test_a_damaged_plan_is_told(content: bytes, tmp_path: Path) -> None:
    """What pyarrow raises for it is an ArrowInvalid, an OSError or a ValueError."""
    (tmp_path / "plan.parquet").write_bytes(content)
    with pytest.raises(
        StudyError, match=r"plan\.parquet is damaged \(.*\); remove it, and gan-study run writes it anew"
    ):
        read_plan(tmp_path / "plan.parquet")
