"""What every loss promises in each of its variants, with the real networks at a sixteenth of their width."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from search_spaces import SPACES
from search_spaces.hyperparameters import HYPERPARAMETERS
from study.errors import StudyError
from study.models.losses import AS_RUN, LOSSES, VARIANTS, load
from study.models.losses.base import Loss
from study.models.networks import LATENT, Networks, Size, build, parameter_count
from study.results import schema

IMAGES = 6
Pair = tuple[str, str]  # loss, variant
PAIRS: list[Pair] = [(loss, variant) for loss, entry in LOSSES.items() for variant in entry.variants]


class SeededDraw:
    """The contract's random numbers, one stream per name."""

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.rand(shape, generator=self._generator(name))

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self._generator(name))

    def _generator(self, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(sum(name.encode()))


def made(pair: Pair) -> Loss:
    return load(*pair, SPACES["wide"].default(*pair))


def prepared(pair: Pair, batch_norm: bool = True, channels: int = 1) -> tuple[Loss, Networks, Tensor, Tensor]:
    """The loss, its networks, real images and latents."""
    loss, shape = made(pair), (channels, 28, 28)
    size = Size(shape, 1 / 16, batch_norm, 0.999)
    nets = build(loss.head, loss.decoder_slope, size, f"conformance {pair[0]}")
    draw = SeededDraw()
    z = draw.normal("z", (IMAGES, LATENT)) if loss.prior == "normal" else draw.uniform("z", (IMAGES, LATENT)) * 2 - 1
    return loss, nets, draw.uniform("real", (IMAGES, *shape)), z


def gradients(network: nn.Module) -> list[Tensor]:
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]


def second_loss(loss: Loss, nets: Networks, real: Tensor, z: Tensor) -> Tensor:
    fake = real[:0] if loss.joint else nets.generator(z).detach()
    return loss.discriminator_loss(nets, real, fake, loss.memory(), SeededDraw())


ADVERSARIAL = [pair for pair in PAIRS if not made(pair).joint]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_hyperparameters_are_columns_of_the_same_type(pair: Pair) -> None:
    for hyperparameter in SPACES["wide"].for_loss(*pair):
        row, column = HYPERPARAMETERS[hyperparameter], schema.COLUMNS[hyperparameter]
        assert column.type == {float: schema.NUMBER, int: schema.COUNT, bool: schema.SWITCH}[row.kind]
        assert column.measured


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_memory_is_columns_of_numbers(pair: Pair) -> None:
    for kept, value in made(pair).memory().items():
        assert schema.COLUMNS[kept].type == schema.NUMBER
        assert value.shape == ()
        assert float(value) == 0.0


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_loss_takes_only_what_its_spaces_give(pair: Pair) -> None:
    """A missing hyperparameter is noticed when the loss is made, not when it is used."""
    own = set(SPACES["wide"].for_loss(*pair)) - {"learning_rate", "beta1", "disc_iters", "batch_norm"}
    default = SPACES["wide"].default(*pair)
    load(*pair, {hyperparameter: default[hyperparameter] for hyperparameter in own})
    for hyperparameter in own:
        with pytest.raises(KeyError, match=hyperparameter):
            load(*pair, {other: default[other] for other in own - {hyperparameter}})


@pytest.mark.parametrize("loss", LOSSES)
def test_variants_have_known_names_and_say_how_they_differ(loss: str) -> None:
    entry = LOSSES[loss]
    assert AS_RUN in entry.variants
    assert set(entry.variants) <= set(VARIANTS)
    assert len(set(entry.variants.values())) == len(entry.variants)
    assert entry.differences or len(entry.variants) == 1


@pytest.mark.parametrize(("batch_norm", "channels"), [(False, 1), (True, 1), (True, 3)])
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_discriminator_loss_reaches_the_second_network(pair: Pair, batch_norm: bool, channels: int) -> None:
    """And the generator only where one optimiser owns both."""
    loss, nets, real, z = prepared(pair, batch_norm, channels)
    value = second_loss(loss, nets, real, z)
    assert value.shape == ()
    assert math.isfinite(value.item())
    value.backward()  # type: ignore[no-untyped-call]
    for network, reached in ((nets.discriminator, True), (nets.generator, loss.joint)):
        found = gradients(network)
        assert len(found) == (len(list(network.parameters())) if reached else 0)
        assert all(bool(torch.isfinite(gradient).all()) for gradient in found)
        assert any(bool(gradient.any()) for gradient in found) == reached


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("pair", ADVERSARIAL, ids="-".join)
def test_generator_loss_reaches_the_generator(pair: Pair, batch_norm: bool) -> None:
    loss, nets, real, z = prepared(pair, batch_norm)
    nets.discriminator.requires_grad_(False)
    value = loss.generator_loss(nets, real, nets.generator(z), loss.memory())
    assert value.shape == ()
    assert math.isfinite(value.item())
    value.backward()  # type: ignore[no-untyped-call]
    found = gradients(nets.generator)
    assert len(found) == len(list(nets.generator.parameters()))
    assert all(bool(torch.isfinite(gradient).all()) for gradient in found)
    assert any(bool(gradient.any()) for gradient in found)
    assert gradients(nets.discriminator) == []


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_small_step_down_the_gradient_lowers_the_loss(pair: Pair) -> None:
    loss, nets, real, z = prepared(pair, batch_norm=False)
    nets.generator.double()
    nets.discriminator.double()
    real, z = real.double(), z.double()
    before = second_loss(loss, nets, real, z)
    before.backward()  # type: ignore[no-untyped-call]
    moved = [parameter for parameter in nets.discriminator.parameters() if parameter.grad is not None]
    length = math.sqrt(sum(float(parameter.grad.square().sum()) for parameter in moved if parameter.grad is not None))
    with torch.no_grad():
        for parameter in moved:
            assert parameter.grad is not None
            parameter -= 1e-7 / length * parameter.grad
    after = second_loss(loss, nets, real, z)
    assert before.item() - after.item() == pytest.approx(1e-7 * length, rel=0.01)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_the_same_inputs_give_the_same_loss(pair: Pair) -> None:
    values = {second_loss(*prepared(pair)).item() for _ in range(2)}
    assert len(values) == 1


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_inputs_are_left_as_they_were(pair: Pair) -> None:
    loss, nets, real, z = prepared(pair)
    fake = nets.generator(z).detach()
    kept = real.clone(), fake.clone()
    memory = loss.memory()
    loss.discriminator_loss(nets, real, fake[:0] if loss.joint else fake, memory, SeededDraw())
    if not loss.joint:
        loss.generator_loss(nets, real, fake, memory)
    assert torch.equal(real, kept[0])
    assert torch.equal(fake, kept[1])
    assert not real.requires_grad
    assert {key: float(value) for key, value in memory.items()} == {
        key: float(value) for key, value in loss.memory().items()
    }


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_constrain_is_idempotent_and_spares_the_generator(pair: Pair) -> None:
    loss, nets, _, _ = prepared(pair)
    generator = copy.deepcopy(nets.generator.state_dict())
    with torch.no_grad():
        loss.constrain(nets)
        once = copy.deepcopy(nets.discriminator.state_dict())
        loss.constrain(nets)
    assert all(torch.equal(value, once[key]) for key, value in nets.discriminator.state_dict().items())
    assert all(torch.equal(value, generator[key]) for key, value in nets.generator.state_dict().items())


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_memory_survives_a_copy(pair: Pair) -> None:
    """A run that goes on with a copied memory, as from a checkpoint, remembers the same."""
    loss, nets, real, z = prepared(pair)
    memory = loss.memory()
    fake = nets.generator(z).detach()
    with torch.no_grad():
        loss.remember(nets, real, fake, memory)
        copied = {key: value.clone() for key, value in dict(memory).items()}
        for each in (memory, copied):
            state = copy.deepcopy(nets.discriminator.state_dict())
            loss.remember(nets, real, fake, each)
            nets.discriminator.load_state_dict(state)
    assert {key: float(value) for key, value in copied.items()} == {key: float(value) for key, value in memory.items()}
    assert all(value.requires_grad is False for value in memory.values())
    assert all(float(value) != 0.0 for value in memory.values())


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_the_generator_has_the_same_size_for_every_loss(pair: Pair) -> None:
    nets = prepared(pair)[1]
    assert parameter_count(nets.generator) == parameter_count(prepared(("ns", "as_run"))[1].generator)


def test_an_unknown_loss_names_the_known() -> None:
    with pytest.raises(StudyError, match=r"'wgangp' is not a loss; did you mean 'wgan_gp'\?; valid: mm, ns, ls"):
        load("wgangp", "as_run", {})


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_what_a_loss_remembers_has_a_column(pair: Pair) -> None:
    loss = made(pair)
    assert set(loss.memory()) <= set(schema.COLUMNS)
