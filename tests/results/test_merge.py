"""Studies become one: equal trials once, nothing lost, every disagreement shown, nothing half."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.errors import StudyError
from study.results import merge as merging
from study.results.compact import compact
from study.results.folder import Folder
from study.results.merge import Conflicts, Report, Ways, merge
from study.results.rowfile import Row
from study.results.snapshot import take
from study.results.stage import Source
from study.results.store import Store, read_plan
from tests.analysis import synthetic
from tests.results.studies import RECIPE, Made, contents, plan, rows, study, view, views

FIRST, SECOND, THIRD, LAST = (row["trial"] for row in plan())
DONE = Made(0)


def describe(rows: Sequence[Row]) -> str:
    return f"name: united\n# {len(rows)} rows\n"


def unite(target: Path, *stores: Store, **ways: Any) -> Report:
    sources = [Source(store.folder.name, Folder(store.folder)) for store in stores]
    return merge(sources, target, describe, Ways(**ways))


def pair(folder: Path, a: Mapping[str, Sequence[Made]], b: Mapping[str, Sequence[Made]]) -> tuple[Store, Store]:
    return study(folder / "a", a), study(folder / "b", b)


def told(folder: Path, trial: str) -> list[tuple[int, int, str, str]]:
    """Attempt, step, status and host of every row."""
    found = view(folder, "attempts").filter(pa.compute.field("trial") == trial).to_pylist()
    return sorted((row["attempt"], row["step"], row["status"], row["hardware"][10:-2]) for row in found)


def status(folder: Path) -> dict[str, str]:
    return {row["trial"]: row["status"] for row in view(folder, "trials").to_pylist()}


def test_plans_follow_each_other_with_equal_trials_once(tmp_path: Path) -> None:
    a = study(tmp_path / "a", {FIRST: [DONE]})
    wider = replace(RECIPE, losses=("vae", "began"), settings=3)
    b = study(tmp_path / "b", {}, wider)
    report = unite(tmp_path / "c", a, b)
    found = read_plan(tmp_path / "c" / "plan.parquet")
    new = [row for row in read_plan(b.plan_file) if row["trial"] not in {each["trial"] for each in plan()}]
    assert [row["trial"] for row in found] == [row["trial"] for row in [*plan(), *new]]
    assert [row["position"] for row in found] == list(range(8))
    assert (report.planned, report.trials, report.rows) == ({"a": 4, "b": 6}, 8, 3)
    assert (tmp_path / "c" / "study.yaml").read_text() == "name: united\n# 8 rows\n"


def test_a_trial_of_two_phases_keeps_its_two_places(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {}, {})
    again = [row | {"phase": "again", "search": f"again/{row['loss']}/fashion", "position": 4} for row in plan()[:1]]
    b.write_plan([*plan(), *again], "")
    report = unite(tmp_path / "c", a, b)
    assert report.trials == 4
    found = view(tmp_path / "c", "trials").to_pylist()
    assert sorted(row["phase"] for row in found if row["trial"] == FIRST) == ["again", "wide"]


def test_a_study_and_its_copy_are_the_study(tmp_path: Path) -> None:
    a = study(tmp_path / "a", {FIRST: [Made(1, count=1), Made(2, 1, 2)], SECOND: [Made(3, count=2, ending="failed")]})
    shutil.copytree(a.folder, tmp_path / "b")
    report = unite(tmp_path / "c", a, Store(tmp_path / "b"))
    assert (report.shared, report.agreeing, report.missing) == (2, {}, {})
    for name, rows_of in views(a.folder).items():
        assert view(tmp_path / "c", name).equals(rows_of), name
    beside = {name: found for name, found in contents(a.folder).items() if not name.startswith(("rows", "plan"))}
    found = contents(tmp_path / "c")
    assert {name: found.get(name) for name in beside if name != "study.yaml"} == {
        name: content for name, content in beside.items() if name != "study.yaml"
    }


def test_of_equal_ends_on_two_machines_one_is_kept(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {FIRST: [Made(9, host="here")]}, {FIRST: [Made(4, host="there")]})
    report = unite(tmp_path / "c", a, b)
    assert report.agreeing == {"a": 1}
    assert told(tmp_path / "c", FIRST) == [(1, step, "ok", "there") for step in (100, 200, 300)]


def test_values_that_differ_are_shown_and_nothing_is_written(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {FIRST: [DONE]}, {FIRST: [Made(1, better=0.5)], SECOND: [DONE]})
    before = contents(tmp_path)
    with pytest.raises(Conflicts) as caught:
        unite(tmp_path / "c", a, b)
    conflicts = caught.value
    assert (conflicts.total, conflicts.searches) == (6, False)
    (first, *_) = (each for each in conflicts.found if each.column == "fd_cnn28")
    value = rows(plan()[0], 1, DONE)[0]["fd_cnn28"]
    assert (first.where, first.at, first.said) == (FIRST, 100, (("a", str(value)), ("b", str(value - 0.5))))
    assert contents(tmp_path) == before


def test_the_preferred_rows_alone_are_taken(tmp_path: Path) -> None:
    a, b = pair(
        tmp_path,
        {FIRST: [Made(0, count=2, host="here")]},
        {FIRST: [Made(1, better=0.5)], SECOND: [Made(1, host="there")]},
    )
    report = unite(tmp_path / "c", a, b, prefer="a")
    assert (report.preferred, status(tmp_path / "c")[FIRST]) == (1, "started")
    assert told(tmp_path / "c", FIRST) == [(1, 100, "ok", "here"), (1, 200, "ok", "here")]
    assert len(told(tmp_path / "c", SECOND)) == 3
    assert not (tmp_path / "c" / "samples" / f"{FIRST}.300.png").exists()


def test_a_preference_settles_no_conflict_of_others(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {FIRST: [DONE]}, {FIRST: [Made(1, better=0.5)]})
    c = study(tmp_path / "other", {SECOND: [DONE]})
    with pytest.raises(Conflicts):
        unite(tmp_path / "c", a, b, c, prefer="other")
    with pytest.raises(StudyError, match=r"'d' is not one of the studies to unite.*valid: a, b"):
        unite(tmp_path / "c", a, b, prefer="d")


def test_a_trial_that_diverged_in_one_study_and_went_on_in_another_is_a_conflict(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {FIRST: [Made(0, count=1, ending="diverged")]}, {FIRST: [Made(1)]})
    with pytest.raises(Conflicts) as caught:
        unite(tmp_path / "c", a, b)
    (found,) = caught.value.found
    assert (found.at, found.column, found.said) == (105, "status", (("a", "diverged"), ("b", "ok at step 200")))


def test_done_counts_and_the_failure_stays_on_record(tmp_path: Path) -> None:
    failed = Made(5, count=1, ending="failed", host="here")
    a, b = pair(tmp_path, {FIRST: [Made(3, count=0), failed]}, {FIRST: [Made(1, host="there")]})
    unite(tmp_path / "c", a, b)
    assert status(tmp_path / "c")[FIRST] == "done"
    assert told(tmp_path / "c", FIRST) == [
        (2, 100, "ok", "here"), (2, 105, "failed", "here"), *((3, step, "ok", "there") for step in (100, 200, 300))
    ]  # fmt: skip
    assert {row["attempt"] for row in view(tmp_path / "c", "evaluations").to_pylist()} == {3}


def test_tracebacks_markers_and_logs_go_with_their_attempts(tmp_path: Path) -> None:
    failed = [Made(began, count=1, ending="failed") for began in (2, 8)]
    a, b = pair(tmp_path, {FIRST: failed, SECOND: failed[:1]}, {FIRST: [Made(5, count=0, ending="failed")]})
    unite(tmp_path / "c", a, b)
    made = Store(tmp_path / "c")
    ends = [row for row in made.read(FIRST) if row["status"] == "failed"]
    for number, (row, began) in enumerate(zip(ends, (2, 5, 8), strict=True), 1):
        assert row["attempt"] == number
        assert f"T00:0{began}" in (made.folder / row["trace"]).read_text()
        assert f'"pid": {began}' in made.marker_file(FIRST, number).read_text()
    assert made.log_file(FIRST).read_text() == a.log_file(FIRST).read_text() + b.log_file(FIRST).read_text()
    assert made.log_file(SECOND).read_text() == a.log_file(SECOND).read_text()
    assert made.log_file(SECOND).stat().st_ino != a.log_file(SECOND).stat().st_ino  # attempts append to theirs


def test_of_two_that_have_not_ended_the_further_one_tells_where_it_stands(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {FIRST: [Made(1, count=2)]}, {FIRST: [Made(7, count=1)]})
    unite(tmp_path / "c", a, b)
    (found,) = (row for row in view(tmp_path / "c", "trials").to_pylist() if row["trial"] == FIRST)
    assert (found["status"], found["step"]) == ("started", 200)


def test_a_copy_from_an_earlier_moment_adds_nothing(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {FIRST: [Made(1, count=1)]}, {FIRST: [Made(1, count=2), Made(3, 2, 1)]})
    unite(tmp_path / "c", a, b)
    assert view(tmp_path / "c", "attempts").equals(view(b.folder, "attempts"))


def test_rows_that_were_measured_in_different_ways_are_refused(tmp_path: Path) -> None:
    a = study(tmp_path / "a", {FIRST: [DONE]})
    other = replace(RECIPE, measure=synthetic.MEASURE | {"real": 2000}, phase="other")
    b = study(tmp_path / "b", {plan(other)[0]["trial"]: [DONE]}, other)
    with pytest.raises(StudyError, match=r"a and b: the rows of fashion were measured in 2 ways .*real: 1000, 2000.*"):
        unite(tmp_path / "c", a, b)
    assert unite(tmp_path / "c", a, b, mixed=True).rows == 6


def test_searches_of_one_name_must_be_one(tmp_path: Path) -> None:
    a = study(tmp_path / "a", {FIRST: [DONE]})
    b = study(tmp_path / "b", {}, replace(RECIPE, content={"width": 0.5}))
    with pytest.raises(Conflicts) as caught:
        unite(tmp_path / "c", a, b)
    assert caught.value.searches
    first = caught.value.found[0]
    assert (first.where, first.at, first.column) == ("wide/ns/fashion", 0, "width")
    assert first.said == (("a", "1.0"), ("b", "0.5"))
    unite(tmp_path / "c", a, b, apart=True)
    found = view(tmp_path / "c", "trials").to_pylist()
    assert {row["phase"] for row in found} == {"a-wide", "b-wide"}
    assert {row["search"] for row in found} >= {"a-wide/ns/fashion", "b-wide/vae/fashion"}
    assert len(found) == 8


def test_searches_that_were_drawn_otherwise_are_not_one(tmp_path: Path) -> None:
    a = study(tmp_path / "a", {})
    b = study(tmp_path / "b", {}, replace(RECIPE, sampler="random"))
    with pytest.raises(Conflicts) as caught:
        unite(tmp_path / "c", a, b)
    assert [each.where for each in caught.value.found] == ["wide/ns/fashion", "wide/vae/fashion"]
    assert '"sampler":"random"' in caught.value.found[0].said[1][1]


def test_compacted_studies_are_united_like_others(tmp_path: Path) -> None:
    histories = {FIRST: [Made(1, count=1), Made(2, 1, 2)]}, {FIRST: [Made(4)], SECOND: [Made(5, count=2)]}
    loose = pair(tmp_path / "loose", *histories)
    packed = pair(tmp_path / "packed", *histories)
    compact(packed[0])
    assert take(packed[0]).segments
    unite(tmp_path / "one", *loose)
    unite(tmp_path / "other", *packed)
    assert views(tmp_path / "one") == views(tmp_path / "other")


def test_a_new_metric_is_a_column_of_all(tmp_path: Path) -> None:
    a = study(tmp_path / "a", {FIRST: [DONE]})
    b = study(tmp_path / "b", {})
    b.write(SECOND, 1, [row | {"fid": 2.5} for row in rows(plan()[1], 1, DONE)])
    unite(tmp_path / "c", a, b)
    assert {(row["trial"], row["fid"]) for row in view(tmp_path / "c", "attempts").to_pylist()} == {
        (FIRST, None), (SECOND, 2.5)
    }  # fmt: skip


def test_rows_that_no_plan_has_any_more_come_along(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {FIRST: [DONE]}, {SECOND: [DONE], THIRD: [DONE]})
    b.write_plan(plan()[2:], "")
    a.write_plan(plan()[:1], "")
    unite(tmp_path / "c", a, b)
    assert len(view(tmp_path / "c", "attempts")) == 9
    assert {row["trial"] for row in view(tmp_path / "c", "evaluations").to_pylist()} == {FIRST, THIRD}


def test_a_path_may_have_any_characters(tmp_path: Path) -> None:
    here = tmp_path / "o'neil's [1]*"
    a, b = pair(here, {FIRST: [DONE]}, {SECOND: [DONE]})
    compact(a)
    unite(here / "c", a, b, apart=True)
    assert len(view(here / "c", "attempts")) == 6


def test_a_damaged_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {FIRST: [DONE]}, {SECOND: [DONE]})
    damaged = b.row_file(SECOND, 1)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(StudyError, match=rf"left out 1 of 1 files: {damaged}.*; bring the whole files back"):
        unite(tmp_path / "c", a, b)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_what_cannot_be_united(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {}, {})
    for same in ([a], [a, a], [a, b, a]):
        with pytest.raises(StudyError, match="a study cannot be united with itself"):
            unite(tmp_path / "c", *same)
    with pytest.raises(FileExistsError, match="take another name"):
        unite(b.folder, a, b)
    (tmp_path / "empty").mkdir()
    unite(tmp_path / "empty", a, b)
    assert (tmp_path / "empty" / "plan.parquet").exists()


def test_pictures_are_the_same_files_and_sources_stay_as_they_are(tmp_path: Path) -> None:
    a, b = pair(tmp_path, {FIRST: [DONE], LAST: [DONE]}, {FIRST: [DONE], SECOND: [DONE]})
    b.sample_file(SECOND, 200).unlink()
    b.provenance_file("diff", "0123456789abcdef"[::-1]).unlink()
    a.provenance_file("diff", "0123456789abcdef"[::-1]).unlink()
    (a.samples / f".{LAST}.100.png.x.aside").write_bytes(b"half")
    before = contents(a.folder), contents(b.folder)
    report = unite(tmp_path / "c", a, b)
    assert report.missing == {"files of diff": 1, "sample grids": 1}
    made = Store(tmp_path / "c")
    assert made.sample_file(LAST, 100).stat().st_ino == a.sample_file(LAST, 100).stat().st_ino
    assert {path.name for path in made.generators.iterdir()} == {
        f"{name}.safetensors" for name in (FIRST, SECOND, LAST)
    }
    assert len(list(made.samples.iterdir())) == 8
    assert (contents(a.folder), contents(b.folder)) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from study.results.folder import Folder
from study.results.merge import Ways, merge
from study.results.stage import Source

folder = Path(sys.argv[1])
sources = [Source(name, Folder(folder / name)) for name in "ab"]
merge(sources, folder / "c", lambda rows: os.kill(os.getpid(), signal.SIGKILL), Ways())
"""


def test_a_merge_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """When nearly all is there."""
    a, b = pair(tmp_path, {FIRST: [DONE]}, {SECOND: [DONE]})
    assert subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "c").exists()
    assert len(list(tmp_path.glob(".c.*.aside"))) == 1
    unite(tmp_path / "c", a, b)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "c"}
    assert not list((tmp_path / "c").glob(".*"))


def test_a_merge_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = pair(tmp_path, {FIRST: [DONE]}, {SECOND: [DONE]})

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(merging.keepsakes, "bring", full)
    with pytest.raises(OSError, match="no space"):
        unite(tmp_path / "c", a, b)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


ENDS = st.sampled_from([(0, "failed"), (1, "killed"), (2, "killed"), (2, "failed"), (3, "killed")])
MINUTES = st.lists(st.integers(0, 59), min_size=1, max_size=4, unique=True)


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, list[Made]]]:
    """Of three studies: each knows some of the attempts at two trials, and no more than one that ended its trial."""
    told: list[dict[str, list[Made]]] = [{}, {}, {}]
    for trial in (FIRST, SECOND):
        known = [Made(began, 0, *draw(ENDS), host=f"h{began}") for began in draw(MINUTES)]
        for each in told:
            mine = sorted((made for made in known if draw(st.booleans())), key=lambda made: made.began)
            ends = [made for made in mine if made.over][:1]
            each[trial] = [*(made for made in mine if not made.over), *ends]
    return told


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories())
def test_whoever_is_united_first_the_content_is_the_same(tmp_path: Path, told: list[dict[str, list[Made]]]) -> None:
    """tests/results/test_history.py says so of many more histories, without files."""
    shutil.rmtree(tmp_path)
    stores = [study(tmp_path / name, each) for name, each in zip("abc", told, strict=True)]
    a, b, c = stores
    unite(tmp_path / "ab", a, b)
    unite(tmp_path / "ba", b, a)
    unite(tmp_path / "bc", b, c)
    unite(tmp_path / "ab-c", Store(tmp_path / "ab"), c)
    unite(tmp_path / "a-bc", a, Store(tmp_path / "bc"))
    assert views(tmp_path / "ab", ["position"]) == views(tmp_path / "ba", ["position"])
    united = views(tmp_path / "ab-c", ["position"])
    assert united == views(tmp_path / "a-bc", ["position"])
    kept = {_measured(row) for row in united["attempts"].to_pylist()}
    for store in stores:
        assert {_measured(row) for row in view(store.folder, "attempts").to_pylist()} <= kept


def _measured(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("trial", "step", "status", "fd_cnn28", "fd_cnn28_selection", "exception"))


def test_studies_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    a, b = study(tmp_path / "here" / "One", {}), study(tmp_path / "there" / "One", {})
    sources = [Source(str(store.folder), Folder(store.folder)) for store in (a, b)]
    merge(sources, tmp_path / "c", describe, Ways(apart=True))
    found = view(tmp_path / "c", "trials").to_pylist()
    assert {row["phase"] for row in found} == {"one-wide", "one-2-wide"}
    assert len(found) == 8


def test_an_end_that_a_later_attempt_went_past_is_no_conflict(tmp_path: Path) -> None:
    """It does not count in its own study: the trial is done in both."""
    past = [Made(0, count=1, ending="diverged"), Made(1, 1, 2)]
    a, b = pair(tmp_path, {FIRST: past}, {FIRST: [Made(5)]})
    unite(tmp_path / "c", a, b)
    assert status(tmp_path / "c")[FIRST] == "done"
