"""One model being trained: its networks, optimisers and place in the run; the same step always does the same thing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.dimensions import Value
from study import seeds
from study.models import losses
from study.models.networks import LATENT, Size, build

ADAM_BETA2, ADAM_EPS = 0.999, 1e-8


@dataclass(frozen=True)
class Recipe:
    """What is trained and how. `key` names the source of all randomness: equal keys and values train equal models."""

    key: str
    loss: str
    variant: str  # of the loss
    hyperparameters: dict[str, Value]
    size: Size
    batch_size: int


class PositionedDraw:
    """Random numbers on the device, a function of the key, the step and the name."""

    def __init__(self, key: str, step: int, device: torch.device) -> None:
        self._key, self._step, self._device = key, step, device

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.rand(shape, generator=self._generator(name), device=self._device)

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self._generator(name), device=self._device)

    def _generator(self, name: str) -> torch.Generator:
        return torch.Generator(self._device).manual_seed(seeds.seed(name, self._key, self._step))


class Training:
    """Moves one model forward, step by step. Nothing in a step waits for the device: losses add up on it."""

    def __init__(self, recipe: Recipe, images: Tensor, levels: int) -> None:
        """images: uint8 [N, C, H, W] on the device that trains; a value v stands for v / levels."""
        self.recipe, self.images, self.levels = recipe, images, levels
        self.device = images.device
        self.loss = losses.load(recipe.loss, recipe.variant, recipe.hyperparameters)
        self.nets = build(self.loss.head, self.loss.decoder_slope, recipe.size, recipe.key)
        self.nets.generator.to(self.device)
        self.nets.discriminator.to(self.device)
        self.memory = {name: value.to(self.device) for name, value in self.loss.memory().items()}
        self.step = 0  # discriminator updates done
        self.generator_updates = 0
        self._sums = torch.zeros(2, dtype=torch.float64, device=self.device)  # of discriminator and generator losses
        self._counts = [0, 0]
        self._order = (-1, torch.empty(0))
        parameters = [*self.nets.generator.parameters()], [*self.nets.discriminator.parameters()]
        self._optimisers = (
            [self._adam(parameters[0] + parameters[1])] if self.loss.joint else [*map(self._adam, parameters)]
        )

    def advance(self) -> None:
        """One step: a discriminator update, and a generator update when it is its turn."""
        real, draw = self._batch(), PositionedDraw(self.recipe.key, self.step, self.device)
        if self.loss.joint:
            self._update(
                self._optimisers[0], 0, self.loss.discriminator_loss(self.nets, real, real[:0], self.memory, draw)
            )
            self.generator_updates += 1
        else:
            self._adversarial(real, draw)
        self.step += 1

    def sample(self, z: Tensor) -> Tensor:
        """Images [N, C, H, W] in [0, 1] with batch norm's running averages; z [N, 64]."""
        self.nets.generator.eval()
        try:
            with torch.inference_mode():
                images: Tensor = self.nets.generator(z)
                return images
        finally:
            self.nets.generator.train()

    def differentiable(self, z: Tensor) -> Tensor:
        """The same images as `sample`'s, with gradients to z and to nothing else."""
        generator = self.nets.generator.eval().requires_grad_(False)
        try:
            images: Tensor = generator(z)
            return images
        finally:
            generator.train().requires_grad_(True)

    def support(self, z: Tensor) -> Tensor:
        """The nearest latents that this loss's prior can draw: all of them, or those in [-1, 1]^64."""
        return z if self.loss.prior == "normal" else z.clamp(-1, 1)

    def latents(self, count: int, key: str) -> Tensor:
        """z [count, 64] from this loss's prior, a function of the key."""
        return self._latent(PositionedDraw(key, 0, self.device), "latent", count)

    def take_means(self) -> tuple[float | None, float | None]:
        """Mean discriminator and generator loss since the last call, None without an update. Waits for the device."""
        sums = self._sums.tolist()
        means = [total / count if count else None for total, count in zip(sums, self._counts, strict=True)]
        self._sums.zero_()
        self._counts = [0, 0]
        return means[0], means[1]

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on: tensors, numbers and texts only."""
        return {
            "generator": self.nets.generator.state_dict(),
            "discriminator": self.nets.discriminator.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self._optimisers],
            "memory": self.memory,
            "step": self.step,
            "generator_updates": self.generator_updates,
            "sums": self._sums,
            "counts": self._counts,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues exactly where `state` was taken."""
        self.nets.generator.load_state_dict(state["generator"])
        self.nets.discriminator.load_state_dict(state["discriminator"])
        for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        for name, value in state["memory"].items():
            self.memory[name].copy_(value)
        self.step, self.generator_updates = state["step"], state["generator_updates"]
        self._sums.copy_(state["sums"])
        self._counts = list(state["counts"])

    def _adversarial(self, real: Tensor, draw: PositionedDraw) -> None:
        """Real and generated batches pass the discriminator separately, so batch norm never mixes them."""
        turn = self._generators_turn()
        z = self._latent(draw, "latent", len(real))
        reuse = turn and not self.loss.fresh_latent  # one pass through the generator serves both updates
        with torch.set_grad_enabled(reuse):
            fake = self.nets.generator(z)
        self._update(
            self._optimisers[1], 0, self.loss.discriminator_loss(self.nets, real, fake.detach(), self.memory, draw)
        )
        with torch.no_grad():
            self.loss.constrain(self.nets)
        if turn:
            if not reuse:
                z = self._latent(draw, "generator latent", len(real))
                fake = self.nets.generator(z)
            self.nets.discriminator.requires_grad_(False)  # spares the gradients of weights that do not move now
            self._update(self._optimisers[0], 1, self.loss.generator_loss(self.nets, real, fake, self.memory))
            self.nets.discriminator.requires_grad_(True)
            self.generator_updates += 1
        if self.memory:
            with (
                torch.no_grad()
            ):  # after the generator's update its images are other ones; the pass moves batch norm too
                latest = self.nets.generator(z) if turn else fake
                self.loss.remember(self.nets, real, latest, self.memory)

    def _generators_turn(self) -> bool:
        """Counted from step 0 as the published code did: at step 0, and whenever (step - 1) mod disc_iters = 0."""
        return self.step == 0 or (self.step - 1) % int(self.recipe.hyperparameters["disc_iters"]) == 0

    def _update(self, optimiser: torch.optim.Optimizer, which: int, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        self._sums[which] += loss.detach()
        self._counts[which] += 1

    def _batch(self) -> Tensor:
        """The step's real images: each pass over the data is a new permutation, its incomplete last batch left out."""
        size = self.recipe.batch_size
        epoch, position = divmod(self.step, len(self.images) // size)
        if self._order[0] != epoch:
            generator = torch.Generator(self.device).manual_seed(seeds.seed("order", self.recipe.key, epoch))
            self._order = epoch, torch.randperm(len(self.images), generator=generator, device=self.device)
        chosen = self._order[1][position * size : (position + 1) * size]
        return self.images[chosen].float() / self.levels

    def _latent(self, draw: PositionedDraw, name: str, count: int) -> Tensor:
        shape = (count, LATENT)
        return draw.normal(name, shape) if self.loss.prior == "normal" else draw.uniform(name, shape) * 2 - 1

    def _adam(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Adam:
        chosen = self.recipe.hyperparameters
        betas = (float(chosen["beta1"]), ADAM_BETA2)
        return torch.optim.Adam(parameters, float(chosen["learning_rate"]), betas, ADAM_EPS, fused=True)
