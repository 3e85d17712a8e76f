"""Files in the format of Inception's weights, filled with random numbers: the real one cannot be had everywhere."""

import io
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

LAST = ("branch1x1", "branch3x3_2a", "branch3x3_2b", "branch3x3dbl_3a", "branch3x3dbl_3b", "branch_pool")


class Unfilled(FeatureExtractorInceptionV3):  # type: ignore[misc]
    """The network as it is built, with the weights of no file."""

    def __init__(self) -> None:
        empty = io.BytesIO()
        torch.save({}, empty)
        empty.seek(0)
        super().__init__("unfilled", ["2048"], feature_extractor_weights_path=empty)

    def load_state_dict(self, *_: Any, **__: Any) -> None:
        """Nothing is loaded."""


def all_alive(folder: Path) -> Path:
    """Weights with which each of the 2,048 features varies from image to image: He's scale, calibrated batch norm."""
    path = folder / "inception-all-alive.pth"
    if not path.exists():
        torch.save(_random().state_dict(), path)
    return path


def few_alive(folder: Path) -> Path:
    """Weights of which 2,024 features are always 0, so that 24 images are enough for a covariance of full rank.

    The last six convolutions, side by side, make the features; each keeps four of its channels.
    """
    path = folder / "inception-few-alive.pth"
    if not path.exists():
        state = torch.load(all_alive(folder), weights_only=True)
        for name in LAST:
            for kind in ("weight", "bias"):
                state[f"Mixed_7c.{name}.bn.{kind}"][4:] = 0
        torch.save(state, path)
    return path


def images(seed: int, count: int, shape: tuple[int, int, int], contrast: float = 1.0) -> Tensor:
    """Smooth random images [count, *shape] uint8: noise in 8x8 blocks, interpolated."""
    generator = torch.Generator().manual_seed(seed)
    blocks = torch.rand(count, shape[0], 8, 8, generator=generator)
    smooth = nn.functional.interpolate(blocks, size=shape[1:], mode="bilinear")
    return ((0.5 + contrast * (smooth - 0.5)) * 255).round().to(torch.uint8)


def _random() -> nn.Module:
    network, generator = Unfilled(), torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            scale = (2 / module.weight[0].numel()) ** 0.5
            module.weight.copy_(torch.randn(module.weight.shape, generator=generator) * scale)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.copy_(torch.rand(module.weight.shape, generator=generator) + 0.5)
            module.bias.copy_(torch.randn(module.bias.shape, generator=generator) * 0.3)
            module.momentum = None  # the averages become those of the one batch below
    network.train()
    with torch.no_grad():
        network(images(0, 12, (3, 28, 28)))
    return network.eval()
