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

        Cholesky can also succeed on a singular matrix, with a last pivot of rounding. What is below d eps times the
        largest is rounding too and counts as zero: its square root would not be small beside the distance.
        Contiguous, as it comes back from the cache: another layout rounds otherwise.
        """
        floor = len(self.mean) * torch.finfo(torch.float64).eps
        lower, failed = torch.linalg.cholesky_ex(self.covariance)
        pivots = lower.diagonal().square()
        if not failed and pivots.min() > floor * pivots.max():
            return lower.contiguous()
        values, vectors = torch.linalg.eigh(self.covariance)
        return (vectors * torch.where(values > floor * values[-1], values, 0.0).sqrt()).contiguous()


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
        if count == 0:
            return
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
