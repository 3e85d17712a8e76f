"""The sample grid: eight to a row, white in between, exact grey levels."""

import io

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from study.measures.grid import png


def pixels(content: bytes) -> npt.NDArray[np.uint8]:
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    return np.array(image)


@pytest.mark.parametrize(
    ("count", "size"), [(1, (32, 242)), (8, (32, 242)), (9, (62, 242)), (64, (242, 242))]
)  # fmt: skip
def test_the_size(count: int, size: tuple[int, int]) -> None:
    assert pixels(png(torch.zeros(count, 1, 28, 28))).shape == size


def test_every_image_stands_in_its_place() -> None:
    images = torch.arange(10).view(-1, 1, 1, 1).expand(10, 1, 4, 6) / 255
    found = pixels(png(images))
    assert found.shape == (2 * 6 + 2, 8 * 8 + 2)
    for i in range(10):
        top, left = 2 + i // 8 * 6, 2 + i % 8 * 8
        assert (found[top : top + 4, left : left + 6] == i).all()
        found[top : top + 4, left : left + 6] = 255
    assert (found == 255).all()  # nothing else but white


def test_a_picture_is_not_turned() -> None:
    image = torch.rand(1, 1, 4, 6, generator=torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(pixels(png(image))[2:6, 2:8], np.rint(image[0, 0].numpy() * 255))


def test_colours_keep_their_order() -> None:
    image = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    found = pixels(png(image))
    assert found.shape == (8, 50, 3)
    assert found[3, 3].tolist() == [255, 128, 0]


def test_values_out_of_range_are_cut_and_broken_ones_black() -> None:
    image = torch.tensor([[[[-0.5, 1.5], [float("nan"), float("inf")]]]])
    assert pixels(png(image))[2:4, 2:4].tolist() == [[0, 255], [0, 0]]


def test_the_same_images_give_the_same_bytes() -> None:
    images = torch.rand(9, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert png(images) == png(images.clone())
