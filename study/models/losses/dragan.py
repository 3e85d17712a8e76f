"""DRAGAN (Kodali et al. 2017, arXiv 1705.07215, equation 1): NS with a penalty on gradients around the data."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import softplus

from search_spaces.dimensions import Value
from study.models.losses.base import Draw, Memory, between, gradient_norms
from study.models.losses.ns import NS
from study.models.networks import Networks


class DRAGAN(NS):
    """Discriminator: NS + lambda E (s - 1)^2; generator as NS; s is the norm of the gradient of v at xhat.

    As run: v = D, the sigmoid output, and xhat = x + a (xp - x), a ~ U[0, 1) per image, with
    xp = x + 0.5 std(batch) U[0, 1)^shape. Here and below std is one number over the whole batch, over n, and s has
    1e-4 inside its root, so that a flat v has a finite gradient.
    """

    def __init__(self, hyperparameters: Mapping[str, Value]) -> None:
        self.penalty_weight = float(hyperparameters["penalty_weight"])

    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        norms = gradient_norms(lambda points: self._output(nets, points), self._points(real, draw))
        penalty = self.penalty_weight * (norms - 1).square().mean()
        return super().discriminator_loss(nets, real, fake, memory, draw) + penalty

    def _points(self, real: Tensor, draw: Draw) -> Tensor:
        """xhat [N, C, H, W]."""
        moved = real + 0.5 * real.std(correction=0) * draw.uniform("noise", tuple(real.shape))
        return between(real, moved, draw.uniform("position", (len(real), 1, 1, 1)))

    def _output(self, nets: Networks, points: Tensor) -> Tensor:
        """v [N]."""
        probability: Tensor = nets.discriminator(points).sigmoid()
        return probability


class DRAGANPrinted(DRAGAN):
    """v = D and xhat = x + c N(0, 1)^shape, c = noise_scale; generator: E log(1 - D(G(z))) = -E softplus(d(G(z)))."""

    def __init__(self, hyperparameters: Mapping[str, Value]) -> None:
        super().__init__(hyperparameters)
        self.noise_scale = float(hyperparameters["noise_scale"])

    def generator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        return -softplus(nets.discriminator(fake)).mean()

    def _points(self, real: Tensor, draw: Draw) -> Tensor:
        return real + self.noise_scale * draw.normal("noise", tuple(real.shape))


class DRAGANCorrected(DRAGAN):
    """v = d, the logit, and xhat = clip(x + std(batch) (U[0, 1)^shape - 0.5), 0, 1)."""

    def _points(self, real: Tensor, draw: Draw) -> Tensor:
        return (real + real.std(correction=0) * (draw.uniform("noise", tuple(real.shape)) - 0.5)).clamp(0, 1)

    def _output(self, nets: Networks, points: Tensor) -> Tensor:
        logit: Tensor = nets.discriminator(points)
        return logit
