"""The sample grid of an evaluation as a PNG."""

import io

import numpy as np
from PIL import Image
from torch import Tensor

COLUMNS = 8
GAP = 2  # pixels between images, white


def png(images: Tensor) -> bytes:
    """A PNG of images [N, C, H, W] in [0, 1], eight to a row; values that are not finite are shown black."""
    pixels = (images.nan_to_num(0, 0, 0).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    count, height, width, channels = pixels.shape
    rows = -(-count // COLUMNS)
    canvas = np.full((rows * (height + GAP) + GAP, COLUMNS * (width + GAP) + GAP, channels), 255, np.uint8)
    for i, picture in enumerate(pixels):
        top, left = GAP + i // COLUMNS * (height + GAP), GAP + i % COLUMNS * (width + GAP)
        canvas[top : top + height, left : left + width] = picture
    buffer = io.BytesIO()
    Image.fromarray(canvas.squeeze(2) if channels == 1 else canvas).save(buffer, "png")
    return buffer.getvalue()
