"""The tables, their text and their caveats on synthetic studies whose best settings are known."""

import math
from pathlib import Path

import pandas as pd
import pytest

from analysis import formats, frames, notes, style
from analysis.tables import searches, spread
from tests.analysis.synthetic import LOSSES, MEASURE, Recipe, score, write


def row_of(table: pd.DataFrame, loss: str, dataset: str = "fashion") -> pd.Series:
    return table[(table["loss"] == loss) & (table["dataset"] == dataset)].iloc[0]


def all_notes(folder: Path) -> str:
    study = frames.load(folder)
    return "\n".join(notes.notes(study, searches.ranking(study), frames.settings(study)))


def test_best_is_the_least_score_of_what_is_done(demo: Path) -> None:
    table = searches.best(frames.load(demo))
    assert table["loss"].tolist() == list(LOSSES)
    done = {"wgan": [0, 2, 3], "began": [0, 1, 3], "mm": [0, 1], "vae": [1, 2, 3]}
    for loss in LOSSES:
        want = min(done.get(loss, range(4)), key=lambda sample: score(loss, sample, 0))
        assert row_of(table, loss)["sample"] == want
        assert row_of(table, loss)["score"] == pytest.approx(score(loss, want, 0))


def test_what_became_of_the_rest_is_counted(demo: Path) -> None:
    table = searches.best(frames.load(demo))
    columns = ["settings", "settings_run", "settings_failed", "trials_done", "trials_diverged", "trials_failed"]
    assert row_of(table, "wgan")[columns].tolist() == [4, 4, 1, 3, 1, 0]
    assert row_of(table, "began")[columns].tolist() == [4, 4, 1, 3, 0, 1]
    assert row_of(table, "mm")[[*columns, "trials_missing"]].tolist() == [4, 2, 0, 2, 0, 0, 2]


def test_ranking_orders_by_score_within_a_data_set(seeds: Path) -> None:
    table = searches.ranking(frames.load(seeds))
    assert table["rank"].tolist() == [1, 2, 3, 1, 2, 3]
    for _, rows in table.groupby("dataset"):
        assert rows["score"].is_monotonic_increasing


def test_an_interval_holds_the_mean_over_seeds_that_did_not_choose(seeds: Path, tmp_path: Path) -> None:
    recipe = Recipe(("mm", "ns"), samples=(2,), seeds=13, phase="seeds")
    table = searches.best(frames.load(write(tmp_path, recipe)))
    assert (table["low"] < table["mean"]).all()
    assert (table["mean"] < table["high"]).all()
    assert "Intervals are over seeds of the chosen setting" in all_notes(tmp_path)
    assert searches.best(frames.load(seeds))["low"].isna().all()
    assert "No interval is given for any of the best settings: its seeds chose it among several" in all_notes(seeds)


def test_an_interval_is_of_the_seeds_that_ended_in_turn(tmp_path: Path) -> None:
    """The seventh of 20 has not ended: of six there is none, though 19 have."""
    recipe = Recipe(("mm", "ns"), settings=1, seeds=20, phase="seeds",
                    ending=lambda loss, sample, seed: "waiting" if (loss, seed) == ("mm", 6) else "done")  # fmt: skip
    table = searches.best(frames.load(write(tmp_path, recipe))).set_index("loss")
    assert table["done"].to_dict() == {"mm": 19, "ns": 20}
    assert table["low"].isna().to_dict() == {"mm": True, "ns": False}
    assert "13 trials wait for one before them" in all_notes(tmp_path)


def test_few_seeds_have_no_interval_and_the_notes_say_so(tmp_path: Path) -> None:
    folder = write(tmp_path, Recipe(("mm",), settings=1, seeds=12))
    assert searches.best(frames.load(folder))["low"].isna().all()
    assert "Fewer than 13 seeds: no interval is given for any of the best settings" in all_notes(folder)


def test_nothing_finished_is_a_table_without_ranks(unstarted: Path) -> None:
    table = searches.ranking(frames.load(unstarted))
    assert table["loss"].tolist() == list(LOSSES)
    assert table["rank"].isna().all()
    assert "0 of 1" in formats.text(formats.readable_ranking(table))


def test_equal_failures_are_folded(seeds: Path) -> None:
    found = searches.failures(frames.load(seeds))
    assert found["trials"].tolist() == [
        2 * 6 + 2
    ]  # began's sample 2 with all seeds, vae's default once, on two data sets
    assert found.loc[0, ["status", "exception", "losses"]].tolist() == ["failed", "RuntimeError", "began, vae"]


def test_quartiles_keep_failures_at_infinity() -> None:
    rows = {"phase": "wide", "dataset": "fashion", "loss": "mm", "sample": range(5)}
    counts = {"diverged": [0, 1, 0, 0, 0], "score": [8.0, math.inf, 2.0, math.inf, math.nan]}
    found = spread.quartiles(pd.DataFrame(rows | counts)).iloc[0]
    assert found[["n", "diverged", "failed", "missing"]].tolist() == [4, 1, 1, 1]
    assert (found["q1"], found["median"], found["q3"]) == (6.5, math.inf, math.inf)
    assert (found["low"], found["high"], found["default"]) == (2.0, 8.0, 8.0)


def test_text_shows_scores_with_equal_decimals_and_k_of_n_seeds(seeds: Path) -> None:
    text = formats.text(formats.readable_ranking(searches.ranking(frames.load(seeds))))
    assert "score ± std. error" in text
    assert "6 of 6" in text
    assert len({line.index("mm") for line in text.splitlines() if " mm " in line}) == 1


@pytest.mark.parametrize(
    ("item", "shown"),
    [(None, "-"), (math.nan, "-"), (pd.NA, "-"), (True, "on"), (12345, "12,345"), (0.000123456, "0.000123"), (0, "0")],
)
def test_cells(item: object, shown: str) -> None:
    assert formats.value(item) == shown


def test_settings_are_counted_per_data_set_and_searching_phase(tmp_path: Path) -> None:
    few = Recipe(("mm",), ("mnist",), settings=3)
    repeats = Recipe(("mm",), ("fashion", "mnist"), samples=(2,), seeds=3, phase="seeds")
    found = all_notes(write(tmp_path, Recipe(("mm",), settings=5), few, repeats))
    assert "fashion: checkpoints, and the best of 5 settings of a loss" in found
    assert "mnist: checkpoints, and the best of 3 settings of a loss" in found


def test_notes_say_what_applies_and_only_that(demo: Path, seeds: Path) -> None:
    one_seed, six_seeds = all_notes(demo), all_notes(seeds)
    assert "1 seed: no error can be given" in one_seed
    assert "1 seed" not in six_seeds
    assert "2 of 32 trials are missing" in one_seed
    assert "3 of 30 ended trials (10%) diverged or failed" in one_seed
    assert "fashion: checkpoints, and the best of 2 to 4 settings of a loss, were chosen by the split train" in one_seed
    assert "the scores shown are of the split test" in one_seed
    assert "fashion and triangles: checkpoints" in six_seeds
    assert "Warning" not in one_seed
    assert "Not computed as" not in one_seed
    assert "selected in" not in one_seed
    assert "began has 1,073,601 (6.1 times fewer)" in one_seed


def test_choosing_on_the_reported_images_is_warned_of(tmp_path: Path) -> None:
    found = all_notes(write(tmp_path, Recipe(("mm",), measure=MEASURE | {"selection": "test"}, chooses=score)))
    assert "Warning, fashion: the minimum over every step measured and over 4 settings of a loss is reported" in found
    assert "on the very images that chose it (split test). It flatters" in found


def test_where_selected_settings_come_from_and_which_variants_ran(tmp_path: Path) -> None:
    evidence = {"study": "first", "phase": "wide", "sample": 3, "settings": 100, "failed": 12, "selection_score": 4.0,
                "score": 5.0, "objective": "fid_selection", "rule": "the least mean"}  # fmt: skip
    repeats = Recipe(("ls", "ns"), samples=(3,), seeds=2, phase="seeds", evidence=evidence)
    found = all_notes(write(tmp_path, Recipe(("ls",), variants={"ls": "corrected"}), repeats))
    assert (
        "The settings of phase seeds were selected in phase wide of first, by fid_selection out of 100 settings of "
        "each loss and data set; 24 of these 200 had diverged or failed. The rule: the least mean." in found
    )
    assert "Not computed as in the published study's released code: ls corrected in phase wide." in found


def test_a_better_setting_that_lost_a_seed_is_named_by_what_chooses(tmp_path: Path) -> None:
    """Sample 0 chose better with the seed it kept, and reports worse."""
    recipe = Recipe(("mm",), settings=2, seeds=2, chooses=lambda _, sample, seed: 1.0 + sample,
                    reported=lambda _, sample, seed: 9.0 - sample,
                    ending=lambda _, sample, seed: "failed" if sample + seed == 0 else "done")  # fmt: skip
    assert "mm on fashion (sample 0, score 9 in 1 of 2 seeds)" in all_notes(write(tmp_path, recipe))


def test_the_variant_is_a_column_only_where_it_differs(tmp_path: Path, demo: Path) -> None:
    folder = write(tmp_path, Recipe(("ls", "mm"), variants={"ls": "corrected"}))
    shown = formats.readable_settings(searches.best(frames.load(folder)))
    assert shown["variant"].tolist() == ["corrected", "as_run"]
    assert "variant" not in formats.readable_settings(searches.best(frames.load(demo)))


def test_sizes_span_what_batch_norm_adds(seeds: Path) -> None:
    shown = formats.readable_sizes(searches.sizes(frames.load(seeds)))
    assert shown.columns.tolist() == ["data set", "loss", "generator (vae: decoder)", "discriminator (vae: encoder)"]
    assert ["triangles", "began", "6,642,241", "1,073,601 to 1,075,905"] in shown.to_numpy().tolist()
    assert len(shown) == 6


def test_the_ranking_is_by_what_is_reported(tmp_path: Path) -> None:
    recipe = Recipe(("mm", "ns"), settings=1, reported=lambda loss, sample, seed: {"mm": 5.0, "ns": 4.0}[loss],
                    chooses=lambda loss, sample, seed: {"mm": 1.0, "ns": 2.0}[loss])  # fmt: skip
    assert searches.ranking(frames.load(write(tmp_path, recipe)))["loss"].tolist() == ["ns", "mm"]


def test_losses_have_one_order_and_distinct_looks() -> None:
    assert style.ordered(["vae", "other", "mm", "mm"]) == ["mm", "vae", "other"]
    assert (
        len({look.color for look in style.STYLES.values()}) == len({look.marker for look in style.STYLES.values()}) == 8
    )
    assert style.of("other") == style.of("other")
    assert style.of("other").loss == "other"


def test_losses_of_one_study_look_different_whatever_their_names_and_their_order() -> None:
    names = [f"mine{number}" for number in range(len(style.SPARE_COLORS) * len(style.SPARE_LINES))]
    with style.beside([*names, "mm"]):
        looks = {name: style.of(name) for name in names}
        assert style.of("mm") == style.STYLES["mm"]
        with style.beside(names[:1]):
            assert style.of(names[5]) == looks[names[5]]
    assert len({(look.color, look.line) for look in looks.values()}) == len(names)
    with style.beside(names[::-1]):
        assert {name: style.of(name) for name in names} == looks
    four = names[2:6]
    with style.beside(four):
        assert len({style.of(name).color for name in four}) == 4
        assert len({style.of(name).marker for name in four}) == 4
    assert len({style.of(name).line for name in names}) == len(style.SPARE_LINES)  # alone they have their hashes' looks
