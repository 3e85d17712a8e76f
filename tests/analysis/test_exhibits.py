"""Exhibits: what they show in a notebook, what they leave in a folder, and that nothing from rows is taken for HTML."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import frames, page
from analysis.exhibits import across, budget, draws, overview, pairs, published, seeds, sensitivity
from analysis.exhibits.exhibit import FOLDED, Drawing, Exhibits, Listing, Remark
from analysis.exhibits.places import phases, places
from analysis.exhibits.show import in_order, readable
from tests.analysis.synthetic import Recipe, write

NUMBERS = pd.DataFrame({"loss": ["mm", "<b>"], "score": [1.25, np.inf]})
STRINGS = pd.DataFrame({"loss": ["mm", "<b>"], "score": ["1.2", "inf"]}, dtype=object)


def test_a_drawing_holds_its_picture_and_leaves_three_files(tmp_path: Path) -> None:
    drawing = Drawing("a.b", "A < B", Figure(figsize=(2, 1)), 'says "all"', NUMBERS, "why & how")
    text = drawing.html()
    assert 'src="data:image/png;base64,' in text
    assert 'alt="says &#34;all&#34;"' in text
    assert 'width="228" height="114"' in text
    assert "<b>A &lt; B.</b> why &amp; how" in text
    Exhibits([drawing]).kept(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"a.b.png", "a.b.pdf", "a.b.csv"}
    assert pd.read_csv(tmp_path / "new" / "a.b.csv")["score"].tolist() == [1.25, np.inf]


def test_a_table_is_escaped_sortable_and_left_in_four_forms(tmp_path: Path) -> None:
    listing = Listing("t", "Scores", STRINGS, NUMBERS, "a < b")
    text = listing.html()
    assert '<table class="sortable">' in text
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    assert "a &lt; b" in text
    Exhibits([listing]).kept(str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"t.csv", "t.txt", "t.md", "t.tex"}
    assert (tmp_path / "t.txt").read_text() == "loss  score\nmm    1.2\n<b>   inf\n"
    assert all((tmp_path / f"t.{ending}").read_text().endswith("\n") for ending in ("csv", "txt", "md", "tex"))


@pytest.mark.parametrize(("cells", "are"), [
    (["1,200", "-", "9.5 ± 1", "inf"], True), (["29.6 (50)", "not run", "not run", ""], True),
    (["<0.01", "1e-3"], True),
    (["∞", "up to 85", "2 or more", "more than 7"], True), (["10 to 20", "-"], True),
    (["4f1c", "12ab", "77"], False), (["-", ""], False),
    (["mm", "ns"], False), (["3 settings", "none of which there is anything to say"], False),
])  # fmt: skip
def test_a_column_of_numbers_is_told_from_words(cells: list[str], are: bool) -> None:
    assert page.numeric(pd.DataFrame({"x": cells}, dtype=object)) == [are]


def test_a_long_table_is_folded() -> None:
    table = pd.DataFrame({"loss": ["mm"] * (FOLDED + 1)}, dtype=object)
    assert Listing("t", "Long", table, table).html().startswith(f"<details><summary>Long ({FOLDED + 1} rows)</summary>")
    assert Listing("t", "Short", table[:-1], table).html().startswith("<h4>Short</h4>")


def test_a_sentence_is_shown_and_leaves_nothing(tmp_path: Path) -> None:
    shown = Exhibits([Remark("a < b")]).kept(tmp_path)
    assert shown._repr_html_() == '<p class="missing">a &lt; b</p>'
    assert repr(shown) == "a < b"
    assert not list(tmp_path.iterdir())


def test_numbers_are_read_as_words_say_them() -> None:
    rows = pd.DataFrame({"first": ["mm"], "low": [np.nan], "high": [2.0], "n": [1200], "sure": [True], "p": [0.12345]})
    headings = {"first": "first", "low": "interval", "n": "n", "sure": "sure", "p": "p"}
    assert readable(rows, headings).loc[0].tolist() == ["mm", "-", "1,200", "yes", "0.123"]
    assert readable(rows.assign(low=1.0, high=np.inf), headings).loc[0, "interval"] == "1 or more"
    crossed = readable(rows.assign(low=1.0, high=np.inf, most=7), headings)
    assert crossed.loc[0, "interval"] == "1 to more than 7"
    assert readable(rows.assign(low=np.inf, high=np.inf, most=7), headings).loc[0, "interval"] == "more than 7"


def test_places_are_named_by_phase_only_where_there_are_several(demo: Path, tmp_path: Path) -> None:
    one = frames.load(demo)
    assert [(place.title, place.named("x")) for place in phases(one)] == [("", "wide.x")]
    assert [(place.title, place.named("x")) for place in places(one)] == [("fashion", "wide.fashion.x")]
    two = frames.load(write(tmp_path / "two", Recipe(("mm",)), Recipe(("mm",), phase="late", samples=(7,))))
    assert [place.title for place in phases(two)] == ["phase wide", "phase late"]
    assert [place.title for place in places(two)] == ["fashion, phase wide", "fashion, phase late"]


def test_nothing_is_compared_where_nothing_worked(tmp_path: Path) -> None:
    """All tie there, at one half and at infinity."""
    failed = Recipe(("mm", "vae"), settings=22, ending=lambda loss, sample, seed: "failed")
    study = frames.load(write(tmp_path / "study", failed))
    assert repr(pairs.beats(study)) == repr(across.means(study)).replace(across.SEVERAL, pairs.NEEDED) == pairs.NEEDED
    assert [*across.profiles(study), *across.practical(study)] == [across.practical(study)[0]]
    assert {type(one) for shown in (pairs.along(study), pairs.crossings(study)) for one in shown} == {Remark}


def test_pooling_says_once_what_it_needs(unstarted: Path) -> None:
    study = frames.load(unstarted)
    assert repr(across.means(study)) == f"{across.SEVERAL} 32 of its trials are still to end."
    assert repr(across.profiles(study)) == ""


def test_one_setting_carries_nothing_over(tmp_path: Path) -> None:
    """A phase that repeats what was chosen would have a regret of 1 throughout."""
    datasets = ("fashion", "triangles")
    late = Recipe(("mm",), datasets, samples=(1,), seeds=2, phase="late")
    study = frames.load(write(tmp_path / "study", Recipe(("mm",), datasets), late))
    names = [one.name if isinstance(one, Drawing | Listing) else one.text() for one in sensitivity.transfers(study)]
    assert names[::2] == ["wide.transfer", "wide.transfer.table"]
    assert names[1].startswith("phase late: Whether the best settings carry over needs a loss with two settings")


def test_the_seed_of_the_best_trial_is_told_and_no_interval_where_there_is_none(seeds: Path) -> None:
    (_, shown), *_ = overview.overview(frames.load(seeds))
    ranking, best = (one.caption for one in shown[:2] if isinstance(one, Listing))
    assert "the lowest that is done, not the best one" in best
    assert "Interval" not in ranking


def test_what_is_missing_is_said_in_a_sentence(unstarted: Path) -> None:
    study = frames.load(unstarted)
    assert repr(budget.expected(study)) == f"{budget.NEEDED} 32 of its trials are still to end."
    assert repr(pairs.beats(study)) == f"{pairs.NEEDED} 32 of its trials are still to end."
    assert repr(seeds.strips(study)) == f"{seeds.NEEDED} 32 of its trials are still to end."
    assert repr(seeds.stability(study)) == ""  # the picture has said it
    assert [type(one).__name__ for _, shown in overview.overview(study) for one in shown] == ["Listing", "Remark"]


def test_nothing_is_promised_where_all_have_ended(tmp_path: Path) -> None:
    failed = Recipe(("mm", "vae"), ending=lambda loss, sample, seed: "failed")
    study = frames.load(write(tmp_path / "study", failed))
    said = [repr(shown) for shown in (published.boxes(study), seeds.learning(study), seeds.strips(study))]
    assert not [words for words in said if re.search(r"\b(yet|once|still)\b", words)]


def test_one_loss_is_not_compared_and_says_so(tmp_path: Path) -> None:
    study = frames.load(write(tmp_path / "study", Recipe(("mm",), settings=21)))
    assert repr(pairs.beats(study)) == repr(pairs.crossings(study)) == pairs.ALONE


def test_a_phase_of_one_setting_a_loss_has_one_sentence_on_hyperparameters(tmp_path: Path) -> None:
    study = frames.load(write(tmp_path / "study", Recipe(("mm", "vae"), samples=(3,), seeds=3)))
    assert repr(sensitivity.hyperparameters(study)) == sensitivity.ALONE


def test_the_published_numbers_stand_beside_the_same_metric_only(tmp_path: Path) -> None:
    other = published.table(frames.load(write(tmp_path / "other", Recipe(("mm",)))))
    assert "published fid" not in repr(other)
    assert f"gan-study compare {tmp_path}/other paper" in other._repr_html_()
    same = published.table(frames.load(write(tmp_path / "same", Recipe(("mm",), column="fid"))))
    assert "published fid" in repr(same)
    assert "gan-study compare" not in same._repr_html_()


def test_tables_are_in_the_order_of_the_pictures() -> None:
    rows = pd.DataFrame({"dataset": ["mine", "mnist", "mnist"], "loss": ["mm", "vae", "mm"], "n": [1, 2, 3]})
    assert in_order(rows)["n"].tolist() == [3, 2, 1]
    pair = pd.DataFrame({"first": ["ns", "mm"], "second": ["mm", "ns"]})
    assert in_order(pair)["first"].tolist() == ["mm", "ns"]


def test_hyperparameters_are_shown_against_the_score(tmp_path: Path) -> None:
    plain = frames.load(write(tmp_path / "study", Recipe(("mm", "vae"), settings=12)))
    trials = plain.trials.assign(learning_rate=10.0 ** -plain.trials["sample"], beta1=0.5)
    study = replace(plain, trials=trials)
    (drawn_of_mm,) = sensitivity.hyperparameters(replace(plain, trials=trials[trials["loss"] == "mm"]))
    assert isinstance(drawn_of_mm, Drawing)
    assert repr(sensitivity.hyperparameters(plain)) == f"mm and vae: {sensitivity.NEEDED}"
    drawn = sensitivity.hyperparameters(study)
    assert [one.name for one in drawn if isinstance(one, Drawing)] == [
        "wide.mm.hyperparameters", "wide.vae.hyperparameters",
    ]  # fmt: skip
    assert "learning rate" in repr(drawn)
    assert "beta1" not in repr(drawn)
    assert [type(one).__name__ for one in sensitivity.importances(study)] == ["Drawing", "Listing"]


def test_phases_that_search_stand_beside_each_other_up_to_two(tmp_path: Path) -> None:
    wide, narrow = Recipe(("mm",), settings=3), Recipe(("mm",), samples=(7, 8), phase="narrow")
    seeds_of = Recipe(("mm",), samples=(2,), seeds=3, phase="seeds")
    two = frames.load(write(tmp_path / "two", wide, narrow, seeds_of))
    assert [one.name for one in published.boxes(two) if isinstance(one, Drawing)] == ["boxes"]
    three = frames.load(write(tmp_path / "three", wide, narrow, Recipe(("mm",), samples=(4, 5), phase="late")))
    names = [one.name for one in published.boxes(three) if isinstance(one, Drawing)]
    assert names == ["wide.boxes", "narrow.boxes", "late.boxes"]


def test_adaptive_searches_have_curves_of_whole_searches_only(tmp_path: Path) -> None:
    folder = write(tmp_path, Recipe(("mm", "vae")), Recipe(("mm", "vae"), phase="adapted", sampler="tpe"))
    study = frames.load(folder)
    assert [one.name for one in budget.expected(study) if isinstance(one, Drawing)] == ["wide.budget"]
    assert [one.name for one in budget.repeats(study, "steps") if isinstance(one, Drawing)] == ["adapted.repeats.steps"]
    assert repr(draws.refused(study)).startswith("Left out here, phase adapted: its sampler tpe may choose")
    assert not budget.repeats(draws.independent(study), "steps")


def test_budgets_of_comparisons_are_those_that_have_an_interval(tmp_path: Path) -> None:
    study = frames.load(write(tmp_path / "study", Recipe(("mm", "ns"), settings=22)))
    (drawn, listing) = pairs.beats(study)
    assert isinstance(drawn, Drawing)
    assert drawn.numbers["k"].unique().tolist() == [1]  # where most is known
    assert isinstance(listing, Listing)
    (drawn,) = pairs.along(study)
    assert isinstance(drawn, Drawing)
    assert drawn.numbers["k"].unique().tolist() == [1, 2, 3]
    assert drawn.numbers["low"].notna().all()


def test_where_settings_fail_the_median_stands_before_the_mean(tmp_path: Path) -> None:
    def failing(loss: str, sample: int, seed: int) -> str:
        return "failed" if (loss, sample) == ("mm", 2) else "done"

    some = frames.load(write(tmp_path / "some", Recipe(("mm", "ns"), settings=5, ending=failing)))
    assert [one.name for one in budget.expected(some) if isinstance(one, Drawing)] == [
        "wide.budget.median", "wide.budget",
    ]  # fmt: skip
    assert [one.name for one in budget.spent(some, "steps") if isinstance(one, Drawing)] == [
        "wide.compute.steps.median", "wide.compute.steps",
    ]  # fmt: skip
    none = frames.load(write(tmp_path / "none", Recipe(("mm", "ns"), settings=5)))
    assert [one.name for one in budget.expected(none) if isinstance(one, Drawing)] == ["wide.budget"]


def test_a_tuning_curve_names_the_metric_that_selects(tmp_path: Path) -> None:
    study = frames.load(write(tmp_path / "study", Recipe(("mm", "ns"), settings=5)))
    (drawn,) = budget.tuning(study)
    assert isinstance(drawn, Drawing)
    assert "median fd_cnn28_selection of" in drawn.alt
    written = [*drawn.figure.texts, drawn.figure._supylabel, *(axes.yaxis.label for axes in drawn.figure.axes)]
    assert any("median fd_cnn28_selection" in text.get_text().replace("\n", " ") for text in written if text)


def test_of_equal_losses_no_crossing_is_drawn(tmp_path: Path) -> None:
    """Only pairs of which "never" is ruled out; the table has them all."""
    study = frames.load(write(tmp_path / "study", Recipe(("mm", "ns"), settings=22)))
    *sentence, listing = pairs.crossings(study)
    assert [type(one).__name__ for one in sentence] == ["Remark"]
    assert isinstance(listing, Listing)
    assert len(listing.numbers) == 2


def test_what_waits_for_an_earlier_one_is_in_no_picture_of_draws_or_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of mm setting 3, and seed 2 of the repeated one, have not ended; later ones have."""
    wide = Recipe(("mm", "ns"), settings=10, ending=lambda loss, sample, seed:
                  "waiting" if (loss, sample) == ("mm", 3) else "done")  # fmt: skip
    again = Recipe(("mm", "ns"), settings=1, seeds=6, phase="seeds", ending=lambda loss, sample, seed:
                   "waiting" if (loss, seed) == ("mm", 2) else "done")  # fmt: skip
    study = frames.load(write(tmp_path / "study", wide, again))
    seen: dict[str, pd.DataFrame] = {}

    def draw(name: str, which: int) -> object:
        return lambda *given: seen.update({name: given[which]}) or Figure(figsize=(2, 1))

    monkeypatch.setattr(budget.pictures, "published_budget", draw("finished", 2))
    monkeypatch.setattr(seeds.pictures, "seeds", draw("seeds", 0))
    budget.published(study)
    seeds.strips(study)
    assert seen["finished"].groupby("loss")["n"].max().to_dict() == {"mm": 3, "ns": 10}
    ran = seen["seeds"]
    assert ran[ran["phase"] == "seeds"].groupby("loss").size().to_dict() == {"mm": 2, "ns": 6}
