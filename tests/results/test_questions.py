"""The ten worked questions: SQL and pandas give the same answers, before and after compaction."""

import math
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from study import durable
from study.results import Store, load, rowfile
from study.results.ask import ask
from study.results.compact import compact
from study.results.questions import QUESTIONS, SEARCH, Question
from tests.analysis import synthetic
from tests.analysis.synthetic import LOSSES, Recipe
from tests.results.synthetic import NOW as BEGAN
from tests.results.synthetic import PLANNED, new_store
from tests.results.synthetic import row as made_row

WIDE = Recipe(datasets=("fashion", "triangles"), settings=6, seeds=3, points=(100, 200, 300, 400))
NARROW = Recipe(settings=3, seeds=2, phase="narrow")
NAMES = {question.name for question in QUESTIONS}


def ending(loss: str, sample: int, seed: int) -> str:
    """Every kind of end, for whole settings and for single seeds."""
    whole = {("wgan", 1): "diverged", ("began", 2): "failed", ("mm", 2): "waiting", ("mm", 3): "started"}
    single = {("vae", 0, 0): "failed", ("ls", 4, 1): "diverged", ("ns", 5, 2): "started", ("wgan", 3, 2): "failed"}
    return whole.get((loss, sample)) or single.get((loss, sample, seed), "done")


def rows_of(row: dict[str, Any], recipe: Recipe) -> list[dict[str, Any]]:
    """One attempt's rows, with what training and measuring took, a score that may rise again, and its own message."""
    found = synthetic.attempt(row, recipe, ending(row["loss"], row["sample"], row["seed"]))
    for each in found:
        each["started_at"] = BEGAN
        each["written_at"] = BEGAN + timedelta(seconds=each["step"] * (1 + row["sample"] / 10))
        each["evaluation_seconds"] = 1.5 + 0.01 * row["sample"]
        if each["status"] == "failed":
            each["message"] = f"out of memory: {row['sample']}{row['seed']} of 80 GiB"
            each["exception"] = "MemoryError" if row["loss"] == "vae" else "RuntimeError"
    if row["sample"] % 2 and row["seed"] != 1:  # the last checkpoint is not the best
        for each in [each for each in found if each["step"] == recipe.points[-1]]:
            each |= {name: 3 * each[name] for name in (recipe.column, recipe.objective)}
    for each in found:
        if recipe.column in each:
            each |= odd(row["loss"], row["sample"], row["seed"], each, recipe)
    return found


def odd(loss: str, sample: int, seed: int, row: dict[str, Any], recipe: Recipe) -> dict[str, float]:
    """Metrics that are not finite, of every kind of question's rows; and two settings that selection finds equal."""
    nan, inf = float("nan"), float("inf")
    first, last = row["step"] == recipe.points[0], row["step"] == recipe.points[-1]
    reported, chosen_by = recipe.column, recipe.objective
    if loss == "began" and sample in (3, 4):
        return {chosen_by: 1e-3 / row["step"]}
    if loss == "ls" and seed == 1 and first:
        return {reported: nan}
    if loss == "wgan" and seed == 1 and first:
        return {reported: inf}
    changed = {
        ("ls", 0, 0): {reported: nan, chosen_by: nan},
        ("ls", 1, 1): {reported: nan},
        ("ls", 2, 0): {reported: inf, chosen_by: inf} if last else {},
        ("ls", 3, 1): {chosen_by: nan},
        ("ls", 5, 0): {reported: inf},
        ("wgan", 0, 1): {reported: inf, chosen_by: inf},
        ("wgan", 2, 0): {reported: nan, chosen_by: nan} if last else {},
        ("wgan", 4, 1): {chosen_by: inf},
    }  # fmt: skip
    return changed.get((loss, sample, seed), {})


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two phases that share a trial, ends of every kind, attempts that were killed, and failures that were retried."""
    store = Store(tmp_path_factory.mktemp("results") / "asked")
    plan = [(row, recipe) for recipe in (WIDE, NARROW) for row in synthetic.planned(recipe)]
    shared, recipe = plan[0]
    plan.append(({**shared, "phase": "narrow", "search": "narrow/mm/fashion", "sample": 5}, recipe))
    planned = [
        row | synthetic.hyperparameters(row["loss"], row["sample"]) | {"position": position}
        for position, (row, _) in enumerate(plan)
    ]
    store.write_plan(planned, "name: asked\n")
    for i, (row, recipe) in enumerate(plan[:-1]):
        rows = rows_of(row, recipe)
        if i % 5 == 0 and len(rows) > 2:  # killed, and its second row measured again
            write(store, rows[:2])
            rows = [{**each, "attempt": 2} for each in rows[1:]]
        elif i % 7 == 0 and rows:  # failed at once, and retried
            failure = {"status": "failed", "step": 0, "exception": "OSError", "message": "no route to host 7"}
            write(store, [{**rows[0], **failure, "fd_cnn28": None, "fd_cnn28_selection": None}])
            rows = [{**each, "attempt": 2} for each in rows]
        if rows:
            write(store, rows)
    return store


def write(store: Store, rows: list[dict[str, Any]]) -> None:
    """As the store does, but for the fsync."""
    path = store.row_file(rows[0]["trial"], rows[0]["attempt"])
    durable.write_bytes(path, rowfile.encode(rows), fsync=False)


@pytest.fixture(scope="module")
def answers(study: Store) -> dict[str, pd.DataFrame]:
    """Of files that are not compacted; afterwards they are."""
    found = {question.name: ask(study.folder, question.sql).to_pandas() for question in QUESTIONS}
    compact(study)
    return found


def frame(question: Question, study: Store) -> pd.DataFrame:
    return question.frame(partial(load, study.folder)).reset_index(drop=True)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_sql_pandas_and_compaction_agree(question: Question, study: Store, answers: dict[str, pd.DataFrame]) -> None:
    before = answers[question.name]
    assert len(before) > 1
    after = ask(study.folder, question.sql).to_pandas()
    pd.testing.assert_frame_equal(before, after)
    pd.testing.assert_frame_equal(before, frame(question, study), check_dtype=False)


def test_there_are_ten_and_each_has_a_name_of_its_own() -> None:
    assert len(QUESTIONS) == len(NAMES) == 10


def test_scores_that_are_not_finite_are_in_no_answer(answers: dict[str, pd.DataFrame]) -> None:
    """A NaN would be the largest of all scores in SQL, and be skipped in pandas."""
    for name in ("best_settings", "learning_rates", "curves", "checkpoints"):
        assert np.isfinite(answers[name].select_dtypes("number")).all(axis=None), name
    curves = answers["curves"].set_index([*SEARCH, "step"])["seeds"]
    assert curves["wide", "fashion", "ls"].tolist() == [2, 3, 3, 2]
    rates = answers["learning_rates"].groupby(["phase", "dataset", "loss"])["trials"].sum()
    done = answers["checkpoints"].set_index(SEARCH)["trials"]
    ended = WIDE.seeds * WIDE.settings - 1  # one diverged
    assert rates["wide", "fashion", "ls"] == ended - 4
    assert done["wide", "fashion", "ls"] == ended - 4 - 1  # of one the last score is infinite, and not the best
    assert rates["wide", "fashion", "dragan"] == done["wide", "fashion", "dragan"] == WIDE.seeds * WIDE.settings


def test_what_was_repeated_and_what_failed_cost_time(tmp_path: Path) -> None:
    """An attempt that begins anew counts its training from 0: its clock tells what it took."""
    store = new_store(tmp_path)
    times = {1: (0, [100, 190]), 2: (1000, [1100, 1200, 1300]), 3: (5000, [5001])}
    for attempt, (began, written) in times.items():
        write(store, [
            made_row(PLANNED[0], attempt, 10 * i, "failed" if attempt == 3 else "ok", started_at=after(began),
                     written_at=after(seconds), train_seconds=100.0 * i, evaluation_seconds=6.0)
            for i, seconds in enumerate(written, 1)
        ])  # fmt: skip
    write(store, [made_row(PLANNED[2], 1, 10, started_at=after(0), written_at=after(3600))])
    (question,) = [each for each in QUESTIONS if each.name == "hours"]
    assert PLANNED[0].trial.loss == PLANNED[2].trial.loss
    seconds, measuring = 190 + 300 + 1 + 3600, 6 * 6 + 0.3
    (found,) = ask(store.folder, question.sql).to_pylist()
    assert found == pytest.approx({
        "loss": PLANNED[0].trial.loss, "trials": 2, "attempts": 4, "hours": seconds / 3600,
        "measuring_hours": measuring / 3600, "measuring_share": measuring / seconds,
    })  # fmt: skip


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_both_ways_agree_where_nothing_is_finite(question: Question, value: float | None, tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for planned in PLANNED:
        write(store, [made_row(planned, 1, 30, fd_cnn28=value, fd_cnn28_selection=value, started_at=BEGAN)])
    answer = ask(store.folder, question.sql).to_pandas()
    pandas = frame(question, store)
    assert list(answer.columns) == list(pandas.columns)
    assert len(answer) == len(pandas)
    if len(answer):
        pd.testing.assert_frame_equal(answer, pandas, check_dtype=False)


def test_answers_by_hand(answers: dict[str, pd.DataFrame]) -> None:
    """What can be seen in the recipe without either way of asking."""
    best = answers["best_settings"]
    assert len(best) == 3 * len(LOSSES)
    mm = best[(best["loss"] == "mm") & (best["phase"] == "wide")]
    assert not mm["sample"].isin([2, 3]).any()
    lost = answers["divergence"].set_index(["phase", "loss"])
    assert lost.loc[("wide", "wgan"), ["ended", "diverged", "from_rate"]].tolist() == [36, 6, 2e-4]
    assert lost.loc[("wide", "ls"), ["ended", "diverged"]].tolist() == [36, 2]
    assert lost.loc[("wide", "mm"), ["ended", "diverged"]].tolist() == [24, 0]
    failed = answers["failures"]
    assert failed["reason"].unique().tolist() == ["out of memory: N of N GiB"]
    assert failed["losses"].tolist() == ["began, wgan", "vae"]
    assert failed["trials"].tolist() == [6 + 2 + 2, 2 + 1]
    budget = answers["budgets"].set_index([*SEARCH, "tried"])["score"]
    assert math.isnan(budget["narrow", "fashion", "vae", 1])  # its first setting failed once
    assert budget["wide", "fashion", "ns", 1] == pytest.approx(mean("ns", 0))
    assert budget["wide", "fashion", "ns", 5] == pytest.approx(min(mean("ns", sample) for sample in range(5)))


def mean(loss: str, sample: int) -> float:
    """Over seeds, of what `rows_of` leaves of the score that selection can choose."""
    scores = [synthetic.score(loss, sample, seed) for seed in range(WIDE.seeds)]
    return sum(1.5 * each if sample % 2 and seed != 1 else each for seed, each in enumerate(scores)) / len(scores)
