"""Answers leave unrounded, in every form."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.errors import StudyError
from study.results.ask import ask, encode
from study.results.store import Store
from tests.conftest import tiny_trial

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
        ("COPY trials TO 'here.csv'", "disabled"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled"),
        ("ATTACH 'other.db'", "disabled"),
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
