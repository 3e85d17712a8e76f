"""The nearest member of a manifold for each image: starts, gradient descent, and a search in the exact raster."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from study import seeds
from study.measures.contracts import Geometry
from study.measures.descent import Descent, descend

CHUNK = 1_280  # starts at once: with 784 pixels a step holds some 30 MB
DIFFERENCE = 0.08  # pixels to either side, for the slopes of a raster whose steps are an eighth of a pixel
BLOCK = 20  # rounds of the search that share their slopes
TRIES, LENGTHS = 8, (0.02, 1.0)  # in a round, of lengths between these shares of the distance that is left
# Images that may be members themselves are searched longer: those in the raster's own grey levels that came as near as
# this. Of thousands of members none was left further off; what a saturated generator makes in two levels is far away.
NEAR, LONGER, MORE_TRIES, MORE_LENGTHS = 1.0, 200, 32, (0.2, 2.0)
MET = 1e-3  # a distance that counts as none: one subpixel is 1/64
TRUST = 1e-4  # of the mean slope's square, added to all of them


@dataclass(frozen=True)
class Nearest:
    """members [N, p], their exact images [N, C, H, W], and the L2 distances [N] of the images given to these."""

    members: Tensor
    images: Tensor
    distances: Tensor


@dataclass(frozen=True)
class Projecting:
    """members: drawn, of which the nearest are the starts. rounds: of the search in the exact raster."""

    members: int
    descent: Descent
    rounds: int


def nearest(images: Tensor, geometry: Geometry, how: Projecting) -> Nearest:
    """For images [N, C, H, W] in [0, 1] the nearest valid ones that are found; the distance is the exact raster's.

    An image's starts are the nearest of all drawn members; they descend in the smooth raster (`descend`, rate in
    pixels); the best of them by the exact raster is refined in it (`_Search`). So a distance is never above that of the
    nearest drawn member, and the same for whatever batch an image comes in.
    """
    with torch.no_grad():
        drawn = geometry.draws(how.members)
        known = geometry.exact(drawn).flatten(1)
    chunks = torch.split(images.cpu(), max(1, CHUNK // how.descent.starts))
    parts = [_nearest(part, geometry, (drawn, known), how) for part in chunks]
    return Nearest(*(torch.cat([getattr(part, name) for part in parts]) for name in Nearest.__dataclass_fields__))


def _nearest(images: Tensor, geometry: Geometry, drawn: tuple[Tensor, Tensor], how: Projecting) -> Nearest:
    pixels, (members, known), descent = images.flatten(1), drawn, how.descent
    order = torch.cdist(pixels, known).topk(descent.starts, largest=False).indices
    starts = members[order]

    def squares(points: Tensor) -> Tensor:
        return (geometry.soft(points) - images[:, None]).square().flatten(2).sum(2)

    found = descend(starts.float(), squares, geometry.valid, descent.steps, descent.rate)
    search = _Search(pixels.double(), geometry, starts[:, 0])
    search.offer(torch.arange(len(images)), geometry.valid(found.double()))
    search.refine(how.rounds)
    missed = search.missed()
    for start in range(descent.starts if len(missed) else 0):
        other = _Search(pixels[missed].double(), geometry, starts[missed, start])
        other.refine(how.rounds)
        search.offer(missed, other.members[:, None])
    return Nearest(search.members, geometry.exact(search.members), search.distances)


class _Search:
    """The best member so far of each image, by the exact raster, and what is tried to better it.

    That raster is flat but for steps of 1/64, and members move it by very different amounts. So the slopes of its
    pixels are taken by differences over many such steps: they give Gauss and Newton's move, and the scale of random
    moves, alike in all directions of the picture and as long as a share of the distance that is left. Ties are taken:
    it drifts along a flat place. The moves are the same for every image.
    """

    def __init__(self, pixels: Tensor, geometry: Geometry, members: Tensor) -> None:
        """pixels [N, d] and members [N, p] in float64."""
        self._pixels, self._geometry, self.members = pixels, geometry, members.clone()
        self.distances = (self._raster(members[:, None])[:, 0] - pixels).norm(dim=1)
        levels = pixels * geometry.levels
        self._perhaps = ((levels - levels.round()).abs() < 1e-4).all(1)

    def missed(self) -> Tensor:
        """The numbers of images that may be members, and were not met."""
        return (self._perhaps & (self.distances > MET) & (self.distances < NEAR)).nonzero()[:, 0]

    def offer(self, which: Tensor, points: Tensor) -> None:
        """Takes the best of points [len(which), r, p] where it is no worse than what is there."""
        found = self._raster(points) - self._pixels[which, None]
        distances, best = found.norm(dim=2).min(1)
        taken = distances <= self.distances[which]
        rows, best = which[taken], best[taken]
        self.members[rows] = points[taken].gather(1, best[:, None, None].expand(-1, 1, points.shape[2]))[:, 0]
        self.distances[rows] = distances[taken]

    def refine(self, rounds: int) -> None:
        """Until the rounds are over; what may be a member then longer, until it is met."""
        self._rounds(torch.arange(len(self.members)), rounds, TRIES, LENGTHS)
        self._rounds(self.missed(), LONGER, MORE_TRIES, MORE_LENGTHS)

    def _rounds(self, among: Tensor, rounds: int, tries: int, lengths: tuple[float, float]) -> None:
        generator = torch.Generator().manual_seed(seeds.seed("refine", rounds))
        count = self.members.shape[1]
        shortest, longest = map(math.log10, lengths)
        scale = torch.logspace(shortest, longest, tries, dtype=torch.float64)[:, None]
        spread = torch.zeros(len(self.members), count, count, dtype=torch.float64)
        for number in range(rounds):
            which = among[self.distances[among] > MET]
            if not len(which):
                return
            if number % BLOCK == 0:
                spread[which] = self._newton(which)
            moves = torch.randn(tries, count, generator=generator, dtype=torch.float64) * scale
            moves = (moves @ spread[which].mT) * self.distances[which, None, None]
            self.offer(which, self._geometry.valid(self.members[which, None] + moves))

    def _newton(self, which: Tensor) -> Tensor:
        """Tries Gauss and Newton's moves, whole and half; returns [N, p, p], whose columns are moves of length one."""
        here = self.members[which]
        ends = torch.eye(here.shape[1], dtype=torch.float64) * DIFFERENCE
        slopes = (self._raster(here[:, None] + ends) - self._raster(here[:, None] - ends)) / (2 * DIFFERENCE)
        squares = slopes @ slopes.mT
        trust = TRUST * squares.diagonal(dim1=1, dim2=2).mean(1).clamp_min(TRUST)
        squares += trust[:, None, None] * torch.eye(here.shape[1], dtype=torch.float64)
        left = self._pixels[which] - self._raster(here[:, None])[:, 0]
        move = torch.linalg.solve(squares, slopes @ left[..., None]).mT
        self.offer(which, self._geometry.valid(here[:, None] + torch.cat([move, move / 2], 1)))
        values, vectors = torch.linalg.eigh(squares)
        return vectors / values.sqrt()[:, None]

    def _raster(self, points: Tensor) -> Tensor:
        """Pixels [N, r, d] of points [N, r, p]."""
        return self._geometry.exact(points.flatten(0, 1)).double().reshape(*points.shape[:2], -1)
