"""docs/results.md: its questions and its dictionary are the program's, and what it tells to type works."""

import inspect
import re
import shlex
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import study.results
from study import durable, plan, spec
from study.__main__ import app
from study.plan import Planned
from study.results import Store, dictionary, rowfile
from study.results.ask import ask
from study.results.questions import QUESTIONS, Question

PAGE = (Path(__file__).parents[1] / "docs" / "results.md").read_text()
SAFE = ("query", "describe", "why", "verify", "compact", "merge", "export")  # need no data and train nothing


def python_of(question: Question) -> str:
    """The lines of its function, as somebody would type them."""
    lines = inspect.getsource(question.frame).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("def "))
    return re.sub(r"^return ", "answer = ", textwrap.dedent("\n".join(lines[start + 1 :])), flags=re.MULTILINE)


def blocks(text: str, language: str) -> list[str]:
    """What stands between its fences of a language, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    return [content for each, content in found if each == language]


def commands() -> Iterator[str]:
    """What the page tells to type of the commands that are safe here."""
    for block in blocks(PAGE, ""):
        for line in block.splitlines():
            typed = line.removeprefix("$ ").partition("  # ")[0].strip()
            if typed.startswith("gan-study ") and typed.split()[1] in SAFE:
                yield typed


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose results hold the page's study and a second one, with rows that nobody trained."""
    folder = tmp_path_factory.mktemp("docs")
    (text,) = blocks(PAGE, "yaml")
    content: dict[str, Any] = yaml.safe_load(text)
    first = write(folder, content)
    more = {"name": "more", "space": "wide", "settings": 2, "search_seed": 7}
    write(folder, {**content, "name": "theirs", "phases": [more]})
    (folder / "trial").write_text(first)
    return folder


def write(folder: Path, content: dict[str, Any]) -> str:
    """The folder of a study whose trials are done, but for one that failed; returns the first trial's id."""
    wanted = spec.validate(content, "the page")
    store = Store(folder / "results" / wanted.name)
    plans = plan.build(wanted, {})
    store.write_plan([planned.row(i) for i, planned in enumerate(plans)], spec.dump(wanted))
    for i, planned in enumerate(plans):
        rows = rows_of(planned, failed=i == 5)
        if i == 7:  # it failed at first, and measured its first step again
            failed = {name: value for name, value in rows[0].items() if not name.startswith("fd_")}
            keep(store, [rows[0], {**failed, "status": "failed", "exception": "OSError", "message": "full"}])
            rows = [{**row, "attempt": 2} for row in rows]
        keep(store, rows)
    return plans[0].trial.id


def keep(store: Store, rows: list[dict[str, Any]]) -> None:
    durable.write_bytes(store.row_file(rows[0]["trial"], rows[0]["attempt"]), rowfile.encode(rows), fsync=False)


def rows_of(planned: Planned, *, failed: bool) -> list[dict[str, Any]]:
    trial = planned.trial
    common = {name: value for name, value in planned.row(0).items() if name not in ("position", "evidence")}
    rows = [
        {
            **common, "attempt": 1, "step": step, "status": "ok", "train_seconds": step / 10, "evaluation_seconds": 1.0,
            "images_seen": 64 * step, "fingerprint": '{"generated": 1000}', "fd_cnn28": 100 / step + planned.sample,
            "fd_cnn28_selection": 90 / step + planned.sample, "versions": '{"python": "3.11"}',
            "hardware": '{"host": "h", "accelerator": null}',
        }
        for step in trial.evaluations
    ]  # fmt: skip
    if failed:
        rows[-1:] = [{**common, "attempt": 1, "step": trial.steps - 1, "status": "failed", "exception": "OSError",
                      "message": "full"}]  # fmt: skip
    return rows


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_question_stands_on_the_page_as_in_the_code(question: Question, place: Path) -> None:
    """With an answer of the columns that it has."""
    number = QUESTIONS.index(question) + 1
    heading = f"### {number}. {question.asked.partition('?')[0]}?"
    assert heading in PAGE
    section = PAGE.partition(heading)[2].partition("\n##")[0]
    assert blocks(section, "sql") == [question.sql]
    assert blocks(section, "python") == [python_of(question)]
    (answer,) = blocks(section, "")
    assert answer.splitlines()[0].split() == ask(place / "results" / "asked", question.sql).column_names


def test_the_dictionary_is_the_schemas() -> None:
    """If not: gan-study describe --format markdown prints it."""
    wanted = dictionary.markdown(dictionary.general())
    views, columns = wanted.split("\n\n")
    assert views in PAGE
    assert PAGE.partition("<!-- gan-study describe --format markdown -->\n")[2] == columns


def test_its_python_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, as in a notebook; pandas alone sees the rows that count."""
    monkeypatch.chdir(place)
    names: dict[str, Any] = {}
    before, after = PAGE.split("## Ten questions")
    for block in blocks(before, "python"):
        exec(block, names)
    load: Callable[..., pd.DataFrame] = partial(study.results.load, "asked")
    counting = load("evaluations", columns=["trial", "step", "status", "fd_cnn28"])
    alone = names["rows"][counting.columns].sort_values(["trial", "step"], ignore_index=True)
    pd.testing.assert_frame_equal(alone, counting.sort_values(["trial", "step"], ignore_index=True), check_dtype=False)
    assert (len(names["trials"]), len(names["late"])) == (60, 59)
    for block in blocks(after, "python"):
        exec(block, names)
        assert block.startswith("from") or len(names.pop("answer"))


def test_its_commands_work(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the page's order, so that most of them ask what has been compacted by then."""
    monkeypatch.chdir(place)
    trial = (place / "trial").read_text()
    typed = list(commands())
    assert {line.split()[1] for line in typed} == set(SAFE)
    for line in typed:
        words = [trial if re.fullmatch(r"[0-9a-f]{4,16}", word) else word for word in shlex.split(line)[1:]]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{line}: {done.output}"
