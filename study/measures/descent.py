"""Gradient descent on many small problems at once, each from several starts of which the bad ones are given up."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

BETAS, EPSILON = (0.9, 0.99), 1e-12  # of Adam (Kingma and Ba 2015, algorithm 1); a hundred steps forget the first ones


@dataclass(frozen=True)
class Descent:
    """starts: of each problem. rate: of the first step, in the unit of the points."""

    starts: int
    steps: int
    rate: float


def descend(
    starts: Tensor,
    squares: Callable[[Tensor], Tensor],
    valid: Callable[[Tensor], Tensor],
    steps: int,
    rate: float,
) -> Tensor:
    """Points [N, k, p] from starts [N, R, p]: the k best of each problem's R, best first, as the last steps left them.

    squares: points [N, r, p] -> what is minimised [N, r], each by its own point alone. valid: points -> such as may be
    had. Adam with a rate that falls to zero along a cosine. Halving (Jamieson and Talwalkar 2016): of R starts a half,
    rounded up, goes on after each quarter of the steps, so three quarters in k = ceil(R / 8) are left.
    """
    points, count = valid(starts), starts.shape[1]
    moments = [torch.zeros_like(points), torch.zeros_like(points)]
    for step in range(steps):
        points = points.detach().requires_grad_()
        found = squares(points)
        (gradient,) = torch.autograd.grad(found.sum(), points)
        points = points.detach()
        kept = -(-count // 2 ** (4 * step // steps))
        if kept < points.shape[1]:
            best = found.detach().argsort(dim=1)[:, :kept, None].expand(-1, -1, points.shape[2])
            points, gradient, *moments = (each.gather(1, best) for each in (points, gradient, *moments))
        points = valid(_moved(points, gradient, moments, step, rate * (1 + math.cos(math.pi * step / steps)) / 2))
    with torch.no_grad():
        best = squares(points).argsort(dim=1)[:, : -(-count // 8), None].expand(-1, -1, points.shape[2])
    return points.gather(1, best)


def _moved(points: Tensor, gradient: Tensor, moments: list[Tensor], step: int, rate: float) -> Tensor:
    """One step of Adam; the moments change in place."""
    for moment, beta, value in zip(moments, BETAS, (gradient, gradient**2), strict=True):
        moment.mul_(beta).add_(value, alpha=1 - beta)
    first, second = (moment / (1 - beta ** (step + 1)) for moment, beta in zip(moments, BETAS, strict=True))
    return points - rate * first / (second.sqrt() + EPSILON)
