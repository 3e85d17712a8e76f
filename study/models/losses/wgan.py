"""WGAN (Arjovsky, Chintala and Bottou 2017, arXiv 1701.07875, algorithm 1)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from search_spaces.dimensions import Value
from study.models.losses.base import Draw, Loss, Memory
from study.models.networks import Networks


class WGAN(Loss):
    """Discriminator: -E d(x) + E d(G(z)); generator: -E d(G(z)).

    After each of its updates every one of the discriminator's variables is clipped to [-c, c]. The released code left
    the order of update and clip undefined; as printed and in later code the clip comes after: all variants are this.
    """

    def __init__(self, hyperparameters: Mapping[str, Value]) -> None:
        self.clip = float(hyperparameters["clip"])

    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        return nets.discriminator(fake).mean() - nets.discriminator(real).mean()

    def generator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        return -nets.discriminator(fake).mean()

    def constrain(self, nets: Networks) -> None:
        torch._foreach_clamp_min_(list(nets.discriminator.parameters()), -self.clip)
        torch._foreach_clamp_max_(list(nets.discriminator.parameters()), self.clip)
