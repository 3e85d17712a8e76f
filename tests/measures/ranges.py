"""Generators whose range is known: linear ones, some that hold images by heart, and the project's own, untrained."""

from dataclasses import dataclass

import torch
from torch import Tensor

from search_spaces import WIDE
from study.models.networks import Size
from study.models.training import Recipe, Training

LAST_LAYER = 10.0  # an untrained one's images hardly leave 0.5: with logits ten times as large they are grey and black


@dataclass(frozen=True)
class Linear:
    """Images z A + b [N, 1, 4, 5] of z [N, p], which the prior draws from [-1, 1]^p, or from a normal distribution."""

    matrix: Tensor  # [p, 20]
    offset: Tensor  # [20]
    bounded: bool

    def latents(self, count: int, key: str) -> Tensor:
        generator = torch.Generator().manual_seed(len(key))
        shape = count, len(self.matrix)
        return (
            2 * torch.rand(shape, generator=generator) - 1 if self.bounded else torch.randn(shape, generator=generator)
        )

    def support(self, z: Tensor) -> Tensor:
        return z.clamp(-1, 1) if self.bounded else z

    def sample(self, z: Tensor) -> Tensor:
        with torch.no_grad():
            return self.differentiable(z)

    def differentiable(self, z: Tensor) -> Tensor:
        return (z @ self.matrix + self.offset).reshape(-1, 1, 4, 5)


@dataclass(frozen=True)
class Memory:
    """Of k images [k, C, H, W] the one whose turn it is when the first coordinate goes from -1 to 1."""

    images: Tensor

    def latents(self, count: int, key: str) -> Tensor:
        return 2 * torch.rand(count, 64, generator=torch.Generator().manual_seed(len(key))) - 1

    def support(self, z: Tensor) -> Tensor:
        return z.clamp(-1, 1)

    def sample(self, z: Tensor) -> Tensor:
        turn = ((z[:, 0] + 1) / 2 * len(self.images)).long()
        return self.images[turn.clamp(0, len(self.images) - 1)]

    def differentiable(self, z: Tensor) -> Tensor:
        return self.sample(z) + 0 * z.sum()


class Broken(Memory):
    """The same where z was drawn; not a number where it was not."""

    def latents(self, count: int, key: str) -> Tensor:
        return (super().latents(count, key) * 128).round() / 128

    def sample(self, z: Tensor) -> Tensor:
        drawn = (z * 128 == (z * 128).round()).all(1)
        return torch.where(drawn[:, None, None, None], super().sample(z.nan_to_num()), torch.nan)

    def differentiable(self, z: Tensor) -> Tensor:
        return self.sample(z) * (1 + 0 * z.sum(1)[:, None, None, None])


def untrained(loss: str, width: float) -> Training:
    """A model of the project with its initial weights, whose batch norm knows averages. vae: normal; ns: uniform."""
    size = Size((1, 28, 28), width, batch_norm=True, batch_norm_decay=0.0)
    recipe = Recipe("range", loss, "as_run", WIDE.default(loss, "as_run"), size, 16)
    model = Training(recipe, torch.zeros(16, 1, 28, 28).byte(), 64)
    with torch.no_grad():
        next(reversed([*model.nets.generator.parameters()][:-1])).mul_(LAST_LAYER)  # the last but one: a weight
        model.nets.generator(model.latents(512, "averages"))
    return model
