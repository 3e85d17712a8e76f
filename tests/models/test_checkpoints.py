"""Checkpoints: the newest two are kept, a damaged one is passed over by name, a hostile one runs nothing."""

import io
import json
import logging
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from study.attempt import begin
from study.data.catalogue import find
from study.identity import from_content
from study.models import losses
from study.models.checkpoints import load_newest, remove_checkpoints, save_checkpoint, save_generator
from study.models.networks import Generator, Size
from study.results.store import Store
from study.session import Options, Session
from tests.conftest import tiny_trial

STATE: dict[str, Any] = {
    "training": {
        "generator": {"0.weight": torch.tensor([[1.5, -0.0], [float("nan"), 1e-45]])},
        "optimisers": [{"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"betas": (0.5, 0.999)}]}],
        "counts": [3, 1],
        "sums": torch.tensor([1 / 3, 2.0], dtype=torch.float64),
    },
    "train_seconds": 0.1,
}


class Hostile:
    """Unpickled without weights_only, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def two(folder: Path) -> Path:
    """Checkpoints at steps 9 and 10; the path of the newer."""
    for step in (9, 10):
        save_checkpoint(folder, step, {**STATE, "step": step})
    return folder / "checkpoint-10.pt"


def test_the_round_trip_is_exact(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 7, STATE)
    found = load_newest(tmp_path)
    assert found is not None
    assert set(found) == {"format", "training", "train_seconds"}
    assert (found["format"], found["train_seconds"]) == (2, 0.1)
    training, expected = found["training"], STATE["training"]
    assert training["counts"] == [3, 1]
    assert training["optimisers"][0]["param_groups"] == [{"betas": (0.5, 0.999)}]
    assert torch.equal(training["sums"], expected["sums"])
    weights, wanted = training["generator"]["0.weight"], expected["generator"]["0.weight"]
    assert weights.numpy().tobytes() == wanted.numpy().tobytes()


def test_the_newest_two_by_number_are_kept(tmp_path: Path) -> None:
    for step in (8, 9, 10, 11, 100):
        save_checkpoint(tmp_path, step, {**STATE, "step": step})
    assert names(tmp_path) == ["checkpoint-100.pt", "checkpoint-11.pt"]
    found = load_newest(tmp_path)
    assert found is not None
    assert found["step"] == 100


def test_where_there_is_none_nothing_is_loaded(tmp_path: Path) -> None:
    assert load_newest(tmp_path) is None
    assert load_newest(tmp_path / "missing") is None


def test_removing_leaves_the_other_files(tmp_path: Path) -> None:
    two(tmp_path)
    (tmp_path / "log.txt").touch()
    remove_checkpoints(tmp_path)
    assert names(tmp_path) == ["log.txt"]


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: b"not a checkpoint at all",
        lambda whole: b".",
        lambda whole: b"\x80\x02.",
        lambda whole: b"\0" * len(whole),
        lambda whole: b"X" + whole[:3],
        lambda whole: saved([1, 2]),
        lambda whole: saved({"format": 3}),
        lambda whole: saved({"step": 3}),
        lambda whole: pickle.dumps({"format": 2}),
    ],
    ids=[
        "empty",
        "half",
        "one-byte-short",
        "text",
        "stop-code",
        "pickle-stop",
        "zeros",
        "legacy",
        "list",
        "future",
        "formatless",
        "pickle",
    ],
)
def test_a_damaged_one_is_named_and_the_one_before_is_taken(
    damage: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newest = two(tmp_path)
    newest.write_bytes(damage(newest.read_bytes()))
    with caplog.at_level(logging.WARNING):
        found = load_newest(tmp_path)
    assert found is not None
    assert found["step"] == 9
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert str(newest) in told.getMessage()


def test_where_every_one_is_damaged_nothing_is_loaded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    two(tmp_path).write_bytes(b"")
    (tmp_path / "checkpoint-9.pt").write_bytes(b"x")
    assert load_newest(tmp_path) is None
    assert len(caplog.records) == 2


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_no_garbage_stops_the_fall_back(tmp_path: Path, garbage: bytes) -> None:
    two(tmp_path).write_bytes(garbage)
    found = load_newest(tmp_path)
    assert found is not None
    assert found["step"] == 9


def test_a_hostile_checkpoint_is_refused_and_does_not_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    newest, trap = two(tmp_path), tmp_path / "trap"
    newest.write_bytes(saved({"format": 2, "step": 11, "training": Hostile(trap)}))
    found = load_newest(tmp_path)
    assert found is not None
    assert found["step"] == 9
    assert str(newest) in caplog.text
    assert not trap.exists()
    torch.load(newest, weights_only=False)
    assert trap.exists()  # it would have worked


def test_the_generator_is_rebuilt_from_its_file(tmp_path: Path, data: Path) -> None:
    planned, store = tiny_trial("vae"), Store(tmp_path)
    trial = planned.trial
    with begin(planned, store, {}) as attempt:
        assert attempt is not None
        session = Session(attempt, Options(data))
        rows = [session.next_row() for _ in trial.evaluations]
        z = session.training.latents(5, "evaluation")
        expected = session.training.sample(z)
    with safe_open(store.generator_file(trial.id), "pt") as file:
        metadata = file.metadata()
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert (metadata["trial"], metadata["step"]) == (trial.id, "30")
    assert json.loads(metadata["content"])["loss"] == "vae"
    stored = from_content(metadata["content"])
    loss = losses.load(stored.loss, stored.variant, stored.hyperparameters)
    batch_norm = bool(stored.hyperparameters["batch_norm"])
    size = Size(find(stored.dataset).shape, stored.width, batch_norm, stored.batch_norm_decay)
    generator = Generator(size, loss.decoder_slope)
    generator.load_state_dict(weights)
    with torch.inference_mode():
        assert torch.equal(generator.eval()(z), expected)
    assert rows[-1]["status"] == "ok"


def test_the_generators_file_holds_whole_tensors(tmp_path: Path) -> None:
    wide = torch.arange(12.0).reshape(3, 4)
    save_generator(tmp_path / "g.safetensors", {"part": wide.T, "whole": wide.requires_grad_()}, {"step": "3"})
    with safe_open(tmp_path / "g.safetensors", "pt") as file:
        assert torch.equal(file.get_tensor("part"), torch.arange(12.0).reshape(3, 4).T)
        assert torch.equal(file.get_tensor("whole"), torch.arange(12.0).reshape(3, 4))
        assert file.metadata() == {"step": "3"}
