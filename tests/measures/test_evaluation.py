"""An evaluation: the numbers of all features at once, however they were batched, and none where an image is broken."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from study import durable
from study.data.catalogue import find
from study.data.prepare import open_prepared, prepare
from study.identity import canonical, digest
from study.measures import evaluation, load_extractor
from study.measures.contracts import Extractor, Features, Real
from study.measures.evaluation import evaluate, fingerprint
from study.measures.frechet import frechet_distance
from study.measures.moments import Moments
from study.measures.protocol import Protocol
from study.measures.rounding import quantise
from study.parts import Manifold
from tests.measures.models import Function, memory

PROTOCOL = Protocol("cnn28", None, ("fd",), 130, 100, "train", "test", quantised=False)
PUBLISHED = replace(PROTOCOL, selection="test")
TRIANGLES = find("triangles_tiny")
MIX = torch.randn(64, 28 * 28, generator=torch.Generator().manual_seed(1)) / 4


def generate(z: Tensor) -> Tensor:
    """A fixed function from z [N, 64] to images in [0, 1]."""
    return (z @ MIX).sigmoid().view(-1, 1, 28, 28)


MODEL = Function(generate)


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    found: Extractor = load_extractor("cnn28", None)
    return found


@pytest.fixture(scope="module")
def latents() -> Tensor:
    return MODEL.latents(130, "evaluation")


@pytest.fixture(scope="module")
def real(data: Path, extractor: Extractor) -> dict[str, Real]:
    prepared = open_prepared(TRIANGLES, data)
    images = {split: prepared.images(split)[:100].astype(np.float32) / 64 for split in ("train", "test")}
    return {split: against(extractor, torch.from_numpy(found)) for split, found in images.items()}


def against(extractor: Extractor, images: Tensor) -> Real:
    return Real(at_once(extractor, images), images)


def at_once(extractor: Extractor, images: Tensor) -> Moments:
    """Moments of all features by numpy's own mean and covariance."""
    with torch.inference_mode():
        features = extractor(images).features.double().numpy()
    return Moments(len(features), torch.from_numpy(features.mean(0)), torch.from_numpy(np.cov(features, rowvar=False)))


@pytest.mark.parametrize("batch", [7, 65, 130, 500])
def test_the_value_is_that_of_all_features_at_once(
    batch: int, extractor: Extractor, real: dict[str, Real], latents: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "BATCH", batch)
    sizes: list[int] = []

    def counted(z: Tensor) -> Tensor:
        sizes.append(len(z))
        return generate(z)

    found = evaluate(PROTOCOL, TRIANGLES, extractor, real, Function(counted))
    generated = at_once(extractor, generate(latents))
    expected = {
        "fd_cnn28": frechet_distance(generated, real["test"].moments),
        "fd_cnn28_selection": frechet_distance(generated, real["train"].moments),
    }
    assert list(found.values) == list(expected) == list(PROTOCOL.columns)
    assert found.values == pytest.approx(expected, rel=1e-6)  # float32 features differ by batch
    assert expected["fd_cnn28"] != pytest.approx(expected["fd_cnn28_selection"], rel=1e-3)
    assert min(expected.values()) > 10
    assert found.finite
    assert sizes == [batch] * (130 // batch) + [130 % batch] * (130 % batch > 0)


class Linear:
    """An extractor in float64: what it sees in an image does not depend on the images beside it."""

    name, dimension, sha256, module = "cnn28", 8, "0" * 64, torch.nn.Module()
    weights = torch.randn(28 * 28, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def __call__(self, images: Tensor) -> Features:
        return Features(images.flatten(1).double() @ self.weights, None)


def test_batching_changes_nothing_but_rounding(latents: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    other = torch.rand(100, 1, 28, 28, generator=torch.Generator().manual_seed(4))
    images, real = generate(latents), {"test": against(Linear(), other)}
    expected = frechet_distance(at_once(Linear(), images), real["test"].moments)
    for batch in (1, 10, 33, 130):
        monkeypatch.setattr(evaluation, "BATCH", batch)
        rest = iter(images.split(batch))
        found = evaluate(PUBLISHED, TRIANGLES, Linear(), real, Function(lambda z, rest=rest: next(rest)))
        assert found.values["fd_cnn28"] == pytest.approx(expected, rel=1e-9)


def test_the_same_images_as_the_reference_are_at_distance_zero(extractor: Extractor, data: Path) -> None:
    images = torch.from_numpy(open_prepared(find("triangles_tiny"), data).images("test")[:100] / np.float32(64))
    real, asked = {"test": against(extractor, images)}, replace(PUBLISHED, generated=100)
    found = evaluate(asked, TRIANGLES, extractor, real, Function(lambda _: images))
    assert found.values["fd_cnn28"] == pytest.approx(0, abs=1e-9)


def test_one_split_for_both_fills_one_set_of_columns(extractor: Extractor, real: dict[str, Real]) -> None:
    """The published way: what is reported is the very number that was chosen by."""
    both = evaluate(PROTOCOL, TRIANGLES, extractor, real, MODEL)
    found = evaluate(PUBLISHED, TRIANGLES, extractor, {"test": real["test"]}, MODEL)
    assert found.values == {"fd_cnn28": both.values["fd_cnn28"]}
    assert PUBLISHED.columns == (PUBLISHED.objective,) == (PUBLISHED.reported,) == ("fd_cnn28",)


def test_quantised_images_are_measured_as_a_file_would_hold_them(
    extractor: Extractor, real: dict[str, Real], latents: Tensor
) -> None:
    quantised = replace(PROTOCOL, quantised=True)
    written = torch.from_numpy(np.rint(generate(latents).numpy() * 255).astype(np.uint8))
    read = iter(torch.split(written.float() / 255, evaluation.BATCH))
    expected = evaluate(PROTOCOL, TRIANGLES, extractor, real, Function(lambda z: next(read)))
    found = evaluate(quantised, TRIANGLES, extractor, real, MODEL)
    assert found.values == expected.values
    assert found.values != evaluate(PROTOCOL, TRIANGLES, extractor, real, MODEL).values
    assert torch.equal(found.shown, generate(latents)[:64])


def test_every_stored_level_is_its_own_rounding() -> None:
    levels = torch.arange(256).float() / 255
    assert torch.equal(quantise(levels), levels)
    assert torch.equal(quantise((levels + 0.49 / 255).clamp_max(1)), levels)
    assert torch.equal(quantise((levels - 0.49 / 255).clamp_min(0)), levels)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", [0, 129])
def test_an_image_that_is_not_finite_ends_it_without_values(
    bad: float,
    where: int,
    extractor: Extractor,
    real: dict[str, Real],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluation, "BATCH", 50)
    position = 0

    def broken(z: Tensor) -> Tensor:
        nonlocal position
        images = generate(z)
        if position <= where < position + len(z):
            images[where - position, 0, 3, 4] = bad
        position += len(z)
        return images

    found = evaluate(PROTOCOL, TRIANGLES, extractor, real, Function(broken))
    assert found.finite is False
    assert found.values == {}
    assert found.shown.shape == (50, 1, 28, 28)
    assert position == (50 if where == 0 else 130)  # nothing is generated after it


def test_the_first_64_images_are_shown(extractor: Extractor, real: dict[str, Real], latents: Tensor) -> None:
    found = evaluate(PROTOCOL, TRIANGLES, extractor, real, MODEL)
    assert found.shown.shape == (64, 1, 28, 28)
    assert torch.equal(found.shown, generate(latents)[:64])
    assert found.pictures == {}


def test_whatever_changes_the_numbers_changes_the_fingerprint(data: Path, extractor: Extractor, tmp_path: Path) -> None:
    prepared = open_prepared(find("triangles_tiny"), data)
    ours = fingerprint(PROTOCOL, prepared, extractor)
    assert ours == fingerprint(PROTOCOL, prepared, load_extractor("cnn28", None))
    changed = {
        "selection": fingerprint(PUBLISHED, prepared, extractor),
        "reporting": fingerprint(replace(PROTOCOL, reporting="train"), prepared, extractor),
        "quantised": fingerprint(replace(PROTOCOL, quantised=True), prepared, extractor),
        "real": fingerprint(replace(PROTOCOL, real=99), prepared, extractor),
        "generated": fingerprint(replace(PROTOCOL, generated=131), prepared, extractor),
        "dataset_sha256": fingerprint(PROTOCOL, replace(prepared, sha256="0" * 64), extractor),
        "dataset": fingerprint(PROTOCOL, replace(prepared, dataset=find("triangles")), extractor),
    }
    other = load_extractor("cnn28", None)
    other.sha256 = "0" * 64
    changed["extractor_sha256"] = fingerprint(PROTOCOL, prepared, other)
    for name, theirs in changed.items():
        assert {key for key in ours if ours[key] != theirs[key]} == {name}
    assert ours["extractor_sha256"] == durable.sha256(Path(evaluation.__file__).with_name("cnn28.safetensors"))
    assert ours["metrics"] == {"fd": 1}
    assert (ours["resize"], ours["tiled"], ours["quantised"]) == ("none", False, False)
    again, made = prepare(find("triangles_tiny"), tmp_path)
    assert made
    assert fingerprint(PROTOCOL, again, extractor) == ours  # made twice, the data set is the same


SMALL = Manifold(samples=60, restarts=2, projection_steps=5, inversion_steps=2).model_dump()
WITH_MANIFOLD = replace(PROTOCOL, metrics=("fd", "manifold"), constants={"manifold": SMALL})


def test_every_metric_fills_its_columns_for_both_splits(
    extractor: Extractor, real: dict[str, Real], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a model that knows the first 100 real images alone, to the first 60 of what it makes in batches of 25."""
    monkeypatch.setattr(evaluation, "BATCH", 25)
    known = memory(real["test"].images)
    found = evaluate(WITH_MANIFOLD, TRIANGLES, extractor, real, known)
    assert list(found.values) == list(WITH_MANIFOLD.columns)
    assert len(WITH_MANIFOLD.columns) == 2 * (1 + 19)
    assert found.values["precision"] == found.values["precision_selection"] == 1
    assert found.values["recall"] == found.values["f1"] == 1
    assert found.values["recall_distance_90"] == 0 < found.values["recall_distance_10_selection"]
    assert found.values["recall_selection"] < 1
    assert set(found.pictures) == {"manifold"}
    assert found.pictures["manifold"].shape == (64, 1, 28, 28)
    one = evaluate(replace(WITH_MANIFOLD, selection="test"), TRIANGLES, extractor, {"test": real["test"]}, known)
    assert one.values == {name: value for name, value in found.values.items() if not name.endswith("_selection")}
    assert torch.equal(one.pictures["manifold"], found.pictures["manifold"])


@pytest.mark.parametrize("quantised", [False, True])
def test_a_metric_sees_the_first_images_as_they_are_measured(
    quantised: bool, extractor: Extractor, real: dict[str, Real], latents: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(evaluation, "BATCH", 25)
    monkeypatch.setattr(
        evaluation, "_values", lambda protocol, metrics, generated, real: seen.append(generated.images) or {}
    )
    monkeypatch.setattr("study.measures.manifold.Manifold.picture", lambda self: self)
    evaluate(replace(WITH_MANIFOLD, quantised=quantised), TRIANGLES, extractor, real, MODEL)
    made = generate(latents)[:60]
    assert torch.allclose(seen[0], quantise(made) if quantised else made, atol=1e-6)
    assert torch.equal(quantise(seen[0]), seen[0]) == quantised


def test_constants_are_in_the_fingerprint(data: Path, extractor: Extractor) -> None:
    prepared = open_prepared(TRIANGLES, data)
    ours, plain = (fingerprint(asked, prepared, extractor) for asked in (WITH_MANIFOLD, PROTOCOL))
    assert ours == {**plain, "metrics": {"fd": 1, "manifold": 1}, "constants": {"manifold": SMALL}}
    for name, value in {"delta": 0.8, "family": "free", "restarts": 3, "inversion_rate": 0.5}.items():
        other = replace(WITH_MANIFOLD, constants={"manifold": {**SMALL, name: value}})
        assert other != WITH_MANIFOLD
        theirs = fingerprint(other, prepared, extractor)
        assert {key for key in ours if ours[key] != theirs[key]} == {"constants"}


def test_what_was_measured_before_metrics_had_constants_has_its_fingerprint(data: Path, extractor: Extractor) -> None:
    """Word for word, so that rows of older programs may still be compared."""
    found = fingerprint(replace(PROTOCOL, generated=100), open_prepared(TRIANGLES, data), extractor)
    assert digest(canonical(found)) == "dfcdfe6653e83e8e"


@pytest.mark.parametrize(("dataset", "tiled"), [("triangles", True), ("cifar10", False)])
def test_what_inception_does_to_images_is_in_the_fingerprint(
    dataset: str, tiled: bool, data: Path, extractor: Extractor
) -> None:
    prepared = replace(open_prepared(find("triangles_tiny"), data), dataset=find(dataset))
    found = fingerprint(replace(PROTOCOL, extractor="inception", metrics=("fid",)), prepared, extractor)
    assert found["resize"].startswith("bilinear to 299x299 as TensorFlow 1")
    assert (found["tiled"], found["metrics"]) == (tiled, {"fid": 1})


def test_a_protocol_names_its_columns_and_comes_back() -> None:
    assert PROTOCOL.columns == ("fd_cnn28", "fd_cnn28_selection")
    assert (PROTOCOL.reported, PROTOCOL.objective) == ("fd_cnn28", "fd_cnn28_selection")
    assert Protocol.from_content(PROTOCOL.content()) == PROTOCOL
    assert Protocol.from_content(json.loads(json.dumps(WITH_MANIFOLD.content()))) == WITH_MANIFOLD
    assert WITH_MANIFOLD.content() == {
        **PROTOCOL.content(), "metrics": ["fd", "manifold"], "constants": {"manifold": SMALL}
    }  # fmt: skip
    assert (PROTOCOL.images, WITH_MANIFOLD.images) == (0, 60)
    assert PROTOCOL.content() == {
        "extractor": "cnn28", "weights": None, "metrics": ["fd"], "generated": 130, "real": 100,
        "selection": "train", "reporting": "test", "quantised": False,
    }  # fmt: skip
