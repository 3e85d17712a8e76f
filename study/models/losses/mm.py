"""MM: the minimax GAN (Goodfellow et al. 2014, arXiv 1406.2661, equation 1)."""

from torch import Tensor
from torch.nn.functional import softplus

from study.models.losses.base import Memory
from study.models.losses.ns import NS
from study.models.networks import Networks


class MM(NS):
    """Discriminator as NS; generator: E log(1 - D(G(z))) = -E softplus(d(G(z)))."""

    def generator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        return -softplus(nets.discriminator(fake)).mean()
