"""One model's training: resumes bit for bit, takes its turns, mixes nothing and never waits for the device."""

import copy
import io
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from search_spaces import WIDE
from study.models.losses import LOSSES
from study.models.networks import Networks, Size
from study.models.training import Recipe, Training
from tests.conftest import apart

IMAGES, BATCH = 40, 8  # five batches a pass
GANS = [loss for loss in LOSSES if loss != "vae"]
PAIRS = [(loss, variant) for loss, entry in LOSSES.items() for variant in entry.variants]
GAN_PAIRS = [pair for pair in PAIRS if pair[0] != "vae"]


def make(
    loss: str, variant: str = "as_run", key: str = "key", images: int = IMAGES, channels: int = 1, **chosen: Any
) -> Training:
    """A model at step 0, trained on images whose every pixel is the image's index."""
    setting, shape = {**WIDE.default(loss, variant), **chosen}, (channels, 8, 8)
    size = Size(shape, 0.0625, bool(setting["batch_norm"]), 0.9)
    recipe = Recipe(key, loss, variant, setting, size, BATCH)
    pixels = torch.arange(images, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, *shape).contiguous()
    return Training(recipe, pixels, 64)


def advance(training: Training, steps: int) -> Training:
    for _ in range(steps):
        training.advance()
    return training


def plain(value: Any) -> Any:
    """Tensors as their type, shape and bytes, so that == compares states bit for bit."""
    if isinstance(value, Tensor):
        return str(value.dtype), tuple(value.shape), value.detach().contiguous().numpy().tobytes()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


@pytest.mark.parametrize("through_file", [False, True])
@pytest.mark.parametrize("at", [1, 7])
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_saved_and_continued_equals_run_through(pair: tuple[str, str], at: int, through_file: bool) -> None:
    chosen: dict[str, Any] = {"disc_iters": 5} if pair[0] != "vae" else {}
    through = advance(make(*pair, **chosen), at)
    state = copy.deepcopy(through.state())
    if through_file:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        buffer.seek(0)
        state = torch.load(buffer, weights_only=True)
    advance(through, 12 - at)
    continued = make(*pair, **chosen)
    advance(continued, 3)  # what it did before must not matter
    continued.restore(state)
    assert continued.step == at
    advance(continued, 12 - at)
    assert plain(continued.state()) == plain(through.state())
    assert continued.take_means() == through.take_means()
    assert plain(state) != plain(through.state())


def write_states(folder: Path) -> None:
    for loss, variant in PAIRS:
        torch.save(advance(make(loss, variant), 6).state(), folder / f"{loss}-{variant}.pt")


def test_equal_recipes_are_bit_identical_in_another_process(tmp_path: Path) -> None:
    assert apart(write_states, tmp_path) == 0
    for loss, variant in PAIRS:
        theirs = torch.load(tmp_path / f"{loss}-{variant}.pt", weights_only=True)
        assert plain(theirs) == plain(advance(make(loss, variant), 6).state()), (loss, variant)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[1] != "as_run"], ids="-".join)
def test_another_variant_starts_alike_and_goes_elsewhere(pair: tuple[str, str]) -> None:
    """On the same key, from the same weights."""
    chosen: dict[str, Any] = {}
    if pair[0] == "began":
        chosen = {"k_learning_rate": 10.0, "gamma": 0.0}  # drives k out of [0, 1]
    one, other = make(*pair, channels=3, **chosen), make(pair[0], channels=3, **chosen)
    assert plain(one.state()) == plain(other.state())
    advance(one, 3)
    advance(other, 3)
    assert plain(one.state()["discriminator"]) != plain(other.state()["discriminator"])


def test_both_forms_of_the_vae_are_one_on_grey_images() -> None:
    assert plain(advance(make("vae", "corrected"), 3).state()) == plain(advance(make("vae"), 3).state())


@pytest.mark.parametrize(("gamma", "unclipped", "end"), [(0.0, (-math.inf, 0), 0.0), (10.0, (1, math.inf), 1.0)])
def test_corrected_began_keeps_k_in_its_range(gamma: float, unclipped: tuple[float, float], end: float) -> None:
    """Weighing only generated images drives k down, asking ten times of real ones up; large steps do it at once."""
    chosen: dict[str, Any] = {"k_learning_rate": 100.0, "gamma": gamma}
    low, high = unclipped
    assert low < float(advance(make("began", **chosen), 3).memory["k"]) < high
    assert float(advance(make("began", "corrected", **chosen), 3).memory["k"]) == end


@pytest.mark.parametrize("loss", LOSSES)
def test_another_key_starts_elsewhere_and_sees_other_images(loss: str) -> None:
    ours, theirs = make(loss), make(loss, key="another")
    for name in ("generator", "discriminator"):
        mine, other = getattr(ours.nets, name).state_dict(), getattr(theirs.nets, name).state_dict()
        weights = [key for key, value in mine.items() if value.ndim > 1]
        assert weights
        assert not any(torch.equal(mine[key], other[key]) for key in weights)
    assert not torch.equal(ours._batch(), theirs._batch())


def test_another_loss_leaves_the_first_weights_alone() -> None:
    assert plain(make("ns").state()["discriminator"]) == plain(make("ls").state()["discriminator"])


@pytest.mark.parametrize(("disc_iters", "turns"), [(1, range(20)), (5, [0, 1, 6, 11, 16]), (2, [0, *range(1, 20, 2)])])
def test_the_generators_turns(disc_iters: int, turns: range | list[int]) -> None:
    training = make("ns", disc_iters=disc_iters)
    moved = []
    for step in range(20):
        before = plain(dict(training.nets.generator.named_parameters()))
        updates = training.generator_updates
        training.advance()
        assert (plain(dict(training.nets.generator.named_parameters())) != before) == (
            training.generator_updates == updates + 1
        )
        if training.generator_updates > updates:
            moved.append(step)
    assert moved == list(turns)
    assert (training.step, training.generator_updates) == (20, len(list(turns)))


def record(module: nn.Module) -> list[Tensor]:
    """Every input that the module is called with, from now on."""
    seen: list[Tensor] = []
    module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    return seen


@pytest.mark.parametrize("loss", GANS)
def test_only_wgan_gp_gives_the_generator_a_fresh_latent(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    training = make(loss, disc_iters=5)
    latents, losses = record(training.nets.generator), []
    original = training.loss.generator_loss

    def spy(nets: Networks, real: Tensor, fake: Tensor, memory: dict[str, Tensor]) -> Tensor:
        losses.append(fake.detach().clone())
        return original(nets, real, fake, memory)

    monkeypatch.setattr(training.loss, "generator_loss", spy)
    fakes: list[Tensor] = []
    monkeypatch.setattr(training.loss, "discriminator_loss", watch(training.loss.discriminator_loss, fakes))
    training.advance()
    assert torch.equal(losses[0], fakes[0]) == (loss != "wgan_gp")
    first, *more = latents
    assert len(first) == BATCH
    assert float(first.min()) >= -1
    assert float(first.max()) < 1
    if loss == "wgan_gp":
        (again,) = more
        assert again.shape == first.shape
        assert not torch.equal(again, first)
    elif loss == "began":
        assert torch.equal(more[0], first)  # its memory looks at the same z after the updates
        assert len(more) == 1
    else:
        assert more == []


def watch(function: Callable[..., Tensor], fakes: list[Tensor]) -> Callable[..., Tensor]:
    def spy(nets: Networks, real: Tensor, fake: Tensor, *rest: Any) -> Tensor:
        assert not fake.requires_grad
        fakes.append(fake.clone())
        return function(nets, real, fake, *rest)

    return spy


@pytest.mark.parametrize("pair", GAN_PAIRS, ids="-".join)
def test_real_and_generated_images_pass_the_discriminator_separately(pair: tuple[str, str]) -> None:
    loss, training = pair[0], make(*pair)
    inputs = record(training.nets.discriminator)
    real = training._batch()
    training.advance()
    assert {len(images) for images in inputs} == {BATCH}
    assert sum(torch.equal(images, real) for images in inputs) == (2 if loss == "began" else 1)
    expected = {"mm": 3, "ns": 3, "ls": 3, "wgan": 3, "wgan_gp": 4, "dragan": 4, "began": 5}
    assert len(inputs) == expected[loss]


def test_wgans_parameters_stay_within_the_clip() -> None:
    training = make("wgan", clip=0.003, disc_iters=5, learning_rate=0.01)
    assert largest(training.nets.discriminator) > 0.003
    for _ in range(12):
        training.advance()
        assert largest(training.nets.discriminator) <= 0.003 + 1e-9  # 0.003 rounded to float32
    assert largest(training.nets.generator) > 0.003


def largest(network: nn.Module) -> float:
    return max(float(each.detach().abs().max()) for each in network.parameters())


@pytest.mark.parametrize("loss", LOSSES)
def test_adam_is_made_as_the_setting_says(loss: str) -> None:
    training = make(loss, learning_rate=0.0123, beta1=0.25)
    networks = training.nets.generator, training.nets.discriminator
    owned = [[id(each) for each in net.parameters()] for net in networks]
    groups = [group for optimiser in training._optimisers for group in optimiser.param_groups]
    assert [[id(each) for each in group["params"]] for group in groups] == (
        [owned[0] + owned[1]] if loss == "vae" else owned
    )
    for optimiser, group in zip(training._optimisers, groups, strict=True):
        assert type(optimiser) is torch.optim.Adam
        assert (group["lr"], group["betas"], group["eps"]) == (0.0123, (0.25, 0.999), 1e-8)
        assert group["fused"] is True
        assert (group["weight_decay"], group["amsgrad"], group["maximize"]) == (0, False, False)


def test_one_step_of_the_vae_moves_both_networks() -> None:
    training = make("vae")
    before = [plain(dict(net.named_parameters())) for net in (training.nets.generator, training.nets.discriminator)]
    training.advance()
    after = [plain(dict(net.named_parameters())) for net in (training.nets.generator, training.nets.discriminator)]
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert (training.step, training.generator_updates) == (1, 1)


def test_each_pass_is_a_permutation_without_the_incomplete_batch() -> None:
    training = make("ns", images=BATCH * 4 + 3)
    passes = []
    for _ in range(3):
        seen: list[int] = []
        for _ in range(4):
            batch = training._batch()
            assert (batch.shape, batch.dtype) == ((BATCH, 1, 8, 8), torch.float32)
            assert bool((batch == batch[:, :1, :1, :1]).all())
            seen += (batch[:, 0, 0, 0] * 64).round().int().tolist()
            training.step += 1
        assert len(set(seen)) == len(seen) == 32
        assert set(seen) < set(range(35))
        passes.append(seen)
    assert passes[0] != passes[1] != passes[2]
    assert {index for seen in passes for index in seen} > set(passes[0])  # what one pass leaves out another sees


class NoWaiting(TorchDispatchMode):
    """Notes every operation, and which of them make the host wait for a device."""

    WAITS = ("_local_scalar_dense", "item", "nonzero", "is_nonzero", "equal", "masked_select", "unique", "_to_copy_cpu")

    def __init__(self) -> None:
        super().__init__()
        self.count, self.waits = 0, list[str]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        self.count += 1
        if name.lstrip("_") in {word.lstrip("_") for word in self.WAITS}:
            self.waits.append(name)
        return func(*args, **(kwargs or {}))


def test_the_watcher_sees_waiting() -> None:
    with NoWaiting() as watcher:
        float(torch.ones(2).sum())
        torch.ones(3).nonzero()
        torch.equal(torch.ones(1), torch.ones(1))
    assert watcher.waits == ["_local_scalar_dense", "nonzero", "equal"]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_no_step_waits_for_the_device(pair: tuple[str, str]) -> None:
    training = make(*pair)
    with NoWaiting() as watcher:
        advance(training, IMAGES // BATCH + 2)  # into the second pass
    assert watcher.waits == []
    assert watcher.count > 500


def test_means_are_of_the_updates_since_the_last_call(monkeypatch: pytest.MonkeyPatch) -> None:
    training = make("ns", disc_iters=5)
    assert training.take_means() == (None, None)
    taken: list[list[float]] = [[], []]
    for which, name in enumerate(("discriminator_loss", "generator_loss")):
        original = getattr(training.loss, name)

        def spy(*args: Any, which: int = which, original: Callable[..., Tensor] = original) -> Tensor:
            value = original(*args)
            taken[which].append(float(value.detach()))
            return value

        monkeypatch.setattr(training.loss, name, spy)
    advance(training, 8)
    assert [len(values) for values in taken] == [8, 3]
    assert training.take_means() == pytest.approx((np.mean(taken[0]), np.mean(taken[1])), abs=1e-12)
    advance(training, 2)  # steps 8 and 9 are none of the generator's
    assert training.take_means() == (pytest.approx(np.mean(taken[0][8:]), abs=1e-12), None)
    assert training.take_means() == (None, None)


def test_the_vae_reports_one_loss() -> None:
    training = advance(make("vae"), 3)
    first, second = training.take_means()
    assert first is not None
    assert first > 0
    assert second is None


def test_latents_are_the_same_for_every_gan_and_normal_for_the_vae() -> None:
    z = make("ns").latents(4000, "evaluation")
    assert (z.shape, z.dtype) == ((4000, 64), torch.float32)
    assert -1 <= float(z.min()) < -0.9999
    assert 0.9999 < float(z.max()) < 1
    assert abs(float(z.mean())) < 0.005
    assert float(z.var()) == pytest.approx(1 / 3, abs=0.005)
    other = advance(make("wgan_gp", key="another"), 2)
    assert torch.equal(other.latents(4000, "evaluation"), z)
    assert not torch.equal(other.latents(4000, "selection"), z)
    normal = make("vae").latents(4000, "evaluation")
    assert abs(float(normal.mean())) < 0.01
    assert float(normal.std()) == pytest.approx(1, abs=0.01)
    assert float(normal.max()) > 3


@pytest.mark.parametrize("loss", ["ns", "vae"])
def test_sampling_uses_running_averages_and_changes_nothing(loss: str) -> None:
    training = advance(make(loss), 5)
    before = plain(training.state())
    z = training.latents(9, "evaluation")
    images = training.sample(z)
    assert plain(training.state()) == before
    assert training.nets.generator.training
    assert images.shape == (9, 1, 8, 8)
    assert float(images.min()) >= 0
    assert float(images.max()) <= 1
    assert torch.allclose(training.sample(z[:1]), images[:1], rtol=0, atol=1e-6)  # no other image matters
    averaged = copy.deepcopy(training.nets.generator).eval()
    assert torch.equal(averaged(z), images)
    assert not torch.allclose(copy.deepcopy(averaged).train()(z), images, rtol=0, atol=1e-4)
    advance(training, 3)
    undisturbed = advance(make(loss), 8)
    assert plain(training.state()) == plain(undisturbed.state())


def test_a_generator_that_fails_is_left_in_training_mode() -> None:
    training = make("ns")
    with pytest.raises(RuntimeError):
        training.sample(torch.zeros(2, 63))
    assert training.nets.generator.training


def test_the_setting_and_the_batch_reach_the_model() -> None:
    recipe = make("ns").recipe
    bigger = Training(replace(recipe, batch_size=16), make("ns").images, 64)
    assert len(bigger._batch()) == 16
    assert float(bigger._batch().max()) <= 39 / 64


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_images_that_can_be_differentiated_are_the_sampled_ones(pair: tuple[str, str]) -> None:
    """With gradients to the latents alone: weights, their gradients, running averages and modes stay as they were."""
    training = advance(make(*pair), 2)
    z = training.latents(6, "some").requires_grad_()
    parameters = [*training.nets.generator.parameters(), *training.nets.discriminator.parameters()]
    state, gradients = plain(training.state()), [plain(each.grad) for each in parameters]
    images = training.differentiable(z)
    assert torch.equal(images.detach(), training.sample(z.detach()))
    images.sum().backward()
    assert z.grad is not None
    assert bool(z.grad.isfinite().all())
    assert bool((z.grad.abs().sum(1) > 0).all())
    assert [plain(each.grad) for each in parameters] == gradients
    assert plain(training.state()) == state
    assert all(each.requires_grad for each in parameters)
    assert training.nets.generator.training


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_differentiating_in_the_middle_changes_no_training(pair: tuple[str, str]) -> None:
    through, disturbed = advance(make(*pair), 4), advance(make(*pair), 2)
    z = disturbed.latents(6, "some").requires_grad_()
    disturbed.differentiable(z).square().sum().backward()
    assert plain(advance(disturbed, 2).state()) == plain(through.state())


@pytest.mark.parametrize("loss", LOSSES)
def test_the_support_is_where_the_prior_draws(loss: str) -> None:
    training = make(loss)
    drawn, z = training.latents(500, "some"), torch.tensor([[-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0] + [2.0] * 57])
    assert torch.equal(training.support(drawn), drawn)
    if training.loss.prior == "normal":
        assert torch.equal(training.support(z), z)
        assert float(drawn.abs().max()) > 1
    else:
        assert training.loss.prior == "uniform"
        assert training.support(z)[0, :7].tolist() == [-1.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0]
        assert float(training.support(z)[0, 7:].max()) == 1
        assert 0.99 < float(drawn.abs().max()) <= 1
