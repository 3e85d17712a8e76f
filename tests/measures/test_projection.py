"""The nearest valid polygon: of valid ones, under noise, beside brute force over all of them, and alone."""

import functools
import itertools

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from study.data import triangles
from study.data.catalogue import describe_own
from study.measures import projection
from study.measures.descent import Descent
from study.measures.polygons import Polygons
from study.measures.projection import Nearest, Projecting

Array = npt.NDArray[np.float64]
HOW = Projecting(16_384, Descent(5, 80, 0.4), 40)  # the usual constants


def options(vertices: int, rotation: str) -> dict[str, object]:
    return dict(describe_own("polygons", {"vertices": vertices, "rotation": rotation}).options)


def data_set(vertices: int, rotation: str, count: int) -> Tensor:
    """Images that the data set holds, from its 70,000th on: in the search's own draws are none of them."""
    points = triangles.polygons(range(70_000, 70_000 + count), options(vertices, rotation))
    return torch.from_numpy(triangles.rasterise(points))[:, None].float() / 64


def nearest(images: Tensor, vertices: int, rotation: str, family: str = "recipe") -> Nearest:
    return projection.nearest(images, Polygons(options(vertices, rotation), family), HOW)


def noise(like: Tensor, seed: int) -> Tensor:
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))


def generated(count: int, rotation: str) -> Tensor:
    """What generators make of triangles: noisy, blurred, two at once, faint, too small, with a rounded corner."""
    images = data_set(3, rotation, 2 * count)
    first, second = images[:count], images[count:]
    blurred = torch.nn.functional.avg_pool2d(first, 5, 1, 2, count_include_pad=False)
    smooth = torch.nn.functional.avg_pool2d(noise(first, 1), 5, 1, 2) * 1.5
    kinds = [
        first + 0.2 * noise(first, 2), blurred, (first + second) / 2, 0.4 + 0.6 * first,
        0.97 * torch.maximum(first, second), (blurred - 0.5) * 3 + 0.5, first + smooth,
        torch.roll(first, (2, -1), (2, 3)) + 0.1 * noise(first, 3),
    ]  # fmt: skip
    return torch.stack([kinds[i % len(kinds)][i] for i in range(count)]).clamp(0, 1)


@pytest.mark.parametrize(("vertices", "rotation"), [(3, "published"), (3, "full"), (4, "full"), (5, "full")])
def test_valid_polygons_are_found(vertices: int, rotation: str) -> None:
    images = data_set(vertices, rotation, 300)
    found = nearest(images, vertices, rotation)
    assert float(found.distances.max()) < 1e-3
    assert float((found.images - images).abs().max()) < 1e-3


def test_a_moved_triangle_is_no_further_than_it_was_moved() -> None:
    images = data_set(3, "published", 32)
    for shift in ((1, 0), (0, -2), (-3, 3)):
        moved = torch.roll(images, shift, (2, 3)) * 0.999  # of levels that no member has: such are not searched as long
        from_original = (moved - images).double().flatten(1).norm(dim=1)
        found = nearest(moved, 3, "published").distances
        assert (found <= from_original).all()
        assert (found < 0.95 * from_original).double().mean() > 0.5  # a turned or a wider one is nearer


def test_monotone_under_growing_noise() -> None:
    """Of these images no other is as near as the one that the noise came to, but where it is great."""
    images = data_set(3, "full", 32)
    pattern = noise(images, 5)
    levels = [0.0, 0.01, 0.05, 0.2]
    distances = torch.stack([nearest(images + level * pattern, 3, "full").distances for level in levels])
    assert (distances.mean(1).diff() > 0).all()
    assert (distances.diff(dim=0) > 0).double().mean() > 0.99
    for level, found in zip(levels, distances, strict=True):
        assert (found <= 1.02 * level * pattern.double().flatten(1).norm(dim=1) + 1e-3).double().mean() > 0.98


def exact(degrees: Array) -> Array:
    """Flat images [N, 784] of triangles by their angles [N, 3], by the published formula."""
    radians = np.radians(degrees)
    points = np.stack([np.cos(radians), np.sin(radians)], -1) * 10.5
    grey = triangles.rasterise(points - points.mean(1, keepdims=True) + 14)
    return np.asarray(grey.reshape(len(grey), -1) / 64)


def valid(degrees: Array, turn: float) -> npt.NDArray[np.bool_]:
    """Whether some rotation of 0 to `turn` degrees puts angle i into [10, 120] + 120 i, from some first one on."""
    found = np.zeros(len(degrees), bool)
    for k in range(3):
        for round_once in (0, 360) if turn < 360 else (0,):
            order = np.concatenate([degrees[:, k:], degrees[:, :k] + 360], 1) - round_once - np.arange(3) * 120
            low, high = (order - 120).max(1), (order - 10).min(1)
            if turn < 360:
                low, high = np.maximum(low, 0), np.minimum(high, turn)
            found |= low <= high + 1e-9
    return found


@functools.cache
def coarse(turn: float) -> tuple[Array, Array]:
    """The triangles of a grid of angles, and their images."""
    if turn == 360:
        angles = np.array(list(itertools.combinations(np.arange(0, 360, 6.0), 3)))
    else:
        angles = np.stack(np.meshgrid(*(np.linspace(10, 120 + turn, 30) + 120 * i for i in range(3))), -1)
    angles = angles.reshape(-1, 3)
    angles = angles[valid(angles, turn)]
    return angles, exact(angles).astype(np.float32)


def brute(image: Array, turn: float) -> float:
    """The least distance over the grid, then over finer ones around its eight best and around the best two of these."""
    angles, images = coarse(turn)
    best = angles[np.argsort(((images - image.astype(np.float32)) ** 2).sum(1))[:8]]
    least = np.inf
    for reach, kept in ((4.0, 2), (0.8, 1)):
        steps = np.array(list(itertools.product(np.linspace(-reach, reach, 9), repeat=3)))
        tried = (best[:, None] + steps).reshape(-1, 3)
        tried = tried[valid(tried, turn)]
        distances = np.linalg.norm(exact(tried) - image, axis=1)
        best = tried[np.argsort(distances)[:kept]]
        least = min(least, float(distances.min()))
    return least


@pytest.mark.parametrize(("rotation", "turn"), [("published", 2 * np.pi), ("full", 360.0)])
def test_brute_force_finds_none_nearer(rotation: str, turn: float) -> None:
    images = generated(16, rotation)
    found = nearest(images, 3, rotation).distances.numpy()
    least = np.array([brute(image.flatten().double().numpy(), turn) for image in images])
    assert (found <= 1.01 * least).all()
    assert (found >= 0.97 * least).all()


def test_white_and_black() -> None:
    """No recipe's triangle is as small or as large; of the free ones some cover the picture or miss it."""
    images = torch.stack([torch.ones(1, 28, 28), torch.zeros(1, 28, 28)])
    free = nearest(images, 3, "published", "free")
    assert float(free.distances.max()) < 1e-3
    recipe = nearest(0.999 * images, 3, "published")  # of levels that no member has: such are not searched as long
    least = np.array([brute(image.flatten().double().numpy(), 2 * np.pi) for image in images])
    assert (recipe.distances.numpy() <= 1.01 * least).all()
    assert float(recipe.distances.min()) > 2.5


@pytest.mark.parametrize("vertices", [3, 4])
def test_the_free_are_as_near(vertices: int) -> None:
    images = generated(16, "full")
    recipe, free = (nearest(images, vertices, "full", family) for family in ("recipe", "free"))
    assert (free.distances <= 1.01 * recipe.distances).all()
    assert (free.distances < 0.9 * recipe.distances).any()


@pytest.mark.parametrize("family", ["recipe", "free"])
def test_the_distance_is_that_of_the_image_reported(family: str) -> None:
    images = generated(16, "full")
    geometry = Polygons(options(4, "full"), family)
    found = nearest(images, 4, "full", family)
    assert torch.equal(found.images, geometry.exact(found.members))
    expected = (found.images.double() - images.double()).flatten(1).norm(dim=1)
    torch.testing.assert_close(found.distances, expected, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(geometry.valid(found.members), found.members, atol=1e-2, rtol=0)
    drawn = geometry.exact(geometry.draws(HOW.members)).flatten(1)
    nearest_drawn = torch.cdist(images.flatten(1), drawn).min(1).values
    assert (found.distances <= nearest_drawn + 1e-3).all()


def test_an_image_alone_and_in_a_batch() -> None:
    """Bit for bit the same, in another order and as one of more than are searched at once too."""
    images = torch.cat([generated(8, "full"), data_set(3, "full", 2)])
    together = nearest(images, 3, "full")
    backwards = nearest(images.flip(0), 3, "full")
    assert torch.equal(together.distances, backwards.distances.flip(0))
    assert torch.equal(together.members, backwards.members.flip(0))
    for i in range(0, 10, 4):
        alone = nearest(images[i : i + 1], 3, "full")
        assert torch.equal(alone.members[0], together.members[i])
        assert torch.equal(alone.distances[0], together.distances[i])


def test_batches_end_where_they_will(monkeypatch: pytest.MonkeyPatch) -> None:
    images = generated(6, "published")
    whole = nearest(images, 3, "published")
    monkeypatch.setattr(projection, "CHUNK", 4)
    assert torch.equal(nearest(images, 3, "published").distances, whole.distances)
