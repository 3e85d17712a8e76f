"""Numbers that were made in different ways are not compared unawares, whoever asks, and of whatever attempts."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from study.errors import StudyError
from study.identity import digest
from study.results import fingerprints, load, rowfile
from study.results.ask import ask
from study.results.compact import compact
from study.results.query import connect
from study.results.rowfile import Row
from study.results.store import Store
from study.results.verify import verify
from tests.results.synthetic import NOW, PLANNED, STEPS, TRIALS, done, new_store, row, write

OTHER = '{"metrics":["other"]}'  # the rest of the rows says fd
STATES: dict[str, Callable[[Store], object]] = {
    "in files of rows": lambda store: None,
    "compacted": lambda store: compact(store),
    "compacted and going on": lambda store: (compact(store), write(store, row(PLANNED[0], 3, 10, fd=1.0))),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One trial that is done."""
    made = new_store(tmp_path / "tiny")
    write(made, *done(PLANNED[1]))
    return made


@pytest.fixture(params=STATES)
def remeasured(request: pytest.FixtureRequest, store: Store) -> Store:
    """Beside it one whose first attempt measured in another way; each of its rows was measured again."""
    write(store, *(row(PLANNED[0], 1, step, fd=5.0, fingerprint=OTHER) for step in STEPS[:2]))
    write(store, *done(PLANNED[0], attempt=2))
    STATES[request.param](store)
    return store


REFUSED = r"tiny: the rows of triangles_tiny were measured in 2 ways .*\(metrics: \[\"fd\"\], \[\"other\"\]\).*--mixed"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM attempts",
        'SELECT count(*) FROM "Attempts"',
        "SELECT max(score) FROM trials WHERE trial IN (SELECT trial FROM attempts)",
    ],
)
def test_a_question_to_attempts_looks_at_those_that_no_longer_count(sql: str, remeasured: Store) -> None:
    with pytest.raises(StudyError, match=REFUSED):
        ask(remeasured.folder, sql)
    with connect(remeasured.folder) as database:
        expected = database.sql(sql).fetchall()
    assert [tuple(each.values()) for each in ask(remeasured.folder, sql, mixed=True).to_pylist()] == expected


@pytest.mark.parametrize("view", ["trials", "evaluations", "best", "settings"])
def test_a_question_to_what_counts_does_not(view: str, remeasured: Store) -> None:
    (answer,) = ask(remeasured.folder, f"SELECT count(*) AS n FROM {view}").to_pylist()
    assert answer == {"n": {"trials": 8, "evaluations": 6, "best": 2, "settings": 4}[view]}
    assert len(load(remeasured.folder, view)) == answer["n"]


def test_a_frame_of_attempts_is_refused_unless_mixed(remeasured: Store) -> None:
    with pytest.raises(StudyError, match=rf"{remeasured.folder.name}: the rows of triangles_tiny .* 2 ways"):
        load(remeasured.folder, view="attempts", columns=["trial", "step"])
    frame = load(remeasured.folder, view="attempts", mixed=True)
    assert set(frame["fingerprint"]) == {OTHER, '{"metrics":["fd"]}'}


@pytest.mark.parametrize("state", ["in files of rows", "compacted"])
@pytest.mark.parametrize(("view", "rows"), [("trials", 8), ("best", 2), ("attempts", 6)])
def test_rows_that_count_are_refused_unless_mixed(view: str, rows: int, state: str, store: Store) -> None:
    write(store, *(each | {"fingerprint": OTHER} for each in done(PLANNED[0])))
    STATES[state](store)
    with pytest.raises(StudyError, match=REFUSED):
        ask(store.folder, f"FROM {view}")
    with pytest.raises(StudyError, match="2 ways"):
        load(store.folder, view)
    assert len(load(store.folder, view, mixed=True)) == len(ask(store.folder, f"FROM {view}", mixed=True)) == rows
    assert len(load(store.folder, "plan")) == 8  # it has no numbers


def nameless(store: Store, rows: Sequence[Row]) -> Path:
    """A file that says of its numbers not how they were made, as a program before this one might have written it."""
    table = rowfile.table_of(rows, list(dict.fromkeys(name for each in rows for name in each)))
    path = store.row_file(rows[0]["trial"], rows[0]["attempt"])
    store.rows.mkdir(exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"schema_version": "2"}), path, compression="zstd")
    return path


def unsaid(rows: Sequence[Row], count: int = len(STEPS)) -> list[dict[str, Any]]:
    """The rows, so many of them without their fingerprint."""
    return [{**each, "fingerprint": None} if i < count else {**each} for i, each in enumerate(rows)]


def lacking(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows without the very column."""
    return [{name: value for name, value in each.items() if name != "fingerprint"} for each in rows]


@pytest.mark.filterwarnings("ignore:1 of . files are of an older schema version")
@pytest.mark.parametrize("without", [unsaid, lacking])
@pytest.mark.parametrize(("view", "scores"), [("trials", 2), ("attempts", 6)])
def test_numbers_without_a_fingerprint_are_a_way_of_their_own(
    view: str, scores: int, without: Callable[[Sequence[Row]], list[dict[str, Any]]], store: Store
) -> None:
    nameless(store, without(done(PLANNED[0])))
    sql = f"SELECT count(score) AS n FROM {view}"
    for state in ("in files of rows", "compacted"):  # as the other trial is then
        STATES[state](store)
        with pytest.raises(StudyError, match=r"2 ways .*\(metrics: \[\"fd\"\], absent\)"):
            ask(store.folder, sql)
        with pytest.raises(StudyError, match="2 ways"):
            load(store.folder, view)
        assert ask(store.folder, sql, mixed=True).to_pylist() == [{"n": scores}]
        assert load(store.folder, view, mixed=True)["score"].count() == scores


@pytest.mark.filterwarnings("ignore:1 of 1 files are of an older schema version")
def test_where_no_number_has_a_fingerprint_they_may_be_compared(tmp_path: Path) -> None:
    store = new_store(tmp_path / "tiny")
    nameless(store, unsaid(done(PLANNED[0])))
    assert ask(store.folder, "SELECT count(score) AS n FROM trials").to_pylist() == [{"n": 1}]
    assert len(load(store.folder, "attempts")) == 3


@pytest.mark.parametrize("count", [1, 3])
def test_compaction_leaves_such_a_file_as_it_is_and_verify_names_it(count: int, store: Store) -> None:
    """The index has one fingerprint per attempt, or none."""
    path = nameless(store, unsaid(done(PLANNED[0]), count))
    content = path.read_bytes()
    report = compact(store)
    assert (report.attempts, report.left_out) == (1, (f"{path} (it has metrics without a fingerprint)",))
    assert path.read_bytes() == content
    (fault,) = (each for each in verify(store, digest).found if each.fault)
    assert (fault.where, fault.what) == (str(path), "it has metrics without a fingerprint")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("metric", ["fd_cnn28", "fd_other_selection", "fid"])
def test_numbers_without_a_fingerprint_are_not_written(metric: str, count: int, store: Store) -> None:
    rows = [{**each, metric: 1.0} for each in (row(PLANNED[0], 1, step) for step in STEPS)]
    for wrong in (unsaid(rows, count), lacking(rows)):
        with pytest.raises(ValueError, match="no fingerprint"):
            rowfile.encode(wrong)
        with pytest.raises(ValueError, match="no fingerprint"):
            store.write(TRIALS[0], 1, wrong)
    assert not store.row_file(TRIALS[0], 1).exists()


def test_a_failure_has_no_number_and_needs_no_fingerprint(store: Store) -> None:
    required = {"trial": TRIALS[0], "attempt": 1, "step": 0, "steps": 30, "written_at": NOW}
    write(store, {**required, "status": "failed", "exception": "OSError"})
    assert len(load(store.folder, "attempts")) == 4
    report = compact(store)
    assert (report.attempts, report.left_out) == (2, ())
    assert len(load(store.folder, "attempts")) == 4


STRANGE = ["one way", "", "[1, 2]", '"fd"', "null", "NaN", '{"metrics":["fd"]', "{'metrics': ['fd']}"]


@pytest.mark.parametrize("text", ["one way", "[1, 2]", "NaN"])
def test_a_fingerprint_of_another_form_is_named(text: str, store: Store) -> None:
    write(store, *(each | {"fingerprint": text} for each in done(PLANNED[0])))
    for ask_ in (lambda: ask(store.folder, "FROM trials"), lambda: load(store.folder, "attempts")):
        with pytest.raises(StudyError, match="2 ways") as caught:
            ask_()
        assert f"fingerprint: {', '.join(sorted([json.dumps(text), 'absent']))};" in str(caught.value)
    assert len(load(store.folder, mixed=True)) == 6


def test_two_fingerprints_of_another_form_are_two_ways() -> None:
    rows = pd.DataFrame({"dataset": ["a"] * len(STRANGE), "fingerprint": STRANGE})
    with pytest.raises(StudyError, match=f"here: the rows of a were measured in {len(STRANGE)} ways"):
        fingerprints.check(rows, "here")
    fingerprints.check(rows[:1], "here")
