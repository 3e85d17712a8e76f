"""The report: one page made of notebooks, from studies that are finished, running and not begun."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis import chapters, frames, report, style
from analysis import page as pages
from study import __version__
from study.errors import StudyError
from tests.analysis import notebooks
from tests.analysis.synthetic import LOSSES, MEASURE, Recipe, write

OFFERED = [name for name in report.NOTEBOOKS if name != "triangles"]  # of a study that measures no distances


def run(paths: list[Path], out: Path, parameters: dict[str, object], told: object, failed: Path) -> dict[str, object]:
    """As `kernels.run`, in this process; the kernels themselves are tested with the notebooks."""
    assert (out.name, out.parent.parent) == ("notebooks", failed)
    out.mkdir()
    assert [path.stem for path in paths[:2]] == list(report.LONGEST)
    assert sorted(path.stem for path in paths) == sorted(OFFERED)
    for path in paths:
        (out / path.name).write_text(json.dumps([f'folder = "{parameters["folder"]}"']))
    return {path.stem: notebooks.executed(path.stem, **parameters) for path in paths}


@pytest.fixture(scope="module")
def page(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The page as text, and the folder of what lies beside it."""
    out = tmp_path_factory.mktemp("report") / "new"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report.kernels, "run", run)
        path = report.write(demo, out)
    assert path == out / "report.html"
    assert not list(out.glob(".*"))
    return path.read_text(), out


def test_the_page_is_self_contained(page: tuple[str, Path]) -> None:
    text = page[0]
    for address in re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)|url\(([^)]+)""", text):
        assert "".join(address).startswith(("data:image/png;base64,", "#"))
    assert "@import" not in text
    assert text.count("<script") == text.count("<style") == 1
    assert " style=" not in text  # the policy allows the style by its hash, and no other


def test_the_chapters_follow_one_another_in_their_order(page: tuple[str, Path]) -> None:
    places = [page[0].index(f'<h2 id="{name}"') for name in OFFERED]
    assert places == sorted(places)


def test_a_study_that_measures_no_distances_has_no_chapter_on_them(page: tuple[str, Path]) -> None:
    text, out = page
    assert 'id="triangles"' not in text
    assert not re.search(r"\bF1\b|\bprecision\b|\brecall\b", text)
    assert not [path for path in out.rglob("*") if "manifold" in path.name or "triangles" in path.name]


def test_every_link_within_the_page_leads_somewhere(page: tuple[str, Path]) -> None:
    ids = re.findall(r' id="([^"]+)"', page[0])
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page[0])) <= set(ids)
    assert {*OFFERED, "caveats", "failures", "provenance", "ranking", "sizes"} <= set(ids)


def test_the_page_says_how_the_study_stands_and_names_every_loss(page: tuple[str, Path]) -> None:
    text = page[0]
    assert "2 of 32 trials are missing (1 started, 1 waiting)" in text
    assert all(f">{loss}</span>" in text for loss in LOSSES)
    assert ">1,073,601 to 1,075,905<" in text
    assert "27 done, 1 diverged, 2 failed, 2 missing of 32 trials" in text
    assert "extractor_sha256 ab12" in text


def test_every_picture_has_words_that_state_its_content(page: tuple[str, Path]) -> None:
    texts = re.findall(r'<img[^>]* alt="([^"]*)"', page[0])
    assert len(texts) == page[0].count("<img")
    assert all(len(text) > 30 for text in texts)
    assert sum(text.startswith("Generated images of the best") for text in texts) == len(LOSSES)
    assert any(text.startswith("Box plot") for text in texts)


def test_what_a_trial_says_is_escaped(page: tuple[str, Path]) -> None:
    text = page[0]
    assert "out of &lt;memory&gt; &amp; time" in text
    assert "<memory>" not in text
    assert "h&lt;1&gt;" in text


def test_instructions_to_who_runs_a_notebook_stay_out_of_the_page(page: tuple[str, Path]) -> None:
    assert "papermill" not in page[0]


def test_figures_and_tables_lie_beside_the_page(page: tuple[str, Path]) -> None:
    out = page[1]
    names = (
        "boxes",
        "wide.budget",
        "wide.fashion.bands",
        "wide.fashion.tuning",
        "wide.learning",
        "wide.fashion.samples",
    )
    assert all((out / f"{name}.{ending}").stat().st_size for name in names for ending in ("png", "pdf"))
    assert pd.read_csv(out / "wide.budget.csv")["k"].max() == 3  # the default is no draw
    assert len(pd.read_csv(out / "settings.csv")) == 32
    assert pd.read_csv(out / "ranking.csv")["rank"].max() == 8


def test_every_table_lies_beside_the_page_in_every_form(page: tuple[str, Path]) -> None:
    for name in ("failures", "sizes", "provenance", "wide.fashion.ranking", "table2", "claims"):
        assert all((page[1] / f"{name}.{ending}").stat().st_size for ending in ("csv", "txt", "md", "tex"))


def test_the_page_says_what_made_it_and_of_when_it_is(page: tuple[str, Path]) -> None:
    assert "As of 2026-01-02 03:04:05 UTC, when the newest row was written." in page[0]
    assert f"Rows: commit 0123456789ab. Page: gan-study {__version__}." in page[0]


def test_no_heading_says_what_the_one_above_it_says(page: tuple[str, Path]) -> None:
    headings = re.findall(r"<h[2-4][^>]*>(.*?)</h[2-4]>", page[0])
    assert not [words for words, below in pairwise(headings) if words == below]
    assert not re.findall(r"<th scope=\"col\"[^>]*></th>", page[0])


def test_all_of_the_page_is_of_one_moment(tmp_path: Path) -> None:
    """A trial ends while the notebooks run: neither they nor the page know of it."""
    study = write(tmp_path / "study", Recipe(("mm",), ending=lambda loss, sample, seed: "waiting"))

    def meanwhile(paths: list[Path], out: Path, parameters: dict[str, Any], told: object, _: Path) -> dict[str, Any]:
        out.mkdir()
        write(study, Recipe(("mm",)))
        shown = notebooks.executed("table2", **parameters)
        return {path.stem: shown for path in paths}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report.kernels, "run", meanwhile)
        text = report.write(study, tmp_path / "out").read_text()
    assert frames.load(study).count("done") == 4
    assert "4 of 4 trials are missing" in text
    assert "Table 2 needs" in text


def test_rows_that_were_mixed_are_named_above_all_and_first_of_the_caveats(tmp_path: Path) -> None:
    other = Recipe(("vae",), phase="late", measure=MEASURE | {"generated": 500})
    study = frames.load(write(tmp_path / "study", Recipe(("mm",)), other), mixed=True)
    text = report.html(study, [])
    assert text.count("Mixed: rows that were not measured alike stand together here, on fashion (generated).") == 2
    assert text.index('<p class="warning">Mixed') < text.index("<nav")
    assert re.search(r'<ul class="notes">\s*<li>Mixed', text)


def test_a_file_is_no_folder_to_write_into(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").touch()
    for path in (tmp_path / "page.html", tmp_path / "page.html" / "deeper"):
        with pytest.raises(StudyError, match=r"page.html is a file; name the folder .* such as .*/page$"):
            report.write(demo, path)


def test_a_notebook_beside_the_page_asks_for_the_rows_beside_it(page: tuple[str, Path]) -> None:
    text = (page[1] / "notebooks" / "seeds.ipynb").read_text()
    assert json.loads(text) == [f'folder = "{page[1] / report.ROWS}"']


def test_a_report_that_fails_leaves_the_one_before_it_whole(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(paths: list[Path], out: Path, parameters: dict[str, Any], told: object, failed: Path) -> None:
        (out.parent / "boxes.png").write_text("new")
        raise KeyboardInterrupt

    (tmp_path / "boxes.png").write_text("old")
    (tmp_path / report.ROWS).write_text("old")
    monkeypatch.setattr(report.kernels, "run", failing)
    with pytest.raises(KeyboardInterrupt):
        report.write(demo, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"boxes.png": "old", report.ROWS: "old"}


def test_where_nothing_may_be_written_it_says_what_to_do(demo: Path) -> None:
    with pytest.raises(StudyError, match=r"^-o /proc/report: .*; name a folder that you may write into, such as -o /"):
        report.write(demo, Path("/proc/report"))


def test_equal_results_make_equal_files(demo: Path, page: tuple[str, Path], tmp_path: Path) -> None:
    """Of one notebook, for the time that it takes; what a kernel makes is compared with this process elsewhere."""
    text, out = page
    again = chapters.chapter("table2", notebooks.executed("table2", folder=str(demo), out=str(tmp_path)))
    assert again.html in text
    names = sorted(path.name for path in tmp_path.iterdir())
    assert {"boxes.png", "boxes.pdf", "boxes.csv", "table2.tex"} <= set(names)
    assert [name for name in names if (out / name).read_bytes() != (tmp_path / name).read_bytes()] == []


def test_a_study_that_has_not_begun_has_a_page_that_says_so(unstarted: Path) -> None:
    text = notebooks.page(unstarted, names=())
    assert "Nothing has ended yet" in text
    assert "<img" not in text


def test_a_study_of_failures_only_has_a_page_that_says_so(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", Recipe(("mm", "vae"), ending=lambda loss, sample, seed: "diverged"))
    assert "No trial finished: 8 diverged and 0 failed" in notebooks.page(folder, names=())


def test_a_study_of_several_data_sets_and_an_unknown_loss_has_a_ranking_for_each(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", Recipe(("mm", "mine"), ("fashion", "triangles"), settings=3))
    text = notebooks.page(folder, names=("table2",))
    assert '<h3 id="ranking-1">fashion</h3>' in text
    assert '<h3 id="ranking-2">triangles</h3>' in text
    assert ">mine</span>" in text


def test_own_losses_have_one_look_each_in_pictures_and_tables(tmp_path: Path) -> None:
    one, two = "mine", next(name for name in map(str, range(99)) if style.of(name).color == style.of("mine").color)
    folder = write(tmp_path / "study", Recipe((one, two), settings=3))
    with style.beside((one, two)):
        colors = {loss: style.of(loss).color for loss in (one, two)}
    text = notebooks.page(folder, names=("table2", "budget_vs_fid"))
    dots = re.findall(r'fill="(#\w+)"/></svg><span title="[^"]*">(mine|\d+)</span>', text)
    assert set(dots) == {(color, loss) for loss, color in colors.items()}
    assert len(set(colors.values())) == 2


def test_the_policy_holds_the_hashes_of_what_is_in_the_page(page: tuple[str, Path]) -> None:
    for tag in ("style", "script"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page[0], flags=re.DOTALL)
        assert f"{tag}-src {pages.allowed(inside)}" in page[0].replace("&#39;", "'")
