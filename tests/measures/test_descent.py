"""Descent from several starts: how many go on, what a quadratic's minimum is, and what comes back first."""

import pytest
import torch
from torch import Tensor

from study.measures.descent import descend


def quadratic(points: Tensor) -> Tensor:
    """Of the problems n = 0, 1, ...: least at (n, -n), with curvatures 1 and 30 along the axes."""
    at = torch.arange(len(points), dtype=points.dtype)[:, None]
    return (points[..., 0] - at) ** 2 + 30 * (points[..., 1] + at) ** 2


def anything(points: Tensor) -> Tensor:
    return points


def starts(problems: int, restarts: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(problems, restarts, 2, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("steps", [8, 10, 13])
@pytest.mark.parametrize(("restarts", "left"), [(1, [1] * 4), (2, [2, 1, 1, 1]), (5, [5, 3, 2, 1]), (8, [8, 4, 2, 1])])
def test_half_of_the_starts_go_on_after_each_quarter(restarts: int, left: list[int], steps: int) -> None:
    seen: list[int] = []

    def squares(points: Tensor) -> Tensor:
        seen.append(points.shape[1])
        return quadratic(points)

    found = descend(starts(4, restarts), squares, anything, steps, 0.1)
    assert found.shape == (4, left[-1], 2)
    # A round is evaluated before its bad starts are given up; the last points are evaluated once more.
    expected = [restarts, *(left[4 * step // steps] for step in range(steps - 1)), left[3]]
    assert seen[: steps + 1] == expected


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 6, 7])
def test_few_steps_leave_as_many_as_many_do(steps: int) -> None:
    assert descend(starts(3, 20), quadratic, anything, steps, 0.1).shape == (3, 3, 2)


@pytest.mark.parametrize("restarts", [1, 3, 16])
def test_a_quadratic(restarts: int) -> None:
    """Every problem ends in its own minimum, which lies up to 12 from its starts."""
    found = descend(starts(6, restarts), quadratic, anything, 400, 0.3)
    at = torch.arange(6, dtype=torch.float64)
    torch.testing.assert_close(found, torch.stack([at, -at], 1)[:, None].expand_as(found), atol=1e-3, rtol=0)


def test_best_first() -> None:
    """Two valleys, 1 of them deeper: starts stay in theirs, and the deeper ones come first."""

    def squares(points: Tensor) -> Tensor:
        x = points[..., 0]
        return torch.minimum((x - 5) ** 2 + 1, (x + 5) ** 2)

    begun = torch.tensor([4.0, 4.5, 5.5, 6.0, 5.0, 4.2, 5.2, 5.8, -6.0]).reshape(1, 9, 1)
    found = descend(begun.repeat(2, 1, 1), squares, anything, 1, 1e-3)
    values = squares(found)
    assert found.shape == (2, 2, 1)
    torch.testing.assert_close(found[:, 0, 0], torch.full((2,), -6.0), atol=2e-3, rtol=0)
    assert (values.diff(dim=1) >= 0).all()
    torch.testing.assert_close(values[:, 1], torch.full((2,), 1.0), atol=1e-3, rtol=0)


def test_points_stay_where_they_may_be() -> None:
    """Within x >= 4 the best point of problem 0 is (4, 0)."""
    seen: list[Tensor] = []

    def squares(points: Tensor) -> Tensor:
        seen.append(points.detach())
        return quadratic(points)

    def valid(points: Tensor) -> Tensor:
        return torch.stack([points[..., 0].clamp_min(4), points[..., 1]], -1)

    found = descend(starts(1, 4), squares, valid, 200, 0.3)
    assert all((points[..., 0] >= 4).all() for points in seen)
    torch.testing.assert_close(found[0, 0], torch.tensor([4.0, 0.0], dtype=torch.float64), atol=1e-3, rtol=0)


def test_problems_do_not_mix() -> None:
    """One is solved alone as among others, bit for bit."""
    begun = starts(5, 5)
    together = descend(begun, lambda points: (points**4).sum(-1), anything, 40, 0.2)
    alone = [descend(each[None], lambda points: (points**4).sum(-1), anything, 40, 0.2) for each in begun]
    assert torch.equal(together, torch.cat(alone))


def test_a_step_is_as_long_as_the_rate() -> None:
    """Adam's first step has the length of its rate in every coordinate, whatever the slopes are."""
    begun = starts(3, 1)
    found = descend(begun, quadratic, anything, 1, 0.25)
    torch.testing.assert_close((found - begun).abs(), torch.full_like(begun, 0.25))
