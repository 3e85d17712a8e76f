"""Every loss and variant against float64 formulas of the protocol's table, on networks small enough to redo by hand."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from study.errors import StudyError
from study.models.losses import LOSSES, VARIANTS, load, resolve
from study.models.losses.base import Loss, Memory
from study.models.networks import Networks

Array = npt.NDArray[np.float64]
Weights = dict[str, Array]
Pair = tuple[str, str]  # loss, variant

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
ADDED: dict[Pair, dict[str, float]] = {("dragan", "as_printed"): {"noise_scale": 0.3}}
PAIRS: list[Pair] = [(loss, variant) for loss, entry in LOSSES.items() for variant in entry.variants]
ADVERSARIAL = [pair for pair in PAIRS if pair[0] != "vae"]
K = -0.35  # a value of began's control variable that the discriminator's loss has to weigh


def make_loss(pair: Pair) -> Loss:
    return load(*pair, SETTINGS[pair[0]] | ADDED.get(pair, {}))


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
    gaussian: Array

    def nets(self, kind: type[Stub]) -> Networks:
        return Networks(cast(Any, Decoder(self.decoder)), kind(self.second))

    def draw(self) -> FixedDraw:
        return FixedDraw(
            {"noise": self.noise, "position": self.position}, {"posterior": self.posterior, "noise": self.gaussian}
        )


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
        rng.normal(size=SHAPE),
    )


# The formulas, in numpy.

Formula = Callable[[Case], float]


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


def reconstruction(weights: Weights, images: Array) -> Array:
    """|AE(v) - v| [N, PIXELS]."""
    hidden = np.tanh(images.reshape(len(images), -1) @ weights["w"].T + weights["b"])
    return np.asarray(np.abs(hidden @ weights["v"].T + weights["c"] - images.reshape(len(images), -1)))


def mean_error(weights: Weights, images: Array) -> float:
    return float(reconstruction(weights, images).sum()) / (len(images) * PIXELS)


def l1_norm(weights: Weights, images: Array) -> float:
    return float(reconstruction(weights, images).sum()) / len(images)


def ns_discriminator(case: Case) -> float:
    on_real, on_fake = probability(case.second, case.real), probability(case.second, case.fake)
    return float(-np.mean(np.log(on_real)) - np.mean(np.log(1 - on_fake)))


def ns_generator(case: Case) -> float:
    return float(-np.mean(np.log(probability(case.second, case.fake))))


def mm_generator(case: Case) -> float:
    return float(np.mean(np.log(1 - probability(case.second, case.fake))))


def least_squares(output: Callable[[Weights, Array], Array], factor: float) -> tuple[Formula, Formula]:
    """Both losses."""

    def discriminator(case: Case) -> float:
        on_real, on_fake = output(case.second, case.real), output(case.second, case.fake)
        return float(factor * np.mean((on_real - 1) ** 2) + factor * np.mean(on_fake**2))

    return discriminator, lambda case: float(factor * np.mean((output(case.second, case.fake) - 1) ** 2))


def wgan_discriminator(case: Case) -> float:
    return float(-np.mean(logit(case.second, case.real)) + np.mean(logit(case.second, case.fake)))


def wgan_generator(case: Case) -> float:
    return float(-np.mean(logit(case.second, case.fake)))


def wgan_gp_discriminator(case: Case) -> float:
    points = case.real + case.position * (case.fake - case.real)
    return wgan_discriminator(case) + penalty(logit_gradient(case.second, points), 7.0)


def dragan_points(case: Case, ddof: int = 0) -> Array:
    moved = case.real + 0.5 * np.std(case.real, ddof=ddof) * case.noise
    return np.asarray(case.real + case.position * (moved - case.real))


def dragan_corrected_points(case: Case, ddof: int = 0) -> Array:
    return np.asarray(np.clip(case.real + np.std(case.real, ddof=ddof) * (case.noise - 0.5), 0, 1))


def dragan_penalty(case: Case, points: Array) -> float:
    d = probability(case.second, points)
    return penalty((d * (1 - d))[:, None] * logit_gradient(case.second, points), 7.0)


def dragan_discriminator(case: Case) -> float:
    return ns_discriminator(case) + dragan_penalty(case, dragan_points(case))


def dragan_printed_discriminator(case: Case) -> float:
    return ns_discriminator(case) + dragan_penalty(case, case.real + 0.3 * case.gaussian)


def dragan_corrected_discriminator(case: Case) -> float:
    return ns_discriminator(case) + penalty(logit_gradient(case.second, dragan_corrected_points(case)), 7.0)


def boundary_equilibrium(size: Callable[[Weights, Array], float]) -> tuple[Formula, Formula]:
    """Both losses."""
    return (
        lambda case: size(case.second, case.real) - K * size(case.second, case.fake),
        lambda case: size(case.second, case.fake),
    )


def vae_terms(case: Case) -> tuple[Array, Array]:
    """Cross-entropies [N, C, H, W] and KL [N], in the protocol's clipped form: in float64 the clip is far away."""
    flat = case.real.reshape(len(case.real), -1)
    mean, std = flat @ case.second["w"].T, np.exp(flat @ case.second["v"].T + case.second["b"])
    output = sigmoid((mean + std * case.posterior) @ case.decoder["w"].T + case.decoder["b"]).reshape(SHAPE)
    output = np.clip(output, 1e-8, 1 - 1e-8)
    crossed = -(case.real * np.log(output) + (1 - case.real) * np.log(1 - output))
    return crossed, 0.5 * (mean**2 + std**2 - np.log(1e-8 + std**2) - 1).sum(axis=1)


def vae_discriminator(case: Case) -> float:
    crossed, divergence = vae_terms(case)
    return float(crossed.sum(axis=(2, 3)).mean(axis=1).mean() + divergence.mean())


def vae_corrected_discriminator(case: Case) -> float:
    crossed, divergence = vae_terms(case)
    return float(crossed.reshape(len(crossed), -1).sum(axis=1).mean() + divergence.mean())


FORMULAS: dict[Pair, tuple[Formula, Formula | None]] = {  # of the discriminator, of the generator
    ("mm", "as_run"): (ns_discriminator, mm_generator),
    ("ns", "as_run"): (ns_discriminator, ns_generator),
    ("ls", "as_run"): least_squares(probability, 0.5),
    ("ls", "as_printed"): least_squares(logit, 1.0),
    ("ls", "corrected"): least_squares(logit, 0.5),
    ("wgan", "as_run"): (wgan_discriminator, wgan_generator),
    ("wgan_gp", "as_run"): (wgan_gp_discriminator, wgan_generator),
    ("dragan", "as_run"): (dragan_discriminator, ns_generator),
    ("dragan", "as_printed"): (dragan_printed_discriminator, mm_generator),
    ("dragan", "corrected"): (dragan_corrected_discriminator, ns_generator),
    ("began", "as_run"): boundary_equilibrium(mean_error),
    ("began", "as_printed"): boundary_equilibrium(l1_norm),
    ("began", "corrected"): boundary_equilibrium(mean_error),
    ("vae", "as_run"): (vae_discriminator, None),
    ("vae", "corrected"): (vae_corrected_discriminator, None),
}
KINDS: dict[str, type[Stub]] = {"began": Auto, "vae": Posterior}


def start(loss: Loss) -> Memory:
    memory = {name: value.double() for name, value in loss.memory().items()}
    if "k" in memory:
        memory["k"] = torch.tensor(K, dtype=torch.float64)
    return memory


def discriminator_loss(pair: Pair, case: Case, nets: Networks) -> Tensor:
    loss = make_loss(pair)
    fake = torch.from_numpy(case.real[:0] if loss.joint else case.fake)
    return loss.discriminator_loss(nets, torch.from_numpy(case.real), fake, start(loss), case.draw())


def generator_loss(pair: Pair, case: Case, nets: Networks, fake: Tensor) -> Tensor:
    loss = make_loss(pair)
    return loss.generator_loss(nets, torch.from_numpy(case.real), fake, start(loss))


def generator_formula(pair: Pair) -> Formula:
    formula = FORMULAS[pair][1]
    assert formula is not None
    return formula


def test_every_loss_and_variant_has_a_formula() -> None:
    assert set(FORMULAS) == set(PAIRS)
    assert {pair for pair, (_, generator) in FORMULAS.items() if generator} == set(ADVERSARIAL)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_discriminator_loss_is_the_formula(pair: Pair) -> None:
    case = make(pair[0])
    found = discriminator_loss(pair, case, case.nets(KINDS.get(pair[0], Critic)))
    assert found.shape == ()
    assert found.item() == pytest.approx(FORMULAS[pair][0](case), rel=1e-12)


@pytest.mark.parametrize("pair", ADVERSARIAL, ids="-".join)
def test_generator_loss_is_the_formula(pair: Pair) -> None:
    case = make(pair[0])
    found = generator_loss(pair, case, case.nets(KINDS.get(pair[0], Critic)), torch.from_numpy(case.fake))
    assert found.shape == ()
    assert found.item() == pytest.approx(generator_formula(pair)(case), rel=1e-12)


def slopes(formula: Formula, case: Case, array: Array) -> Iterator[float]:
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


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_discriminator_gradient_is_the_slope_of_the_formula(pair: Pair) -> None:
    """For the penalties this is a second derivative: the gradient of a gradient's norm."""
    name = pair[0]
    case = make(name)
    nets = case.nets(KINDS.get(name, Critic))
    discriminator_loss(pair, case, nets).backward()  # type: ignore[no-untyped-call]
    trained = [(nets.discriminator, case.second)] + ([(nets.generator, case.decoder)] if name == "vae" else [])
    for network, weights in trained:
        for key, array in weights.items():
            gradient = network.get_parameter(key).grad
            assert gradient is not None
            expected = np.array(list(slopes(FORMULAS[pair][0], case, array))).reshape(array.shape)
            np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-6, atol=1e-8)
            assert np.abs(expected).max() > 1e-3 or (key == "c" and name in ("wgan", "wgan_gp"))


@pytest.mark.parametrize("pair", ADVERSARIAL, ids="-".join)
def test_generator_gradient_is_the_slope_of_the_formula(pair: Pair) -> None:
    case = make(pair[0])
    fake = torch.from_numpy(case.fake.copy()).requires_grad_(True)
    nets = case.nets(KINDS.get(pair[0], Critic))
    generator_loss(pair, case, nets, fake).backward()  # type: ignore[no-untyped-call]
    assert fake.grad is not None
    expected = np.array(list(slopes(generator_formula(pair), case, case.fake))).reshape(SHAPE)
    np.testing.assert_allclose(fake.grad.numpy(), expected, rtol=1e-6, atol=1e-9)
    assert np.abs(expected).max() > 1e-3


def test_dragan_spread_is_over_n() -> None:
    case = make("dragan")
    found = discriminator_loss(("dragan", "as_run"), case, case.nets(Critic)).item() - ns_discriminator(case)
    over_n = dragan_penalty(case, dragan_points(case, ddof=0))
    over_n_minus_1 = dragan_penalty(case, dragan_points(case, ddof=1))
    assert found == pytest.approx(over_n, rel=1e-10)
    assert abs(found - over_n_minus_1) > 1e-5


def test_corrected_dragan_spreads_over_n_and_stays_within_the_images() -> None:
    case = make("dragan")
    case.real[0], case.noise[0] = 0.99, 0.9
    found = discriminator_loss(("dragan", "corrected"), case, case.nets(Critic)).item() - ns_discriminator(case)
    unclipped = case.real + np.std(case.real) * (case.noise - 0.5)
    assert unclipped.min() < 0
    assert unclipped.max() > 1
    wrong = [dragan_corrected_points(case, ddof=1), unclipped]
    assert found == pytest.approx(penalty(logit_gradient(case.second, dragan_corrected_points(case)), 7.0), rel=1e-10)
    assert all(abs(found - penalty(logit_gradient(case.second, points), 7.0)) > 1e-5 for points in wrong)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if "penalty_weight" in SETTINGS[pair[0]]], ids="-".join)
def test_penalty_of_a_flat_critic(pair: Pair) -> None:
    """Zero gradient: s = sqrt(1e-4) = 0.01, so the penalty is weight * 0.99^2, and its gradient is finite."""
    case = make(pair[0])
    case.second["w"][:] = 0
    nets = case.nets(Critic)
    found = discriminator_loss(pair, case, nets)
    found.backward()  # type: ignore[no-untyped-call]
    unpenalised = wgan_discriminator(case) if pair[0] == "wgan_gp" else ns_discriminator(case)
    assert found.item() == pytest.approx(unpenalised + 7.0 * 0.99**2, rel=1e-12)
    assert all(torch.isfinite(p.grad).all() for p in nets.discriminator.parameters() if p.grad is not None)


@pytest.mark.parametrize(("variant", "entropies"), [("as_run", 6), ("corrected", 12)])
def test_vae_channels(variant: str, entropies: int) -> None:
    """Logit 0 everywhere costs log 2 per pixel, 3 x 2 of them: once as run, in each of two channels corrected."""
    case = make("vae")
    case.decoder = {name: np.zeros_like(value) for name, value in case.decoder.items()}
    case.second = {name: np.zeros_like(value) for name, value in case.second.items()}  # mean 0, std 1
    found = discriminator_loss(("vae", variant), case, case.nets(Posterior))
    divergence = 0.5 * CODE * -math.log(1 + 1e-8)
    assert found.item() == pytest.approx(entropies * math.log(2) + divergence, rel=1e-13)


@pytest.mark.parametrize("std", [1e-6, 1e-3])
def test_vae_divergence_of_a_sharp_posterior(std: float) -> None:
    """The 1e-8 inside the logarithm bounds the divergence of a posterior that has become a point."""
    case = make("vae")
    case.decoder = {name: np.zeros_like(value) for name, value in case.decoder.items()}
    case.second = {name: np.zeros_like(value) for name, value in case.second.items()}
    case.second["b"][:] = math.log(std)
    found = discriminator_loss(("vae", "as_run"), case, case.nets(Posterior))
    assert found.item() == pytest.approx(
        6 * math.log(2) + CODE * 0.5 * (std**2 - math.log(1e-8 + std**2) - 1), rel=1e-12
    )


# What the variants of a loss have in common.

DIFFER = {  # where a variant's number is another one than as run: discriminator's, generator's
    ("ls", "as_printed"): (True, True),
    ("ls", "corrected"): (True, True),
    ("dragan", "as_printed"): (True, True),
    ("dragan", "corrected"): (True, False),
    ("began", "as_printed"): (True, True),
    ("began", "corrected"): (False, False),  # k alone
    ("vae", "corrected"): (True, False),
}


@pytest.mark.parametrize(("loss", "variant"), [(loss, variant) for loss in LOSSES for variant in VARIANTS])
def test_a_variant_differs_or_is_the_very_class(loss: str, variant: str) -> None:
    ran, found = make_loss((loss, "as_run")), make_loss((loss, resolve(loss, variant, 3)))
    assert type(load(loss, variant, SETTINGS[loss] | ADDED.get((loss, variant), {}))) is type(found)
    assert (type(found) is type(ran)) == (resolve(loss, variant, 3) == "as_run") == ((loss, variant) not in DIFFER)
    for trait in ("head", "joint", "prior", "fresh_latent", "decoder_slope"):
        assert getattr(found, trait) == getattr(ran, trait)


@pytest.mark.parametrize("pair", DIFFER, ids="-".join)
def test_where_a_variant_differs(pair: Pair) -> None:
    case, ran = make(pair[0]), (pair[0], "as_run")
    nets = case.nets(KINDS.get(pair[0], Critic))
    losses = [discriminator_loss(each, case, nets).item() for each in (pair, ran)]
    assert (abs(losses[0] - losses[1]) > 1e-3, losses[0] == losses[1]) == (DIFFER[pair][0], not DIFFER[pair][0])
    if pair in ADVERSARIAL:
        fake = torch.from_numpy(case.fake)
        losses = [generator_loss(each, case, nets, fake).item() for each in (pair, ran)]
        assert (abs(losses[0] - losses[1]) > 1e-3, losses[0] == losses[1]) == (DIFFER[pair][1], not DIFFER[pair][1])


def test_equal_work_has_one_name() -> None:
    for channels in (1, 3):
        assert [resolve("wgan", variant, channels) for variant in VARIANTS] == ["as_run"] * 3
        assert [resolve("ls", variant, channels) for variant in VARIANTS] == list(VARIANTS)
    assert [resolve("vae", variant, 1) for variant in VARIANTS] == ["as_run"] * 3
    assert [resolve("vae", variant, 3) for variant in VARIANTS] == ["as_run", "as_run", "corrected"]


def test_an_unknown_variant_names_the_known() -> None:
    with pytest.raises(StudyError, match=r"'as_ran' is not a variant; did you mean 'as_run'\?; valid: as_run, as_prin"):
        load("ns", "as_ran", {})


def test_ls_by_hand() -> None:
    """Logit 2 on real, -1 on generated: (2 - 1)^2 + (-1)^2 = 2 and (-1 - 1)^2 = 4, with factor 1 and 0.5."""
    nets = Networks(cast(Any, None), Scaled(1.0))
    real, fake = torch.full((3, 1, 1, 1), 2.0), torch.full((3, 1, 1, 1), -1.0)
    for variant, on_discriminator, on_generator in (("as_printed", 2.0, 4.0), ("corrected", 1.0, 2.0)):
        loss = load("ls", variant, {})
        assert loss.discriminator_loss(nets, real, fake, {}, FixedDraw({}, {})).item() == on_discriminator
        assert loss.generator_loss(nets, real, fake, {}).item() == on_generator


def test_dragan_by_hand() -> None:
    """A critic of one weight 3 on the first pixel, on the images 0 and 1 of one pixel.

    NS: log 2 and log(1 + e^-3) on real, with generated images of 0 log 2. Corrected: the gradient of the logit is 3
    anywhere. As printed: that of D is 3 D (1 - D), at 0 + 0.3 and 1 - 0.3. As run: std is 0.5, so that a position of
    0.5 on the way of 0.5 * 0.5 * noise moves the points by 0.125 * 0.8 and 0.125 * 0.4.
    """
    nets = Networks(cast(Any, None), Scaled(3.0).double())
    real, fake = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).double(), torch.zeros(2, 1, 1, 1).double()
    column = (2, 1, 1, 1)
    uniforms = {"noise": np.array([0.8, 0.4]).reshape(column), "position": np.full(column, 0.5)}
    normals = {"noise": np.array([1.0, -1.0]).reshape(column)}
    base = (math.log(2) + math.log1p(math.exp(-3))) / 2 + math.log(2)
    moved = {"as_run": (0.1, 1.05), "as_printed": (0.3, 0.7)}
    for variant in VARIANTS:
        slopes_there = [3.0, 3.0]
        if variant in moved:
            there = [1 / (1 + math.exp(-3 * x)) for x in moved[variant]]
            slopes_there = [3 * d * (1 - d) for d in there]
        expected = base + 7 * sum((math.sqrt(1e-4 + slope**2) - 1) ** 2 for slope in slopes_there) / 2
        found = make_loss(("dragan", variant)).discriminator_loss(nets, real, fake, {}, FixedDraw(uniforms, normals))
        assert found.item() == pytest.approx(expected, rel=1e-12)


# Logits far outside of what sigmoid and logarithm resolve.


class Scaled(nn.Module):
    """Logit weight * (first pixel): images of +1 and -1 give the logits +weight and -weight."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, images: Tensor) -> Tensor:
        return self.weight * images[:, 0, 0, 0]


EXTREME: dict[Pair, tuple[Callable[[float], float], Callable[[float], float]]] = {
    # the worst case: logit -size on real, +size on generated images, where a sigmoid has no slope
    ("mm", "as_run"): (lambda size: 2 * size, lambda size: -size),
    ("ns", "as_run"): (lambda size: 2 * size, lambda size: 0.0),
    ("ls", "as_run"): (lambda size: 1.0, lambda size: 0.0),
    ("ls", "as_printed"): (lambda size: (size + 1) ** 2 + size**2, lambda size: (size - 1) ** 2),
    ("ls", "corrected"): (lambda size: 0.5 * (size + 1) ** 2 + 0.5 * size**2, lambda size: 0.5 * (size - 1) ** 2),
    ("wgan", "as_run"): (lambda size: 2 * size, lambda size: -size),
    ("dragan", "as_run"): (lambda size: 2 * size + 7 * 0.99**2, lambda size: 0.0),
    ("dragan", "as_printed"): (lambda size: 2 * size + 7 * 0.99**2, lambda size: -size),
    ("dragan", "corrected"): (lambda size: 2 * size + 7 * (size - 1) ** 2, lambda size: 0.0),
}


@pytest.mark.parametrize("size", [100.0, 1000.0])
@pytest.mark.parametrize("real_sign", [1.0, -1.0])
@pytest.mark.parametrize("fake_sign", [1.0, -1.0])
@pytest.mark.parametrize("pair", [pair for pair in ADVERSARIAL if pair[0] != "began"], ids="-".join)
def test_finite_at_extreme_logits(pair: Pair, fake_sign: float, real_sign: float, size: float) -> None:
    loss = make_loss(pair)
    critic = Scaled(size)
    nets = Networks(cast(Any, None), critic)
    shape = (2, 1, 2, 2)
    real = torch.full(shape, real_sign)
    fake = torch.full(shape, fake_sign).requires_grad_(True)
    half = cast(Array, np.full(shape, 0.5, np.float32))
    draw = FixedDraw({"noise": half, "position": half[:, :1, :1, :1]}, {"noise": half})
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
    if pair in EXTREME and (real_sign, fake_sign) == (-1.0, 1.0):
        assert found.item() == pytest.approx(EXTREME[pair][0](size), rel=1e-6)
        assert generated.item() == pytest.approx(EXTREME[pair][1](size), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("size", [100.0, 1000.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("variant", "pixels"), [("as_run", 6), ("corrected", 12)])
def test_vae_is_finite_at_extreme_logits(variant: str, pixels: int, sign: float, size: float) -> None:
    """A decoder sure of the wrong colour pays its logit per pixel; sure of the right one, nothing."""
    encoder = {"w": np.zeros((CODE, PIXELS)), "v": np.zeros((CODE, PIXELS)), "b": np.zeros(CODE)}
    decoder = {"w": np.zeros((PIXELS, CODE)), "b": np.full(PIXELS, sign * size)}
    nets = Networks(cast(Any, Decoder(decoder).float()), Posterior(encoder).float())
    real = torch.ones(SHAPE)
    draw = FixedDraw({}, {"posterior": cast(Array, np.zeros((SHAPE[0], CODE), np.float32))})
    found = load("vae", variant, {}).discriminator_loss(nets, real, real[:0], {}, draw)
    found.backward()  # type: ignore[no-untyped-call]
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(0.0 if sign > 0 else pixels * size, abs=1e-6)
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
        load("wgan", "as_run", {"clip": 0.1}).constrain(Networks(cast(Any, None), critic))
    names = {name for name, _ in critic.named_parameters()}
    assert {"1.weight", "1.bias"} < names
    for name, value in critic.state_dict().items():
        expected = np.clip(before[name].numpy(), -0.1, 0.1) if name in names else before[name].numpy()
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-7)
    assert critic[1].weight.tolist() == pytest.approx([0.1] * 4)  # a scale starts at 1
    assert critic[1].bias.tolist() == pytest.approx([-0.1, 0.05, 0.0, 0.1])
    assert critic[1].running_var.tolist() == [1.0] * 4


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[0] != "wgan"], ids="-".join)
def test_only_wgan_constrains(pair: Pair) -> None:
    critic = nn.Linear(3, 2)
    before = critic.weight.detach().clone().mul_(1)
    with torch.no_grad():
        make_loss(pair).constrain(Networks(cast(Any, None), critic))
    assert torch.equal(critic.weight, before)


class Shift(nn.Module):
    """Reconstruction v + shift: L(v) = |shift|, so real and generated images need a shift each."""

    def __init__(self) -> None:
        super().__init__()
        self.on_real, self.on_fake = 0.0, 0.0

    def forward(self, images: Tensor) -> Tensor:
        return images + torch.where(images[:, :1, :1, :1] > 0, self.on_real, self.on_fake)


@pytest.mark.parametrize(
    ("variant", "rate", "gamma", "expected"),
    [  # mean errors L(x) and L(G(z)) are (0.5, 0.25), (0.25, 1), (2, 0.5): balances gamma L(x) - L(G(z))
        ("as_run", 0.5, 0.5, ([0.0, -0.4375, -0.1875], [0.5, 1.125, 2.5])),
        ("as_run", 1.0, 0.0, ([-0.25, -1.25, -1.75], [0.75, 1.25, 2.5])),
        ("as_run", 1.0, 2.0, ([0.75, 0.25, 3.75], [1.25, 0.75, 5.5])),
        ("corrected", 0.5, 0.5, ([0.0, 0.0, 0.25], [0.5, 1.125, 2.5])),  # not -0.1875 cut at the end
        ("corrected", 1.0, 0.0, ([0.0, 0.0, 0.0], [0.75, 1.25, 2.5])),
        ("corrected", 1.0, 2.0, ([0.75, 0.25, 1.0], [1.25, 0.75, 5.5])),
        # of 12 pixels: 12 times the balances and the convergence
        ("as_printed", 0.5, 0.5, ([0.0, -5.25, -2.25], [6.0, 13.5, 30.0])),
        ("as_printed", 1.0, 2.0, ([9.0, 3.0, 45.0], [15.0, 9.0, 66.0])),
    ],
)
def test_began_remembers(variant: str, rate: float, gamma: float, expected: tuple[list[float], list[float]]) -> None:
    loss = load("began", variant, {"k_learning_rate": rate, "gamma": gamma})
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


@pytest.mark.parametrize(("variant", "times"), [("as_run", 1), ("as_printed", PIXELS), ("corrected", 1)])
def test_began_weighs_generated_images_by_k(variant: str, times: int) -> None:
    loss, auto = load("began", variant, SETTINGS["began"]), Shift()
    auto.on_real, auto.on_fake = 0.5, 0.25
    nets, real, fake = Networks(cast(Any, None), auto), torch.ones(SHAPE), torch.zeros(SHAPE)
    for k, expected in ((0.0, 0.5), (1.0, 0.25), (-2.0, 1.0), (3.0, -0.25)):
        memory = {"k": torch.tensor(k), "convergence": torch.zeros(())}
        found = float(loss.discriminator_loss(nets, real, fake, memory, FixedDraw({}, {})))
        assert found == pytest.approx(times * expected)
    assert float(loss.generator_loss(nets, real, fake, memory)) == pytest.approx(times * 0.25)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_what_the_trainer_asks_a_loss(pair: Pair) -> None:
    loss, name = make_loss(pair), pair[0]
    assert loss.head == {"began": "image", "vae": "posterior"}.get(name, "logit")
    assert loss.joint == (name == "vae")
    assert loss.prior == ("normal" if name == "vae" else "uniform")
    assert loss.fresh_latent == (name == "wgan_gp")
    assert loss.decoder_slope == (0.0 if name == "vae" else 0.2)
    assert set(loss.memory()) == ({"k", "convergence"} if name == "began" else set())


def test_a_joint_loss_has_no_generator_loss() -> None:
    with pytest.raises(TypeError, match="joint"):
        load("vae", "as_run", {}).generator_loss(cast(Any, None), torch.zeros(1), torch.zeros(1), {})
