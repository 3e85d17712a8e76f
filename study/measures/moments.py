"""Mean and covariance of features, in a stream: memory is d^2 numbers however many images pass."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """First and second moments of n feature vectors in float64; the covariance is over n - 1."""

    count: int
    mean: Tensor  # [d]
    covariance: Tensor  # [d, d]

    @cached_property
    def factor(self) -> Tensor:
        """L [d, d] with L L' = covariance: Cholesky's, or by eigenvalues where the covariance is rank-deficient.

        Eigenvalues below zero are rounding: they are no larger than d eps |S|, and count as zero.
        """
        lower, failed = torch.linalg.cholesky_ex(self.covariance)
        if not failed:
            return lower
        values, vectors = torch.linalg.eigh(self.covariance)
        return vectors * values.clamp_min(0).sqrt()


class MomentsStream:
    """Accumulates moments batch by batch (Chan, Golub and LeVeque 1983): no sum of squares, no cancellation."""

    def __init__(self, dimension: int) -> None:
        self.count = 0
        self._mean = torch.zeros(dimension, dtype=torch.float64)
        self._scatter = torch.zeros(dimension, dimension, dtype=torch.float64)

    def add(self, features: Tensor) -> None:
        """Takes features [N, d] of any float type."""
        batch = features.to(device=self._mean.device, dtype=torch.float64)
        count = len(batch)
        mean = batch.mean(0)
        centred = batch - mean
        shift = mean - self._mean
        total = self.count + count
        self._scatter += centred.T @ centred + torch.outer(shift, shift) * (self.count * count / total)
        self._mean += shift * (count / total)
        self.count = total

    def moments(self) -> Moments:
        if self.count < 2:
            raise ValueError(f"moments need at least 2 feature vectors, got {self.count}")
        return Moments(self.count, self._mean.clone(), self._scatter / (self.count - 1))
