"""Table 2 against scores that are known."""

from pathlib import Path

import numpy as np
import pytest

from analysis import frames
from analysis.tables import table2
from study.errors import StudyError
from tests.analysis.synthetic import Recipe, score, write


def ending(loss: str, sample: int, seed: int) -> str:
    """One seed of mm failed, vae has ended nowhere, all of ls diverged."""
    return {("mm", 2): "failed"}.get((loss, seed), {"vae": "waiting", "ls": "diverged"}.get(loss, "done"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> frames.Study:
    losses = ("mm", "ns", "ls", "vae")
    wide = Recipe(losses, ("fashion", "triangles"), 3)
    seeds = Recipe(losses, ("fashion", "triangles"), seeds=3, samples=(1,), phase="seeds", ending=ending)
    return frames.load(write(tmp_path_factory.mktemp("table2") / "study", wide, seeds))


def test_it_is_of_the_last_phase_that_repeats_settings(study: frames.Study) -> None:
    table = table2.table2(study).set_index("loss")
    assert list(table.index) == ["mm", "ns", "ls", "vae"]
    scores = [score("ns", 1, seed) for seed in range(3)]
    assert table.loc["ns", "fashion_mean"] == pytest.approx(np.mean(scores))
    assert table.loc["ns", "fashion_deviation"] == pytest.approx(np.std(scores, ddof=1))
    assert table["fashion_seeds"].to_list() == [2, 3, 0, 0]
    assert table["fashion_failed"].to_list() == [1, 0, 3, 0]
    assert table["fashion_mean"].notna().to_list() == [True, True, False, False]
    assert set(table["fashion_metric"]) == {"fd_cnn28"}


def test_the_published_number_is_beside_ours_where_there_is_one(study: frames.Study) -> None:
    table = table2.table2(study).set_index("loss")
    assert (table.loc["ns", "fashion_published"], table.loc["ns", "fashion_published_deviation"]) == (26.5, 1.6)
    assert table["triangles_published"].isna().all()


def test_a_phase_can_be_named_and_a_wrong_one_is_refused(study: frames.Study) -> None:
    assert table2.table2(study, "wide").set_index("loss").loc["ns", "fashion_seeds"] == 1
    with pytest.raises(StudyError, match="seeds"):
        table2.table2(study, "narrow")


def test_a_study_that_has_not_begun_has_a_row_of_nothing_per_loss(unstarted: Path) -> None:
    table = table2.table2(frames.load(unstarted))
    assert len(table) == 8
    assert table["fashion_mean"].isna().all()
    assert table["fashion_seeds"].to_list() == [0] * 8
