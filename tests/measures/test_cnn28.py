"""The shipped classifier: small weights, fixed numbers, and knowledge of the images it was trained for."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from study.data import idx
from study.data.catalogue import find
from study.data.prepare import Prepared, prepare
from study.measures.cnn28 import CLASSES, WEIGHTS, Cnn28, Network
from study.measures.cnn28_training import accuracy

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def prepared_fashion(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folders = (idx.DEBIAN, ROOT / "data" / "raw" / "fashion")
    if not any(list(folder.glob("*-ubyte.gz")) for folder in folders):
        pytest.skip(f"Fashion-MNIST is neither in {folders[0]} nor in {folders[1]}")
    data = tmp_path_factory.mktemp("data")
    if (ROOT / "data" / "raw").exists():
        (data / "raw").symlink_to(ROOT / "data" / "raw")
    return prepare(find("fashion"), data)[0]


def images(n: int) -> torch.Tensor:
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_weights_are_small_and_complete() -> None:
    assert WEIGHTS.stat().st_size <= 1_000_000
    weights = load_file(WEIGHTS)
    assert sum(value.numel() for value in weights.values()) == 167_114
    assert all(value.dtype == torch.float32 and bool(torch.isfinite(value).all()) for value in weights.values())


def test_sha256_is_the_files() -> None:
    assert Cnn28().sha256 == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()


def test_features_and_probabilities() -> None:
    found = Cnn28()(images(5))
    assert found.features.shape == (5, 64)
    assert float(found.features.min()) == 0.0
    assert float(found.features.max()) > 0.1
    assert found.probabilities is not None
    assert found.probabilities.shape == (5, CLASSES)
    assert found.probabilities.sum(1).tolist() == pytest.approx([1.0] * 5, abs=1e-6)
    assert float(found.probabilities.min()) >= 0


def test_probabilities_follow_from_the_features() -> None:
    extractor = Cnn28()
    found = extractor(images(3))
    weights = load_file(WEIGHTS)
    logits = found.features @ weights["classify.weight"].T + weights["classify.bias"]
    expected = torch.exp(logits) / torch.exp(logits).sum(1, keepdim=True)
    torch.testing.assert_close(found.probabilities, expected, rtol=1e-5, atol=1e-6)


def test_same_images_same_numbers() -> None:
    first, again = Cnn28()(images(4)), Cnn28()(images(4))
    assert torch.equal(first.features, again.features)
    assert not first.features.requires_grad
    alone = torch.cat([Cnn28()(image[None]).features for image in images(4)])
    torch.testing.assert_close(first.features, alone, rtol=1e-4, atol=1e-5)


def test_images_are_not_rounded() -> None:
    extractor = Cnn28()
    grey = torch.full((1, 1, 28, 28), 100 / 255)
    moved = grey + 0.4 / 255  # the same byte
    assert not torch.equal(extractor(grey).features, extractor(moved).features)


def test_weights_fit_the_network() -> None:
    assert {name: value.shape for name, value in Network().state_dict().items()} == {
        name: value.shape for name, value in load_file(WEIGHTS).items()
    }


def test_accuracy_on_real_images(prepared_fashion: Prepared) -> None:
    assert accuracy(Cnn28().module, prepared_fashion) >= 0.90
