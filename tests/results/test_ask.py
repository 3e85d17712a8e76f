"""Answers leave unrounded, in every form."""

import io
import json
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.errors import StudyError
from study.results import query
from study.results.ask import BATCH, WORDS, ask, stream
from study.results.forms import WRITERS, encode, rows
from study.results.query import load
from study.results.store import Store
from tests.conftest import tiny_trial
from tests.results.synthetic import PLANNED, done, new_store, write

TABLE = pa.table({"step": pa.array([15_625, None]), "rate": [0.00016549387324169476, 1.0], "name": ['a "b", c', None]})


def test_numbers_are_exact_and_whole_ones_stay_whole() -> None:
    assert encode(TABLE, "csv").decode() == 'step,rate,name\n15625,0.00016549387324169476,"a ""b"", c"\n,1.0,\n'
    assert json.loads(encode(TABLE, "json")) == [
        {"step": 15625, "rate": 0.00016549387324169476, "name": 'a "b", c'},
        {"step": None, "rate": 1.0, "name": None},
    ]
    assert pq.read_table(io.BytesIO(encode(TABLE, "parquet"))).equals(TABLE)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT los FROM trials", "loss"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled"),
        ("SELECT * FROM read_text('plan.parquet')", "disabled"),
        ("FROM glob('/*')", "disabled"),
        ("COPY trials TO 'here.csv'", "not one question"),
        ("COPY (PIVOT trials ON loss USING count(*)) TO 'here.csv'", "not one question"),
        ("/* a */ (COPY trials TO 'here.csv')", "syntax error"),
        ("EXPLAIN ANALYZE COPY trials TO 'here.csv'", "not one question"),
        ("ATTACH 'other.db'", "not one question"),
        ("SELECT 1; SELECT 2", "not one question"),
        ("DROP VIEW trials", "not one question"),
        ("SET memory_limit = '1TB'", "not one question"),
        ("", "not one question"),
        ("/* /* */ SELECT */ COPY (PIVOT trials ON loss USING count(*)) TO 'here.csv'", "not one question"),
        ("--\rCOPY (\nSELECT * FROM (PIVOT trials ON loss USING count(*))) TO 'here.csv'", "not one question"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(sql: str, told: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "tiny")
    store.write_plan([tiny_trial().row(0)], "")
    before = {path: path.read_bytes() for path in store.folder.iterdir()}
    with pytest.raises(StudyError, match=told):
        ask(store.folder, sql)
    assert {path: path.read_bytes() for path in store.folder.iterdir()} == before


def test_an_answer_is_a_table(tmp_path: Path) -> None:
    store = Store(tmp_path / "tiny")
    store.write_plan([tiny_trial().row(0)], "")
    assert ask(store.folder, "SELECT loss, status FROM trials").to_pylist() == [{"loss": "ns", "status": "waiting"}]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("-- how many?\nFROM trials SELECT count(*) AS n", [{"n": 1}]),
        ("WITH t AS (SELECT loss FROM trials) SELECT count(*) AS n FROM t", [{"n": 1}]),
        ("PIVOT trials ON loss USING count(*) GROUP BY dataset", [{"dataset": "triangles_tiny", "ns": 1}]),
        ("SELECT view_name FROM duckdb_views() WHERE view_name = 'best'", [{"view_name": "best"}]),
    ],
)
def test_questions_of_every_kind(sql: str, found: list[dict[str, object]], tmp_path: Path) -> None:
    store = Store(tmp_path / "tiny")
    store.write_plan([tiny_trial().row(0)], "")
    assert ask(store.folder, sql).to_pylist() == found


TOO_LARGE = "SELECT * FROM test_all_types()"  # DuckDB's own: of every type the least value, the greatest, and null


def test_values_that_python_has_not_are_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "tiny")
    store.write_plan([tiny_trial().row(0)], "")
    answer = ask(store.folder, TOO_LARGE)
    for written in (lambda: rows(answer), lambda: encode(answer, "csv"), lambda: encode(answer, "json")):
        with pytest.raises(StudyError, match=r"a value that Python cannot hold \(.*\); CAST it AS VARCHAR"):
            written()


@pytest.mark.parametrize("sql", [TOO_LARGE, "SELECT INTERVAL 1 DAY AS took"])
def test_values_that_parquet_has_not_are_told(sql: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "tiny")
    store.write_plan([tiny_trial().row(0)], "")
    with pytest.raises(StudyError, match="CAST"):
        encode(ask(store.folder, sql), "parquet")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A study with a plan of one trial."""
    store = Store(tmp_path / "tiny")
    store.write_plan([tiny_trial().row(0)], "")
    return store.folder


def test_json_is_valid_and_loses_nothing(tiny: Path) -> None:
    sql = """
        SELECT 'inf'::DOUBLE AS high, '-inf'::DOUBLE AS low, 'nan'::DOUBLE AS odd, sum(range) AS total, 0.5 AS half,
               ['inf'::DOUBLE, 1, NULL] AS list, {'a': 1, 'b': [sum(range)]} AS struct, MAP {'ns': 2} AS map,
               TIMESTAMPTZ '2026-11-22 02:40:01.5+02' AS at, DATE '2026-11-22' AS day, INTERVAL 36 HOUR AS took,
               NULL AS nothing FROM range(4)
    """

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    (found,) = json.loads(encode(ask(tiny, sql), "json"), parse_constant=refuse)
    assert found == {
        "high": "Infinity", "low": "-Infinity", "odd": "NaN", "total": 6, "half": 0.5, "list": ["Infinity", 1.0, None],
        "struct": {"a": 1, "b": [6]}, "map": {"ns": 2}, "at": "2026-11-22T00:40:01.500000+00:00", "day": "2026-11-22",
        "took": "P0M0DT129600.000000000S", "nothing": None,
    }  # fmt: skip
    assert json.loads(encode(ask(tiny, "SELECT 1 AS a WHERE false"), "json")) == []


def test_csv_has_lists_as_json_and_times_as_iso(tiny: Path) -> None:
    sql = "SELECT ['a', NULL] AS list, {'a': 1} AS struct, TIMESTAMPTZ '2026-11-22 02:40:01+00' AS at"
    assert encode(ask(tiny, sql), "csv").decode() == (
        'list,struct,at\n"[""a"", null]","{""a"": 1}",2026-11-22T02:40:01+00:00\n'
    )


def test_sums_of_integers_are_integers_in_every_form(tiny: Path) -> None:
    answer = ask(tiny, "SELECT sum(range) AS few, sum(range) * 2::HUGEINT**80 AS many, 1.25 AS part FROM range(4)")
    assert answer.schema == pa.schema([("few", pa.int64()), ("many", pa.float64()), ("part", pa.float64())])
    assert pq.read_table(io.BytesIO(encode(answer, "parquet"))).to_pylist() == [
        {"few": 6, "many": 6 * 2.0**80, "part": 1.25}
    ]
    assert encode(answer, "csv").decode() == f"few,many,part\n6,{6 * 2.0**80},1.25\n"


def test_an_integer_that_comes_too_late_to_be_a_double_is_told(tiny: Path) -> None:
    """Rather than cut: what the batches before it are is written."""
    sql = f"SELECT if(n > {2 * BATCH}, 10::HUGEINT ** 30, n)::HUGEINT AS n FROM range({4 * BATCH}) AS t(n)"
    with pytest.raises(StudyError, match=r"column n: .*CAST it AS DOUBLE"):
        ask(tiny, sql)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a", "a", "a_1"], ["a", "a_2", "a_1"]),
        (["a", "a", "a", "b"], ["a", "a_1", "a_2", "b"]),
        (["a_1", "a", "a"], ["a_1", "a", "a_2"]),
    ],
)
def test_no_column_takes_the_place_of_another(names: list[str], found: list[str], tiny: Path) -> None:
    answer = ask(tiny, f"SELECT {', '.join(f'{i} AS {name}' for i, name in enumerate(names))}")
    values = list(range(len(names)))
    assert answer.column_names == found
    assert encode(answer, "csv").decode().splitlines() == [",".join(found), ",".join(map(str, values))]
    assert json.loads(encode(answer, "json")) == [dict(zip(found, values, strict=True))]


def test_an_answer_without_end_has_a_beginning(tiny: Path) -> None:
    """It comes as it is asked for: a million million rows are never made."""
    first = stream(tiny, "FROM range(1000000000000)", lambda _, batches: next(batches))
    assert first.column(0).to_pylist() == list(range(len(first)))
    assert 0 < len(first) <= BATCH


@pytest.mark.parametrize("form", WRITERS)
def test_one_batch_at_a_time_is_in_memory(form: str, tiny: Path) -> None:
    seen, most, count = list[weakref.ref[pa.RecordBatch]](), list[int](), 0
    out = io.BytesIO()

    def take(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        def counted() -> Iterator[pa.RecordBatch]:
            nonlocal count
            for batch in batches:
                seen.append(weakref.ref(batch))
                most.append(sum(each() is not None for each in seen))
                count += len(batch)
                yield batch

        WRITERS[form](schema, counted(), out)

    stream(tiny, f"SELECT range AS n FROM range({10 * BATCH})", take)
    assert count == 10 * BATCH
    assert len(most) >= 10
    assert max(most) <= 2  # the one that is written, and the next, until it takes its place


@pytest.mark.parametrize(
    ("sql", "connections"),
    [
        ("SELECT * FROM evaluations", 1), ("FROM best", 1), ("SELECT e.* FROM attempts AS e", 1),
        ("SELECT loss, * EXCLUDE (loss) FROM evaluations", 1), ("SELECT COLUMNS('hard.*') FROM evaluations", 1),
        ("SELECT count(*) FROM evaluations", 1), ("FROM settings", 1), ("SELECT e FROM evaluations AS e", 2),
    ],
)  # fmt: skip
def test_files_are_read_once_where_a_question_is_for_all_columns(
    sql: str, connections: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, seen = new_store(tmp_path / "tiny"), list[object]()
    write(store, *done(PLANNED[0]))
    connect = query.connect

    def counted(folder: Path, **how: object) -> object:
        seen.append(how.get("columns"))
        return connect(folder, **how)

    monkeypatch.setattr(query, "connect", counted)
    assert len(ask(store.folder, sql)) > 0
    assert len(seen) == connections
    if "count" not in sql and "settings" not in sql:
        assert seen[-1] is None
    seen.clear()
    load(store.folder)
    assert seen == [None]


@pytest.mark.parametrize(
    "sql",
    ["FROM loose SELECT avg(fd_cnn28)", "SELECT avg(fd_cnn28) FROM query_table('att' || 'empts')", "FROM marked",
     "SELECT avg(fd_cnn28) FROM query('FROM att' || 'empts')", "PIVOT attempts ON loss USING avg(fd_cnn28)"],
)  # fmt: skip
def test_rows_that_do_not_count_are_compared_by_no_name(sql: str, tmp_path: Path) -> None:
    store = new_store(tmp_path / "tiny")
    write(store, *(row | {"fingerprint": '{"metrics":["other"]}'} for row in done(PLANNED[0], 1)))
    write(store, *done(PLANNED[0], 2))
    with pytest.raises(StudyError, match="2 ways"):
        ask(store.folder, sql)
    assert len(ask(store.folder, sql, mixed=True)) > 0
    assert len(ask(store.folder, "PIVOT trials ON loss USING count(*)")) == 8
    assert len(load(store.folder, where="loss = 'ns'")) == 3
    with pytest.raises(StudyError, match="2 ways"):
        load(store.folder, where="trial IN (SELECT trial FROM attempts)")


def test_what_is_no_question_is_told_how_one_begins(tiny: Path) -> None:
    with pytest.raises(StudyError) as caught:
        ask(tiny, "DROP VIEW trials")
    assert all(word in str(caught.value) for word in WORDS)


def test_times_are_in_utc_whatever_the_machine_says(tiny: Path) -> None:
    answer = ask(tiny, "SELECT TIMESTAMPTZ '2026-11-22 02:40:01+02' AS at")
    assert answer.schema.field("at").type == pa.timestamp("us", "UTC")
    assert answer["at"].to_pylist() == [datetime(2026, 11, 22, 0, 40, 1, tzinfo=UTC)]
