"""Inception: torch-fidelity's features on bytes, the same network on images that nobody rounded, and safe files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3, FeatureExtractorInceptionV3

from study import durable
from study.errors import StudyError
from study.measures import EXTRACTORS, INCEPTION_SHA256, inception, load_extractor
from study.measures.inception import Inception
from tests.measures import random_inception

SHAPES = [(1, 28, 28), (3, 28, 28), (3, 32, 32), (3, 64, 64), (1, 64, 64)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_inception.all_alive(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def ours(weights: Path) -> Inception:
    return Inception(weights)


@pytest.fixture(scope="module")
def theirs(weights: Path) -> FeatureExtractorInceptionV3:
    layers = ["2048", "logits_unbiased"]
    return FeatureExtractorInceptionV3("inception-v3-compat", layers, feature_extractor_weights_path=str(weights))


@pytest.mark.parametrize("shape", SHAPES)
def test_on_bytes_it_sees_what_torch_fidelity_sees(
    shape: tuple[int, int, int], ours: Inception, theirs: FeatureExtractorInceptionV3
) -> None:
    seen = random_inception.images(sum(shape), 3, shape)
    features, logits = theirs(seen.expand(-1, 3, -1, -1))
    found = ours(seen.float() / 255)
    assert found.features.shape == (3, 2048)
    assert float(features.std(0).mean()) > 0.01 * float(features.mean()) > 0  # images can be told apart
    torch.testing.assert_close(found.features, features, rtol=1e-5, atol=1e-5 * float(features.max()))
    assert found.probabilities is not None
    assert found.probabilities.shape == (3, 1008)
    torch.testing.assert_close(found.probabilities, logits.softmax(1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("levels", [255, 64])
def test_stored_levels_pass_exactly(levels: int) -> None:
    """At 299x299 nothing is resized: level v of L becomes (255 v / L - 128) / 128, every number of which is exact."""
    stored = torch.arange(levels + 1).repeat(1_400)[: 299 * 299].view(1, 1, 299, 299)
    found = inception._resized(stored.float() / levels)
    assert found.shape == (1, 3, 299, 299)
    expected = (stored.double() * 255 / levels - 128) / 128
    assert torch.equal(found.double(), expected.expand(1, 3, 299, 299))


@pytest.mark.parametrize("side", [28, 32, 64, 300])
def test_resized_as_tensorflow_1(side: int) -> None:
    """Output i of 299 lies at i side / 299, in float32, between two inputs; beyond the last it repeats that."""
    image = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(side))
    place = (np.arange(299, dtype=np.float32) * np.float32(side / 299)).astype(np.float64)
    low = place.astype(int)
    high, share = np.minimum(low + 1, side - 1), place - low
    rows = np.eye(side)[low] * (1 - share)[:, None] + np.eye(side)[high] * share[:, None]
    expected = (rows @ (255 * image.double().numpy()) @ rows.T - 128) / 128
    np.testing.assert_allclose(inception._resized(image).numpy(), expected, rtol=0, atol=1e-6)


def test_images_are_not_rounded(ours: Inception) -> None:
    grey = random_inception.images(1, 1, (1, 28, 28)).float() / 255
    moved = (grey + 0.4 / 255).clamp_max(1)  # the same bytes
    assert torch.equal((moved * 255).round(), (grey * 255).round())
    assert not torch.equal(ours(grey).features, ours(moved).features)


def test_images_pass_in_parts_and_in_order(ours: Inception, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = random_inception.images(2, 5, (1, 28, 28)).float() / 255
    at_once = ours(seen).features
    monkeypatch.setattr(inception, "PART", 2)
    in_parts = ours(seen).features
    torch.testing.assert_close(in_parts, at_once, rtol=1e-4, atol=1e-5 * float(at_once.max()))
    assert not torch.equal(at_once[0], at_once[4])


def test_it_knows_its_file(ours: Inception, weights: Path) -> None:
    assert ours.sha256 == durable.sha256(weights) != INCEPTION_SHA256
    assert (ours.weights, ours.origin) == (weights, "a file that the study names")
    assert (ours.name, ours.dimension) == ("inception", 2048)
    assert not ours.module.training
    assert not any(parameter.requires_grad for parameter in ours.module.parameters())


def test_the_published_file_is_torch_fidelitys() -> None:
    entry = EXTRACTORS["inception"]
    assert entry.url == URL_INCEPTION_V3
    assert entry.sha256 == INCEPTION_SHA256
    for name in entry.files:
        assert INCEPTION_SHA256.startswith(name.removesuffix(".pth").rpartition("-")[2])
    assert entry.url.endswith(entry.files[0])


class Attack:
    """Makes a folder when it is unpickled by whoever trusts the file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.folder),)


def test_a_file_runs_no_code(tmp_path: Path) -> None:
    path, made = tmp_path / "weights.pth", tmp_path / "made"
    torch.save({"fc.bias": Attack(made)}, path)
    with pytest.raises(StudyError, match=r"weights\.pth: expected the weights of inception.*Weights only load failed"):
        Inception(path)
    assert not made.exists()
    torch.load(path, weights_only=False)  # it was no dud
    assert made.is_dir()


def state(weights: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(weights, weights_only=True)
    return found


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (lambda weights: None, "No such file"),
        (lambda weights: weights.read_bytes()[:1_000_000], ""),
        (lambda weights: b"no weights", ""),
        (lambda weights: b"\x80\x02.", ""),
        (lambda weights: [1, 2, 3], "dict"),
        (lambda weights: {"fc.bias": torch.zeros(3)}, "Missing key"),
        (lambda weights: state(weights) | {"fc.bias": torch.zeros(1000)}, "size mismatch for fc.bias"),
        (lambda weights: state(weights) | {"more": torch.zeros(1)}, 'Unexpected key.*"more"'),
    ],
    ids=["missing", "half", "text", "pickle-stop", "list", "no-layers", "other-classes", "more-layers"],
)
def test_a_wrong_file_is_named_with_the_remedy(
    damaged: Callable[[Path], object], reason: str, weights: Path, tmp_path: Path
) -> None:
    path, content = tmp_path / "wrong.pth", damaged(weights)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(StudyError, match=rf"wrong\.pth: expected .*{reason}.*run gan-study prepare") as caught:
        load_extractor("inception", path)
    assert "\n" not in str(caught.value)
