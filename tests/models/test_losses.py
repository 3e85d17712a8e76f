"""Every loss against float64 formulas written from the protocol's table, with networks small enough to redo by hand."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from study.models.losses import LOSSES, load
from study.models.losses.base import Loss, Memory
from study.models.networks import Networks

Array = npt.NDArray[np.float64]
Weights = dict[str, Array]

SHAPE = (4, 2, 3, 2)  # images, channels, height, width
PIXELS = math.prod(SHAPE[1:])
HIDDEN, CODE = 3, 4
SETTINGS: dict[str, dict[str, float]] = {
    "mm": {},
    "ns": {},
    "ls": {},
    "wgan": {"clip": 0.1},
    "wgan_gp": {"penalty_weight": 7.0},
    "dragan": {"penalty_weight": 7.0},
    "began": {"k_learning_rate": 0.3, "gamma": 0.6},
    "vae": {},
}
K = -0.35  # a value of began's control variable that the discriminator's loss has to weigh


class FixedDraw:
    """Returns arrays chosen beforehand, by name; a name or shape that no formula asks for is an error."""

    def __init__(self, uniforms: Mapping[str, Array], normals: Mapping[str, Array]) -> None:
        self._uniforms, self._normals = uniforms, normals

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        assert self._uniforms[name].shape == shape
        return torch.from_numpy(self._uniforms[name])

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        assert self._normals[name].shape == shape
        return torch.from_numpy(self._normals[name])


class Stub(nn.Module):
    """Holds named weights in float64."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        for name, value in weights.items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(value.copy())))

    def __getitem__(self, name: str) -> Tensor:
        return self.get_parameter(name)


class Critic(Stub):
    """Logit v . tanh(W x + b) + c."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.tanh(images.flatten(1) @ self["w"].T + self["b"]) @ self["v"] + self["c"]


class Auto(Stub):
    """Reconstruction V tanh(W x + b) + c."""

    def forward(self, images: Tensor) -> Tensor:
        return (torch.tanh(images.flatten(1) @ self["w"].T + self["b"]) @ self["v"].T + self["c"]).view_as(images)


class Posterior(Stub):
    """Mean W x, standard deviation exp(V x + b)."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        flat = images.flatten(1)
        return flat @ self["w"].T, torch.exp(flat @ self["v"].T + self["b"])


class Decoder(Stub):
    """Logits W z + b."""

    def logits(self, z: Tensor) -> Tensor:
        return (z @ self["w"].T + self["b"]).view(-1, *SHAPE[1:])


@dataclass
class Case:
    """The inputs that the loss and its formula share."""

    real: Array
    fake: Array
    second: Weights
    decoder: Weights
    noise: Array
    position: Array
    posterior: Array

    def nets(self, kind: type[Stub]) -> Networks:
        return Networks(cast(Any, Decoder(self.decoder)), kind(self.second))

    def draw(self) -> FixedDraw:
        return FixedDraw({"noise": self.noise, "position": self.position}, {"posterior": self.posterior})


def make(loss: str) -> Case:
    rng = np.random.default_rng(20180317)
    real, fake = rng.random(SHAPE), rng.random(SHAPE)
    second = {"w": rng.normal(size=(HIDDEN, PIXELS)), "b": rng.normal(size=HIDDEN)}
    if loss == "began":
        second |= {"v": rng.normal(size=(PIXELS, HIDDEN)), "c": rng.normal(size=PIXELS)}
    elif loss == "vae":
        second = {
            "w": rng.normal(size=(CODE, PIXELS)),
            "v": 0.3 * rng.normal(size=(CODE, PIXELS)),
            "b": rng.normal(size=CODE),
        }
    else:
        second |= {"v": rng.normal(size=HIDDEN), "c": np.array(0.25)}
    decoder = {"w": rng.normal(size=(PIXELS, CODE)), "b": rng.normal(size=PIXELS)}
    return Case(
        real,
        fake,
        second,
        decoder,
        rng.random(SHAPE),
        rng.random((SHAPE[0], 1, 1, 1)),
        rng.normal(size=(SHAPE[0], CODE)),
    )


# The formulas, in numpy.


def logit(weights: Weights, images: Array) -> Array:
    return np.tanh(images.reshape(len(images), -1) @ weights["w"].T + weights["b"]) @ weights["v"] + weights["c"]


def logit_gradient(weights: Weights, images: Array) -> Array:
    """d logit / d image [N, PIXELS] = W' (v (1 - tanh^2))."""
    hidden = np.tanh(images.reshape(len(images), -1) @ weights["w"].T + weights["b"])
    return np.asarray((weights["v"] * (1 - hidden**2)) @ weights["w"])


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def probability(weights: Weights, images: Array) -> Array:
    return sigmoid(logit(weights, images))


def penalty(gradient: Array, weight: float) -> float:
    s = np.sqrt(1e-4 + (gradient**2).sum(axis=1))
    return float(weight * np.mean((s - 1) ** 2))


def reconstruction(weights: Weights, images: Array) -> float:
    hidden = np.tanh(images.reshape(len(images), -1) @ weights["w"].T + weights["b"])
    return float(np.mean(np.abs(hidden @ weights["v"].T + weights["c"] - images.reshape(len(images), -1))))


def ns_discriminator(case: Case) -> float:
    on_real, on_fake = probability(case.second, case.real), probability(case.second, case.fake)
    return float(-np.mean(np.log(on_real)) - np.mean(np.log(1 - on_fake)))


def ls_discriminator(case: Case) -> float:
    on_real, on_fake = probability(case.second, case.real), probability(case.second, case.fake)
    return float(0.5 * (np.mean((on_real - 1) ** 2) + np.mean(on_fake**2)))


def wgan_discriminator(case: Case) -> float:
    return float(-np.mean(logit(case.second, case.real)) + np.mean(logit(case.second, case.fake)))


def wgan_gp_discriminator(case: Case) -> float:
    points = case.real + case.position * (case.fake - case.real)
    return wgan_discriminator(case) + penalty(logit_gradient(case.second, points), 7.0)


def dragan_points(case: Case, ddof: int = 0) -> Array:
    moved = case.real + 0.5 * np.std(case.real, ddof=ddof) * case.noise
    return np.asarray(case.real + case.position * (moved - case.real))


def dragan_penalty(case: Case, points: Array) -> float:
    d = probability(case.second, points)
    return penalty((d * (1 - d))[:, None] * logit_gradient(case.second, points), 7.0)


def dragan_discriminator(case: Case) -> float:
    return ns_discriminator(case) + dragan_penalty(case, dragan_points(case))


def began_discriminator(case: Case) -> float:
    return reconstruction(case.second, case.real) - K * reconstruction(case.second, case.fake)


def vae_discriminator(case: Case) -> float:
    """The protocol's clipped form: in float64 the clip is far from these outputs."""
    flat = case.real.reshape(len(case.real), -1)
    mean, std = flat @ case.second["w"].T, np.exp(flat @ case.second["v"].T + case.second["b"])
    output = sigmoid((mean + std * case.posterior) @ case.decoder["w"].T + case.decoder["b"]).reshape(SHAPE)
    output = np.clip(output, 1e-8, 1 - 1e-8)
    crossed = -(case.real * np.log(output) + (1 - case.real) * np.log(1 - output))
    divergence = 0.5 * (mean**2 + std**2 - np.log(1e-8 + std**2) - 1).sum(axis=1)
    return float(crossed.sum(axis=(2, 3)).mean(axis=1).mean() + divergence.mean())


DISCRIMINATOR: dict[str, Callable[[Case], float]] = {
    "mm": ns_discriminator,
    "ns": ns_discriminator,
    "ls": ls_discriminator,
    "wgan": wgan_discriminator,
    "wgan_gp": wgan_gp_discriminator,
    "dragan": dragan_discriminator,
    "began": began_discriminator,
    "vae": vae_discriminator,
}
GENERATOR: dict[str, Callable[[Case], float]] = {
    "mm": lambda case: float(np.mean(np.log(1 - probability(case.second, case.fake)))),
    "ns": lambda case: float(-np.mean(np.log(probability(case.second, case.fake)))),
    "ls": lambda case: float(0.5 * np.mean((probability(case.second, case.fake) - 1) ** 2)),
    "wgan": lambda case: float(-np.mean(logit(case.second, case.fake))),
    "wgan_gp": lambda case: float(-np.mean(logit(case.second, case.fake))),
    "dragan": lambda case: float(-np.mean(np.log(probability(case.second, case.fake)))),
    "began": lambda case: reconstruction(case.second, case.fake),
}
KINDS: dict[str, type[Stub]] = {"began": Auto, "vae": Posterior}
ADVERSARIAL = sorted(set(LOSSES) - {"vae"})


def start(loss: Loss) -> Memory:
    memory = {name: value.double() for name, value in loss.memory().items()}
    if "k" in memory:
        memory["k"] = torch.tensor(K, dtype=torch.float64)
    return memory


def discriminator_loss(name: str, case: Case, nets: Networks) -> Tensor:
    loss = load(name, SETTINGS[name])
    fake = torch.from_numpy(case.real[:0] if loss.joint else case.fake)
    return loss.discriminator_loss(nets, torch.from_numpy(case.real), fake, start(loss), case.draw())


def test_every_loss_has_a_formula() -> None:
    assert set(DISCRIMINATOR) == set(LOSSES) == set(SETTINGS)
    assert set(GENERATOR) == set(ADVERSARIAL)


@pytest.mark.parametrize("name", LOSSES)
def test_discriminator_loss_is_the_formula(name: str) -> None:
    case = make(name)
    found = discriminator_loss(name, case, case.nets(KINDS.get(name, Critic)))
    assert found.shape == ()
    assert found.item() == pytest.approx(DISCRIMINATOR[name](case), rel=1e-12)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_generator_loss_is_the_formula(name: str) -> None:
    case, loss = make(name), load(name, SETTINGS[name])
    nets = case.nets(KINDS.get(name, Critic))
    found = loss.generator_loss(nets, torch.from_numpy(case.real), torch.from_numpy(case.fake), start(loss))
    assert found.shape == ()
    assert found.item() == pytest.approx(GENERATOR[name](case), rel=1e-12)


def slopes(formula: Callable[[Case], float], case: Case, array: Array) -> Iterator[float]:
    """Central differences of the formula along every entry of an array of the case, changed in place."""
    step = 1e-5
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = formula(case)
        array[index] = kept - step
        below = formula(case)
        array[index] = kept
        yield (above - below) / (2 * step)


@pytest.mark.parametrize("name", LOSSES)
def test_discriminator_gradient_is_the_slope_of_the_formula(name: str) -> None:
    """For the penalties this is a second derivative: the gradient of a gradient's norm."""
    case = make(name)
    nets = case.nets(KINDS.get(name, Critic))
    discriminator_loss(name, case, nets).backward()  # type: ignore[no-untyped-call]
    trained = [(nets.discriminator, case.second)] + ([(nets.generator, case.decoder)] if name == "vae" else [])
    for network, weights in trained:
        for key, array in weights.items():
            gradient = network.get_parameter(key).grad
            assert gradient is not None
            expected = np.array(list(slopes(DISCRIMINATOR[name], case, array))).reshape(array.shape)
            np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-6, atol=1e-8)
            assert np.abs(expected).max() > 1e-3 or (key == "c" and name in ("wgan", "wgan_gp"))


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_generator_gradient_is_the_slope_of_the_formula(name: str) -> None:
    case, loss = make(name), load(name, SETTINGS[name])
    fake = torch.from_numpy(case.fake.copy()).requires_grad_(True)
    nets = case.nets(KINDS.get(name, Critic))
    loss.generator_loss(nets, torch.from_numpy(case.real), fake, start(loss)).backward()  # type: ignore[no-untyped-call]
    assert fake.grad is not None
    expected = np.array(list(slopes(GENERATOR[name], case, case.fake))).reshape(SHAPE)
    np.testing.assert_allclose(fake.grad.numpy(), expected, rtol=1e-6, atol=1e-9)
    assert np.abs(expected).max() > 1e-3


def test_dragan_spread_is_over_n() -> None:
    case = make("dragan")
    found = discriminator_loss("dragan", case, case.nets(Critic)).item() - ns_discriminator(case)
    over_n = dragan_penalty(case, dragan_points(case, ddof=0))
    over_n_minus_1 = dragan_penalty(case, dragan_points(case, ddof=1))
    assert found == pytest.approx(over_n, rel=1e-10)
    assert abs(found - over_n_minus_1) > 1e-5


def test_penalty_of_a_flat_critic() -> None:
    """Zero gradient: s = sqrt(1e-4) = 0.01, so the penalty is weight * 0.99^2, and its gradient is finite."""
    case = make("wgan_gp")
    case.second["w"][:] = 0
    nets = case.nets(Critic)
    found = discriminator_loss("wgan_gp", case, nets)
    found.backward()  # type: ignore[no-untyped-call]
    assert found.item() == pytest.approx(7.0 * 0.99**2, rel=1e-12)
    assert all(torch.isfinite(p.grad).all() for p in nets.discriminator.parameters() if p.grad is not None)


def test_vae_averages_channels_and_sums_pixels() -> None:
    """Logit 0 everywhere costs log 2 per pixel: height x width of them, however many channels there are."""
    case = make("vae")
    case.decoder = {name: np.zeros_like(value) for name, value in case.decoder.items()}
    case.second = {name: np.zeros_like(value) for name, value in case.second.items()}  # mean 0, std 1
    found = discriminator_loss("vae", case, case.nets(Posterior))
    divergence = 0.5 * CODE * -math.log(1 + 1e-8)
    assert found.item() == pytest.approx(6 * math.log(2) + divergence, rel=1e-13)


@pytest.mark.parametrize("std", [1e-6, 1e-3])
def test_vae_divergence_of_a_sharp_posterior(std: float) -> None:
    """The 1e-8 inside the logarithm bounds the divergence of a posterior that has become a point."""
    case = make("vae")
    case.decoder = {name: np.zeros_like(value) for name, value in case.decoder.items()}
    case.second = {name: np.zeros_like(value) for name, value in case.second.items()}
    case.second["b"][:] = math.log(std)
    found = discriminator_loss("vae", case, case.nets(Posterior))
    assert found.item() == pytest.approx(
        6 * math.log(2) + CODE * 0.5 * (std**2 - math.log(1e-8 + std**2) - 1), rel=1e-12
    )


# Logits far outside of what sigmoid and logarithm resolve.


class Scaled(nn.Module):
    """Logit weight * (first pixel): images of +1 and -1 give the logits +weight and -weight."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, images: Tensor) -> Tensor:
        return self.weight * images[:, 0, 0, 0]


EXTREME = {  # the worst case: logit -size on real, +size on generated images
    "mm": (lambda size: 2 * size, lambda size: -size),
    "ns": (lambda size: 2 * size, lambda size: 0.0),
    "ls": (lambda size: 1.0, lambda size: 0.0),
    "wgan": (lambda size: 2 * size, lambda size: -size),
}


@pytest.mark.parametrize("size", [100.0, 1000.0])
@pytest.mark.parametrize("real_sign", [1.0, -1.0])
@pytest.mark.parametrize("fake_sign", [1.0, -1.0])
@pytest.mark.parametrize("name", ["mm", "ns", "ls", "wgan", "wgan_gp", "dragan"])
def test_finite_at_extreme_logits(name: str, fake_sign: float, real_sign: float, size: float) -> None:
    loss = load(name, SETTINGS[name])
    critic = Scaled(size)
    nets = Networks(cast(Any, None), critic)
    shape = (2, 1, 2, 2)
    real = torch.full(shape, real_sign)
    fake = torch.full(shape, fake_sign).requires_grad_(True)
    ones = np.full(shape, 0.5, np.float32)
    draw = FixedDraw({"noise": cast(Array, ones), "position": cast(Array, ones[:, :1, :1, :1])}, {})
    found = loss.discriminator_loss(nets, real, fake.detach(), {}, draw)
    found.backward()  # type: ignore[no-untyped-call]
    assert found.dtype == torch.float32
    assert math.isfinite(found.item())
    assert critic.weight.grad is not None
    assert math.isfinite(float(critic.weight.grad))
    generated = loss.generator_loss(nets, real, fake, {})
    generated.backward()  # type: ignore[no-untyped-call]
    assert fake.grad is not None
    assert math.isfinite(generated.item())
    assert bool(torch.isfinite(fake.grad).all())
    if name in EXTREME and (real_sign, fake_sign) == (-1.0, 1.0):
        assert found.item() == pytest.approx(EXTREME[name][0](size), rel=1e-6)
        assert generated.item() == pytest.approx(EXTREME[name][1](size), abs=1e-6)


@pytest.mark.parametrize("size", [100.0, 1000.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_vae_is_finite_at_extreme_logits(size: float, sign: float) -> None:
    """A decoder sure of the wrong colour pays its logit per pixel; sure of the right one, nothing."""
    encoder = {"w": np.zeros((CODE, PIXELS)), "v": np.zeros((CODE, PIXELS)), "b": np.zeros(CODE)}
    decoder = {"w": np.zeros((PIXELS, CODE)), "b": np.full(PIXELS, sign * size)}
    nets = Networks(cast(Any, Decoder(decoder).float()), Posterior(encoder).float())
    real = torch.ones(SHAPE)
    draw = FixedDraw({}, {"posterior": cast(Array, np.zeros((SHAPE[0], CODE), np.float32))})
    found = load("vae", {}).discriminator_loss(nets, real, real[:0], {}, draw)
    found.backward()  # type: ignore[no-untyped-call]
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(0.0 if sign > 0 else 6 * size, abs=1e-6)
    for network in (nets.generator, nets.discriminator):
        assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in network.parameters())


# What a loss does beside its two numbers.


def test_wgan_clips_every_parameter_and_nothing_else() -> None:
    torch.manual_seed(1)
    critic = nn.Sequential(nn.Conv2d(1, 4, 2), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(36, 1))
    with torch.no_grad():
        critic[1].bias.copy_(torch.tensor([-3.0, 0.05, 0.0, 3.0]))
    before = {name: value.clone() for name, value in critic.state_dict().items()}
    with torch.no_grad():
        load("wgan", {"clip": 0.1}).constrain(Networks(cast(Any, None), critic))
    names = {name for name, _ in critic.named_parameters()}
    assert {"1.weight", "1.bias"} < names
    for name, value in critic.state_dict().items():
        expected = np.clip(before[name].numpy(), -0.1, 0.1) if name in names else before[name].numpy()
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-7)
    assert critic[1].weight.tolist() == pytest.approx([0.1] * 4)  # a scale starts at 1
    assert critic[1].bias.tolist() == pytest.approx([-0.1, 0.05, 0.0, 0.1])
    assert critic[1].running_var.tolist() == [1.0] * 4


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"wgan"}))
def test_only_wgan_constrains(name: str) -> None:
    critic = nn.Linear(3, 2)
    before = critic.weight.detach().clone().mul_(1)
    with torch.no_grad():
        load(name, SETTINGS[name]).constrain(Networks(cast(Any, None), critic))
    assert torch.equal(critic.weight, before)


class Shift(nn.Module):
    """Reconstruction v + shift: L(v) = |shift|, so real and generated images need a shift each."""

    def __init__(self) -> None:
        super().__init__()
        self.on_real, self.on_fake = 0.0, 0.0

    def forward(self, images: Tensor) -> Tensor:
        return images + torch.where(images[:, :1, :1, :1] > 0, self.on_real, self.on_fake)


@pytest.mark.parametrize(
    ("rate", "gamma", "expected"),
    [  # L(x) and L(G(z)) are (0.5, 0.25), (0.25, 1), (2, 0.5): balances gamma L(x) - L(G(z))
        (0.5, 0.5, ([0.0, -0.4375, -0.1875], [0.5, 1.125, 2.5])),
        (1.0, 0.0, ([-0.25, -1.25, -1.75], [0.75, 1.25, 2.5])),
        (1.0, 2.0, ([0.75, 0.25, 3.75], [1.25, 0.75, 5.5])),
    ],
)
def test_began_remembers_unclipped(rate: float, gamma: float, expected: tuple[list[float], list[float]]) -> None:
    loss = load("began", {"k_learning_rate": rate, "gamma": gamma})
    auto = Shift()
    nets = Networks(cast(Any, None), auto)
    memory = loss.memory()
    assert {name: float(value) for name, value in memory.items()} == {"k": 0.0, "convergence": 0.0}
    k, convergence = [], []
    for auto.on_real, auto.on_fake in ((0.5, -0.25), (-0.25, 1.0), (2.0, 0.5)):
        same = memory["k"]
        with torch.no_grad():
            loss.remember(nets, torch.ones(SHAPE), torch.zeros(SHAPE), memory)
        assert memory["k"] is same  # updated in place: checkpoints hold the tensor
        k.append(float(memory["k"]))
        convergence.append(float(memory["convergence"]))
    assert (k, convergence) == (pytest.approx(expected[0]), pytest.approx(expected[1]))


def test_began_weighs_generated_images_by_k() -> None:
    loss, auto = load("began", SETTINGS["began"]), Shift()
    auto.on_real, auto.on_fake = 0.5, 0.25
    nets, real, fake = Networks(cast(Any, None), auto), torch.ones(SHAPE), torch.zeros(SHAPE)
    for k, expected in ((0.0, 0.5), (1.0, 0.25), (-2.0, 1.0), (3.0, -0.25)):
        memory = {"k": torch.tensor(k), "convergence": torch.zeros(())}
        assert float(loss.discriminator_loss(nets, real, fake, memory, FixedDraw({}, {}))) == pytest.approx(expected)


@pytest.mark.parametrize("name", LOSSES)
def test_what_the_trainer_asks_a_loss(name: str) -> None:
    loss = load(name, SETTINGS[name])
    assert loss.head == {"began": "image", "vae": "posterior"}.get(name, "logit")
    assert loss.joint == (name == "vae")
    assert loss.prior == ("normal" if name == "vae" else "uniform")
    assert loss.fresh_latent == (name == "wgan_gp")
    assert loss.decoder_slope == (0.0 if name == "vae" else 0.2)
    assert set(loss.memory()) == ({"k", "convergence"} if name == "began" else set())


def test_a_joint_loss_has_no_generator_loss() -> None:
    with pytest.raises(TypeError, match="joint"):
        load("vae", {}).generator_loss(cast(Any, None), torch.zeros(1), torch.zeros(1), {})
