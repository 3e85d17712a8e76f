"""Generated polygons as a manifold: its members by numbers that move them, a smooth raster, and the exact one.

Two families. recipe: what the data set's recipe can draw; a member is its vertices' angles, as arcs in pixels. free:
every convex polygon of as many vertices; a member is its vertices in pixels, which may lie outside of the picture, so
an all-white and an all-black image are valid.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from study import seeds
from study.data import triangles
from study.data.triangles import MIN_ANGLE, SCALE, SIDE, SUBPIXELS

RADIUS = SIDE * SCALE / 2  # pixels
TINY = 1e-12
SAME = 1e-6  # radians, and pixels
DENT = 1e-3  # square pixels by which a convex polygon may differ from its hull; a step of the raster is 1/64


class Polygons:
    """One family of them. Members [..., p] may have any leading dimensions; p: n of the recipe, 2 n of the free."""

    levels = SUBPIXELS**2  # of the exact raster: its images hold v / levels for whole v

    def __init__(self, options: Mapping[str, object], family: str) -> None:
        """options: of the data set's entry. family: recipe or free."""
        self._vertices, self._family = int(str(options["vertices"])), family
        turns = float(str(options["rotation_turns"]))
        segment = 2 * math.pi / self._vertices
        first = torch.arange(self._vertices, dtype=torch.float64) * segment
        # The angle of vertex i lies between these, as arcs; then the polygon is turned by up to `_turn`. A full turn
        # has no ends: the search may go through them.
        self._low, self._high = (first + math.radians(MIN_ANGLE / 2)) * RADIUS, (first + segment) * RADIUS
        self._turn = turns * 2 * math.pi * RADIUS
        self._ends = (0.0, self._turn) if turns < 1 else (-math.inf, math.inf)

    def draws(self, count: int) -> Tensor:
        """Members [count, p] as the recipe draws them, of either family; a function of their numbers."""
        generator = torch.Generator().manual_seed(seeds.seed("members", self._vertices))
        uniform = torch.rand(count, self._vertices + 1, generator=generator, dtype=torch.float64)
        angles = self._low + uniform[:, :-1] * (self._high - self._low) + uniform[:, -1:] * self._turn
        return angles if self._family == "recipe" else _inscribed(angles).flatten(-2)

    def valid(self, members: Tensor) -> Tensor:
        """The members themselves where they are of the family, else such that are near.

        Angles are those of a recipe's polygon if one rotation brings all of them between their bounds.
        """
        if self._family == "free":
            return _convex(members.reshape(*members.shape[:-1], -1, 2)).flatten(-2)
        if self._turn <= math.radians(MIN_ANGLE / 2) * RADIUS:
            return self._between(members)
        # Any vertex may be the first one: of a thin polygon the bounds of the others hang on which one is.
        n, round_once = self._vertices, 2 * math.pi * RADIUS
        others = [torch.cat([members[..., k:], members[..., :k] + round_once], -1) for k in range(n)]
        moves = [self._between(each) - each for each in others]
        near = torch.stack([members + move.roll(k, -1) for k, move in enumerate(moves)])
        best = torch.stack(moves).abs().amax(-1, keepdim=True).argmin(0, keepdim=True)
        return near.gather(0, best.expand(1, *members.shape))[0]

    def soft(self, members: Tensor) -> Tensor:
        """Images [..., 1, 28, 28] that change smoothly with the members.

        A pixel's darkness is by the distance of its centre from the nearest side: a ramp as wide as a pixel. That is
        close to its share inside along a side, and not at corners; final distances are those of `exact`.
        """
        corners = self._corners(members)
        side = corners.roll(-1, -2) - corners
        normal = torch.stack([-side[..., 1], side[..., 0]], -1)
        length = normal.norm(dim=-1, keepdim=True)
        normal = normal / (length + TINY) * _turning(corners)
        # Vertices that coincide have no side between them: there everything is inside.
        offset = torch.where(length > 0, -(normal * corners).sum(-1, keepdim=True), float(SIDE))
        lines = torch.cat([normal, offset], -1)
        inside = (lines @ _centres(lines)).amin(-2)
        return (0.5 - inside).clamp(0, 1).reshape(*members.shape[:-1], 1, SIDE, SIDE)

    def exact(self, members: Tensor) -> Tensor:
        """Images [N, 1, 28, 28] of members [N, p], as the data set is made: 65 levels in [0, 1]."""
        grey = triangles.rasterise(self._corners(members.double()).numpy())
        return torch.from_numpy(grey)[:, None].float() / self.levels

    def _between(self, members: Tensor) -> Tensor:
        """Angles near the recipe's, under the rotation that leaves them the most room."""
        low, high = self._low.to(members), self._high.to(members)
        least, most = (members - high).amax(-1, keepdim=True), (members - low).amin(-1, keepdim=True)
        turn = ((least.clamp_min(self._ends[0]) + most.clamp_max(self._ends[1])) / 2).clamp(*self._ends)
        return (members - turn).clamp(low, high) + turn

    def _corners(self, members: Tensor) -> Tensor:
        """Vertices [..., n, 2] in pixels."""
        return _inscribed(members) if self._family == "recipe" else members.reshape(*members.shape[:-1], -1, 2)


def _inscribed(arcs: Tensor) -> Tensor:
    """Vertices [..., n, 2] on the recipe's circle, moved so that their mean is the middle of the picture."""
    angles = arcs / RADIUS
    points = torch.stack([angles.cos(), angles.sin()], -1) * RADIUS
    return points - points.mean(-2, keepdim=True) + SIDE / 2


def _turning(corners: Tensor) -> Tensor:
    """1 or -1 [..., 1, 1] for polygons [..., n, 2] that turn one way or the other."""
    return torch.where(_area(corners) < 0, -1.0, 1.0)[..., None, None].to(corners)


def _area(corners: Tensor) -> Tensor:
    """Square pixels [...] of polygons [..., n, 2], below 0 of those that turn the other way."""
    x, y = corners.unbind(-1)
    return (x * y.roll(-1, -1) - y * x.roll(-1, -1)).sum(-1) / 2


def _centres(like: Tensor) -> Tensor:
    """(x, y, 1) of every pixel's centre, [3, 784]."""
    at = torch.arange(SIDE, dtype=like.dtype, device=like.device) + 0.5
    y, x = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])


def _convex(corners: Tensor) -> Tensor:
    """Polygons [..., n, 2] without a dent: a vertex in one is put onto the line between its neighbours.

    That may dent what was straight beside it, which the next of n rounds mends. What is no convex polygon even then,
    as one whose sides cross, becomes its hull.
    """
    count = corners.shape[-2]
    if count == 3:
        return corners
    corners, turning = corners.clone(), _turning(corners)[..., 0]
    for i in [*range(count)] * count:
        before, after = corners[..., i - 1, :], corners[..., (i + 1) % count, :]
        line, here = after - before, corners[..., i, :] - before
        dented = turning * (line[..., :1] * here[..., 1:] - line[..., 1:] * here[..., :1]) > 0
        along = ((here * line).sum(-1, keepdim=True) / ((line**2).sum(-1, keepdim=True) + TINY)).clamp(0, 1)
        corners[..., i, :] = torch.where(dented, before + along * line, corners[..., i, :])
    hulls = _hulls(corners.reshape(-1, count, 2)).reshape(corners.shape)
    wrong = (_area(hulls).abs() - _area(corners).abs()).abs() > DENT
    return torch.where(wrong[..., None, None], hulls, corners)


def _hulls(corners: Tensor) -> Tensor:
    """The convex hulls of points [N, n, 2], from the lowest one by rising direction; the last one is repeated."""
    rows, at, points = torch.arange(len(corners), device=corners.device), corners[..., 1].argmin(1), corners.double()
    heading, found = torch.zeros_like(points[:, 0, 0]), [at]
    for _ in range(corners.shape[1] - 1):
        to = points - points[rows, at][:, None]
        direction = torch.atan2(to[..., 1], to[..., 0]).remainder(2 * math.pi)
        # The end of a line lies ahead of a point on it but for rounding; and from where a point is twice none leads on.
        behind = (direction < heading[:, None] - SAME) | (to.abs() < SAME).all(-1)
        least, following = direction.masked_fill(behind, math.inf).min(1)
        done = least.isinf()
        at, heading = torch.where(done, at, following), torch.where(done, heading, least)
        found.append(at)
    return corners[rows[:, None], torch.stack(found, 1)]
