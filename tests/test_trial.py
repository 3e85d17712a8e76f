"""One trial: bit-identical rows however often it was interrupted, diverged and failed told, nothing repeated."""

import hashlib
import json
import logging
import os
import shutil
import signal
import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from safetensors import safe_open

from study import session as module
from study.errors import StudyError
from study.identity import canonical
from study.plan import Planned
from study.results import load, schema
from study.results.rowfile import Row
from study.results.store import Store
from study.session import Options
from study.trial import run
from tests.conftest import apart, run_here, tiny_trial

MEASURED_AT = (10, 20, 30)


def measured(rows: list[Row]) -> list[dict[str, Any]]:
    """What two runs of a trial agree on; floats as their bits, so that even NaN equals itself."""
    return [
        {
            name: struct.pack("<d", value).hex() if isinstance(value, float) else value
            for name, value in row.items() if schema.is_measured(name) and value is not None
        }
        for row in rows
    ]  # fmt: skip


def newest(store: Store, planned: Planned) -> list[Row]:
    """The measured rows of a trial, each step by its newest attempt."""
    by_step = {row["step"]: row for row in store.read(planned.trial.id) if row["status"] != "failed"}
    return [by_step[step] for step in sorted(by_step)]


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    """Hash and time of every file."""
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def checkpoints(store: Store, planned: Planned) -> list[str]:
    return sorted(path.name for path in store.trial_folder(planned.trial.id).glob("checkpoint-*"))


def generator(store: Store, planned: Planned) -> tuple[dict[str, str], dict[str, bytes]]:
    """Metadata and weights of the generator that a trial left; the file may hold them in any order."""
    with safe_open(store.generator_file(planned.trial.id), "np") as file:
        return file.metadata(), {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Store, list[Row]]]:
    """By loss, a store and the rows of the default trial that ran through."""
    found = {}
    for loss in ("ns", "began", "vae"):
        store = Store(tmp_path_factory.mktemp(loss))
        found[loss] = store, run_here(tiny_trial(loss), store, data)
    return found


def test_a_row_says_everything(undisturbed: dict[str, tuple[Store, list[Row]]]) -> None:
    planned, (store, rows) = tiny_trial("ns"), undisturbed["ns"]
    trial = planned.trial
    assert [row["step"] for row in rows] == list(MEASURED_AT)
    for row in rows:
        assert (row["trial"], row["content"], row["search"]) == (trial.id, trial.content, "wide/ns/triangles_tiny")
        assert (row["phase"], row["sample"], row["loss"], row["dataset"], row["seed"]) == (
            "wide", 0, "ns", "triangles_tiny", 0
        )  # fmt: skip
        assert {name: row[name] for name in trial.hyperparameters} == trial.hyperparameters
        assert (row["attempt"], row["steps"], row["status"], row["variant"]) == (1, 30, "ok", "as_run")
        assert (row["objective"], row["reported"]) == ("fd_cnn28_selection", "fd_cnn28")
        assert (row["generator_updates"], row["images_seen"]) == (row["step"], row["step"] * 16)
        assert row["fd_cnn28"] > 0
        assert row["fd_cnn28_selection"] > 0
        assert row["fd_cnn28_selection"] != row["fd_cnn28"]  # other real images
        assert 0 < row["discriminator_loss"] < 10
        assert 0 < row["generator_loss"] < 10
        assert row["evaluation_seconds"] > 0
        assert row["started_at"] < row["written_at"]
        assert json.loads(row["fingerprint"])["real"] == 100
        assert row["fingerprint"] == canonical(json.loads(row["fingerprint"]))
        assert set(json.loads(row["versions"])) >= {"python", "torch", "numpy"}
        assert json.loads(row["hardware"])["threads"] == 1
    assert 0 < rows[0]["train_seconds"] < rows[1]["train_seconds"] < rows[2]["train_seconds"]
    # width 1/16: 64-64-(8x7x7)-4-1 and 1-4-8-64-1, with batch norm in both
    generator = (64 * 64 + 64) + 2 * 64 + (64 * 392 + 392) + 2 * 392 + (8 * 4 * 16 + 4) + 2 * 4 + (4 * 16 + 1)
    discriminator = (16 * 4 + 4) + (4 * 8 * 16 + 8) + 2 * 8 + (392 * 64 + 64) + 2 * 64 + 65
    assert (rows[0]["generator_parameters"], rows[0]["discriminator_parameters"]) == (generator, discriminator)
    assert [row["step"] for row in store.read(trial.id)] == list(MEASURED_AT)


def test_began_reports_its_memory_and_vae_one_loss(undisturbed: dict[str, tuple[Store, list[Row]]]) -> None:
    _, rows = undisturbed["began"]
    assert all(row["k"] != 0 and 0 < row["convergence"] < 2 for row in rows)
    assert [row["generator_updates"] for row in rows] == [3, 5, 7]  # steps 0, 1, 6; 11, 16; 21, 26
    _, rows = undisturbed["vae"]
    assert all(row["generator_loss"] is None and row["discriminator_loss"] > 0 for row in rows)
    assert "k" not in rows[0]


def test_what_is_left_at_the_end(undisturbed: dict[str, tuple[Store, list[Row]]]) -> None:
    planned, (store, rows) = tiny_trial("ns"), undisturbed["ns"]
    trial = planned.trial.id
    kept = [store.provenance_file(column, rows[0][column]) for column in schema.FILES if rows[0][column]]
    assert set(contents(store.folder)) == {
        *(f"provenance/{path.name}" for path in kept),
        f"generators/{trial}.safetensors",
        f"rows/{trial}.001.parquet",
        *(f"samples/{trial}.{step}.png" for step in MEASURED_AT),
        f"trials/{trial}/attempt-1.json", f"trials/{trial}/lock", f"trials/{trial}/log.txt",
    }  # fmt: skip
    with Image.open(store.sample_file(trial, 30)) as image:
        assert (image.size, image.mode) == ((242, 242), "L")
    log = store.log_file(trial).read_text()
    assert "attempt 1 of trial" in log
    assert [f"step {step}: " in log for step in MEASURED_AT] == [True] * 3


def test_a_trial_has_its_log_whatever_was_logged_before(tmp_path: Path, data: Path) -> None:
    """Python's loggers remember whether a level is on."""
    planned, store, logger = tiny_trial(), Store(tmp_path), logging.getLogger("study")
    logger.setLevel(logging.WARNING)
    try:
        logger.info("nobody listens")
        run_here(planned, store, data)
        assert not logger.isEnabledFor(logging.INFO)  # as it was
    finally:
        logger.setLevel(logging.NOTSET)
    log = store.log_file(planned.trial.id).read_text()
    assert "attempt 1 of trial" in log
    assert "step 30: " in log


@pytest.mark.parametrize("loss", ["ns", "began", "vae"])
def test_closed_after_each_evaluation_it_gives_the_same_rows(
    loss: str, undisturbed: dict[str, tuple[Store, list[Row]]], tmp_path: Path, data: Path
) -> None:
    planned, store, rows = tiny_trial(loss), Store(tmp_path), list[Row]()
    for _ in MEASURED_AT:
        running = run(planned, store, Options(data))
        rows.append(next(running))
        running.close()
    assert [row["attempt"] for row in rows] == [1, 2, 3]
    assert measured(rows) == measured(undisturbed[loss][1])
    assert measured(newest(store, planned)) == measured(rows)
    for step in MEASURED_AT:
        samples = [s.sample_file(planned.trial.id, step).read_bytes() for s in (store, undisturbed[loss][0])]
        assert samples[0] == samples[1]
    assert generator(store, planned) == generator(undisturbed[loss][0], planned)
    assert rows[1]["train_seconds"] > rows[0]["train_seconds"]


def test_the_rows_depend_on_the_setting_and_the_seed(
    undisturbed: dict[str, tuple[Store, list[Row]]], tmp_path: Path, data: Path
) -> None:
    (_, rows), planned = undisturbed["ns"], tiny_trial("ns")
    for i, other in enumerate(
        [tiny_trial("ns", {"learning_rate": 1e-3}), replace(planned, trial=replace(planned.trial, seed=1))]
    ):
        found = run_here(other, Store(tmp_path / str(i)), data)
        assert found[-1]["fd_cnn28"] != rows[-1]["fd_cnn28"]


def test_measuring_more_or_training_longer_changes_nothing_before(
    undisturbed: dict[str, tuple[Store, list[Row]]], tmp_path: Path, data: Path
) -> None:
    longer = tiny_trial("began", datasets={"triangles_tiny": {"steps": 33, "evaluations": [10, 15, 20, 30, 33]}})
    found = {row["step"]: row for row in run_here(longer, Store(tmp_path), data)}
    for row in undisturbed["began"][1]:
        assert [found[row["step"]][name] for name in ("fd_cnn28", "k", "convergence", "generator_updates")] == [
            row[name] for name in ("fd_cnn28", "k", "convergence", "generator_updates")
        ]


def run_until(planned: Planned, folder: Path, data: Path, target: str, after: bool) -> None:
    """Runs the trial with a checkpoint after every step, and dies as a kill -9 would: at the rename to the target,
    or at the first thing that the process does after it."""
    armed = False

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal armed
        if event != "os.kill" and (armed or (event == "os.rename" and str(arguments[1]).endswith(target))):
            if armed or not after:
                os.kill(os.getpid(), signal.SIGKILL)
            armed = True

    sys.addaudithook(watch)
    run_here(planned, Store(folder), data, checkpoint_seconds=0.0)


@pytest.mark.parametrize("loss", ["ns", "began", "vae"])
def test_killed_at_any_moment_it_gives_the_same_rows(
    loss: str, undisturbed: dict[str, tuple[Store, list[Row]]], tmp_path: Path, data: Path
) -> None:
    planned, store = tiny_trial(loss), Store(tmp_path)
    trial = planned.trial.id
    moments = [
        ("checkpoint-4.pt", False), ("checkpoint-7.pt", True), (f"{trial}.10.png", True),
        (f"{trial}.004.parquet", False), (f"{trial}.005.parquet", True), ("checkpoint-20.pt", False),
        (f"{trial}.safetensors", True), ("never", False),
    ]  # fmt: skip
    codes = [apart(run_until, planned, tmp_path, data, *moment) for moment in moments]
    assert codes == [-signal.SIGKILL] * 7 + [0]
    assert measured(newest(store, planned)) == measured(undisturbed[loss][1])
    assert checkpoints(store, planned) == []
    assert run_here(planned, store, data) == []
    attempts = store.trial_folder(trial).glob("attempt-*.json")
    assert {path.name for path in attempts} == {f"attempt-{number}.json" for number in range(1, 9)}
    assert generator(store, planned) == generator(undisturbed[loss][0], planned)


def test_mid_interval_checkpoints_are_continued_from(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    assert apart(run_until, planned, tmp_path, data, "checkpoint-17.pt", True) == -signal.SIGKILL
    assert checkpoints(store, planned) in (["checkpoint-16.pt", "checkpoint-17.pt"],
                                           ["checkpoint-15.pt", "checkpoint-16.pt", "checkpoint-17.pt"])  # fmt: skip
    rows = run_here(planned, store, data)
    assert [row["step"] for row in rows] == [20, 30]
    assert "continuing from step 17" in store.log_file(planned.trial.id).read_text()
    assert rows[0]["train_seconds"] > store.read(planned.trial.id)[0]["train_seconds"]


def test_killed_between_the_last_row_and_the_end_it_leaves_no_checkpoint(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    assert apart(run_until_rows, planned, tmp_path, data, 3) == -signal.SIGKILL
    assert [row["step"] for row in newest(store, planned)] == [10, 20, 30]
    assert checkpoints(store, planned) == ["checkpoint-10.pt", "checkpoint-20.pt"]
    assert run_here(planned, store, data) == []
    assert checkpoints(store, planned) == []


def run_until_rows(planned: Planned, folder: Path, data: Path, rows: int) -> None:
    """Dies right after so many rows are on disk."""
    seen, armed = 0, False

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen, armed
        if armed and event != "os.kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if event == "os.rename" and str(arguments[1]).endswith(".parquet"):
            seen += 1
            armed = seen == rows

    sys.addaudithook(watch)
    run_here(planned, Store(folder), data)


def test_a_row_is_on_disk_before_it_is_told(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    for row in run(planned, store, Options(data)):
        assert store.read(planned.trial.id)[-1]["step"] == row["step"]
        assert store.read(planned.trial.id)[-1]["fd_cnn28"] == row["fd_cnn28"]
        assert store.sample_file(planned.trial.id, row["step"]).exists()
        assert (checkpoints(store, planned)[-1:] == [f"checkpoint-{row['step']}.pt"]) == (row["step"] < 30)
        assert store.generator_file(planned.trial.id).exists() == (row["step"] == 30)


def test_an_ended_trial_is_left_alone(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    run_here(planned, store, data)
    before = contents(store.folder)
    assert run_here(planned, store, data) == []
    assert contents(store.folder) == before


def test_checkpoints_stay_where_they_are_asked_for(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    run_here(planned, store, data, keep_checkpoints=True)
    assert checkpoints(store, planned) == ["checkpoint-20.pt", "checkpoint-30.pt"]


DIVERGING = {"learning_rate": 1e3, "penalty_weight": 1e9}
LATER = {"triangles_tiny": {"steps": 30, "evaluations": [1, 8, 30]}}


def test_a_loss_that_is_no_number_ends_the_trial_as_diverged(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("wgan_gp", DIVERGING, datasets=LATER), Store(tmp_path)
    rows = run_here(planned, store, data)
    assert [(row["step"], row["status"]) for row in rows] == [(1, "ok"), (8, "diverged")]
    assert rows[0]["fd_cnn28"] > 0
    assert "fd_cnn28" not in rows[1]
    assert rows[1]["message"] in {"the discriminator loss is inf", "the discriminator loss is nan"}
    assert "exception" not in rows[1]
    stored = store.read(planned.trial.id)
    assert [(row["step"], row["status"]) for row in stored] == [(1, "ok"), (8, "diverged")]
    assert stored[1]["fd_cnn28"] is None
    assert rows[1]["generator_updates"] == 3
    assert store.sample_file(planned.trial.id, 8).exists()
    assert store.generator_file(planned.trial.id).exists()
    assert checkpoints(store, planned) == []
    before = contents(store.folder)
    assert run_here(planned, store, data) == []
    assert contents(store.folder) == before
    again = run_here(planned, Store(tmp_path / "again"), data)
    assert measured(again) == measured(rows)  # how it broke is bit-identical, too


def test_a_generators_loss_and_its_images_can_break_too(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = run_here(tiny_trial("ns", {"learning_rate": 1e12}, datasets=LATER), Store(tmp_path / "loss"), data)
    assert [(row["step"], row["status"], row["message"]) for row in rows] == [
        (1, "diverged", "the generator loss is nan")
    ]
    original = module.Training.sample

    def broken(self: module.Training, z: Any) -> Any:
        images = original(self, z).clone()
        images[0, 0, 0, 0] = float("nan")
        return images

    monkeypatch.setattr(module.Training, "sample", broken)
    rows = run_here(tiny_trial("ns"), Store(tmp_path / "image"), data)
    assert [(row["step"], row["status"], row["message"]) for row in rows] == [
        (10, "diverged", "a generated image is not finite")
    ]
    assert not any(schema.METRIC.fullmatch(name) for name in rows[0])


def test_a_failure_is_a_row_and_the_next_attempt_continues(
    undisturbed: dict[str, tuple[Store, list[Row]]], tmp_path: Path, data: Path
) -> None:
    planned, store = tiny_trial("began"), Store(tmp_path)
    trial = planned.trial.id
    store.write_plan([planned.row(0)], "")
    obstacle = store.sample_file(trial, 20)
    obstacle.mkdir(parents=True)
    (obstacle / "in the way").touch()
    for attempt in (1, 2):
        with pytest.raises(OSError, match=r"\.20\.png"):
            run_here(planned, store, data)
        *_, failed = store.read(trial)
        assert (failed["attempt"], failed["status"], failed["step"]) == (attempt, "failed", 20)
        assert failed["exception"] in {"IsADirectoryError", "OSError"}
        assert f"{trial}.20.png" in failed["message"]
        assert "\n" not in failed["message"]
        assert failed["trace"] == f"trials/{trial}/trace-{attempt}.txt"
        trace = (store.folder / failed["trace"]).read_text()
        assert trace.startswith("Traceback (most recent call last):")
        assert "os.replace" in trace
        assert (failed.get("fd_cnn28"), failed["content"], failed["commit"]) == (
            None, planned.trial.content, undisturbed["began"][1][0]["commit"]
        )  # fmt: skip
        trials, evaluations = load(store.folder, "trials"), load(store.folder)
        assert list(trials["status"]) == ["failed"]
        assert sorted(evaluations["status"]) == ["failed", "ok"]
    (obstacle / "in the way").unlink()
    obstacle.rmdir()
    rows = run_here(planned, store, data)
    assert [(row["attempt"], row["step"]) for row in rows] == [(3, 20), (3, 30)]
    assert measured(newest(store, planned)) == measured(undisturbed["began"][1])
    trials, evaluations = load(store.folder, "trials"), load(store.folder)
    assert list(trials["status"]) == ["done"]
    assert list(evaluations["attempt"]) == [1, 3, 3]
    assert list(evaluations["status"]) == ["ok"] * 3
    assert checkpoints(store, planned) == []
    log = store.log_file(trial).read_text()
    assert log.count("continuing from step 10") == 2
    assert log.count("ERROR failed") == 2


def test_data_that_is_missing_is_a_failure_at_step_0(tmp_path: Path) -> None:
    planned, store = tiny_trial(), Store(tmp_path / "store")
    with pytest.raises(StudyError, match=r"triangles_tiny is not prepared in .*; run gan-study prepare first"):
        run_here(planned, store, tmp_path / "no data")
    (row,) = store.read(planned.trial.id)
    assert (row["status"], row["step"], row["exception"], row["attempt"]) == ("failed", 0, "StudyError", 1)


def test_damaged_checkpoints_cost_time_and_no_numbers(
    undisturbed: dict[str, tuple[Store, list[Row]]], tmp_path: Path, data: Path
) -> None:
    planned, store = tiny_trial("began"), Store(tmp_path)
    running = run(planned, store, Options(data))
    rows = [next(running), next(running)]
    running.close()
    folder = store.trial_folder(planned.trial.id)
    assert checkpoints(store, planned) == ["checkpoint-10.pt", "checkpoint-20.pt"]
    (folder / "checkpoint-20.pt").write_bytes(b"")
    rows = run_here(planned, store, data)
    assert [row["step"] for row in rows] == [20, 30]
    assert "checkpoint-20.pt is damaged" in store.log_file(planned.trial.id).read_text()
    assert measured(newest(store, planned)) == measured(undisturbed["began"][1])


def test_without_any_checkpoint_it_starts_anew(
    undisturbed: dict[str, tuple[Store, list[Row]]], tmp_path: Path, data: Path
) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    running = run(planned, store, Options(data))
    next(running)
    running.close()
    for path in store.trial_folder(planned.trial.id).glob("checkpoint-*"):
        path.unlink()
    assert [row["step"] for row in run_here(planned, store, data)] == [10, 20, 30]
    assert measured(newest(store, planned)) == measured(undisturbed["ns"][1])


def test_the_data_stay_as_they_are(tmp_path: Path, data: Path) -> None:
    before = contents(data / "triangles_tiny")
    run_here(tiny_trial("vae"), Store(tmp_path), data)
    assert contents(data / "triangles_tiny") == before
    assert {"train.npy", "test.npy"} < set(before)


def test_a_hole_in_the_rows_is_filled_instead_of_left(
    undisturbed: dict[str, tuple[Store, list[Row]]], tmp_path: Path, data: Path
) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    session = run(planned, store, Options(data))
    next(session)
    next(session)
    session.close()
    next(store.rows.glob("*.parquet")).unlink()
    rows = run_here(planned, store, data)
    assert [row["step"] for row in rows] == [10, 20, 30]
    assert measured(newest(store, planned)) == measured(undisturbed["ns"][1])


def test_what_was_measured_is_never_written_over(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    session = run(planned, store, Options(data))
    next(session)
    session.close()
    shutil.rmtree(store.trial_folder(planned.trial.id))  # somebody tidied up: no marker, no checkpoint
    first = {path: path.read_bytes() for path in store.rows.iterdir()}
    rows = run_here(planned, store, data)
    assert {row["attempt"] for row in rows} == {2}
    assert {path: path.read_bytes() for path in first} == first


def test_what_fails_after_the_last_row_takes_nothing_away(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    store.write_plan([planned.row(0)], "")

    def refuse(folder: Path) -> None:
        raise OSError("no tidying today")

    monkeypatch.setattr(module, "remove_checkpoints", refuse)
    with pytest.raises(OSError, match="no tidying"):
        run_here(planned, store, data)
    assert [row["status"] for row in store.read(planned.trial.id)] == ["ok", "ok", "ok"]
    assert list(load(store.folder, "trials")["status"]) == ["done"]


def test_a_failed_trial_is_charged_what_it_used(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    store.write_plan([planned.row(0)], "")
    store.sample_file(planned.trial.id, 20).mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        run_here(planned, store, data)
    (trial,) = load(store.folder, "trials").to_dict("records")
    assert (trial["status"], trial["step"], trial["images_seen"]) == ("failed", 20, 20 * planned.trial.batch_size)
    assert trial["train_seconds"] > 0


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("ns"), Store(tmp_path)
    trial = planned.trial.id
    left = [
        store.trial_folder(trial) / ".checkpoint-10.pt.abc.aside",
        store.rows / f".{trial}.001.parquet.abc.aside",
        store.samples / f".{trial}.10.png.abc.aside",
    ]
    other = store.rows / ".0123456789abcdef.001.parquet.abc.aside"
    for path in (*left, other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    run_here(planned, store, data)
    assert not any(path.exists() for path in left)
    assert other.exists()


def test_the_published_way_chooses_and_reports_by_one_number(data: Path, tmp_path: Path) -> None:
    """What is reported is the same whether another split chooses or not: the features are the same."""
    here = {"generated": 100, "real": 100}
    one = tiny_trial("vae", measure={**here, "splits": "published"})
    two = tiny_trial("vae", measure={**here, "splits": "separate"})
    published = run_here(one, Store(tmp_path / "one"), data)
    separate = run_here(two, Store(tmp_path / "two"), data)
    assert one.trial.id != two.trial.id
    assert one.trial.key == two.trial.key
    for row, other in zip(published, separate, strict=True):
        assert (row["objective"], row["reported"]) == ("fd_cnn28", "fd_cnn28")
        assert "fd_cnn28_selection" not in row
        assert row["fd_cnn28"] == other["fd_cnn28"]
        assert json.loads(row["fingerprint"])["selection"] == json.loads(row["fingerprint"])["reporting"] == "test"
        assert json.loads(other["fingerprint"])["selection"] == "train"
