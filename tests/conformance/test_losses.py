"""What every loss promises, with the real networks at a sixteenth of their width."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from search_spaces import SPACES
from search_spaces.hyperparameters import HYPERPARAMETERS
from study.errors import StudyError
from study.models.losses import LOSSES, load
from study.models.losses.base import Loss
from study.models.networks import LATENT, Networks, Size, build, parameter_count
from study.results import schema

IMAGES = 6


class SeededDraw:
    """The contract's random numbers, one stream per name."""

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.rand(shape, generator=self._generator(name))

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self._generator(name))

    def _generator(self, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(sum(name.encode()))


def prepared(name: str, batch_norm: bool = True) -> tuple[Loss, Networks, Tensor, Tensor]:
    """The loss, its networks, real images and latents."""
    loss = load(name, SPACES["wide"].default(name))
    nets = build(loss.head, loss.decoder_slope, Size((1, 28, 28), 1 / 16, batch_norm, 0.999), f"conformance {name}")
    draw = SeededDraw()
    z = draw.normal("z", (IMAGES, LATENT)) if loss.prior == "normal" else draw.uniform("z", (IMAGES, LATENT)) * 2 - 1
    return loss, nets, draw.uniform("real", (IMAGES, 1, 28, 28)), z


def gradients(network: nn.Module) -> list[Tensor]:
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]


def second_loss(loss: Loss, nets: Networks, real: Tensor, z: Tensor) -> Tensor:
    fake = real[:0] if loss.joint else nets.generator(z).detach()
    return loss.discriminator_loss(nets, real, fake, loss.memory(), SeededDraw())


ADVERSARIAL = [name for name in LOSSES if not load(name, SPACES["wide"].default(name)).joint]


@pytest.mark.parametrize("name", LOSSES)
def test_hyperparameters_are_columns_of_the_same_type(name: str) -> None:
    for hyperparameter in SPACES["wide"].for_loss(name):
        row, column = HYPERPARAMETERS[hyperparameter], schema.COLUMNS[hyperparameter]
        assert column.type == {float: schema.NUMBER, int: schema.COUNT, bool: schema.SWITCH}[row.kind]
        assert column.measured


@pytest.mark.parametrize("name", LOSSES)
def test_memory_is_columns_of_numbers(name: str) -> None:
    for kept, value in load(name, SPACES["wide"].default(name)).memory().items():
        assert schema.COLUMNS[kept].type == schema.NUMBER
        assert value.shape == ()
        assert float(value) == 0.0


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_takes_only_what_its_spaces_give(name: str) -> None:
    """A missing hyperparameter is noticed when the loss is made, not when it is used."""
    own = set(SPACES["wide"].for_loss(name)) - {"learning_rate", "beta1", "disc_iters", "batch_norm"}
    default = SPACES["wide"].default(name)
    load(name, {hyperparameter: default[hyperparameter] for hyperparameter in own})
    for hyperparameter in own:
        with pytest.raises(KeyError, match=hyperparameter):
            load(name, {other: default[other] for other in own - {hyperparameter}})


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_discriminator_loss_reaches_the_second_network(name: str, batch_norm: bool) -> None:
    """And the generator only where one optimiser owns both."""
    loss, nets, real, z = prepared(name, batch_norm)
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
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_generator_loss_reaches_the_generator(name: str, batch_norm: bool) -> None:
    loss, nets, real, z = prepared(name, batch_norm)
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


@pytest.mark.parametrize("name", LOSSES)
def test_a_small_step_down_the_gradient_lowers_the_loss(name: str) -> None:
    loss, nets, real, z = prepared(name, batch_norm=False)
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


@pytest.mark.parametrize("name", LOSSES)
def test_the_same_inputs_give_the_same_loss(name: str) -> None:
    values = {second_loss(*prepared(name)).item() for _ in range(2)}
    assert len(values) == 1


@pytest.mark.parametrize("name", LOSSES)
def test_inputs_are_left_as_they_were(name: str) -> None:
    loss, nets, real, z = prepared(name)
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


@pytest.mark.parametrize("name", LOSSES)
def test_constrain_is_idempotent_and_spares_the_generator(name: str) -> None:
    loss, nets, _, _ = prepared(name)
    generator = copy.deepcopy(nets.generator.state_dict())
    with torch.no_grad():
        loss.constrain(nets)
        once = copy.deepcopy(nets.discriminator.state_dict())
        loss.constrain(nets)
    assert all(torch.equal(value, once[key]) for key, value in nets.discriminator.state_dict().items())
    assert all(torch.equal(value, generator[key]) for key, value in nets.generator.state_dict().items())


@pytest.mark.parametrize("name", LOSSES)
def test_memory_survives_a_copy(name: str) -> None:
    """A run that goes on with a copied memory, as from a checkpoint, remembers the same."""
    loss, nets, real, z = prepared(name)
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


@pytest.mark.parametrize("name", LOSSES)
def test_the_generator_has_the_same_size_for_every_loss(name: str) -> None:
    nets = prepared(name)[1]
    assert parameter_count(nets.generator) == parameter_count(prepared("ns")[1].generator)


def test_an_unknown_loss_names_the_known() -> None:
    with pytest.raises(StudyError, match=r"'wgangp' is not a loss; did you mean 'wgan_gp'\?; valid: mm, ns, ls"):
        load("wgangp", {})


@pytest.mark.parametrize("name", LOSSES)
def test_what_a_loss_remembers_has_a_column(name: str) -> None:
    loss = load(name, SPACES["wide"].default(name))
    assert set(loss.memory()) <= set(schema.COLUMNS)
