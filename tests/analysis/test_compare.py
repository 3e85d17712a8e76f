"""A study beside the published numbers and beside another study: differences by hand, gaps, failures, agreement."""

import itertools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import compare_page, formats, frames
from analysis.comparison import compare, paper, sides, words
from analysis.comparison.sides import BEST, Side
from analysis.estimators.seeds import quantiles
from analysis.intervals.bootstrap import bootstrap_deviation
from study.errors import StudyError
from tests.analysis.synthetic import MEASURE, Recipe, write

FID = MEASURE | {"extractor": "inception", "metrics": ["fid"], "generated": 10000, "real": 10000, "selection": "test"}
POINTS = (3906, 7812, 11718, 15625)


def recipe(
    reported: Callable[[str, int, int], float], losses: tuple[str, ...] = ("mm", "ns"), **more: object
) -> Recipe:
    """As published, but for the numbers of settings and seeds."""
    made = Recipe(losses, column="fid", measure=FID, points=POINTS, reported=reported, chooses=reported, settings=1)
    return replace(made, **more)  # type: ignore[arg-type]


def side(folder: Path, phase: str | None = None, where: str = "here", *, mixed: bool = False) -> Side:
    return sides.of_study(frames.load(folder, mixed=mixed), phase, where)


def cell(found: compare.Comparison, loss: str, quantity: str = BEST, dataset: str = "fashion") -> pd.Series:
    cells = found.cells
    rows = (cells["loss"] == loss) & (cells["quantity"] == quantity) & (cells["dataset"] == dataset)
    return cells[rows].iloc[0]


def test_a_difference_in_units_of_both_deviations(tmp_path: Path) -> None:
    """Published ns on fashion: 26.5 ± 1.6. Ours 24, 26, 28: mean 26, deviation 2; -0.5 / sqrt(4 + 2.56) = -0.195."""
    folder = write(tmp_path, recipe(lambda loss, sample, seed: 24.0 + 2 * seed, seeds=3))
    row = cell(compare.compare(side(folder), paper.side()), "ns")
    assert (row["ours_value"], row["ours_deviation"], row["ours_n"]) == (26.0, 2.0, 3)
    assert (row["theirs_value"], row["theirs_deviation"], row["theirs_n"]) == (26.5, 1.6, 50)
    assert row["difference"] == pytest.approx(-0.5)
    assert row["units"] == pytest.approx(-0.5 / math.sqrt(6.56))
    assert row["mark"] == ""


def test_a_single_run_takes_the_published_deviation_alone_and_is_marked(tmp_path: Path) -> None:
    """mm: 32.8 - 29.6 = 3.2, twice 1.6."""
    found = compare.compare(side(write(tmp_path, recipe(lambda *_: 32.8))), paper.side())
    row = cell(found, "mm")
    assert (row["units"], row["mark"]) == (pytest.approx(2.0), compare.ALONE)
    shown = words.best(found, "fashion").set_index("loss")
    assert shown.loc["mm"].tolist() == ["32.8 (1)", "29.6 ± 1.6 (50)", "+3.2", "+2.0*"]
    assert any(line.startswith("* ") for line in words.legend(found))


def test_what_one_side_lacks_is_said_in_words(tmp_path: Path) -> None:
    scores = recipe(lambda loss, sample, seed: 20.0 + sample, ("mm", "vae"), settings=8, datasets=("mnist",))
    found = compare.compare(side(write(tmp_path, scores)), paper.side())
    best = words.best(found, "mnist").set_index("loss")
    assert best.index.tolist() == ["mm", "ns", "ls", "wgan", "wgan_gp", "dragan", "began", "vae"]
    assert best.loc["ns", ["here", "difference", "in sd"]].tolist() == ["not run", "-", "-"]
    spread = words.spread(found, "mnist").set_index(["of settings", "loss"])
    assert spread.loc[("median", "mm"), "published"] == "beyond the plot"
    assert spread.loc[("median", "vae"), "published"] == "not published"
    assert spread.loc[("minimum", "mm"), "published"] == "9.1 ± 1.0"
    assert "nan" not in formats.text(spread.reset_index())


def test_quartiles_by_hand_and_their_units(tmp_path: Path) -> None:
    """Settings 40, 41, ..., 46: first quartile 41.5; published for mm on fashion 41, read off to 1."""
    folder = write(tmp_path, recipe(lambda loss, sample, seed: 40.0 + sample, ("mm",), settings=7))
    found = compare.compare(side(folder), paper.side())
    row = cell(found, "mm", "first quartile")
    error = bootstrap_deviation(np.arange(40.0, 47.0), lambda draws: quantiles(draws, 0.25))
    assert (row["ours_value"], row["difference"]) == (41.5, 0.5)
    assert row["units"] == pytest.approx(0.5 / math.hypot(error, 1.0))
    assert [cell(found, "mm", name)["ours_value"] for name in ("minimum", "median")] == [40.0, 43.0]


def test_failures_stand_at_infinity(tmp_path: Path) -> None:
    """Of 8 settings of mm 5 failed: minimum finite, median infinite; all of ns failed."""

    def ending(loss: str, sample: int, seed: int) -> str:
        return "done" if loss == "mm" and sample < 3 else "diverged"

    folder = write(tmp_path, recipe(lambda loss, sample, seed: 50.0 + sample, settings=8, ending=ending))
    found = compare.compare(side(folder), paper.side())
    assert cell(found, "mm", "minimum")["ours_value"] == 50.0
    assert cell(found, "mm", "median")["ours_value"] == math.inf
    assert np.isnan(cell(found, "mm", "median")["units"])
    assert cell(found, "ns")["ours_value"] == math.inf
    spread = words.spread(found, "fashion").set_index(["of settings", "loss"])
    assert spread.loc[("median", "mm"), ["here", "difference", "in sd"]].tolist() == ["infinite", "infinite", "-"]
    assert found.ranks["losses"].tolist() == [2]


def test_nothing_ended_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path, recipe(lambda *_: 1.0, ending=lambda *_: "waiting", settings=6))
    found = compare.compare(side(folder), paper.side())
    assert words.best(found, "fashion").set_index("loss").loc["mm", "here"] == "nothing has ended"
    assert any("12 of 12 trials here have not ended" in text for text in found.sentences["fashion"])
    assert compare_page.write(found, tmp_path / "out").exists()


def test_few_settings_have_no_bootstrap() -> None:
    assert math.isnan(bootstrap_deviation(np.arange(5.0), lambda draws: quantiles(draws, 0.5)))
    assert math.isnan(bootstrap_deviation(np.array([1.0] * 3 + [math.inf] * 3), lambda draws: quantiles(draws, 0.5)))


def test_the_bootstrap_deviation_of_a_mean_is_known() -> None:
    """Of a mean of n values it is the root of their variance (over n) over n."""
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    assert bootstrap_deviation(values, lambda draws: draws.mean(axis=1)) == pytest.approx(
        values.std() / math.sqrt(6), rel=0.03
    )


def test_numbers_on_different_scales_have_a_difference_only_on_request(tmp_path: Path) -> None:
    folder = write(tmp_path, Recipe(("mm", "ns", "ls")))
    ours, theirs = side(folder), paper.side()
    asked, apart = compare.compare(ours, theirs, mixed=True), compare.compare(ours, theirs)
    assert apart.cells["difference"].isna().all()
    assert apart.cells["units"].isna().all()
    assert words.best(apart, "fashion")["difference"].unique().tolist() == ["-"]
    row = cell(asked, "mm")
    assert row["difference"] == pytest.approx(row["ours_value"] - 29.6)
    assert row["mark"] == f"{compare.ALONE}, {compare.MIXED}"
    assert words.best(asked, "fashion").set_index("loss").loc["mm", "in sd"].endswith("*†")


def test_agreement_is_exact_and_against_scipy(tmp_path: Path) -> None:
    """Published on fashion: began < wgan_gp < ns < dragan < mm of those five. Ours swaps the first two."""
    scores = {"began": 2.0, "wgan_gp": 1.0, "ns": 3.0, "dragan": 4.0, "mm": 5.0}
    folder = write(tmp_path, recipe(lambda loss, sample, seed: scores[loss], tuple(scores)))
    found = compare.compare(side(folder), paper.side())
    row = found.ranks.iloc[0]
    orders = [sum((a - b) ** 2 for a, b in enumerate(order)) for order in itertools.permutations(range(5))]
    assert (row["losses"], row["spearman"]) == (5, pytest.approx(1 - 6 * 2 / (5 * 24)))
    assert row["chance"] == pytest.approx(sum(d <= 2 for d in orders) / 120)
    assert "the 5 losses by their best settings: rank correlation (Spearman) 0.90; of all orders, 4.2% agree" in (
        words.order(found, "fashion")
    )


def test_two_losses_have_no_order_to_compare(tmp_path: Path) -> None:
    found = compare.compare(side(write(tmp_path, recipe(lambda *_: 5.0))), paper.side())
    assert words.order(found, "fashion").startswith("Too few losses (2, of 3 needed)")


def test_more_losses_than_can_be_enumerated_are_sampled() -> None:
    count = compare.EXACT + 2
    cells = pd.DataFrame({"dataset": "fashion", "quantity": BEST, "loss": [f"l{i}" for i in range(count)],
                          "ours_value": np.arange(count), "theirs_value": np.arange(count)})  # fmt: skip
    row = compare.agreement(cells).iloc[0]
    assert (row["spearman"], row["chance"]) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-4))


def test_seeds_are_of_the_last_repeating_phase_and_settings_of_the_largest_search(tmp_path: Path) -> None:
    evidence = {"study": "x", "phase": "wide", "settings": 100, "failed": 0, "objective": "fid", "rule": "least"}

    def score(loss: str, sample: int, seed: int) -> float:
        return 10.0 + sample + seed

    repeats = recipe(score, samples=(2,), seeds=3, phase="seeds", evidence=evidence)
    folder = write(tmp_path, recipe(score, settings=8), repeats, recipe(score, samples=(4, 5), phase="late"))
    found = compare.compare(side(folder), paper.side())
    assert (cell(found, "mm")["ours_value"], cell(found, "mm")["ours_n"]) == (13.0, 3)
    assert cell(found, "mm", "median")["ours_n"] == 8
    named = compare.compare(side(folder, "late"), paper.side())
    assert (cell(named, "mm")["ours_value"], cell(named, "mm", "median")["ours_n"]) == (14.0, 2)
    with pytest.raises(StudyError, match=r"'lat' is not a phase of .*did you mean 'late'"):
        side(folder, "lat")


def test_a_phase_of_one_setting_has_no_quartiles(tmp_path: Path) -> None:
    found = compare.compare(side(write(tmp_path, recipe(lambda *_: 9.0, seeds=2))), paper.side())
    assert words.spread(found, "fashion").empty
    text = compare_page.write(found, tmp_path / "out").read_text()
    assert "<img" not in text
    assert "Over all settings" not in text


def test_another_study_as_reference(tmp_path: Path) -> None:
    """corrected: 4 + seed over 3 seeds, original: 8 + seed over 3 seeds; both deviate by 1: -4 / sqrt(2)."""
    corrected = {"variants": {"ls": "corrected"}, "seeds": 3, "datasets": ("fashion", "mnist")}
    first = write(tmp_path / "corrected", recipe(lambda _, sample, seed: 4.0 + seed, ("ls", "mm"), **corrected))
    second = write(tmp_path / "original", recipe(lambda _, sample, seed: 8.0 + seed, ("ls",), seeds=3))
    found = compare.compare(side(first), side(second, where="in original"))
    assert (cell(found, "ls")["difference"], cell(found, "ls")["units"]) == (-4.0, pytest.approx(-4 / math.sqrt(2)))
    assert words.best(found, "fashion").set_index("loss").loc["mm", "original"] == "not run"
    assert found.sentences["fashion"] == [
        "fashion: variants other than as_run: ls corrected here and none in original; they compute another loss."
    ]
    assert found.sentences["mnist"] == ["mnist: there are no numbers in original, so there is nothing to compare with."]


def test_studies_that_measured_differently_are_not_compared(tmp_path: Path) -> None:
    first = write(tmp_path / "first", recipe(lambda *_: 4.0))
    fewer: Mapping[str, object] = FID | {"generated": 5000}
    second = write(tmp_path / "second", recipe(lambda *_: 4.0, measure=fewer))
    found = compare.compare(side(first), side(second, where="in second"))
    assert found.cells["difference"].isna().all()
    assert found.sentences["fashion"][0].startswith(
        "fashion: generated images per evaluation: 10,000 here and 5,000 in"
    )
    assert found.sentences["fashion"][-1].startswith("fashion: no difference is given")


def test_the_page_is_self_contained_with_its_tables_beside_it(tmp_path: Path) -> None:
    def score(loss: str, sample: int, seed: int) -> float:
        return 5.0 + len(loss) * (1 + sample)

    folder = write(tmp_path / "s<1>", recipe(score, ("mm", "ns", "wgan"), settings=8, datasets=("mnist", "fashion")))
    text = compare_page.write(compare.compare(side(folder), paper.side()), tmp_path / "out").read_text()
    for address in re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"'\s>)]+)", text):
        assert address.startswith("data:image/png;base64,")
    assert text.count("<script") == 1
    assert "@import" not in text
    assert "s&lt;1&gt;, beside the published numbers" in text
    (alt,) = re.findall(r'<img[^>]* alt="([^"]*)"', text)
    assert "mnist: mm 14 against beyond the plot, ns 14 against 28" in alt  # 5 + 2 (1 + 3.5)
    assert pd.read_csv(tmp_path / "out" / "spread.csv")["ours_value"].min() == 7.0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "compare.html", "best.csv", "spread.csv", "ranks.csv", "ranges.png", "ranges.pdf",
    }  # fmt: skip


def test_a_study_of_nothing_published_has_a_page_that_says_so(tmp_path: Path) -> None:
    folder = write(tmp_path / "study", Recipe(("mm",), ("triangles",)))
    found = compare.compare(side(folder), paper.side())
    text = compare_page.write(found, tmp_path / "out").read_text()
    assert "There is no data set that both sides have numbers of" in text
    assert "triangles: there are no numbers published" in text
