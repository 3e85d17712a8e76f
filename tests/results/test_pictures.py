"""What metrics show of evaluations: kept, moved and checked beside the sample grids, and never taken for one."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from study import plan, spec
from study.commands import why
from study.identity import digest
from study.provenance import keep_study
from study.results.archive import export
from study.results.compact import compact
from study.results.lost import beside
from study.results.names import PICTURE
from study.results.restore import restore
from study.results.store import Store
from study.results.verify import verify
from tests.conftest import run_here, tiny_study
from tests.results import studies
from tests.results.studies import RECIPE, STEPS, Made, contents, study
from tests.results.test_merge import unite

DONE = Made(0)
SHOWN = replace(RECIPE, beside=lambda loss, sample, seed, part: {"f1": 0.5, "f1_selection": 0.4})
FIRST, SECOND, *_ = (row["trial"] for row in studies.plan(SHOWN))
MEASURE = {
    "metrics": ["fd", "manifold"], "generated": 100, "real": 100,
    "manifold": {"samples": 8, "restarts": 1, "projection_steps": 2, "inversion_steps": 2},
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Store:
    """One trial with the manifold and two evaluations, really run."""
    store = Store(tmp_path_factory.mktemp("ran") / "tiny")
    asked = tiny_study(
        losses=["ns"], phases=[{"name": "wide", "space": "wide", "settings": 1}], measure=MEASURE,
        datasets={"triangles_tiny": {"steps": 2, "evaluations": 2}},
    )  # fmt: skip
    (planned,) = plan.build(asked, {})
    store.write_plan([planned.row(0)], spec.dump(asked))
    run_here(planned, store, data, study_yaml=keep_study(store, spec.dump(asked)))
    return store


@pytest.fixture
def whole(ran: Store, tmp_path: Path) -> Store:
    shutil.copytree(ran.folder, tmp_path / "tiny")
    return Store(tmp_path / "tiny")


def pictures(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.samples.iterdir()}


def faults(store: Store) -> list[str]:
    return [f"{each.where}: {each.what}" for each in verify(store, digest).found if each.fault]


def test_a_name_says_which_it_is() -> None:
    store = Store(Path("results"))
    grid, shown = (PICTURE.fullmatch(path.name) for path in (
        store.sample_file(FIRST, 100), store.picture_file(FIRST, 100, "manifold")
    ))  # fmt: skip
    assert grid is not None
    assert shown is not None
    assert grid.groupdict() == {"trial": FIRST, "step": "100", "metric": None}
    assert shown.groupdict() == {"trial": FIRST, "step": "100", "metric": "manifold"}
    for other in (f"{FIRST}.png", f"{FIRST}.x.png", f"{FIRST}.100.a.b.png", f".{FIRST}.100.png", f"{FIRST}.100.png.x"):
        assert PICTURE.fullmatch(other) is None


@pytest.mark.parametrize("compacted", [False, True])
def test_one_that_is_missing_or_cut_is_told(compacted: bool, whole: Store) -> None:
    if compacted:
        compact(whole)
    assert faults(whole) == []
    trial = next(whole.generators.iterdir()).stem
    shown, other = (whole.picture_file(trial, step, "manifold") for step in (1, 2))
    shown.write_bytes(shown.read_bytes()[:-7])
    assert faults(whole) == [f"{shown}: it is no whole picture"]
    shown.unlink()
    other.unlink()
    assert faults(whole) == [f"{whole.samples}: missing: {shown.name}, {other.name}"]
    whole.sample_file(trial, 1).unlink()
    assert len(faults(whole)) == 2
    shutil.rmtree(whole.samples)  # left out on purpose
    assert faults(whole) == []


def test_an_evaluation_without_the_metric_needs_none(tmp_path: Path) -> None:
    """Nor does one that was measured before there were such."""
    store = study(tmp_path / "a", {FIRST: [DONE]})
    assert not any("manifold" in fault for fault in faults(store))
    assert all("manifold" not in name for name in pictures(store))


def test_one_alone_is_no_sign_of_a_lost_row(tmp_path: Path) -> None:
    """An attempt that is killed while it writes pictures leaves some of one evaluation, and no row."""
    store = study(tmp_path / "a", {}, SHOWN)
    store.samples.mkdir(exist_ok=True)
    for step in STEPS:
        store.picture_file(FIRST, step, "manifold").write_bytes(b"picture")
    assert beside(store).pictures.num_rows == 0
    assert not any("lost" in fault for fault in faults(store))
    for step in STEPS:
        store.sample_file(FIRST, step).write_bytes(b"grid")
    assert {row["step"] for row in beside(store).pictures.to_pylist()} == set(STEPS)
    assert any("rows are lost" in fault for fault in faults(store))


def test_they_go_out_and_come_back(tmp_path: Path) -> None:
    """The page counts evaluations with their sample grid, however many pictures there are."""
    store = study(tmp_path / "here" / "mine", {FIRST: [DONE], SECOND: [DONE]}, SHOWN)
    assert len(pictures(store)) == 12
    store.sample_file(FIRST, STEPS[0]).unlink()
    written = export(store, tmp_path / "mine.zip")
    assert (written.pictured, written.evaluations) == (5, 6)
    made = restore(tmp_path / "mine.zip", tmp_path / "there", lambda name, text: (name, text))
    assert pictures(Store(tmp_path / "there" / "mine")) == pictures(store)
    assert made is not None
    shutil.unpack_archive(tmp_path / "mine.zip", tmp_path / "open")
    page = (tmp_path / "open" / "mine" / "README.md").read_text()
    assert "Of 6 evaluations 5 have their images here." in page
    assert "| 11 files |" in page
    assert "TRIAL.STEP.METRIC.png" in page
    found = pd.read_csv(tmp_path / "open" / "mine" / "dictionary.csv").set_index("column")
    assert list(found.loc[["f1", "f1_selection"], "unit"]) == ["share"] * 2
    assert "harmonic mean" in found.loc["f1", "meaning"]


def test_united_studies_keep_them_and_say_which_are_missing(tmp_path: Path) -> None:
    a, b = study(tmp_path / "a", {FIRST: [DONE]}, SHOWN), study(tmp_path / "b", {SECOND: [DONE]}, SHOWN)
    for store, trial in ((a, FIRST), (b, SECOND)):
        store.picture_file(trial, STEPS[0], "manifold").unlink()
    b.sample_file(SECOND, STEPS[1]).unlink()
    before = contents(a.folder)
    report = unite(tmp_path / "c", a, b)
    assert report.missing == {"sample grids": 1, "pictures of manifold": 2}
    assert pictures(Store(tmp_path / "c")) == pictures(a) | pictures(b)
    assert contents(a.folder) == before


def test_why_names_them(whole: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    trial = next(whole.generators.iterdir()).stem
    why.command("tiny", trial, results=whole.folder.parent)
    said = capsys.readouterr().out.replace("\n", "")
    for step in (1, 2):
        for path in (whole.sample_file(trial, step), whole.picture_file(trial, step, "manifold")):
            assert f"file: {path}" in said
