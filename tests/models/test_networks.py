"""The shared architecture: the protocol's parameter counts, shapes, batch norm, padding and initial weights."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, pad

from study.models.networks import HEADS, LATENT, Autoencoder, Discriminator, Encoder, Generator, Size, build
from study.models.networks import parameter_count as count

ROOT = Path(__file__).parents[2]
Head = Literal["logit", "image", "posterior"]
NAMES: tuple[Head, ...] = ("logit", "image", "posterior")
SHAPES = [(1, 28, 28), (3, 32, 32), (3, 64, 64)]
PUBLISHED = {  # shape -> generator, then for each head without and with batch norm
    (1, 28, 28): (6_642_241, {"logit": (6_556_865, 6_559_169), "image": (1_073_601, 1_086_401),
                              "posterior": (6_687_040, 6_689_344)}),
    (3, 32, 32): (8_616_131, {"logit": (8_524_993, 8_527_297), "image": (1_325_379, 1_342_019),
                              "posterior": (8_655_168, 8_657_472)}),
    (3, 64, 64): (33_855_683, {"logit": (33_690_817, 33_693_121), "image": (4_495_683, 4_561_475),
                               "posterior": (33_820_992, 33_823_296)}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _same_inputs() -> None:
    torch.manual_seed(0)


def size(shape: tuple[int, int, int] = (1, 28, 28), width: float = 1 / 16, batch_norm: bool = True) -> Size:
    return Size(shape, width, batch_norm, 0.999)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_published_parameter_counts(shape: tuple[int, int, int], batch_norm: bool) -> None:
    generator, heads = PUBLISHED[shape]
    with torch.device("meta"):
        assert count(Generator(size(shape, 1, batch_norm), 0.2)) == generator
        for head, counts in heads.items():
            assert count(HEADS[head](size(shape, 1, batch_norm))) == counts[batch_norm]  # type: ignore[index, call-arg]


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@torch.no_grad()
def test_shapes_and_ranges(shape: tuple[int, int, int], batch_norm: bool) -> None:
    images, z = torch.rand(5, *shape), torch.rand(5, LATENT) * 2 - 1
    for head in NAMES:
        nets = build(head, 0.2, size(shape, 1 / 16, batch_norm), "shapes")
        made = nets.generator(z)
        assert made.shape == images.shape
        assert 0 < float(made.min()) < float(made.max()) < 1
        result = nets.discriminator(images)
        if head == "posterior":
            mean, std = result
            assert mean.shape == std.shape == (5, 64)
            assert float(std.min()) > 0
            assert float(mean.min()) < 0 < float(mean.max())
        elif head == "image":
            assert result.shape == images.shape
            assert 0 < float(result.min()) < float(result.max()) < 1
        else:
            assert result.shape == (5,)
            assert float(result.min()) < float(result.max())


def test_logits_are_images_before_the_sigmoid() -> None:
    generator = build("logit", 0.2, size(), "logits").generator.eval()
    z = torch.randn(3, LATENT)
    torch.testing.assert_close(generator(z), 1 / (1 + torch.exp(-generator.logits(z))), rtol=1e-5, atol=1e-7)


def test_posterior_is_mean_and_softplus() -> None:
    encoder = Encoder(size(batch_norm=False)).double()
    images = torch.rand(3, 1, 28, 28, dtype=torch.float64)
    with torch.no_grad():
        mean, std = encoder(images)
        raw = encoder.body(images).numpy()
    np.testing.assert_array_equal(mean.numpy(), raw[:, :64])
    np.testing.assert_allclose(std.numpy(), 1e-6 + np.log1p(np.exp(raw[:, 64:])), rtol=1e-12)


def test_a_side_that_two_halvings_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="30x28"):
        build("logit", 0.2, size((1, 30, 28)), "odd")


@pytest.mark.parametrize(
    ("width", "full", "deep", "shallow"),
    [(1, 1024, 128, 64), (0.5, 512, 64, 32), (1 / 16, 64, 8, 4), (1e-4, 1, 1, 1), (1.5, 1536, 192, 96)],
)
def test_width_scales_hidden_layers_only(width: float, full: int, deep: int, shallow: int) -> None:
    with torch.device("meta"):
        wide = size(width=width, batch_norm=False)
        assert layers(Generator(wide, 0.2)) == [
            (LATENT, full), (full, deep * 49), (deep, shallow), (shallow, 1)
        ]  # fmt: skip
        assert layers(Discriminator(wide)) == [(1, shallow), (shallow, deep), (deep * 49, full), (full, 1)]
        assert layers(Encoder(wide)) == [(1, shallow), (shallow, deep), (deep * 49, full), (full, 2 * LATENT)]
        assert layers(Autoencoder(wide)) == [
            (1, shallow), (shallow, deep), (deep * 49, LATENT), (LATENT, deep * 49), (deep, shallow), (shallow, 1)
        ]  # fmt: skip
    assert LATENT == 64


def layers(network: nn.Module) -> list[tuple[int, int]]:
    found = []
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            found.append((layer.in_features, layer.out_features))
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            found.append((layer.in_channels, layer.out_channels))
            assert (layer.kernel_size, layer.stride, layer.bias is not None) == ((4, 4), (2, 2), True)
    return found


LETTERS = {
    nn.Conv2d: "conv", nn.ConvTranspose2d: "deconv", nn.Linear: "fc", nn.BatchNorm1d: "bn", nn.BatchNorm2d: "bn",
    nn.LeakyReLU: "lrelu", nn.Sigmoid: "sigmoid",
}  # fmt: skip


def order(network: nn.Module) -> str:
    return " ".join(LETTERS[type(layer)] for layer in network.modules() if type(layer) in LETTERS)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Discriminator, "conv lrelu conv bn lrelu fc bn lrelu fc"),
        (Autoencoder, "conv lrelu conv lrelu fc bn lrelu fc bn lrelu deconv bn lrelu deconv sigmoid"),
        (Encoder, "conv lrelu conv bn lrelu fc bn lrelu fc"),
    ],
)
def test_layers_in_order(kind: type[Discriminator] | type[Autoencoder] | type[Encoder], expected: str) -> None:
    assert order(kind(size(batch_norm=True))) == expected
    assert order(kind(size(batch_norm=False))) == expected.replace("bn ", "")


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_generator_always_has_batch_norm(batch_norm: bool) -> None:
    generator = Generator(size(batch_norm=batch_norm), 0.2)
    assert order(generator) == "fc bn lrelu fc bn lrelu deconv bn lrelu deconv"


@pytest.mark.parametrize(("slope", "expected"), [(0.2, -0.4), (0.0, 0.0)])
def test_slope_is_the_generators(slope: float, expected: float) -> None:
    nets = build("posterior", slope, size(), "slope")
    activations = [layer for layer in nets.generator.modules() if isinstance(layer, nn.LeakyReLU)]
    assert len(activations) == 3
    assert [float(layer(torch.tensor(-2.0))) for layer in activations] == pytest.approx([expected] * 3)
    others = [layer for layer in nets.discriminator.modules() if isinstance(layer, nn.LeakyReLU)]
    assert [float(layer(torch.tensor(-2.0))) for layer in others] == pytest.approx([-0.4] * 3)


def same_padding(side: int) -> tuple[int, int]:
    """TensorFlow's rule for kernel 4 and stride 2: the output has ceil(side / 2), the odd pixel goes after."""
    total = max((-(-side // 2) - 1) * 2 + 4 - side, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize(("height", "width"), [(28, 28), (32, 28), (64, 8)])
def test_convolutions_pad_like_same(height: int, width: int) -> None:
    first, second = (
        layer for layer in Discriminator(size((2, height, width))).modules() if isinstance(layer, nn.Conv2d)
    )
    images = torch.rand(2, 2, height, width)
    for layer in (first, second):
        padded = pad(images, (*same_padding(images.shape[3]), *same_padding(images.shape[2])))
        expected = conv2d(padded, layer.weight, layer.bias, stride=2)
        images = layer(images)
        torch.testing.assert_close(images, expected, rtol=0, atol=1e-6)
    assert images.shape[2:] == (height // 4, width // 4)


@pytest.mark.parametrize("side", [7, 8, 14])
def test_deconvolution_is_the_gradient_of_a_same_convolution(side: int) -> None:
    """TensorFlow defines conv2d_transpose so: pull the values back through the convolution that halves the side."""
    layer = next(layer for layer in Generator(size(), 0.2).modules() if isinstance(layer, nn.ConvTranspose2d))
    values = torch.rand(2, layer.in_channels, side, side)
    target = torch.zeros(2, layer.out_channels, 2 * side, 2 * side, requires_grad=True)
    small = conv2d(pad(target, same_padding(2 * side) * 2), layer.weight, stride=2)
    (expected,) = torch.autograd.grad(small, target, values)
    assert layer.bias is not None
    torch.testing.assert_close(layer(values), expected + layer.bias[:, None, None], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("decay", [0.999, 0.9])
@pytest.mark.parametrize("head", NAMES)
def test_batch_norm_epsilon_and_decay(head: Head, decay: float) -> None:
    nets = build(head, 0.2, Size((1, 28, 28), 1 / 16, True, decay), "decay")
    norms = [
        layer
        for network in (nets.generator, nets.discriminator)
        for layer in network.modules()
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    assert len(norms) == 3 + (3 if head == "image" else 2)
    for layer in norms:
        values = torch.randn(6, layer.num_features, *((4, 4) if isinstance(layer, nn.BatchNorm2d) else ()))
        axes = (0, *range(2, values.dim()))
        mean, variance = values.mean(axes, keepdim=True), values.var(axes, correction=0, keepdim=True)
        torch.testing.assert_close(layer(values), (values - mean) / (variance + 1e-3).sqrt(), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(layer.running_mean, (1 - decay) * mean.flatten(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("head", NAMES)
def test_initial_weights(head: Head) -> None:
    nets = build(head, 0.2, size(width=1 / 4), "weights")
    for network in (nets.generator, nets.discriminator):
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                check_weights(layer)
            elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                assert bool((layer.weight == 1).all())
                assert bool((layer.bias == 0).all())


def check_weights(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> None:
    weight = layer.weight.detach().double().flatten()
    n = len(weight)
    # A normal cut at two standard deviations keeps 0.8796 of its standard deviation.
    std = 0.02 * 0.87963 if isinstance(layer, nn.Conv2d) else 0.02
    assert layer.bias is not None
    assert bool((layer.bias == 0).all())
    assert abs(float(weight.mean())) < 5 * std / n**0.5
    assert abs(float(weight.std()) / std - 1) < 5 / (2 * n) ** 0.5
    if isinstance(layer, nn.Conv2d):
        assert float(weight.abs().max()) <= 0.04
    elif n > 1_000:
        assert float((weight.abs() > 0.04).double().mean()) == pytest.approx(0.0455, abs=5 * (0.0455 / n) ** 0.5)


def digest(nets_of: str) -> str:
    nets = build("logit", 0.2, size(), nets_of)
    sha = hashlib.sha256()
    for network in (nets.generator, nets.discriminator):
        for name, value in sorted(network.state_dict().items()):
            sha.update(name.encode() + value.numpy().tobytes())
    return sha.hexdigest()


def test_weights_are_a_function_of_the_key() -> None:
    torch.manual_seed(1)
    first = digest("a")
    torch.manual_seed(2)
    torch.rand(3)
    assert digest("a") == first
    assert digest("b") != first
    program = f"import torch; torch.manual_seed(3); from {__name__} import digest; print(digest('a'))"
    there = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert there.stdout.strip() == first


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize(("head", "count_of_layers"), [("logit", 8), ("image", 10), ("posterior", 8)])
def test_no_two_layers_share_their_weights(head: Head, count_of_layers: int, batch_norm: bool) -> None:
    nets = build(head, 0.2, size(batch_norm=batch_norm), "distinct")
    firsts = [
        layer.weight.detach().flatten()[:16]
        for network in (nets.generator, nets.discriminator)
        for layer in network.modules()
        if isinstance(layer, nn.Linear | nn.ConvTranspose2d | nn.Conv2d)
    ]
    assert len({tuple(values.tolist()) for values in firsts}) == len(firsts) == count_of_layers
