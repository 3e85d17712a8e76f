"""A trial that measures the manifold: its columns and pictures, the same however often it was interrupted."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from study import session
from study.measures import MANIFOLD
from study.plan import Planned
from study.results import load, schema
from study.results.rowfile import Row
from study.results.store import Store
from study.session import Options
from study.trial import run
from tests.conftest import apart, run_here, tiny_trial
from tests.test_trial import generator, measured, newest

CONSTANTS = {"samples": 16, "restarts": 2, "projection_steps": 4, "inversion_steps": 3}
AT = (10, 20, 30)


def trial(loss: str = "ns", splits: str = "separate", **changed: Any) -> Planned:
    measure = {"metrics": ["fd", "manifold"], "generated": 100, "real": 100, "splits": splits}
    return tiny_trial(loss, measure={**measure, "manifold": {**CONSTANTS, **changed}})


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, list[Row]]:
    """A store and the rows of the trial that ran through."""
    store = Store(tmp_path_factory.mktemp("manifold"))
    return store, run_here(trial(), store, data)


def first(planned: Planned, folder: Path, data: Path) -> Row:
    """The row of the first evaluation."""
    running = run(planned, Store(folder), Options(data))
    row = next(running)
    running.close()
    return row


def pictures(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.samples.iterdir()}


def test_every_evaluation_has_the_columns_of_both_splits_and_a_picture(undisturbed: tuple[Store, list[Row]]) -> None:
    (store, rows), name = undisturbed, trial().trial.id
    assert [row["step"] for row in rows] == list(AT)
    for row in rows:
        found = {column for column in row if schema.METRIC.fullmatch(column)}
        assert found == {each + end for each in ("fd_cnn28", *MANIFOLD) for end in ("", "_selection")}
        assert all(isinstance(row[column], float) for column in found)
        assert (row["objective"], row["reported"]) == ("fd_cnn28_selection", "fd_cnn28")
        assert row["precision"] == row["precision_selection"]
        assert 0 <= row["precision_low"] <= row["precision"] <= row["precision_high"] <= 1
        assert 0 < row["recall_distance_10"] < row["recall_distance_90"]
    assert [row["recall_distance_50"] for row in rows] != [row["recall_distance_50_selection"] for row in rows]
    assert set(pictures(store)) == {f"{name}.{step}{end}.png" for step in AT for end in ("", ".manifold")}
    with Image.open(store.picture_file(name, 30, "manifold")) as image:
        assert (image.size, image.mode) == ((242, 242), "L")


def test_measuring_the_manifold_changes_no_training(
    undisturbed: tuple[Store, list[Row]], tmp_path: Path, data: Path
) -> None:
    """Three evaluations with it, or three without: losses, distances, weights and sample grids bit for bit."""
    (store, rows), plain = undisturbed, tiny_trial("ns")
    assert trial().trial.key == plain.trial.key
    assert trial().trial.id != plain.trial.id
    other = Store(tmp_path)
    kept = ("fd_cnn28", "fd_cnn28_selection", "discriminator_loss", "generator_loss", "generator_updates")
    assert [[row[name] for name in kept] for row in run_here(plain, other, data)] == [
        [row[name] for name in kept] for row in rows
    ]
    assert generator(other, plain)[1] == generator(store, trial())[1]
    grids = [
        [each.sample_file(planned.trial.id, step).read_bytes() for step in AT]
        for each, planned in ((store, trial()), (other, plain))
    ]
    assert grids[0] == grids[1]


def test_closed_after_each_evaluation_it_gives_the_same_rows_and_pictures(
    undisturbed: tuple[Store, list[Row]], tmp_path: Path, data: Path
) -> None:
    store, rows = Store(tmp_path), list[Row]()
    for _ in AT:
        running = run(trial(), store, Options(data))
        rows.append(next(running))
        running.close()
    assert [row["attempt"] for row in rows] == [1, 2, 3]
    assert measured(rows) == measured(undisturbed[1])
    assert pictures(store) == pictures(undisturbed[0])


def die_measuring(folder: Path, data: Path, evaluation: int) -> None:
    """Dies as a kill -9 would, when an evaluation has been measured and nothing of it is written: 1, 2 or 3."""
    original, begun = session.evaluate, 0

    def evaluate(*arguments: Any) -> Any:
        nonlocal begun
        begun += 1
        found = original(*arguments)
        if begun == evaluation:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    session.evaluate = evaluate
    run_here(trial(), Store(folder), data)


def test_killed_in_another_process_it_gives_the_same_rows_and_pictures(
    undisturbed: tuple[Store, list[Row]], tmp_path: Path, data: Path
) -> None:
    store = Store(tmp_path)
    assert apart(die_measuring, tmp_path, data, 2) == -signal.SIGKILL
    assert [row["step"] for row in newest(store, trial())] == [10]
    assert [row["step"] for row in run_here(trial(), store, data)] == [20, 30]
    assert measured(newest(store, trial())) == measured(undisturbed[1])
    assert pictures(store) == pictures(undisturbed[0])
    assert generator(store, trial()) == generator(undisturbed[0], trial())


def test_the_published_way_has_one_set_of_columns(
    undisturbed: tuple[Store, list[Row]], tmp_path: Path, data: Path
) -> None:
    """Which holds what another study reports beside its selection."""
    row, other = first(trial(splits="published"), tmp_path, data), undisturbed[1][0]
    found = {column: value for column, value in row.items() if schema.METRIC.fullmatch(column)}
    assert found == {name: other[name] for name in ("fd_cnn28", *MANIFOLD)}


def test_the_constants_decide_the_numbers(undisturbed: tuple[Store, list[Row]], tmp_path: Path, data: Path) -> None:
    """A delta that everything is within makes all shares 1, and leaves the distances as they are."""
    near = trial(delta=100)
    assert near.trial.id != trial().trial.id
    row, other = first(near, tmp_path, data), undisturbed[1][0]
    assert row["f1"] == row["precision"] == row["recall"] == row["f1_high"] == 1 > row["f1_low"]
    distances = [name for name in MANIFOLD if "distance" in name]
    assert [row[name] for name in distances] == [other[name] for name in distances]
    assert row["fingerprint"] != other["fingerprint"]


def test_what_diverged_has_neither_columns_nor_picture(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = session.Training.sample

    def broken(self: session.Training, z: Any) -> Any:
        images = original(self, z).clone()
        images[0, 0, 0, 0] = float("nan")
        return images

    monkeypatch.setattr(session.Training, "sample", broken)
    planned, store = trial(), Store(tmp_path)
    store.write_plan([planned.row(0)], "")
    (row,) = run_here(planned, store, data)
    assert (row["step"], row["status"]) == (10, "diverged")
    assert not any(schema.METRIC.fullmatch(name) for name in row)
    assert set(pictures(store)) == {f"{planned.trial.id}.10.png"}
    assert list(load(store.folder)["status"]) == ["diverged"]
