"""NS: the non-saturating GAN (Goodfellow et al. 2014, arXiv 1406.2661, section 3); d is the logit, D = sigmoid(d)."""

from torch import Tensor
from torch.nn.functional import softplus

from study.models.losses.base import Draw, Loss, Memory
from study.models.networks import Networks


class NS(Loss):
    """Discriminator: -E log D(x) - E log(1 - D(G(z))); generator: -E log D(G(z)).

    -log sigmoid(d) = softplus(-d), so both stay finite at any logit.
    """

    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        return softplus(-nets.discriminator(real)).mean() + softplus(nets.discriminator(fake)).mean()

    def generator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        return softplus(-nets.discriminator(fake)).mean()
