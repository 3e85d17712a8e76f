"""Frechet distance of two feature sets (Heusel et al. 2017, arXiv 1706.08500, equation 6)."""

import torch

from study.measures.contracts import Generated, Real
from study.measures.moments import Moments


def frechet_distance(a: Moments, b: Moments) -> float:
    """|m_a - m_b|^2 + tr S_a + tr S_b - 2 tr (S_a S_b)^(1/2), in float64, at least 0; exactly 0 for equal moments.

    With S = L L', tr (S_a S_b)^(1/2) is the sum of the singular values of L_a' L_b: symmetric in a and b, and no
    square root is taken of a rounded eigenvalue, so rank-deficient covariances lose no digits. Biased upwards by
    about 1/n: compare only at equal n.
    """
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"features of different dimension: {tuple(a.mean.shape)} and {tuple(b.mean.shape)}")
    if torch.equal(a.mean, b.mean) and torch.equal(a.covariance, b.covariance):
        return 0.0
    shift = (a.mean - b.mean).square().sum()
    cross = torch.linalg.svdvals(a.factor.T @ b.factor).sum()
    distance = shift + a.covariance.trace() + b.covariance.trace() - 2 * cross
    return float(distance.clamp_min(0))  # rounding can leave -1e-12 where the sets nearly agree


class FrechetDistance:
    """The metric `fd`."""

    def __call__(self, generated: Generated, real: Real) -> tuple[float, ...]:
        return (frechet_distance(generated.moments, real.moments),)
