"""An evaluation: the numbers of all features at once, however they were batched, and none where an image is broken."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from study import durable
from study.data.catalogue import find
from study.data.prepare import open_prepared, prepare
from study.measures import evaluation, load_extractor
from study.measures.contracts import Extractor, Features
from study.measures.evaluation import evaluate, fingerprint
from study.measures.frechet import frechet_distance
from study.measures.moments import Moments
from study.measures.protocol import Protocol
from study.measures.rounding import quantise

PROTOCOL = Protocol("cnn28", None, ("fd",), 130, 100, "train", "test", quantised=False)
PUBLISHED = replace(PROTOCOL, selection="test")
MIX = torch.randn(64, 28 * 28, generator=torch.Generator().manual_seed(1)) / 4


def generate(z: Tensor) -> Tensor:
    """A fixed function from z [N, 64] to images in [0, 1]."""
    return (z @ MIX).sigmoid().view(-1, 1, 28, 28)


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    found: Extractor = load_extractor("cnn28", None)
    return found


@pytest.fixture(scope="module")
def latents() -> Tensor:
    return torch.rand(130, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1


@pytest.fixture(scope="module")
def real(data: Path, extractor: Extractor) -> dict[str, Moments]:
    prepared = open_prepared(find("triangles_tiny"), data)
    images = {split: prepared.images(split)[:100].astype(np.float32) / 64 for split in ("train", "test")}
    return {split: at_once(extractor, torch.from_numpy(found)) for split, found in images.items()}


def at_once(extractor: Extractor, images: Tensor) -> Moments:
    """Moments of all features by numpy's own mean and covariance."""
    with torch.inference_mode():
        features = extractor(images).features.double().numpy()
    return Moments(len(features), torch.from_numpy(features.mean(0)), torch.from_numpy(np.cov(features, rowvar=False)))


@pytest.mark.parametrize("batch", [7, 65, 130, 500])
def test_the_value_is_that_of_all_features_at_once(
    batch: int, extractor: Extractor, real: dict[str, Moments], latents: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "BATCH", batch)
    sizes: list[int] = []

    def counted(z: Tensor) -> Tensor:
        sizes.append(len(z))
        return generate(z)

    found = evaluate(PROTOCOL, extractor, real, latents, counted)
    generated = at_once(extractor, generate(latents))
    expected = {
        "fd_cnn28": frechet_distance(generated, real["test"]),
        "fd_cnn28_selection": frechet_distance(generated, real["train"]),
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
    images, real = generate(latents), {"test": at_once(Linear(), other)}
    expected = frechet_distance(at_once(Linear(), images), real["test"])
    for batch in (1, 10, 33, 130):
        monkeypatch.setattr(evaluation, "BATCH", batch)
        rest = iter(images.split(batch))
        found = evaluate(PUBLISHED, Linear(), real, latents, lambda z, rest=rest: next(rest))
        assert found.values["fd_cnn28"] == pytest.approx(expected, rel=1e-9)


def test_the_same_images_as_the_reference_are_at_distance_zero(extractor: Extractor, data: Path) -> None:
    images = torch.from_numpy(open_prepared(find("triangles_tiny"), data).images("test")[:100] / np.float32(64))
    real = {"test": at_once(extractor, images)}
    found = evaluate(PUBLISHED, extractor, real, torch.zeros(100, 64), lambda _: images)
    assert found.values["fd_cnn28"] == pytest.approx(0, abs=1e-9)


def test_one_split_for_both_fills_one_set_of_columns(
    extractor: Extractor, real: dict[str, Moments], latents: Tensor
) -> None:
    """The published way: what is reported is the very number that was chosen by."""
    both = evaluate(PROTOCOL, extractor, real, latents, generate)
    found = evaluate(PUBLISHED, extractor, {"test": real["test"]}, latents, generate)
    assert found.values == {"fd_cnn28": both.values["fd_cnn28"]}
    assert PUBLISHED.columns == (PUBLISHED.objective,) == (PUBLISHED.reported,) == ("fd_cnn28",)


def test_quantised_images_are_measured_as_a_file_would_hold_them(
    extractor: Extractor, real: dict[str, Moments], latents: Tensor
) -> None:
    quantised = replace(PROTOCOL, quantised=True)
    written = torch.from_numpy(np.rint(generate(latents).numpy() * 255).astype(np.uint8))
    read = iter(torch.split(written.float() / 255, evaluation.BATCH))
    expected = evaluate(PROTOCOL, extractor, real, latents, lambda z: next(read))
    found = evaluate(quantised, extractor, real, latents, generate)
    assert found.values == expected.values
    assert found.values != evaluate(PROTOCOL, extractor, real, latents, generate).values
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
    real: dict[str, Moments],
    latents: Tensor,
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

    found = evaluate(PROTOCOL, extractor, real, latents, broken)
    assert found.finite is False
    assert found.values == {}
    assert found.shown.shape == (50, 1, 28, 28)
    assert position == (50 if where == 0 else 130)  # nothing is generated after it


def test_the_first_64_images_are_shown(extractor: Extractor, real: dict[str, Moments], latents: Tensor) -> None:
    found = evaluate(PROTOCOL, extractor, real, latents, generate)
    assert found.shown.shape == (64, 1, 28, 28)
    assert torch.equal(found.shown, generate(latents)[:64])


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
    assert PROTOCOL.content() == {
        "extractor": "cnn28", "weights": None, "metrics": ["fd"], "generated": 130, "real": 100,
        "selection": "train", "reporting": "test", "quantised": False,
    }  # fmt: skip
