"""All claims of written studies: finished, running, not begun, and each way in which something is missing."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis import claims, frames
from analysis.claims import words
from analysis.claims.base import CONTRADICTED, SUPPORTED, UNDECIDED, Claim
from study.errors import StudyError
from study.results.ask import ask
from tests.analysis.synthetic import LOSSES, Recipe, write

LETTERS = "ABCDEFGH"
Change = Callable[[pd.DataFrame], pd.DataFrame]


def of(folder: Path, phase: str | None = None) -> dict[str, Claim]:
    return {claim.letter: claim for claim in claims.all_of(frames.load(folder), phase)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three losses, two data sets, 40 settings that were drawn, one of which fails; then 14 seeds of one of each."""
    folder = tmp_path_factory.mktemp("studies") / "whole"
    losses, datasets = ("ns", "ls", "vae"), ("fashion", "triangles")
    wide = Recipe(losses, datasets, 41, 2, points=(100,), sampler="random",
                  ending=lambda loss, sample, seed: "diverged" if (loss, sample) == ("vae", 3) else "done")  # fmt: skip
    seeds = Recipe(losses, datasets, 1, 14, points=(100,), phase="seeds", evidence={"settings": 41, "failed": 0})
    return write(folder, wide, seeds)


@pytest.fixture(scope="module")
def study(whole: Path) -> frames.Study:
    return frames.load(whole)


@pytest.fixture(scope="module")
def found(study: frames.Study) -> dict[str, Claim]:
    return {claim.letter: claim for claim in claims.all_of(study)}


def test_all_claims_have_numbers_where_there_is_enough(found: dict[str, Claim]) -> None:
    assert "".join(found) == LETTERS
    for letter in "ABCDEFH":
        claim = found[letter]
        assert claim.low <= claim.value <= claim.high
        assert claim.verdict in (SUPPORTED, CONTRADICTED, UNDECIDED)
        assert (claim.more is None) or (claim.verdict == UNDECIDED and claim.more > 0)
        assert len(claim.reason) > 20


def test_the_settings_of_one_loss_carry_over_where_both_data_sets_give_one_order(found: dict[str, Claim]) -> None:
    """The synthetic score of a setting is the same on every data set, and nearly so with every seed."""
    claim = found["H"]
    assert (claim.value, claim.verdict) == (0.0, CONTRADICTED)


def test_the_default_is_no_draw(study: frames.Study) -> None:
    """Sample 0 is the same in every study: what its score is changes no number of a claim over settings."""
    first = (study.trials["phase"] == "wide") & (study.trials["sample"] == 0)

    def change(trials: pd.DataFrame) -> pd.DataFrame:
        trials.loc[first, ["outcome", "choice"]] /= 1000
        return trials

    one, other = (claims.table(claims.all_of(each)) for each in (study, unlike(change, study)))
    for name in ("value", "low", "high", "verdict", "trials"):
        assert one[name].equals(other[name])


def test_seeds_are_those_of_the_repeating_phase(found: dict[str, Claim]) -> None:
    assert found["F"].rows.trials == 3 * 2 * 14
    assert found["A"].rows.trials == 3 * 2 * 40 * 2
    assert found["E"].rows.trials == 3 * 2 * 40 * 2 + 3 * 2 * 14
    assert found["F"].value < 1.1  # 2 % between seeds


def test_the_rows_are_those_that_the_question_lists(whole: Path, demo: Path) -> None:
    for folder, letters in ((whole, "AEFGH"), (demo, "DF")):
        found = of(folder)
        for letter in letters:
            assert len(ask(folder, found[letter].rows.sql)) == found[letter].rows.trials


def test_memorisation_is_never_decided(found: dict[str, Claim]) -> None:
    claim = found["G"]
    assert (claim.verdict, claim.more, claim.rows.trials) == (UNDECIDED, None, 0)
    assert math.isnan(claim.value)
    assert "no column of the results measures memorisation" in claim.reason


def unlike(change: Change, study: frames.Study) -> frames.Study:
    """The study with other trials."""
    return dataclasses.replace(study, trials=change(study.trials.copy()))


def ended(status: str, which: Callable[[pd.DataFrame], pd.Series]) -> Change:
    """Some of the trials stand otherwise."""

    def change(trials: pd.DataFrame) -> pd.DataFrame:
        trials.loc[which(trials), ["status", "outcome", "choice"]] = [status, *STANDING[status]]
        return trials

    return change


STANDING = {"waiting": (math.nan, math.nan), "failed": (math.inf, math.inf), "done": (0.0, 0.0)}
CHANGES: dict[str, tuple[Change, dict[str, str]]] = {  # what the study is like, and what claims say of it
    "nothing planned": (lambda trials: trials[:0], dict.fromkeys("ABCDEFH", "")),
    "one loss": (lambda trials: trials[trials["loss"] == "ns"], dict.fromkeys("ABCD", "no data set has the losses")),
    "no ns": (lambda trials: trials[trials["loss"] != "ns"], {"D": "no data set has the losses"}),
    "one data set": (lambda trials: trials[trials["dataset"] == "fashion"], {"H": "no loss was run on two data sets"}),
    "no seeds": (
        lambda trials: trials[(trials["phase"] == "wide") & (trials["seed"] == 0)],
        {"F": "no phase repeats a setting", "H": "it needs 2 seeds of every setting, one to choose it and another to"},
    ),
    "the second seed is not there yet": (
        ended("waiting", lambda trials: (trials["phase"] == "wide") & (trials["seed"] == 1) & (trials["sample"] > 5)),
        {"H": "with 2 seeds of ns on all of its data sets 5 of 40 have ended"},
    ),
    "no ls": (lambda trials: trials[trials["loss"] != "ls"], {"F": "ls was not repeated"}),
    "ls alone": (
        lambda trials: trials[(trials["phase"] == "wide") | (trials["loss"] == "ls")],
        {"F": "no loss but ls was repeated"},
    ),
    "few seeds": (
        lambda trials: trials[trials["seed"] < 2], {"F": "13 seeds of every best setting; of ns on fashion 2 of 2"}
    ),
    "adaptive": (
        lambda trials: trials.assign(sampler="tpe"), dict.fromkeys("ABCDEH", "drawn independently; those of ls on")
    ),
    "few settings": (
        lambda trials: trials[trials["sample"] < 3], dict.fromkeys("ABCDEH", "it needs 8 drawn settings of every loss")
    ),
    "a search of nine": (
        lambda trials: trials[trials["sample"] < 40],
        dict.fromkeys("AH", "40 drawn settings of every loss, a quarter of which are a search of 10; the smallest has"),
    ),
    "unfinished": (
        ended("waiting", lambda trials: (trials["loss"] == "vae") & (trials["sample"] > 3)),
        dict.fromkeys("ABCDE", "of vae on fashion 3 of 40 have ended"),
    ),
    "not begun": (
        ended("waiting", lambda trials: trials["sample"] >= 0), dict.fromkeys("ABCDE", "of ls on fashion 0 of 40 have")
    ),
    "failures": (
        ended("failed", lambda trials: trials["sample"] >= 0),
        {
            "A": "most settings diverged or failed of ns on fashion (40 of 40)",
            **dict.fromkeys("BCEF", ""),
            "D": "many searches of 10 settings of ns on fashion hold failures only",
            "H": "many searches of 10 settings of ns on fashion hold failures only",
        },
    ),
    "one fails": (
        ended("failed", lambda trials: trials["loss"] == "vae"), dict.fromkeys("AB", "failed of vae on fashion (40 of")
    ),
    "zero": (ended("done", lambda trials: trials["sample"] == 2), dict.fromkeys("ABCDE", "fashion 1 are not above 0")),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CHANGES))
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_is_missing_is_said(name: str, study: frames.Study) -> None:
    change, want = CHANGES[name]
    found = {claim.letter: claim for claim in claims.all_of(unlike(change, study))}
    assert "".join(found) == LETTERS
    for letter, reason in want.items():
        assert reason in found[letter].reason
        assert found[letter].verdict == UNDECIDED


def test_settings_that_were_selected_are_no_draws(tmp_path: Path) -> None:
    recipe = Recipe(("ns", "vae"), settings=9, points=(100,), evidence={"settings": 9, "failed": 0})
    assert "or they were selected elsewhere" in of(write(tmp_path, recipe))["A"].reason


def test_a_phase_can_be_named(tmp_path: Path) -> None:
    phases = [Recipe(("ns", "vae"), settings=size, points=(100,), phase=name) for name, size in (("a", 12), ("b", 9))]
    folder = write(tmp_path, *phases)
    assert of(folder)["A"].rows.trials == 22
    assert of(folder, "b")["A"].rows.trials == 16
    with pytest.raises(StudyError, match="c"):
        of(folder, "c")


@pytest.mark.parametrize("rope", [0.0, -0.1, 1.0, 10.0, math.inf, math.nan])
def test_a_region_that_is_no_share_is_refused(rope: float, demo: Path) -> None:
    with pytest.raises(StudyError, match="take a share between 0 and 1"):
        claims.all_of(frames.load(demo), rope=rope)


def test_the_region_is_in_the_definitions(demo: Path) -> None:
    found = {claim.letter: claim for claim in claims.all_of(frames.load(demo), rope=0.25)}
    for letter in "ABH":
        assert "1.25 times" in found[letter].definition
    assert "1.562 times" in found["F"].definition


def test_the_order_of_rows_changes_nothing(study: frames.Study) -> None:
    """Within a phase; phases are in the order of the plan."""
    turned = unlike(lambda trials: trials.iloc[::-1].sort_values("phase", ascending=False, kind="stable"), study)
    one, other = claims.table(claims.all_of(study)), claims.table(claims.all_of(turned))
    for name in ("value", "low", "high", "verdict", "more"):
        assert one[name].equals(other[name])


def test_a_table_has_a_row_per_claim(found: dict[str, Claim]) -> None:
    table = claims.table(list(found.values()))
    assert "".join(table["letter"]) == LETTERS
    assert {"verdict", "more", "reason", "trials", "sql"} <= set(table.columns)


def test_words_are_complete(found: dict[str, Claim]) -> None:
    verdicts, meanings = words.verdicts(list(found.values())), words.meanings(list(found.values()))
    assert verdicts["claim"].str[0].tolist() == meanings["claim"].tolist() == list(LETTERS)
    assert verdicts.loc[6, "95 % interval"] == "-"
    for claim in found.values():
        title, verdict, statistic, tested = words.lines(claim)
        assert title.startswith(f"{claim.letter}. ")
        assert verdict.startswith(claim.verdict)
        assert ("95 % interval" in statistic) == (claim.letter != "G")
        assert tested.startswith("tested: ")


def test_eight_losses_at_once(tmp_path: Path) -> None:
    found = of(write(tmp_path, Recipe(LOSSES, ("fashion",), 41, points=(100,))))
    assert all(found[letter].low <= found[letter].high for letter in "ABCDE")


def test_a_part_that_is_not_shown_may_decide(study: frames.Study) -> None:
    """ls is as robust as the others: the interval shown is not what contradicts the claim."""
    claim = {claim.letter: claim for claim in claims.all_of(study)}["F"]
    assert claim.verdict == CONTRADICTED
    assert claim.high < claim.threshold
    assert "all other losses are robust, and ls is robust: of it the ratio is 1.0" in claim.reason


def test_seeds_that_chose_a_setting_say_nothing_of_it(tmp_path: Path) -> None:
    """Of 40 settings the best by 14 seeds is one whose seeds were lucky."""
    found = of(write(tmp_path, Recipe(("ns", "ls"), ("fashion",), 5, 14, points=(100,))))
    assert (found["F"].verdict, found["F"].rows.trials) == (UNDECIDED, 0)
    assert "the seeds of phase wide chose its settings and flatter them" in found["F"].reason


def test_what_waits_for_an_earlier_one_is_no_evidence(whole: Path, study: frames.Study) -> None:
    """Settings ended behind one that has not, and seeds too."""

    def change(trials: pd.DataFrame) -> pd.DataFrame:
        wide = (trials["phase"] == "wide") & (trials["loss"] == "ns") & (trials["sample"] == 31) & (trials["seed"] == 0)
        seeds = (trials["phase"] == "seeds") & (trials["loss"] == "ls") & (trials["seed"] == 13)
        return ended("waiting", lambda rows: wide | seeds)(trials)

    found = {claim.letter: claim for claim in claims.all_of(unlike(change, study))}
    assert found["D"].rows.trials == 3 * 2 * 40 * 2 - 2 * 10 * 2
    assert found["F"].rows.trials == 3 * 2 * 14 - 2
    for letter in "DF":  # of the finished study the question lists those that would count, which are fewer by one
        assert len(ask(whole, found[letter].rows.sql)) == found[letter].rows.trials
    assert (found["A"].verdict, found["A"].more) == (UNDECIDED, 10 * 6 * 2)
    assert "10 more of every loss and data set (120 trials) would let it be tested" in found["A"].reason


def test_nothing_counts_before_the_default_that_a_search_begins_with(study: frames.Study) -> None:
    change = ended("waiting", lambda rows: (rows["phase"] == "wide") & (rows["loss"] == "ns") & (rows["sample"] == 0))
    found = {claim.letter: claim for claim in claims.all_of(unlike(change, study))}
    assert found["D"].rows.trials == 2 * 2 * 40 * 2  # those of the two other losses
    assert "of ns on fashion 0 of 40 have ended in turn" in found["D"].reason


def test_negative_scores_have_no_ratio(study: frames.Study) -> None:
    def change(trials: pd.DataFrame) -> pd.DataFrame:
        return trials.assign(outcome=-trials["outcome"].abs())

    found = {claim.letter: claim for claim in claims.all_of(unlike(change, study))}
    assert "it compares ratios of scores" in found["H"].reason


def test_what_seeds_lack_is_not_asked_of_settings(tmp_path: Path) -> None:
    found = of(write(tmp_path, Recipe(("ns", "vae"), ("fashion",), 41, points=(100,))))["E"]
    assert (found.verdict, found.more) == (UNDECIDED, None)
    assert "it needs 13 seeds of the best setting of every search, repeated alone" in found.reason
