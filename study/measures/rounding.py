"""Images as a file holds them: in 256 levels."""

from torch import Tensor

LEVELS = 255


def quantise(images: Tensor) -> Tensor:
    """Images in [0, 1], each value the nearest of v / 255 for v = 0..255; such values stay, bit for bit."""
    return (images * LEVELS).round() / LEVELS
