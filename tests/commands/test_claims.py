"""gan-study claims, as a user calls it."""

import csv
import io
import json
import shlex
from pathlib import Path

import pytest

from tests.analysis import synthetic
from tests.analysis.synthetic import Recipe
from tests.commands.command import gan_study

LETTERS = "ABCDEFGH"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study in its results."""
    folder = tmp_path_factory.mktemp("here")
    synthetic.write(folder / "results" / "small", Recipe(("ns", "vae"), settings=41, points=(100,)))
    return folder


def test_every_claim_has_a_verdict_and_a_question_that_runs(place: Path) -> None:
    told = gan_study("claims", "small", cwd=place)
    assert (told.returncode, told.stderr) == (0, "")
    assert [line[0] for line in told.stdout.splitlines() if line[:1].strip()] == list(LETTERS)
    questions = [line.split(": ", 1) for line in told.stdout.splitlines() if line.startswith("   rests on ")]
    assert len(questions) == 8
    count, question = questions[0]
    assert count == "   rests on 80 trials"
    asked = gan_study(*shlex.split(question)[1:], "--format", "csv", cwd=place)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert len(asked.stdout.splitlines()) == 1 + 80


def test_every_form_says_the_same(place: Path) -> None:
    told = {form: gan_study("claims", "small", "--format", form, cwd=place) for form in ("csv", "json", "markdown")}
    assert {each.returncode for each in told.values()} == {0}
    rows = json.loads(told["json"].stdout)
    assert [row["letter"] for row in rows] == list(LETTERS)
    assert rows[6]["value"] is None
    assert {row["mixed"] for row in rows} == {None}
    again = list(csv.DictReader(io.StringIO(told["csv"].stdout)))
    assert [row["verdict"] for row in again] == [row["verdict"] for row in rows]
    assert [float(row["value"] or "nan") for row in again[:2]] == [row["value"] for row in rows[:2]]
    assert told["markdown"].stdout.count("### ") == 8


def test_rows_that_were_measured_in_different_ways_are_said_to_be(tmp_path: Path) -> None:
    measures = [synthetic.MEASURE, {**synthetic.MEASURE, "generated": 500}]
    recipes = [
        Recipe(("ns", "vae"), settings=2, points=(100,), phase=phase, measure=measure)
        for phase, measure in zip(("wide", "later"), measures, strict=True)
    ]
    synthetic.write(tmp_path / "results" / "two", *recipes)
    assert gan_study("claims", "two", cwd=tmp_path).returncode == 2
    said = "mixed: rows of fashion were measured in different ways, which differ in generated"
    assert gan_study("claims", "two", "--mixed", cwd=tmp_path).stdout.splitlines()[0] == said
    rows = json.loads(gan_study("claims", "two", "--mixed", "--format", "json", cwd=tmp_path).stdout)
    assert {row["mixed"] for row in rows} == {said}


def test_wrong_options_are_told(place: Path) -> None:
    for options, said in ((("--phase", "narrow"), "narrow"), (("--rope", "0"), "take a share between 0 and 1")):
        told = gan_study("claims", "small", *options, cwd=place)
        assert (told.returncode, told.stdout) == (2, "")
        assert said in told.stderr
        assert len(told.stderr.splitlines()) == 1
