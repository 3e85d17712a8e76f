"""BEGAN (Berthelot, Schumm and Metz 2017, arXiv 1703.10717, section 3.3)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from search_spaces.dimensions import Value
from study.models.losses.base import Draw, Loss, Memory
from study.models.networks import Networks


class BEGAN(Loss):
    """Discriminator: L(x) - k L(G(z)); generator: L(G(z)); L(v) is the mean over the batch of the size of AE(v) - v.

    k starts at 0; after every step k <- k + lambda (gamma L(x) - L(G(z))), with both measured after the updates, as
    they are for the convergence measure L(x) + |gamma L(x) - L(G(z))|.
    As run: the size is the mean of the absolute differences over c, h, w, and k may leave [0, 1].
    """

    head = "image"

    def __init__(self, hyperparameters: Mapping[str, Value]) -> None:
        self.k_learning_rate = float(hyperparameters["k_learning_rate"])
        self.gamma = float(hyperparameters["gamma"])

    def memory(self) -> Memory:
        return {"k": torch.zeros(()), "convergence": torch.zeros(())}

    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        return self._reconstruction(nets, real) - memory["k"] * self._reconstruction(nets, fake)

    def generator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        return self._reconstruction(nets, fake)

    def remember(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> None:
        on_real = self._reconstruction(nets, real)
        balance = self.gamma * on_real - self._reconstruction(nets, fake)
        memory["k"].add_(self.k_learning_rate * balance)
        memory["convergence"].copy_(on_real + balance.abs())

    def _reconstruction(self, nets: Networks, images: Tensor) -> Tensor:
        """L, a scalar."""
        reconstruction: Tensor = nets.discriminator(images)
        return (reconstruction - images).abs().mean()


class BEGANPrinted(BEGAN):
    """The size is the L1 norm, the sum over c, h, w, so that k moves by as many times more; it may leave [0, 1]."""

    def _reconstruction(self, nets: Networks, images: Tensor) -> Tensor:
        reconstruction: Tensor = nets.discriminator(images)
        return (reconstruction - images).abs().sum(dim=(1, 2, 3)).mean()


class BEGANCorrected(BEGAN):
    """The size is the mean as in `BEGAN`, and every update of k ends in [0, 1]."""

    def remember(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> None:
        super().remember(nets, real, fake, memory)
        memory["k"].clamp_(0, 1)
