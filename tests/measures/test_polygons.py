"""Polygons as a manifold: the recipe's members, what is valid, and the smooth raster beside the exact one."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from torch import Tensor

from study.data import triangles
from study.data.catalogue import describe_own
from study.measures.polygons import RADIUS, Polygons

Array = npt.NDArray[np.float64]
VERTICES = st.integers(3, 8)
SEEDS = st.integers(0, 2**31)
FULL = 360 * RADIUS * np.pi / 180  # pixels of arc in a whole turn
FEW = settings(deadline=None, max_examples=40, database=None)


def family(vertices: int, rotation: str = "full", name: str = "recipe") -> Polygons:
    return Polygons(describe_own("polygons", {"vertices": vertices, "rotation": rotation}).options, name)


def noise(like: Tensor, seed: int) -> Tensor:
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def bounds(vertices: int) -> tuple[Array, Array]:
    """Of the angles before the rotation, in degrees."""
    first = np.arange(vertices) * 360 / vertices
    return first + 10, first + 360 / vertices


def corners(members: Tensor) -> Array:
    """The published formula: from the unit circle to [0, 1]^2 to 21 pixels, with the mean in the middle."""
    radians = members.numpy() / 10.5
    square = (np.stack([np.cos(radians), np.sin(radians)], -1) + 1) / 2
    points = square * 28 * 0.75
    return np.asarray(points + (14 - points.mean(1, keepdims=True)))


def misses(degrees: Array, turns: Array) -> Array:
    """By how many degrees angles [n] leave the recipe's bounds at most, for each of these rotations."""
    low, high = bounds(len(degrees))
    turned = degrees - turns[:, None]
    return np.maximum(low - turned, turned - high).max(1)


def area(points: Array) -> float:
    x, y = points.T
    return abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2


@pytest.mark.parametrize("rotation", ["published", "full"])
@pytest.mark.parametrize("vertices", [3, 4, 8])
def test_draws_are_the_recipes(vertices: int, rotation: str) -> None:
    geometry = family(vertices, rotation)
    members = geometry.draws(2_000)
    assert torch.equal(members[:100], geometry.draws(2_000)[:100])
    turn = 360.0 if rotation == "full" else 2 * np.pi
    degrees = np.degrees(members.numpy() / 10.5)
    low, high = bounds(vertices)
    assert (degrees >= low).all()
    assert (degrees <= high + turn).all()
    # The middle of the bounds on average, and half a rotation: by 5 standard deviations.
    deviation = np.hypot(high[0] - low[0], turn) / np.sqrt(12 * 2_000)
    assert np.abs(degrees.mean(0) - (low + high) / 2 - turn / 2).max() < 5 * deviation
    points = corners(members)
    np.testing.assert_allclose(points.mean(1), 14, atol=1e-12)
    expected = triangles.rasterise(points)
    assert np.array_equal(geometry.exact(members)[:, 0].numpy(), expected.astype(np.float32) / 64)


def test_draws_look_like_the_data_set() -> None:
    """Dark area, published: mean 104, 5 % at 51, median 109, at most 144 of 784 pixels."""
    dark = (1 - family(3, "published").exact(family(3, "published").draws(4_000))).sum((1, 2, 3))
    assert dark.mean() == pytest.approx(104, abs=2)
    assert dark.median() == pytest.approx(109, abs=2)
    assert dark.quantile(0.05) == pytest.approx(51, abs=3)
    assert 140 < dark.max() <= 144


@given(VERTICES, st.sampled_from(["published", "full"]), SEEDS, st.sampled_from([0.3, 3.0, 30.0]))
@FEW
def test_the_nearest_of_the_recipe_is_of_the_recipe(vertices: int, rotation: str, seed: int, spread: float) -> None:
    """Some rotation, of all those tried, brings every angle between its bounds, from some first vertex on."""
    geometry = family(vertices, rotation)
    drawn = geometry.draws(64)[seed % 16 :][:8]
    found = geometry.valid(drawn + spread * noise(drawn, seed))
    torch.testing.assert_close(geometry.valid(found), found, atol=1e-10, rtol=0)
    low, high = bounds(vertices)
    for degrees in np.degrees(found.numpy() / 10.5):
        firsts = range(vertices) if rotation == "full" else range(1)
        orders = [np.concatenate([degrees[k:], degrees[:k] + 360]) for k in firsts]
        tried = [np.linspace(order[0] - high[0], order[0] - low[0], 2_001) for order in orders]
        if rotation == "published":
            tried = [np.linspace(0, 2 * np.pi, 2_001)]
        step = max(turns[1] - turns[0] for turns in tried)
        least = min(misses(order, turns).min() for order, turns in zip(orders, tried, strict=True))
        assert least <= step / 2 + 1e-9


@given(VERTICES, st.sampled_from(["published", "full"]), SEEDS)
@FEW
def test_members_of_the_recipe_are_left_alone(vertices: int, rotation: str, seed: int) -> None:
    geometry = family(vertices, rotation)
    drawn = geometry.draws(512)[seed % 500 :][:12].reshape(3, 4, -1)
    torch.testing.assert_close(geometry.valid(drawn), drawn, atol=1e-10, rtol=0)
    torch.testing.assert_close(geometry.valid(drawn.float()), drawn.float(), atol=1e-4, rtol=0)


@given(VERTICES, SEEDS, st.integers(1, 7))
@FEW
def test_any_vertex_may_be_the_first(vertices: int, seed: int, shift: int) -> None:
    geometry, k = family(vertices), shift % vertices
    drawn = geometry.draws(400)[seed % 390 :][:10]
    shifted = torch.cat([drawn[:, k:], drawn[:, :k] + FULL], 1)
    torch.testing.assert_close(geometry.valid(shifted), shifted, atol=1e-10, rtol=0)
    assert torch.equal(geometry.exact(shifted), geometry.exact(drawn))


def test_a_member_moves_no_further_than_it_must() -> None:
    """A triangle whose neighbours are 4 degrees apart, 6 too few: with the rotation in between each moves by 3."""
    arcs = torch.tensor([[118.0, 122.0, 300.0]], dtype=torch.float64) * FULL / 360
    moved = (family(3).valid(arcs) - arcs) * 360 / FULL
    torch.testing.assert_close(moved, torch.tensor([[-3.0, 3.0, 0.0]], dtype=torch.float64), atol=1e-9, rtol=0)


@pytest.mark.parametrize("vertices", [3, 4, 6])
@pytest.mark.parametrize("name", ["recipe", "free"])
def test_the_smooth_raster_is_close_to_the_exact_one(vertices: int, name: str) -> None:
    geometry = family(vertices, "full", name)
    members = geometry.draws(500)
    exact, soft = geometry.exact(members), geometry.soft(members.reshape(5, 100, -1)).reshape(500, 1, 28, 28)
    assert float(soft.min()) >= 0
    assert float(soft.max()) <= 1
    assert (soft - exact).flatten(1).norm(dim=1).mean() < 0.5


@pytest.mark.parametrize("name", ["recipe", "free"])
def test_the_smooth_rasters_slopes(name: str) -> None:
    """Beside differences over 1e-6 pixels, but for pixels with a kink between the two."""
    geometry, step = family(4, "full", name), 1e-6
    for member in geometry.draws(6):
        slopes = torch.autograd.functional.jacobian(lambda at: geometry.soft(at).flatten(), member)
        moved = torch.eye(len(member), dtype=torch.float64) * step
        here, ahead, behind = (geometry.soft(at).flatten(-3) for at in (member, member + moved, member - moved))
        forward, backward = ((ahead - here) / step).T, ((here - behind) / step).T
        smooth = (forward - backward).abs() < 1e-4
        assert smooth.double().mean() > 0.995
        torch.testing.assert_close(slopes[smooth], ((forward + backward) / 2)[smooth], atol=1e-5, rtol=1e-4)
        assert (slopes[smooth] != 0).sum() > 50


@pytest.mark.parametrize("turn", [1, -1])
def test_vertices_that_coincide(turn: int) -> None:
    """A triangle with a vertex that comes twice is the triangle, in both rasters."""
    points = torch.tensor([[4.0, 5.0], [23.0, 8.0], [12.0, 24.0]], dtype=torch.float64)
    twice = points[[0, 1, 1, 2][::turn]].flatten()
    three, four = family(3, "full", "free"), family(4, "full", "free")
    assert torch.equal(four.exact(twice[None]), three.exact(points.flatten()[None]))
    torch.testing.assert_close(four.soft(twice), three.soft(points.flatten()))
    assert torch.equal(four.valid(twice), twice)


@given(VERTICES, SEEDS, st.sampled_from([0.3, 2.0, 6.0, 20.0]), st.sampled_from([1, -1]))
@FEW
def test_the_free_are_convex(vertices: int, seed: int, spread: float, turn: int) -> None:
    """Their area is that of their hull, however far the vertices were thrown about, and whichever way they turn."""
    geometry = family(vertices, "full", "free")
    drawn = geometry.draws(64).reshape(64, vertices, 2)[:, list(range(vertices))[::turn]].flatten(1)
    found = geometry.valid((drawn + spread * noise(drawn, seed)).reshape(8, 8, -1)).reshape(64, vertices, 2)
    for points in found.numpy():
        hull = ConvexHull(points, qhull_options="QJ" if area(points) < 1e-2 else None).volume
        assert area(points) == pytest.approx(hull, abs=5e-3)
    again = geometry.valid(found.flatten(1)).reshape(found.shape)
    assert [area(points) for points in again.numpy()] == pytest.approx([*map(area, found.numpy())], abs=5e-3)


@given(VERTICES, SEEDS, st.sampled_from([1, -1]))
@FEW
def test_convex_polygons_are_left_alone(vertices: int, seed: int, turn: int) -> None:
    """Stretched, turned over and moved, even out of the picture, they stay convex."""
    drawn = family(vertices, "full", "free").draws(32).reshape(32, vertices, 2)
    rng = np.random.default_rng(seed)
    moved = drawn @ torch.from_numpy(rng.normal(size=(2, 2))) + torch.from_numpy(20 * rng.normal(size=2))
    given_members = moved[:, list(range(vertices))[::turn]].flatten(1)
    found = family(vertices, "full", "free").valid(given_members)
    torch.testing.assert_close(found, given_members, atol=1e-9, rtol=0)


def test_a_dent_is_put_onto_the_line_between_its_neighbours() -> None:
    dented = torch.tensor([[4.0, 4.0], [20.0, 4.0], [14.0, 8.0], [20.0, 20.0]], dtype=torch.float64)
    mended = dented.clone()
    mended[2] = torch.tensor([20.0, 8.0])
    torch.testing.assert_close(family(4, "full", "free").valid(dented.flatten()), mended.flatten())


def test_the_free_may_be_all_white_or_all_black() -> None:
    white = torch.tensor([[14.0, 40.0, 15.0, 41.0, 14.0, 41.0], [-99.0, -99.0, 99.0, -99.0, 14.0, 300.0]])
    found = family(3, "full", "free").exact(white)
    assert found[0].min() == 1
    assert found[1].max() == 0
