"""gan-study describe, as a user calls it."""

import csv
import io
import json
from pathlib import Path

import pytest

from study.results import dictionary
from tests.analysis import synthetic
from tests.analysis.synthetic import Recipe
from tests.commands.command import gan_study


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study in its results."""
    folder = tmp_path_factory.mktemp("here")
    synthetic.write(folder / "results" / "small", Recipe(("ns",), settings=1))
    return folder


def test_it_needs_no_study(tmp_path: Path) -> None:
    told = gan_study("describe", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    for said in ("schema version 3", "one planned trial", "train_seconds", "of the training that led to this row"):
        assert said in told.stdout


def test_every_form_says_the_same(place: Path) -> None:
    told = {form: gan_study("describe", "small", "--format", form, cwd=place) for form in ("csv", "json", "markdown")}
    assert {each.returncode for each in told.values()} == {0}
    rows = json.loads(told["json"].stdout)
    assert rows == dictionary.table(dictionary.of_study(place / "results" / "small"), study=True).to_pylist()
    spelled = [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
    assert list(csv.DictReader(io.StringIO(told["csv"].stdout))) == spelled
    assert all(f"| `{row['column']}` |" in told["markdown"].stdout for row in rows)


def test_what_is_not_there_is_told(place: Path) -> None:
    told = gan_study("describe", "smal", cwd=place)
    assert (told.returncode, told.stdout) == (2, "")
    assert "smal" in told.stderr
    assert len(told.stderr.splitlines()) == 1
