"""The nearest image of a generator: least squares where it is linear, images of its own, and generators that fail."""

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear
from torch import Tensor

from study.measures.contracts import Model
from study.measures.descent import Descent
from study.measures.inversion import Inverting, invert
from tests.measures.ranges import Broken, Linear, Memory, untrained

LATENTS = 4_096


def how(starts: int, steps: int, rate: float) -> Inverting:
    return Inverting(LATENTS, Descent(starts, steps, rate))


def uniform(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def linear(bounded: bool) -> Linear:
    return Linear(uniform(6, 20, seed=1) / 2 - 0.25, uniform(20, seed=2), bounded)


def nearest_drawn(images: Tensor, model: Model) -> Tensor:
    known = model.sample(model.latents(LATENTS, "inversion"))
    return torch.stack([(known - image).flatten(1).norm(dim=1).min() for image in images])


@pytest.mark.parametrize("bounded", [True, False])
def test_a_linear_generator(bounded: bool) -> None:
    """Some solutions lie on the prior's bounds; of all the distance is that of least squares."""
    model, images = linear(bounded), uniform(40, 1, 4, 5, seed=3)
    found = invert(images, model, how(3, 200, 0.2))
    matrix, wanted = model.matrix.double().numpy().T, (images.flatten(1) - model.offset).double().numpy()
    if bounded:
        solved = np.array([lsq_linear(matrix, each, (-1, 1), tol=1e-12).x for each in wanted])
        assert 0.05 < (np.abs(solved) > 0.999).mean() < 0.5
    else:
        solved = np.linalg.lstsq(matrix, wanted.T, rcond=None)[0].T
    np.testing.assert_allclose(found.latents.numpy(), solved, atol=5e-3)
    np.testing.assert_allclose(found.distances.numpy(), np.linalg.norm(solved @ matrix.T - wanted, axis=1), rtol=1e-4)


@pytest.mark.parametrize(
    ("loss", "width", "count", "steps"), [("ns", 0.25, 20, 200), ("vae", 0.25, 20, 200), ("ns", 1.0, 3, 100)]
)
def test_own_images_are_recovered(loss: str, width: float, count: int, steps: int) -> None:
    """The latents too: to 0.05 in each coordinate on average, where two of the prior's differ by 0.8 and 1.4."""
    model = untrained(loss, width)
    z = model.latents(count, "own")
    images = model.sample(z).clone()
    found = invert(images, model, how(3, steps, 0.2))
    off = (found.latents - z).square().mean(1).sqrt()
    assert nearest_drawn(images, model).min() > 1
    assert (found.distances < 0.05).double().mean() >= 0.95
    assert (off < 0.05).double().mean() >= 0.95


def test_images_known_by_heart() -> None:
    """A range of 12 images that gives no slopes: to each image the nearest of them, as far as that is."""
    model, images = Memory(uniform(12, 1, 6, 6)), uniform(30, 1, 6, 6, seed=1)
    found = invert(images, model, how(5, 20, 0.2))
    distances, which = (images[:, None] - model.images).flatten(2).norm(dim=2).min(1)
    assert torch.equal(found.distances, distances)
    assert torch.equal(found.images, model.images[which])
    assert torch.equal(model.sample(found.latents), found.images)


def test_a_generator_that_breaks_off_its_draws() -> None:
    """Its descents end in no number; what is found is the nearest drawn image."""
    model, images = Broken(uniform(12, 1, 6, 6)), uniform(30, 1, 6, 6, seed=1)
    assert model.differentiable(torch.full((1, 64), 0.123)).isnan().all()
    found = invert(images, model, how(5, 20, 0.2))
    assert torch.equal(found.distances, (images[:, None] - model.images).flatten(2).norm(dim=2).min(1).values)
    assert found.latents.isfinite().all()


@pytest.mark.parametrize("rate", [1e-3, 0.2, 50.0])
def test_never_above_the_nearest_drawn_image(rate: float) -> None:
    """Even where a rate is far too great; and an image's distance is that of the image reported for it."""
    model, images = untrained("ns", 0.0625), uniform(30, 1, 28, 28)
    found = invert(images, model, how(2, 10, rate))
    assert (found.distances <= nearest_drawn(images, model) + 1e-4).all()
    torch.testing.assert_close(found.images, model.sample(found.latents), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.distances, (found.images - images).flatten(1).norm(dim=1), atol=1e-5, rtol=0)
    assert float(found.latents.abs().max()) <= 1


def test_the_model_is_left_as_it_was() -> None:
    model = untrained("ns", 0.0625)
    before = {name: value.clone() for name, value in model.nets.generator.state_dict().items()}
    invert(uniform(3, 1, 28, 28), model, how(2, 5, 0.2))
    assert all(torch.equal(value, before[name]) for name, value in model.nets.generator.state_dict().items())
    assert model.nets.generator.training
    assert all(each.requires_grad and each.grad is None for each in model.nets.generator.parameters())
