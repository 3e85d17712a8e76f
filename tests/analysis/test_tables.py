"""The tables, their text and their caveats on synthetic studies whose best settings are known."""

import math
from pathlib import Path

import pandas as pd
import pytest

from analysis import formats, frames, notes, spread, style, tables
from tests.analysis.synthetic import LOSSES, score


def row_of(table: pd.DataFrame, loss: str, dataset: str = "fashion") -> pd.Series:
    return table[(table["loss"] == loss) & (table["dataset"] == dataset)].iloc[0]


def all_notes(folder: Path) -> str:
    study = frames.load(folder)
    return "\n".join(notes.notes(study, tables.ranking(study), frames.settings(study)))


def test_best_is_the_least_score_of_what_is_done(demo: Path) -> None:
    table = tables.best(frames.load(demo))
    assert table["loss"].tolist() == list(LOSSES)
    done = {"wgan": [0, 2, 3], "began": [0, 1, 3], "mm": [0, 1], "vae": [1, 2, 3]}
    for loss in LOSSES:
        want = min(done.get(loss, range(4)), key=lambda sample: score(loss, sample, 0))
        assert row_of(table, loss)["sample"] == want
        assert row_of(table, loss)["score"] == pytest.approx(score(loss, want, 0))


def test_what_became_of_the_rest_is_counted(demo: Path) -> None:
    table = tables.best(frames.load(demo))
    columns = ["settings", "settings_run", "settings_failed", "trials_done", "trials_diverged", "trials_failed"]
    assert row_of(table, "wgan")[columns].tolist() == [4, 4, 1, 3, 1, 0]
    assert row_of(table, "began")[columns].tolist() == [4, 4, 1, 3, 0, 1]
    assert row_of(table, "mm")[[*columns, "trials_missing"]].tolist() == [4, 2, 0, 2, 0, 0, 2]


def test_ranking_orders_by_score_within_a_data_set(seeds: Path) -> None:
    table = tables.ranking(frames.load(seeds))
    assert table["rank"].tolist() == [1, 2, 3, 1, 2, 3]
    for _, rows in table.groupby("dataset"):
        assert rows["score"].is_monotonic_increasing


def test_an_interval_holds_the_mean_over_seeds(seeds: Path) -> None:
    table = tables.best(frames.load(seeds))
    assert (table["low"] < table["mean"]).all()
    assert (table["mean"] < table["high"]).all()


def test_nothing_finished_is_a_table_without_ranks(unstarted: Path) -> None:
    table = tables.ranking(frames.load(unstarted))
    assert table["loss"].tolist() == list(LOSSES)
    assert table["rank"].isna().all()
    assert "0 of 1" in formats.text(formats.readable_ranking(table))


def test_equal_failures_are_folded(seeds: Path) -> None:
    found = tables.failures(frames.load(seeds))
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
    text = formats.text(formats.readable_ranking(tables.ranking(frames.load(seeds))))
    assert "score ± std. error" in text
    assert "6 of 6" in text
    assert len({line.index("mm") for line in text.splitlines() if " mm " in line}) == 1


@pytest.mark.parametrize(
    ("item", "shown"),
    [(None, "-"), (math.nan, "-"), (pd.NA, "-"), (True, "on"), (12345, "12,345"), (0.000123456, "0.000123"), (0, "0")],
)
def test_cells(item: object, shown: str) -> None:
    assert formats.value(item) == shown


def test_notes_say_what_applies_and_only_that(demo: Path, seeds: Path) -> None:
    one_seed, six_seeds = all_notes(demo), all_notes(seeds)
    assert "1 seed: no error can be given" in one_seed
    assert "1 seed" not in six_seeds
    assert "2 of 32 trials are missing" in one_seed
    assert "3 of 30 ended trials (10%) diverged or failed" in one_seed
    assert "optimistic" in one_seed
    assert "began has 1,073,601 (6.1 times fewer)" in one_seed


def test_losses_have_one_order_and_distinct_looks() -> None:
    assert style.ordered(["vae", "other", "mm", "mm"]) == ["mm", "vae", "other"]
    assert (
        len({look.color for look in style.STYLES.values()}) == len({look.marker for look in style.STYLES.values()}) == 8
    )
    assert style.of("other") == style.of("other")
    assert style.of("other").loss == "other"
