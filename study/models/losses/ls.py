"""LS: the least-squares GAN (Mao et al. 2017, arXiv 1611.04076, equation 2), on the sigmoid output as published."""

from torch import Tensor

from study.models.losses.base import Draw, Loss, Memory
from study.models.networks import Networks


class LS(Loss):
    """Discriminator: 0.5 (E (D(x) - 1)^2 + E D(G(z))^2); generator: 0.5 E (D(G(z)) - 1)^2."""

    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        on_real, on_fake = nets.discriminator(real).sigmoid(), nets.discriminator(fake).sigmoid()
        return 0.5 * ((on_real - 1).square().mean() + on_fake.square().mean())

    def generator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        return 0.5 * (nets.discriminator(fake).sigmoid() - 1).square().mean()
