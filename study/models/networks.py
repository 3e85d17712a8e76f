"""The one architecture that all losses share (the study's InfoGAN networks), scaled by a width factor.

Every convolution is 4x4 with stride 2 and "same" padding, which on even sides is one pixel all around.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from study import seeds

LATENT = 64  # dimensions of z and of began's code, at every width
Shape = tuple[int, int, int]  # channels, height, width


@dataclass(frozen=True)
class Size:
    """What fixes the networks' sizes. width scales every hidden layer; 1 is the published size."""

    shape: Shape
    width: float
    batch_norm: bool  # in the second network
    batch_norm_decay: float  # of the running averages that evaluation uses; published: 0.999

    def hidden(self, published: int) -> int:
        return max(1, round(published * self.width))


@dataclass
class Networks:
    """The generator (vae: decoder) and the second network: discriminator, autoencoder or encoder."""

    generator: "Generator"
    discriminator: nn.Module


class Generator(nn.Module):
    """z [N, 64] -> images [N, C, H, W] in [0, 1]."""

    def __init__(self, size: Size, slope: float) -> None:
        super().__init__()
        channels, height, width = size.shape
        full, deep, shallow = size.hidden(1024), size.hidden(128), size.hidden(64)
        grid = (height // 4, width // 4)
        self.body = nn.Sequential(
            nn.Linear(LATENT, full), _norm1d(full, size), nn.LeakyReLU(slope),
            nn.Linear(full, deep * grid[0] * grid[1]), _norm1d(deep * grid[0] * grid[1], size), nn.LeakyReLU(slope),
            nn.Unflatten(1, (deep, *grid)),
            _deconvolution(deep, shallow), _norm2d(shallow, size), nn.LeakyReLU(slope),
            _deconvolution(shallow, channels),
        )  # fmt: skip

    def logits(self, z: Tensor) -> Tensor:
        """Images before the sigmoid."""
        images: Tensor = self.body(z)
        return images

    def forward(self, z: Tensor) -> Tensor:
        return self.logits(z).sigmoid()


class Discriminator(nn.Module):
    """images [N, C, H, W] -> logits [N]."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        full = size.hidden(1024)
        self.body = nn.Sequential(*_trunk(size), *_dense(_flat(size), full, size), nn.Linear(full, 1), nn.Flatten(0))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.body(images)
        return logits


class Autoencoder(nn.Module):
    """began's discriminator: images [N, C, H, W] -> reconstructions of the same shape, through a code of 64."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        channels, height, width = size.shape
        deep, shallow = size.hidden(128), size.hidden(64)
        grid = (height // 4, width // 4)
        norm = [_norm2d(shallow, size)] if size.batch_norm else []
        self.body = nn.Sequential(
            _convolution(channels, shallow), nn.LeakyReLU(0.2),
            _convolution(shallow, deep), nn.LeakyReLU(0.2), nn.Flatten(),
            *_dense(_flat(size), LATENT, size),
            *_dense(LATENT, deep * grid[0] * grid[1], size), nn.Unflatten(1, (deep, *grid)),
            _deconvolution(deep, shallow), *norm, nn.LeakyReLU(0.2),
            _deconvolution(shallow, channels), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        reconstructions: Tensor = self.body(images)
        return reconstructions


class Encoder(nn.Module):
    """vae's encoder: images [N, C, H, W] -> mean [N, 64] and standard deviation [N, 64] of q(z given x)."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        full = size.hidden(1024)
        self.body = nn.Sequential(*_trunk(size), *_dense(_flat(size), full, size), nn.Linear(full, 2 * LATENT))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = self.body(images).chunk(2, dim=1)
        return mean, 1e-6 + nn.functional.softplus(raw)


HEADS: dict[Literal["logit", "image", "posterior"], type[nn.Module]] = {
    "logit": Discriminator,
    "image": Autoencoder,
    "posterior": Encoder,
}


def build(head: Literal["logit", "image", "posterior"], slope: float, size: Size, key: str) -> Networks:
    """Networks with their initial weights, a function of `key` and of each parameter's name."""
    if size.shape[1] % 4 or size.shape[2] % 4:
        raise ValueError(f"height and width must be multiples of 4, got {size.shape[1]}x{size.shape[2]}")
    nets = Networks(Generator(size, slope), HEADS[head](size))
    _initialise(nets.generator, key, "generator")
    _initialise(nets.discriminator, key, "discriminator")
    return nets


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _initialise(network: nn.Module, key: str, role: str) -> None:
    """Weights N(0, 0.02), of convolutions cut at two standard deviations; biases 0; batch norm the identity."""
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            generator = torch.Generator().manual_seed(seeds.seed("weights", key, role, name))
            if isinstance(layer, nn.Conv2d):
                nn.init.trunc_normal_(layer.weight, std=0.02, a=-0.04, b=0.04, generator=generator)
            else:
                nn.init.normal_(layer.weight, std=0.02, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _trunk(size: Size) -> list[nn.Module]:
    channels, deep, shallow = size.shape[0], size.hidden(128), size.hidden(64)
    norm = [_norm2d(deep, size)] if size.batch_norm else []
    return [
        _convolution(channels, shallow), nn.LeakyReLU(0.2),
        _convolution(shallow, deep), *norm, nn.LeakyReLU(0.2), nn.Flatten(),
    ]  # fmt: skip


def _dense(inputs: int, outputs: int, size: Size) -> list[nn.Module]:
    norm = [_norm1d(outputs, size)] if size.batch_norm else []
    return [nn.Linear(inputs, outputs), *norm, nn.LeakyReLU(0.2)]


def _flat(size: Size) -> int:
    return size.hidden(128) * (size.shape[1] // 4) * (size.shape[2] // 4)


def _convolution(inputs: int, outputs: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)


def _deconvolution(inputs: int, outputs: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)


def _norm1d(features: int, size: Size) -> nn.Module:
    return nn.BatchNorm1d(features, eps=1e-3, momentum=1 - size.batch_norm_decay)


def _norm2d(features: int, size: Size) -> nn.Module:
    return nn.BatchNorm2d(features, eps=1e-3, momentum=1 - size.batch_norm_decay)
