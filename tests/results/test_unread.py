"""Most columns of files of rows are not read at first; every question gets them all the same."""

import duckdb
import pytest

from study.results import Store, connect, load, schema, views
from study.results.ask import ask
from tests.analysis import synthetic
from tests.analysis.synthetic import Recipe

UNUSUAL = "hardware"  # it is on every row


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two losses, two settings, files of rows alone."""
    return Store(synthetic.write(tmp_path_factory.mktemp("results") / "small", Recipe(("ns", "vae"), settings=2)))


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {UNUSUAL} FROM evaluations",
        f'SELECT "{UNUSUAL}" FROM attempts',
        "SELECT * FROM evaluations",
        "FROM best",
        "SELECT COLUMNS('hard.*') FROM evaluations",
        "SELECT COLUMNS(* EXCLUDE (trial)) FROM attempts",
        "SELECT e FROM evaluations AS e",
        "SELECT TRY(COLUMNS('hard.*')) FROM evaluations",
        "SELECT count(COLUMNS('hard.*')), max(COLUMNS('versions')) FROM evaluations",
        "SUMMARIZE evaluations",
        "DESCRIBE evaluations",
        "PIVOT (SELECT * FROM evaluations) ON loss USING count(*) ORDER BY trial, step",
        "SELECT count(*) FROM evaluations NATURAL JOIN attempts",
        "SELECT loss, score FROM trials",
        "FROM settings",
    ],
)
def test_the_answer_is_that_of_all_columns(sql: str, store: Store) -> None:
    with connect(store.folder) as database:
        expected = database.sql(sql).to_arrow_table().to_pylist()
    assert len(expected) > 0
    assert ask(store.folder, sql).to_pylist() == expected


def test_frames_have_all_columns(store: Store) -> None:
    with connect(store.folder) as database:
        expected = database.sql("FROM evaluations ORDER BY trial, step").df()
    assert load(store.folder).equals(expected)
    assert load(store.folder, columns=[UNUSUAL]).equals(expected[[UNUSUAL]])
    assert load(store.folder, columns=["trial"], where=f"{UNUSUAL} IS NOT NULL").equals(expected[["trial"]])
    assert len(load(store.folder, columns=["trial"], where="COLUMNS('hard.*') IS NULL")) == 0


def test_what_was_not_read_is_refused_and_never_null(store: Store) -> None:
    with connect(store.folder, columns=views.USUAL) as database:
        for name in (UNUSUAL, "learning_rate", "written_at"):
            with pytest.raises(duckdb.Error, match=views.UNREAD):
                database.sql(f"SELECT count({name}) FROM evaluations").fetchall()
        assert database.sql("SELECT count(fd_cnn28) FROM evaluations").fetchall() == [(12,)]


def test_usual_columns_are_columns() -> None:
    assert set(schema.COLUMNS) > views.USUAL
