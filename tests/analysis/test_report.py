"""The page, the pictures and the notebook: rendered from studies that are finished, running and not begun."""

import re
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
from matplotlib.figure import Figure

from analysis import budget, figures, frames, report, spread
from tests.analysis.synthetic import LOSSES, Recipe, write

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "analysis" / "notebooks" / "study.ipynb"


@pytest.fixture(scope="module")
def page(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report.write(demo, tmp_path_factory.mktemp("report"))


def test_the_page_is_self_contained(page: Path) -> None:
    text = page.read_text()
    for address in re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"'\s>)]+)", text):
        assert address.startswith(("data:image/png;base64,", "#"))
    assert "<script" not in text
    assert "@import" not in text


def test_the_page_says_how_the_study_stands_and_names_every_loss(page: Path) -> None:
    text = page.read_text()
    assert "2 of 32 trials are missing (1 started, 1 waiting)" in text
    assert all(f">{loss}</span>" in text for loss in LOSSES)
    assert ">1,073,601 to 1,075,905<" in text
    assert "27 done, 1 diverged, 2 failed, 2 missing of 32 trials" in text
    assert "extractor_sha256 ab12" in text


def test_every_picture_has_words_that_state_its_content(page: Path) -> None:
    texts = re.findall(r'<img[^>]* alt="([^"]*)"', page.read_text())
    assert len(texts) == 4 + len(LOSSES)
    assert all(len(text) > 30 for text in texts)
    assert any("wgan_gp" in text and "after 4" in text for text in texts)


def test_what_a_trial_says_is_escaped(page: Path) -> None:
    text = page.read_text()
    assert "out of &lt;memory&gt; &amp; time" in text
    assert "<memory>" not in text
    assert "h&lt;1&gt;" in text


def test_figures_and_tables_lie_beside_the_page(page: Path) -> None:
    kinds = ("budget", "bands", "boxes", "learning", "samples")
    assert all((page.parent / f"wide.fashion.{kind}.{ext}").stat().st_size for kind in kinds for ext in ("png", "pdf"))
    assert pd.read_csv(page.parent / "budget.csv")["k"].max() == 4


def test_equal_results_make_equal_files(demo: Path, page: Path, tmp_path: Path) -> None:
    again = report.write(demo, tmp_path)
    assert again.read_bytes() == page.read_bytes()
    assert (tmp_path / "wide.fashion.boxes.pdf").read_bytes() == (page.parent / "wide.fashion.boxes.pdf").read_bytes()


def test_a_study_that_has_not_begun_has_a_page_that_says_so(unstarted: Path, tmp_path: Path) -> None:
    text = report.write(unstarted, tmp_path).read_text()
    assert "Nothing has ended yet" in text
    assert "<img" not in text


def test_a_study_of_failures_only_has_a_page_that_says_so(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", Recipe(("mm", "vae"), ending=lambda loss, sample, seed: "diverged"))
    assert "No trial finished: 8 diverged and 0 failed" in report.write(folder, tmp_path / "out").read_text()


def test_a_study_of_several_data_sets_and_an_unknown_loss_has_a_part_for_each(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", Recipe(("mm", "mine"), ("fashion", "triangles"), settings=3))
    text = report.write(folder, tmp_path / "out").read_text()
    assert text.count("<h3>What a budget buys</h3>") == 2
    assert "mine" in text


def test_budget_lines_begin_where_the_mean_is_finite(demo: Path) -> None:
    curves = budget.curves(frames.settings(frames.load(demo)))
    axes = figures.budget_curves(curves, Figure().add_subplot())
    lines = {str(line.get_label()): np.asarray(line.get_xdata()) for line in axes.get_lines()}
    assert lines["ns"].tolist() == [1, 2, 3, 4]
    assert lines["wgan: 1/4 failed"].tolist() == [2, 3, 4]


def test_scores_over_more_than_a_decade_get_a_logarithmic_axis() -> None:
    assert drawn([1.0, 5.0]).get_xscale() == "linear"
    assert drawn([1.0, 50.0]).get_xscale() == "log"


def test_a_box_says_how_many_failed_and_are_missing() -> None:
    texts = [text.get_text() for text in drawn([1.0, 5.0, np.inf, np.inf, np.nan]).texts]
    assert texts == ["4 run, 1 missing\n2 failed"]


def drawn(scores: list[float]) -> matplotlib.axes.Axes:
    where = {"phase": "wide", "dataset": "fashion", "loss": "mm", "diverged": 0}
    settings = pd.DataFrame({"sample": range(len(scores)), "score": scores}).assign(**where)
    return figures.score_boxes(settings, spread.quartiles(settings), Figure().add_subplot())


def test_the_notebook_runs_on_any_study(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    papermill.execute_notebook(NOTEBOOK, out, {"folder": str(demo)}, cwd=ROOT, progress_bar=False)
    outputs = [output for cell in nbformat.read(out, 4).cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5


def test_the_notebook_is_kept_clean_and_computes_nothing() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert not any(re.search(r"\bdef |\blambda |\.mean\(|\.std\(|import numpy", cell.source) for cell in cells)
