"""Searches whose settings are no independent draws: named, refused and left out."""

import math

import pandas as pd
import pytest

from analysis import frames
from analysis.tables import budget, compute, crossing, pairs, validity
from study.errors import StudyError
from tests.analysis.synthetic import Recipe, write

EVIDENCE = {"study": "first", "phase": "wide", "sample": 3, "settings": 100, "failed": 12, "selection_score": 4.0,
            "score": 5.0, "objective": "fid_selection", "rule": "the least mean"}  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> frames.Study:
    """Two losses drawn at random, one of them searched by tpe too, and a repeat of what was selected."""
    folder = tmp_path_factory.mktemp("studies") / "mixed"
    drawn = Recipe(("mm", "ns"), sampler="random")
    adaptive = Recipe(("ns",), phase="adaptive", sampler="tpe")
    return frames.load(write(folder, drawn, adaptive, Recipe(("ns",), samples=(2,), phase="again", evidence=EVIDENCE)))


@pytest.fixture(scope="module")
def settings(study: frames.Study) -> pd.DataFrame:
    return frames.settings(study)


def test_settings_say_who_drew_them(settings: pd.DataFrame) -> None:
    drawn = settings.dropna(subset="sampler").groupby("phase")["sampler"]
    assert drawn.unique().map(list).to_dict() == {"adaptive": ["tpe"], "wide": ["random"]}
    assert settings.loc[settings["phase"] == "again", ["sampler", "search_seed"]].isna().all(axis=None)


def test_a_reason_for_every_search_that_is_none(settings: pd.DataFrame) -> None:
    found = validity.reasons(settings)
    assert set(found) == {("adaptive", "fashion", "ns"), ("again", "fashion", "ns")}
    assert "sampler tpe" in found["adaptive", "fashion", "ns"]
    assert "not drawn" in found["again", "fashion", "ns"]


def test_what_is_offered_passes(settings: pd.DataFrame) -> None:
    offered = validity.offered(settings)
    assert set(zip(offered["phase"], offered["loss"], strict=True)) == {("wide", "mm"), ("wide", "ns")}
    assert validity.reasons(offered) == {}
    validity.check(offered, "this")


def test_what_was_drawn_has_no_default_and_no_other_search(settings: pd.DataFrame) -> None:
    drawn = validity.drawn(settings)
    want = settings[(settings["phase"] == "wide") & (settings["sample"] > 0)]
    pd.testing.assert_frame_equal(drawn, want)
    assert set(drawn["loss"]) == {"mm", "ns"}


def test_nothing_drawn_has_these_columns_too(settings: pd.DataFrame) -> None:
    nothing = validity.drawn(settings[:0])
    assert nothing.empty
    assert nothing.columns.tolist() == settings.columns.tolist()


def test_a_search_of_one_setting_was_given_it(settings: pd.DataFrame) -> None:
    assert set(settings.loc[validity.given(settings), "phase"]) == {"again"}


def test_every_estimator_of_independent_draws_refuses_the_others(study: frames.Study, settings: pd.DataFrame) -> None:
    told = "asks for settings .* adaptive/fashion/ns is none such: its sampler tpe .*by_replica"
    for refuse in (
        budget.curves,
        budget.published,
        budget.tuning,
        crossing.crossings,
        lambda found: pairs.beats(found, 1),
    ):
        with pytest.raises(StudyError, match=told):
            refuse(settings)
    with pytest.raises(StudyError, match=told):
        compute.curves(study, "steps")


def test_nothing_is_no_reason(settings: pd.DataFrame) -> None:
    assert validity.reasons(settings.head(0)) == {}
    assert validity.offered(settings.head(0)).empty


def ended(*statuses: str, seeds: int = 1) -> pd.DataFrame:
    """The trials of one search, by sample and seed: a dot has not ended."""
    rows = [("wide", "fashion", "ns", i // seeds, i % seeds, math.nan if one == "." else 1.0)
            for i, one in enumerate("".join(statuses))]  # fmt: skip
    return pd.DataFrame(rows, columns=[*frames.SETTING, "seed", "outcome"])


@pytest.mark.parametrize(
    ("seeds", "statuses", "want"),
    [
        (1, "xxx.x.", [True] * 3 + [False] * 3),
        (2, "xx xx x. xx", [True] * 4 + [False] * 4),
        (2, "xx x. .. ..", [True] * 2 + [False] * 6),
        (5, "xxx.x", [True] * 3 + [False] * 2),  # one setting, whose seeds count for themselves
        (1, ".xxx", [False] * 4),
    ],
)
def test_trials_in_turn_wait_for_all_before_them(seeds: int, statuses: str, want: list[bool]) -> None:
    trials = ended(statuses.replace(" ", ""), seeds=seeds)
    assert validity.trials_in_turn(trials).tolist() == want
    turned = trials.iloc[::-1]
    assert validity.trials_in_turn(turned).tolist() == want[::-1]


def test_every_loss_has_equally_many() -> None:
    trials = pd.concat(
        [ended("xxxxx"), ended("xx.xx").assign(loss="ls"), ended("xxx..").assign(dataset="mnist"),
         ended(".....").assign(dataset="mnist", loss="ls")], ignore_index=True,
    )  # fmt: skip
    assert validity.even(trials).tolist() == [True, True, False, False, False] * 2 + [False] * 10


def test_settings_in_turn_are_before_the_first_with_a_missing_seed() -> None:
    settings = ended("xxxx").assign(missing=[0, 0, 1, 0], sampler="random")
    assert validity.in_turn(settings)["sample"].tolist() == [0, 1]
    assert validity.counted(settings)["sample"].tolist() == [1]
