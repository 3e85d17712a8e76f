"""Any order of writing, compacting and reading shows the same rows; and no file that is not whole is ever counted."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.identity import digest
from study.results.compact import compact
from study.results.query import connect
from study.results.rowfile import Damaged, Row, encode, name_of, open_
from study.results.verify import verify
from tests.results.synthetic import PLANNED, STEPS, TRIALS, done, new_store, row, seen, write

SETTINGS = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
FD = st.sampled_from([None, float("nan"), float("inf"), 1.0, 2.0, 3.0])
TRIAL = st.integers(0, 3)
# What may happen next. A new attempt goes on behind the newest evaluation, or repeats up to two; `late` is a process
# that was cut off and goes on with an attempt that others have followed.
STEP = st.one_of(
    st.tuples(st.just("measure"), TRIAL, FD),
    st.tuples(st.sampled_from(["fail", "diverge"]), TRIAL),
    st.tuples(st.just("begin"), TRIAL, st.integers(0, 2)),
    st.tuples(st.just("late"), TRIAL, FD),
    st.tuples(st.just("compact")),
)


class History:
    """What attempts wrote, and what they may still write."""

    def __init__(self) -> None:
        self.attempts: list[list[list[Row]]] = [[[]] for _ in PLANNED]  # by trial: attempts, and their rows
        self.first: list[list[int]] = [[0] for _ in PLANNED]  # by trial: number of an attempt's first evaluation

    def next(self, step: tuple[Any, ...]) -> list[Row]:
        """The rows of the attempt that writes now; empty where none does."""
        kind, trial, *rest = step
        attempts = self.attempts[trial]
        number = max(1, len(attempts) - 1) if kind == "late" else len(attempts)
        if kind == "begin":
            reached = max(first + sum(each["status"] == "ok" for each in rows)
                          for first, rows in zip(self.first[trial], attempts, strict=True))  # fmt: skip
            attempts.append([])
            self.first[trial].append(max(0, reached - rest[0]))
            return []
        rows = attempts[number - 1]
        reached = self.first[trial][number - 1] + len(rows)
        if (rows and rows[-1]["status"] != "ok") or reached >= len(STEPS):
            return []
        ending = {"fail": "failed", "diverge": "diverged"}.get(kind)
        last = rows[-1]["step"] if rows else 0
        made = row(PLANNED[trial], number, last, ending) if ending == "failed" else row(
            PLANNED[trial], number, STEPS[reached], ending or "ok", fd=None if ending else rest[0])  # fmt: skip
        rows.append(made)
        return list(rows)


@SETTINGS
@given(st.lists(STEP, max_size=30))
def test_compaction_changes_nothing_that_is_seen(tmp_path: Path, steps: list[tuple[Any, ...]]) -> None:
    """One study is compacted whenever it happens to be, another one not at all, and then once."""
    for name in ("often", "once"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    often, once, history = new_store(tmp_path / "often"), new_store(tmp_path / "once"), History()
    for step in steps:
        if step[0] == "compact":
            compact(often)
        elif rows := history.next(step):
            write(often, *rows)
            write(once, *rows)
    expected = seen(once)
    assert seen(often) == expected
    compact(once)
    assert seen(once) == expected
    compact(often)
    assert seen(often) == expected
    assert {path.name for path in often.rows.glob("*")} == {path.name for path in once.rows.glob("*")}
    for store in (often, once):
        found = verify(store, digest)
        assert [each for each in found.found if each.fault] == []
        assert found.rows == len(expected["attempts"])


WHOLE = encode(done(PLANNED[0]))
PLACES = st.integers(0, len(WHOLE) - 1)
JUNK = st.binary(max_size=20)
DAMAGED = st.one_of(
    st.tuples(PLACES, st.integers(0, 7)).map(lambda at: WHOLE[: at[0]] + _flipped(*at) + WHOLE[at[0] + 1 :]),
    st.tuples(PLACES, JUNK).map(lambda cut: WHOLE[: cut[0]] + cut[1]),
    st.tuples(JUNK, PLACES).map(lambda cut: cut[0] + WHOLE[cut[1] :]),
    PLACES.map(lambda place: WHOLE[:place] + bytes(len(WHOLE) - place)),
    st.tuples(PLACES, PLACES).map(lambda two: WHOLE[: min(two)] + WHOLE[max(two) :]),
    st.just(b""),
).filter(lambda content: content != WHOLE)


def _flipped(place: int, bit: int) -> bytes:
    return bytes([WHOLE[place] ^ 1 << bit])


@settings(max_examples=500, deadline=None)
@given(DAMAGED)
def test_no_damage_goes_unnoticed(content: bytes) -> None:
    name = name_of(TRIALS[0], 1)
    assert open_(name, WHOLE).rows == 3
    with pytest.raises(Damaged):
        open_(name, content)


@settings(SETTINGS, max_examples=8)
@given(DAMAGED)
def test_a_damaged_file_is_named_by_everybody_and_counted_by_none(tmp_path: Path, content: bytes) -> None:
    shutil.rmtree(tmp_path / "tiny", ignore_errors=True)
    store = new_store(tmp_path / "tiny")
    path, *_ = [write(store, *done(planned)) for planned in PLANNED[:3]]
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="left out 1 of 3 files") as caught, connect(store.folder) as database:
        assert database.execute("SELECT count(*) FROM attempts").fetchall() == [(6,)]
    assert str(path) in str(caught[0].message)
    with pytest.warns(UserWarning, match="left out 1 of 1 files") as caught:
        assert store.read(TRIALS[0]) == []
    assert str(path) in str(caught[0].message)
    report = compact(store)
    assert (report.attempts, report.rows) == (2, 6)
    assert [told.startswith(str(path)) for told in report.left_out] == [True]
    assert [each.where for each in verify(store, digest).found if each.fault] == [str(path)]
    assert path.read_bytes() == content
