"""Any function as a model under evaluation."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from study import seeds


@dataclass
class Function:
    """Images [N, C, H, W] of z [N, 64], which a prior draws uniformly from [-1, 1]^64."""

    make: Callable[[Tensor], Tensor]
    device: str = "cpu"

    def latents(self, count: int, key: str) -> Tensor:
        generator = torch.Generator().manual_seed(seeds.seed("model", key))
        return (torch.rand(count, 64, generator=generator) * 2 - 1).to(self.device)

    def support(self, z: Tensor) -> Tensor:
        return z.clamp(-1, 1)

    def sample(self, z: Tensor) -> Tensor:
        with torch.no_grad():
            return self.make(z)

    def differentiable(self, z: Tensor) -> Tensor:
        return self.make(z)


def memory(images: Tensor) -> Function:
    """A model that knows these images alone: which of them is decided by a latent's first number."""

    def make(z: Tensor) -> Tensor:
        which = ((z[:, 0].detach() + 1) / 2 * len(images)).long().clamp(0, len(images) - 1)
        return images[which] + 0 * z.sum()

    return Function(make)
