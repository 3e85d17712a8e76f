"""VAE: the variational autoencoder (Kingma and Welling 2014, arXiv 1312.6114, equation 10), Bernoulli decoder."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from study.models.losses.base import Draw, Loss, Memory
from study.models.networks import Networks


class VAE(Loss):
    """Cross-entropy of an image, averaged over the batch, plus KL(q(z|x), N(0, I)) with weight 1.

    As run: the cross-entropy of an image is summed over h, w and averaged over c.
    The decoder's output enters as a logit: the study clipped it to [1e-8, 1 - 1e-8], which in float32 is 1 and
    saturates to infinity; in float64 the two agree. The KL uses log(1e-8 + s^2).
    """

    head = "posterior"
    joint = True
    prior = "normal"
    decoder_slope = 0.0
    summed: tuple[int, ...] = (2, 3)  # axes of [N, C, H, W] that the cross-entropy is summed over; the rest: averaged

    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        mean, std = nets.discriminator(real)
        z = mean + std * draw.normal("posterior", tuple(mean.shape))
        logits = nets.generator.logits(z)
        crossed = binary_cross_entropy_with_logits(logits, real, reduction="none").sum(dim=self.summed).mean()
        divergence = 0.5 * (mean.square() + std.square() - (1e-8 + std.square()).log() - 1).sum(dim=1).mean()
        return crossed + divergence


class VAECorrected(VAE):
    """The cross-entropy of an image is summed over h, w and c; of a grey image that is the same number."""

    summed = (1, 2, 3)
