"""Triangles: the published recipe's geometry and statistics, and a raster that a point-in-polygon test confirms."""

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.data import processes, triangles
from study.data.catalogue import MOST_VERTICES, ROTATIONS, describe_own, find
from study.data.triangles import build, polygons, rasterise
from study.errors import StudyError

Array = npt.NDArray[np.float64]

OPTIONS = find("triangles").options
UNTURNED = {"vertices": 3, "rotation_turns": 0.0}


@pytest.fixture(scope="module")
def many() -> npt.NDArray[np.uint8]:
    """The first 20,000 images [N, 28, 28] in grey levels."""
    return rasterise(polygons(range(20_000), OPTIONS))


def inside(corners: Array, points: Array) -> npt.NDArray[np.bool_]:
    """On the same side of every edge of a convex polygon, by the sign of the cross product."""
    begin, end = corners, np.roll(corners, -1, axis=0)
    edge, towards = end - begin, points[:, None] - begin
    cross = edge[:, 0] * towards[..., 1] - edge[:, 1] * towards[..., 0]
    return np.asarray((cross > 0).all(axis=1) | (cross < 0).all(axis=1))


def brute_force(corners: Array) -> npt.NDArray[np.int64]:
    """Grey levels by testing each of the 224 x 224 subpixel centres."""
    centres = (np.arange(224) + 0.5) / 8
    x, y = np.meshgrid(centres, centres)
    covered = inside(corners, np.stack([x.ravel(), y.ravel()], axis=1)).reshape(28, 8, 28, 8)
    return np.asarray(64 - covered.sum(axis=(1, 3)))


@pytest.mark.parametrize("vertices", [3, 4, 5, 12, MOST_VERTICES])
def test_raster_is_the_point_in_polygon_test(vertices: int) -> None:
    shapes = polygons(range(12), {"vertices": vertices, "rotation_turns": 1.0})
    np.testing.assert_array_equal(rasterise(shapes), np.stack([brute_force(corners) for corners in shapes]))


def test_raster_of_the_recipe_itself() -> None:
    shapes = polygons(range(40, 60), OPTIONS)
    np.testing.assert_array_equal(rasterise(shapes), np.stack([brute_force(corners) for corners in shapes]))


@pytest.mark.parametrize(
    "corners",
    [
        [[-5.3, 3.1], [40.2, 8.7], [12.9, 35.5]],  # beyond the picture on three sides
        [[3.03, 3.11], [3.05, 3.12], [3.04, 3.19]],  # smaller than a subpixel
        [[1.0, 2.03], [20.0, 2.031], [10.0, 2.2]],  # a sliver along the lines
        [[2.2, 1.0], [2.3, 27.0], [2.21, 14.0]],  # a sliver across the lines
        [[50.0, 50.0], [60.0, 50.0], [55.0, 60.0]],  # not in the picture
        [[5.01, 5.01], [5.01, 20.01], [20.01, 20.07]],  # sides along both axes
    ],
)
def test_raster_of_awkward_triangles(corners: list[list[float]]) -> None:
    shape = np.array(corners)
    for vertices in (shape, shape[::-1]):
        np.testing.assert_array_equal(rasterise(vertices[None])[0], brute_force(vertices))


@settings(max_examples=60, deadline=None)
@given(
    angles=st.lists(st.floats(0, 6.283), min_size=3, max_size=9, unique=True).map(sorted),
    centre=st.tuples(st.floats(-10, 38), st.floats(-10, 38)),
    radius=st.floats(0.01, 60),
    turn=st.sampled_from([1, -1]),
)
def test_raster_of_any_convex_polygon(
    angles: list[float], centre: tuple[float, float], radius: float, turn: int
) -> None:
    """Wherever it lies, whatever its size, whichever way its vertices turn."""
    corners = np.stack([np.cos(angles), np.sin(angles)], axis=1)[::turn] * radius + centre
    edges = np.roll(corners, -1, axis=0) - corners
    following = np.roll(edges, -1, axis=0)
    cross = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    if np.abs(cross).min() > 1e-6 * radius**2:  # thinner ones are a line, of whose two sides rounding decides
        np.testing.assert_array_equal(rasterise(corners[None])[0], brute_force(corners))


def test_what_is_no_polygon_is_white() -> None:
    """A search for vertices may come to numbers that are none."""
    half = rasterise(np.array([[[np.nan, 3.0], [9.0, 8.0], [4.0, 20.0]]]))  # one side of it is a side
    assert (half == 64).mean() > 0.97
    assert (rasterise(np.full((1, 3, 2), np.nan)) == 64).all()
    assert rasterise(np.empty((0, 3, 2))).shape == (0, 28, 28)


def test_a_rectangle_by_hand() -> None:
    """From (2, 3) to (4.5, 4): two whole pixels and the left half of a third are black."""
    image = rasterise(np.array([[[2.0, 3.0], [4.5, 3.0], [4.5, 4.0], [2.0, 4.0]]]))[0]
    assert image[3, 1:6].tolist() == [64, 0, 0, 32, 64]
    assert (64 - image.astype(int)).sum() == 160


def test_an_image_is_a_function_of_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    together = polygons(range(30), OPTIONS)
    np.testing.assert_array_equal(together[7:12], polygons(range(7, 12), OPTIONS))
    np.testing.assert_array_equal(rasterise(together)[7:12], rasterise(together[7:12]))
    with monkeypatch.context() as patched:
        patched.setattr(triangles, "BLOCK", 11)
        blocks = rasterise(together)
    np.testing.assert_array_equal(blocks, rasterise(together))
    small = dataclasses.replace(find("triangles_tiny"), splits={"train": 20, "test": 10})
    whole = [np.concatenate(list(split.images)) for split in build(small, Path())]
    monkeypatch.setattr(triangles, "CHUNK", 7)
    for split, images in zip(build(small, Path()), whole, strict=True):
        chunks = list(split.images)
        assert [len(chunk) for chunk in chunks[:-1]] == [7] * (len(chunks) - 1)
        np.testing.assert_array_equal(np.concatenate(chunks), images)
    np.testing.assert_array_equal(np.concatenate(whole)[:, 0], rasterise(together))  # splits follow each other


def test_however_many_processes_draw_the_images_are_the_same() -> None:
    """4,300 images are three chunks: of two processes one has two of them, and the last chunk is not full."""
    small = dataclasses.replace(find("triangles_turned"), splits={"train": 4_300})
    (alone,) = (np.concatenate(list(split.images)) for split in build(small, Path(), workers=1))
    (together,) = (list(split.images) for split in build(small, Path(), workers=2))
    assert [len(chunk) for chunk in together] == [2_000, 2_000, 300]
    np.testing.assert_array_equal(np.concatenate(together), alone)


def test_as_many_processes_as_may_run_where_there_is_enough_to_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "cores", lambda: 2)
    assert [triangles._usual(60_000, {"vertices": n}) for n in (3, 10, 35)] == [1, 1, 2]
    monkeypatch.setattr(processes, "cores", lambda: 64)
    assert triangles._usual(10**9, {"vertices": 3}) == triangles.WORKERS


def test_a_process_that_ends_too_early_is_told() -> None:
    with processes.outputs("this", [[]]) as (poem,):
        assert processes.read(poem, 10) == b"The Zen of"
        with pytest.raises(StudyError, match=r"ended too early: \d+ bytes of 100000; run the command again"):
            processes.read(poem, 100_000)


def test_published_draws_stay() -> None:
    """Numbers of record: whoever changes them changes every published triangle."""
    expected = [
        [19.188891440936, 19.925216606407],
        [1.552219143730, 8.617896725361],
        [21.258889415333, 13.456886668232],
    ]
    np.testing.assert_allclose(polygons(range(1), OPTIONS)[0], expected, rtol=0, atol=1e-9)
    dark = (64 - rasterise(polygons(range(5), OPTIONS)).astype(int)).sum(axis=(1, 2)) / 64
    assert dark.tolist() == [68.71875, 54.5625, 50.15625, 108.5, 127.1875]


def test_dark_area_of_the_protocol(many: npt.NDArray[np.uint8]) -> None:
    dark = (64 - many.astype(int)).sum(axis=(1, 2)) / 64
    assert float(dark.mean()) == pytest.approx(104, abs=0.6)
    assert float(np.percentile(dark, 5)) == pytest.approx(51, abs=1)
    assert float(np.median(dark)) == pytest.approx(109, abs=0.6)
    assert 142 < float(dark.max()) < 144  # the equilateral triangle on a radius of 10.5: 143.2


def test_sixty_five_levels(many: npt.NDArray[np.uint8]) -> None:
    assert many.dtype == np.uint8
    assert np.unique(many).tolist() == list(range(65))


def test_nearest_neighbours_of_the_protocol(many: npt.NDArray[np.uint8]) -> None:
    """L2 distance of 500 fresh triangles to the nearest of 20,000; the standard error of their median is 0.012."""
    pool = many.reshape(len(many), -1).astype(np.float32) / 64
    fresh = rasterise(polygons(range(70_000, 70_500), OPTIONS)).reshape(500, -1).astype(np.float32) / 64
    squares = (fresh**2).sum(1)[:, None] + (pool**2).sum(1) - 2 * fresh @ pool.T
    found = np.percentile(np.sqrt(squares.min(axis=1)), [10, 50, 90])
    np.testing.assert_allclose(found, [0.32, 0.58, 0.89], rtol=0, atol=0.035)


def test_the_vertices_mean_is_the_centre() -> None:
    for vertices in (3, 4):
        shapes = polygons(range(200), {"vertices": vertices, "rotation_turns": 1.0})
        assert shapes.shape == (200, vertices, 2)
        np.testing.assert_allclose(shapes.mean(axis=1), 14, rtol=0, atol=1e-12)


def around(shapes: Array) -> tuple[Array, Array]:
    """Radius [N] of the circle through three points, and each point's angle on it in degrees [N, 3]."""
    a, b, c = np.moveaxis(shapes, 1, 0)
    ax, ay = (b - a).T
    bx, by = (c - a).T
    cross = 2 * (ax * by - ay * bx)
    u = (by * (ax**2 + ay**2) - ay * (bx**2 + by**2)) / cross
    v = (ax * (bx**2 + by**2) - bx * (ax**2 + ay**2)) / cross
    spokes = shapes - (a + np.stack([u, v], axis=1))[:, None]
    return np.hypot(u, v), np.degrees(np.arctan2(spokes[..., 1], spokes[..., 0])) % 360


def test_angles_of_the_recipe() -> None:
    """angle_i in [120 i + 10, 120 i + 120) on a circle of radius 28 * 0.75 / 2: arcs of at least 10 degrees."""
    radii, angles = around(polygons(range(3_000), UNTURNED))
    np.testing.assert_allclose(radii, 10.5, rtol=1e-9)
    within = angles - 120 * np.arange(3)
    assert 10 <= within.min() < 10.2
    assert 119.8 < within.max() < 120 + 1e-9
    assert float(within.mean()) == pytest.approx(65, abs=2)  # uniform
    assert float(within.std()) == pytest.approx(110 / 12**0.5, abs=1)
    assert np.abs(np.corrcoef(within.T) - np.eye(3)).max() < 0.08
    arcs = np.diff(np.concatenate([angles, angles[:, :1] + 360], axis=1), axis=1)
    assert 10 - 1e-9 <= arcs.min() < 20


def test_the_published_rotation_is_at_most_six_degrees() -> None:
    before, after = around(polygons(range(1_000), UNTURNED))[1], around(polygons(range(1_000), OPTIONS))[1]
    turned = (after - before + 180) % 360 - 180
    np.testing.assert_allclose(turned, turned[:, :1].repeat(3, axis=1), rtol=0, atol=1e-7)  # rigidly
    assert -1e-7 <= turned.min() < 0.1
    assert 6.2 < turned.max() < 6.2832
    assert float(turned.mean()) == pytest.approx(3.1416, abs=0.2)


def test_a_whole_turn_is_offered() -> None:
    whole = {"vertices": 3, "rotation_turns": 1.0}
    before, after = around(polygons(range(1_000), UNTURNED))[1], around(polygons(range(1_000), whole))[1]
    turned = ((after - before) % 360)[:, 0]
    assert np.histogram(turned, bins=4, range=(0, 360))[0].min() > 200


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("vertices", [3, 5, MOST_VERTICES])
def test_polygons_that_a_study_describes(vertices: int, rotation: str) -> None:
    """All valid: on a circle, in order, their segments as wide as the recipe says, and turned no further than told."""
    dataset = describe_own("mine", {"vertices": vertices, "rotation": rotation})
    assert dataset.options == {"vertices": vertices, "rotation_turns": ROTATIONS[rotation]}
    shapes, unturned = (polygons(range(300), {**dataset.options, **more}) for more in ({}, {"rotation_turns": 0.0}))
    segment = 360 / vertices
    sides = np.linalg.norm(np.roll(unturned, -1, axis=1) - unturned, axis=2)
    shortest, longest = (21 * np.sin(np.radians(arc / 2)) for arc in (10, min(180, 2 * segment - 10)))
    assert shortest - 1e-9 <= sides.min() <= sides.max() <= longest + 1e-9
    about = (shapes - 14)[..., 0] + 1j * (shapes - 14)[..., 1]
    before = (unturned - 14)[..., 0] + 1j * (unturned - 14)[..., 1]
    turned = np.degrees(np.angle((about * before.conj()).sum(axis=1))) % 360
    assert np.abs(np.abs(about) - np.abs(before)).max() < 1e-9
    assert turned.max() < 360 * ROTATIONS[rotation] + 1e-9
    assert turned.max() > 0.95 * 360 * ROTATIONS[rotation]


def test_the_same_triangles_turned() -> None:
    """triangles_turned has the angles of triangles, image by image: only the rotation is another."""
    turned = polygons(range(300), find("triangles_turned").options)
    published = polygons(range(300), OPTIONS)
    sides = [np.linalg.norm(np.roll(shapes, -1, axis=1) - shapes, axis=2) for shapes in (turned, published)]
    np.testing.assert_allclose(*sides, rtol=0, atol=1e-9)
    assert np.abs(turned - published).max() > 10
