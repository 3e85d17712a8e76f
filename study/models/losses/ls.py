"""LS: the least-squares GAN (Mao et al. 2017, arXiv 1611.04076, equation 2)."""

from torch import Tensor

from study.models.losses.base import Draw, Loss, Memory
from study.models.networks import Networks


class LS(Loss):
    """Discriminator: f (E (v(x) - 1)^2 + E v(G(z))^2); generator: f E (v(G(z)) - 1)^2.

    As run: v = D, the sigmoid output, and f = 0.5. d is the logit.
    """

    factor = 0.5

    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        on_real, on_fake = self._output(nets, real), self._output(nets, fake)
        return self.factor * ((on_real - 1).square().mean() + on_fake.square().mean())

    def generator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        return self.factor * (self._output(nets, fake) - 1).square().mean()

    def _output(self, nets: Networks, images: Tensor) -> Tensor:
        """v [N]."""
        probability: Tensor = nets.discriminator(images).sigmoid()
        return probability


class LSCorrected(LS):
    """v = d, the logit, and f = 0.5."""

    def _output(self, nets: Networks, images: Tensor) -> Tensor:
        logit: Tensor = nets.discriminator(images)
        return logit


class LSPrinted(LSCorrected):
    """v = d, the logit, and f = 1."""

    factor = 1.0
