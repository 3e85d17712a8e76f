"""The exhibits of F1, precision and recall: what they show, what is missing, and that other studies have none."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import frames, grids, report
from analysis.comparison import paper
from analysis.exhibits import manifold, qualities
from analysis.exhibits.exhibit import Drawing, Exhibits, Gallery, Listing, Remark, gathered
from analysis.frames import Study
from analysis.tables import qualities as tabled
from tests.analysis import notebooks
from tests.analysis.manifold import CONSTANTS, MEASURED, load, recipe, written
from tests.analysis.synthetic import LOSSES, MEASURE, Recipe, write


def everything(study: Study) -> Exhibits:
    shown = (manifold.expected, manifold.bands, manifold.alone, qualities.best, qualities.corners)
    return gathered([*(show(study) for show in shown), qualities.against_score(study)])


def failing(loss: str, sample: int, seed: int) -> str:
    return {("mm", 2): "failed", ("vae", 3): "waiting"}.get((loss, sample), "done")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Eight losses, five settings, one failed and one missing."""
    return load(tmp_path_factory.mktemp("study"), recipe(settings=5, ending=failing, grids=True))


@pytest.fixture(scope="module")
def shown(study: Study) -> Exhibits:
    return everything(study)


def drawing(shown: Exhibits, name: str) -> Drawing:
    (found,) = (one for one in shown if isinstance(one, Drawing) and one.name == f"wide.triangles.manifold.{name}")
    return found


def test_every_picture_and_table_is_there(shown: Exhibits) -> None:
    names = [one.name.removeprefix("wide.triangles.manifold.") for one in shown if not isinstance(one, Remark)]
    assert names == [
        "budget", "bands.f1", "bands.precision", "bands.recall", "alone", "best", "distances", "pictures", "corners",
        "corners.samples", "score", "agreement",
    ]  # fmt: skip
    assert not [one for one in shown if isinstance(one, Remark)]


def test_what_is_better_when_higher_is_never_said_to_be_better_when_lower(shown: Exhibits) -> None:
    for one in shown:
        if not isinstance(one, Drawing):
            continue
        written = [*one.figure.texts, one.figure._supylabel, *(axes.yaxis.label for axes in one.figure.axes)]
        words = " ".join(text.get_text() for text in written if text).replace("\n", " ")
        assert "higher is better" in words
        assert "lower" not in words
        assert "higher is better" in one.alt


def test_the_caption_says_what_a_failure_counts_as_and_what_chose(shown: Exhibits, tmp_path: Path) -> None:
    caption = drawing(shown, "budget").caption
    assert "counts as 0 in all three" in caption
    assert "U-statistic" in caption
    assert "F1 chooses on the images that select" in caption
    same = MEASURED | {"selection": "test"}
    published = load(tmp_path, recipe(("mm",), measure=same), selected=False)
    assert "the very number that is reported, and flatters" in drawing(manifold.expected(published), "budget").caption
    assert "not a confidence interval" in drawing(shown, "bands.f1").caption
    assert "one number both chooses and is reported" in drawing(shown, "alone").caption


def test_the_published_points_are_there_with_what_makes_them_other(shown: Exhibits, tmp_path: Path) -> None:
    caption = drawing(shown, "budget").caption
    assert "read off a figure to ±0.005, and not comparable" in caption
    assert "another steps 300 (published 15,625) and splits train selects, test reports (published" in caption
    small = load(tmp_path / "small", recipe(("mm",), content={"width": 0.125}, space="narrow"))
    caption = drawing(manifold.expected(small), "budget").caption
    assert (
        "another width 0.125 (published 1), steps 300 (published 15,625), space narrow (published wide) and" in caption
    )
    measure = MEASURED | {"selection": "test"}
    alike = load(tmp_path / "alike", recipe(("mm",), points=(15_000, 15_625), measure=measure), selected=False)
    assert "read off a figure to ±0.005. What chooses" in drawing(manifold.expected(alike), "budget").caption
    other = load(tmp_path / "other", recipe(("mm",), datasets=("pentagons",)))
    (drawn,) = manifold.expected(other)
    assert isinstance(drawn, Drawing)
    assert "Hollow" not in drawn.caption
    losses = load(tmp_path / "losses", recipe(("vae",)))  # of which nothing was published
    assert "Hollow" not in drawing(manifold.expected(losses), "budget").caption


def test_other_constants_of_the_metric_are_named() -> None:
    measure = MEASURED | {"constants": {"manifold": CONSTANTS | {"samples": 64, "family": "free"}}, "selection": "test"}
    alike = {"variant": "corrected", "width": 1.0, "batch_size": 64, "batch_norm_decay": 0.98}
    content = pd.Series(alike | {"measure": measure}).to_json()
    trials = pd.DataFrame({"content": [content], "steps": 15_625, "space": "wide"})
    assert paper.triangles_unlike(trials) == [
        "variant corrected (published as_run)", "batch norm decay 0.98 (published 0.999)",
        "family free (published recipe)", "samples 64 (published 1,024)",
    ]  # fmt: skip


def test_the_published_numbers_are_six_losses_at_two_budgets() -> None:
    rows = paper.triangles()
    assert rows["budget"].value_counts().to_dict() == {5: 6, 70: 6}
    assert set(rows["loss"]) < set(LOSSES)
    assert rows[["f1", "precision", "recall"]].to_numpy().max() <= 1
    assert rows.set_index(["loss", "budget"]).loc[("ns", 70), "f1"] == 0.881


def test_the_best_table_leads_to_the_run_whose_picture_is_shown(study: Study, shown: Exhibits) -> None:
    (table,) = (one for one in shown if isinstance(one, Listing) and one.name.endswith("manifold.best"))
    assert list(table.table.columns) == [
        "loss", "F1", "95 % interval", "precision", "recall", "fd_cnn28", "setting", "seeds done", "seed", "step",
        "trial",
    ]  # fmt: skip
    assert table.table["loss"].tolist() == list(LOSSES)
    (gallery,) = (one for one in shown if isinstance(one, Gallery) and one.name.endswith("pictures"))
    assert len(gallery.grids) == len(LOSSES)
    assert "below each the nearest valid one" in gallery.html()
    rows = table.numbers.set_index("loss")
    for grid in gallery.grids:
        loss = grid.heading.split("\n")[0]
        row = rows.loc[loss]
        assert grid.path.name == f"{row['trial']}.{row['step']:.0f}.manifold.png"
        assert f"precision {row['precision']:.2f}, recall {row['recall']:.2f}" in grid.caption
    greatest = rows.loc[[grid.heading.split("\n")[0] for grid in gallery.grids], "f1"]
    assert greatest.is_monotonic_decreasing


def test_tables_are_in_the_order_of_what_they_are_about(shown: Exhibits) -> None:
    tables = {one.name.rpartition(".")[2]: one.table for one in shown if isinstance(one, Listing)}
    assert tables["corners"]["run of"].tolist() == list(tabled.CORNERS)
    assert tables["agreement"]["settings of"].tolist() == [*LOSSES, tabled.ALL]
    assert list(tables["distances"].columns)[:4] == ["loss", "generated, 10 %", "generated, 50 %", "generated, 90 %"]


def test_corners_show_the_samples_of_their_runs(shown: Exhibits) -> None:
    (gallery,) = (one for one in shown if isinstance(one, Gallery) and one.name.endswith("corners.samples"))
    assert [grid.heading.split("\n")[0] for grid in gallery.grids] == [
        "high precision, high recall", "high precision, low recall", "low precision, high recall",
        "low precision, low recall",
    ]  # fmt: skip
    assert all(grid.path.name.count(".") == 2 for grid in gallery.grids)


def test_the_caption_has_the_rank_correlation_and_of_how_many(shown: Exhibits) -> None:
    drawn = drawing(shown, "score")
    assert re.match(r"Rank correlation over all 38 settings: -0\.\d+\. Spearman", drawn.caption)
    assert "F1, higher is better, of 38 settings against fd_cnn28, lower is better" in drawn.alt


def test_runs_without_pictures_say_so(tmp_path: Path) -> None:
    plain = load(tmp_path, recipe(("mm", "vae")))
    said = repr(qualities.best(plain)) + repr(qualities.corners(plain))
    assert said.count("none of these runs has left such a picture") == 2
    assert grids.of_distances(plain, pd.DataFrame()) == []


def test_a_study_that_has_not_begun_says_what_is_missing(tmp_path: Path) -> None:
    waiting = load(tmp_path, recipe(("mm",), ending=lambda loss, sample, seed: "waiting"))
    said = [one.text() for one in everything(waiting)]
    assert all(words.endswith("4 of its trials are still to end.") for words in said)
    assert [words.split("need")[0] for words in said] == [
        "triangles: Budget curves of F1, precision and recall ", "triangles: The best F1 of every loss ",
        "triangles: High and low precision and recall ", "triangles: F1 against the score ",
    ]  # fmt: skip


def test_a_study_of_failures_only_has_no_picture(tmp_path: Path) -> None:
    failed = load(tmp_path, recipe(("mm", "vae"), ending=lambda loss, sample, seed: "failed"))
    assert {type(one) for one in everything(failed)} == {Remark, Listing}
    assert "-" in repr(qualities.against_score(failed))


def test_adaptive_searches_are_left_out_of_what_is_about_draws(tmp_path: Path) -> None:
    adapted = load(tmp_path, recipe(("mm", "vae"), sampler="tpe"))
    assert repr(manifold.expected(adapted)).startswith("Left out here, phase wide: its sampler tpe may choose")
    assert not manifold.bands(adapted)
    assert not manifold.alone(adapted)
    assert isinstance(qualities.best(adapted)[0], Listing)


def test_every_phase_and_data_set_that_measures_them_has_its_own(tmp_path: Path) -> None:
    wide = recipe(("mm",), datasets=("triangles", "pentagons"))
    again = recipe(("mm",), samples=(1,), seeds=3, phase="seeds")
    both = load(tmp_path, wide, again, Recipe(("mm",), settings=3))
    assert [(place.phase, place.dataset) for place in manifold.where(both)] == [
        ("wide", "triangles"), ("wide", "pentagons"), ("seeds", "triangles"),
    ]  # fmt: skip
    drawn = [one.name for one in manifold.expected(both) if isinstance(one, Drawing)]
    assert drawn == ["wide.triangles.manifold.budget", "wide.pentagons.manifold.budget"]
    (table,) = (
        one for one in qualities.best(both) if isinstance(one, Listing) and one.name == "seeds.triangles.manifold.best"
    )
    assert table.table["95 % interval"].tolist() == ["-"]
    assert table.table["seeds done"].tolist() == ["3"]


def test_studies_that_do_not_measure_them_have_nothing_of_it(tmp_path: Path) -> None:
    measure = MEASURE | {"metrics": ["fd", "kd"]}
    plain = frames.load(write(tmp_path, Recipe(("mm", "vae"), ("fashion", "triangles"), grids=True, measure=measure)))
    assert not everything(plain)
    assert report.offered(plain) == [name for name in report.NOTEBOOKS if name != "triangles"]


def test_the_report_of_a_study_that_measures_them_has_the_chapter(tmp_path: Path) -> None:
    path = written(tmp_path / "study", recipe(("mm",), grids=True))
    assert "triangles" in report.offered(frames.load(path))
    text = notebooks.page(path, tmp_path / "out", ("triangles",))
    headings = re.findall("<h3[^>]*>(.*?)</h3>", text)
    assert headings[-5:] == [
        "What a budget buys", "Precision and recall, each on its own", "The best of every loss",
        "High and low precision and recall", "Against the score",
    ]  # fmt: skip
    assert (tmp_path / "out" / "wide.triangles.manifold.budget.pdf").stat().st_size
    assert np.isfinite(pd.read_csv(tmp_path / "out" / "wide.triangles.manifold.budget.csv")["mean"]).all()
