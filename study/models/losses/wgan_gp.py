"""WGAN-GP (Gulrajani et al. 2017, arXiv 1704.00028, equation 3)."""

from collections.abc import Mapping

from torch import Tensor

from search_spaces.dimensions import Value
from study.models.losses.base import Draw, Loss, Memory, between, gradient_norms
from study.models.networks import Networks


class WGANGP(Loss):
    """Discriminator: -E d(x) + E d(G(z)) + lambda E (s - 1)^2; generator: -E d(G(z)) at a fresh z.

    s is the norm of grad d at xhat = x + a (G(z) - x), a ~ U[0, 1) per image.
    """

    fresh_latent = True

    def __init__(self, hyperparameters: Mapping[str, Value]) -> None:
        self.penalty_weight = float(hyperparameters["penalty_weight"])

    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        distance = nets.discriminator(fake).mean() - nets.discriminator(real).mean()
        points = between(real, fake, draw.uniform("position", (len(real), 1, 1, 1)))
        norms = gradient_norms(nets.discriminator, points)
        return distance + self.penalty_weight * (norms - 1).square().mean()

    def generator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        return -nets.discriminator(fake).mean()
