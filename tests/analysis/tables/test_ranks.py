"""Ranks of a study's losses: which setting ranks a loss, ties, what is missing, and what the sentence says."""

import math
from pathlib import Path

import numpy as np
import pytest

from analysis import frames
from analysis.tables import ranks
from tests.analysis.synthetic import LOSSES, Recipe, write

DATASETS = ("fashion", "mnist", "cifar10", "celeba")


def ordered(loss: str, sample: int, seed: int) -> float:
    return 10.0 + LOSSES.index(loss) + 100 * sample


def by(recipe: Recipe, folder: Path) -> ranks.Ranks:
    return ranks.ranks(frames.load(write(folder, recipe)))[recipe.phase]


def test_a_loss_that_is_best_everywhere_and_what_that_shows(tmp_path: Path) -> None:
    found = by(Recipe(datasets=DATASETS, settings=2, reported=ordered, chooses=ordered), tmp_path)
    assert found.frame["loss"].tolist() == list(LOSSES)
    assert found.frame["rank"].tolist() == [float(i) for i in range(1, 9)]
    assert (found.datasets, found.losses) == (DATASETS, LOSSES)
    assert found.critical_difference == pytest.approx(5.25, abs=0.01)
    assert found.p_value < 0.001
    assert found.cliques[0] == LOSSES[:6]
    assert found.power < 0.1
    assert found.sentence.startswith("That no loss ranks better than another: Friedman's p = 5e-05. With 4 data sets")
    assert "With 4 data sets and 8 losses average ranks must be 5.2 apart (of at most 7)" in found.sentence
    assert "is told only from losses of average rank above 6.2, and the others' average is 5.0" in found.sentence
    assert f"with probability {found.power:.2f} (its power): not finding a difference says little." in found.sentence


def test_the_best_setting_is_what_selection_kept(tmp_path: Path) -> None:
    """mm reports 1 at a setting that selection does not keep."""

    def reported(loss: str, sample: int, seed: int) -> float:
        return {("mm", 0): 9.0, ("mm", 1): 1.0}.get((loss, sample), 5.0)

    def chooses(loss: str, sample: int, seed: int) -> float:
        return float(1 + sample)

    recipe = Recipe(("mm", "ns", "ls"), DATASETS, 2, reported=reported, chooses=chooses)
    assert by(recipe, tmp_path).frame.to_numpy().tolist() == [["ns", 1.5], ["ls", 1.5], ["mm", 3.0]]


def test_failed_losses_are_last_and_share_their_rank(tmp_path: Path) -> None:
    recipe = Recipe(("mm", "ns", "ls", "vae"), DATASETS, 1, seeds=2, reported=ordered,
                    ending=lambda loss, sample, seed: "failed" if loss in ("mm", "ns") or
                    (loss == "ls" and seed) else "done")  # fmt: skip
    ranked = by(recipe, tmp_path).frame.set_index("loss")["rank"]
    assert ranked.to_dict() == {"vae": 1.0, "ls": 2.0, "mm": 3.5, "ns": 3.5}


def test_only_data_sets_with_every_loss_count(tmp_path: Path) -> None:
    study = frames.load(write(tmp_path, Recipe(("mm", "ns", "ls"), DATASETS, 1, reported=ordered)))
    waiting = (study.trials["dataset"] == "mnist") & (study.trials["loss"] == "mm")
    study.trials.loc[waiting, ["outcome", "choice"]] = np.nan
    study.trials.loc[waiting, "status"] = "waiting"
    assert ranks.ranks(study)["wide"].datasets == ("fashion", "cifar10", "celeba")


def test_losses_are_ranked_by_equally_many_settings(tmp_path: Path) -> None:
    """mm's settings get better; ns has ended three of them, and is better than the first three of mm."""

    def reported(loss: str, sample: int, seed: int) -> float:
        return 5.0 if loss == "ns" else 20.0 - sample

    study = frames.load(write(tmp_path, Recipe(("mm", "ns"), DATASETS, 18, reported=reported, chooses=reported)))
    late = (study.trials["loss"] == "ns") & (study.trials["sample"] > 2)
    assert ranks.pairs(study).loc[0, "wins"] == 4
    study.trials.loc[late, ["outcome", "choice"]] = np.nan
    study.trials.loc[late, "status"] = "waiting"
    assert ranks.pairs(study).loc[0, "wins"] == 0


def test_one_data_set_is_no_test_and_nothing_is_nothing(tmp_path: Path, unstarted: Path) -> None:
    one = by(Recipe(settings=1), tmp_path)
    assert math.isnan(one.p_value)
    assert math.isnan(one.critical_difference)
    assert one.cliques == ()
    assert "One data set (fashion)" in one.sentence
    study = frames.load(unstarted)
    nothing = ranks.ranks(study)["wide"]
    assert "No data set has a run of every loss that ended in turn" in nothing.sentence
    assert nothing.frame.columns.tolist() == ["loss", "rank"]
    assert nothing.frame.empty
    assert ranks.pairs(study).columns.tolist() == ranks.PAIRS


def test_two_losses_have_a_pair_but_no_test_over_all(tmp_path: Path) -> None:
    study = frames.load(write(tmp_path, Recipe(("mm", "ns"), DATASETS, 1, reported=ordered)))
    assert "needs at least three" in ranks.ranks(study)["wide"].sentence
    row = ranks.pairs(study).iloc[0]
    assert (row["first"], row["second"], row["wins"], row["defeats"]) == ("mm", "ns", 4, 0)
    assert row["p_value"] == row["holm"] == pytest.approx(2 / 2**4)


def test_pairs_are_adjusted_within_their_phase(tmp_path: Path) -> None:
    study = frames.load(write(tmp_path, Recipe(datasets=DATASETS, settings=1, reported=ordered)))
    found = ranks.pairs(study)
    assert len(found) == 28
    assert found["p_value"].eq(2 / 2**4).all()
    assert found["holm"].eq(1.0).all()


def test_pairs_that_tie_are_neither_wins_nor_defeats(tmp_path: Path) -> None:
    """mm and ns always fail; ls loses to nobody."""
    recipe = Recipe(("mm", "ns", "ls"), DATASETS, 1, reported=ordered,
                    ending=lambda loss, sample, seed: "done" if loss == "ls" else "failed")  # fmt: skip
    found = ranks.pairs(frames.load(write(tmp_path, recipe))).set_index(["first", "second"])
    assert found.loc[("mm", "ns"), ["wins", "defeats", "p_value"]].tolist() == [0, 0, 1.0]
    assert found.loc[("mm", "ls"), ["wins", "defeats", "datasets"]].tolist() == [0, 4, 4]


def test_many_data_sets_are_no_excuse(tmp_path: Path) -> None:
    many = tuple(f"set{number}" for number in range(40))
    found = by(Recipe(("mm", "ns", "ls"), many, 1, reported=ordered), tmp_path)
    assert found.power > 0.8
    assert found.sentence.endswith("(its power).")
