"""DRAGAN (Kodali et al. 2017, arXiv 1705.07215, equation 1), as the study ran it."""

from collections.abc import Mapping

from torch import Tensor

from search_spaces.dimensions import Value
from study.models.losses.base import Draw, Memory, between, gradient_norms
from study.models.losses.ns import NS
from study.models.networks import Networks


class DRAGAN(NS):
    """Discriminator: NS + lambda E (s - 1)^2; generator as NS.

    s is the norm of grad D (the sigmoid output) at xhat = x + a (xp - x), a ~ U[0, 1) per image, with
    xp = x + 0.5 std(batch) U[0, 1)^shape; std is one number over the whole batch, over n.
    """

    def __init__(self, hyperparameters: Mapping[str, Value]) -> None:
        self.penalty_weight = float(hyperparameters["penalty_weight"])

    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        spread = real.std(correction=0)
        moved = real + 0.5 * spread * draw.uniform("noise", tuple(real.shape))
        points = between(real, moved, draw.uniform("position", (len(real), 1, 1, 1)))
        norms = gradient_norms(nets.discriminator(points).sigmoid(), points)
        penalty = self.penalty_weight * (norms - 1).square().mean()
        return super().discriminator_loss(nets, real, fake, memory, draw) + penalty
