"""The Frechet distance against scipy, torch-fidelity and closed forms, at full and at deficient rank."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
import torch
from torch_fidelity import metric_fid

from study.measures.contracts import Generated, Real
from study.measures.frechet import FrechetDistance, frechet_distance
from study.measures.moments import Moments, MomentsStream
from tests.measures.models import Function

Array = npt.NDArray[np.float64]


def moments(features: Array) -> Moments:
    stream = MomentsStream(features.shape[1])
    for part in np.array_split(features, 3) if len(features) > 3 else [features]:
        stream.add(torch.from_numpy(part))
    return stream.moments()


def gaussian(mean: Array, covariance: Array) -> Moments:
    return Moments(1_000, torch.from_numpy(mean), torch.from_numpy((covariance + covariance.T) / 2))


def correlated(seed: int, n: int, d: int, rank: int | None = None) -> Array:
    """n features of dimension d with this rank, correlated."""
    rng = np.random.default_rng(seed)
    rank = d if rank is None else rank
    return rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d)) / math.sqrt(rank) + rng.normal(size=d)


def rotation(seed: int, d: int) -> Array:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def by_sqrtm(a: Array, b: Array) -> float:
    covariances = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    shift = ((a.mean(0) - b.mean(0)) ** 2).sum()
    return float(shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root).real)


def by_samples(a: Array, b: Array) -> float:
    """Independent of any covariance: with S = X'X, tr (S_a S_b)^(1/2) is the sum of singular values of X_a X_b'."""
    xa, xb = (a - a.mean(0)) / math.sqrt(len(a) - 1), (b - b.mean(0)) / math.sqrt(len(b) - 1)
    cross = np.linalg.svd(xa @ xb.T, compute_uv=False).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + (xa**2).sum() + (xb**2).sum() - 2 * cross)


@pytest.mark.parametrize(("d", "n"), [(64, 700), (200, 900)])
def test_scipy_and_torch_fidelity_agree(d: int, n: int) -> None:
    a, b = correlated(1, n, d), correlated(2, n + 100, d)
    found = frechet_distance(moments(a), moments(b))
    assert found == pytest.approx(by_sqrtm(a, b), rel=1e-8)
    statistics = [metric_fid.fid_features_to_statistics(torch.from_numpy(features)) for features in (a, b)]
    peer = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)[metric_fid.KEY_METRIC_FID]
    assert found == pytest.approx(peer, rel=1e-8)


def test_close_sets_agree_too() -> None:
    a = correlated(1, 3_000, 64)
    b = a + 0.05 * correlated(2, 3_000, 64)
    found = frechet_distance(moments(a), moments(b))
    assert 0 < found < 1
    assert found == pytest.approx(by_sqrtm(a, b), rel=1e-8)


def test_one_dimension() -> None:
    """(m_a - m_b)^2 + (s_a - s_b)^2 = 3^2 + (2 - 5)^2."""
    a, b = gaussian(np.array([1.0]), np.array([[4.0]])), gaussian(np.array([-2.0]), np.array([[25.0]]))
    assert frechet_distance(a, b) == pytest.approx(18.0, rel=1e-14)


def test_from_samples_over_n_minus_1() -> None:
    """{0, 2} has variance 2 and {0, 4, 8} has 16: (1 - 4)^2 + (sqrt 2 - 4)^2."""
    found = frechet_distance(moments(np.array([[0.0], [2.0]])), moments(np.array([[0.0], [4.0], [8.0]])))
    assert found == pytest.approx(9 + (math.sqrt(2) - 4) ** 2, rel=1e-13)


def test_a_shift_alone() -> None:
    a = correlated(5, 400, 30)
    assert frechet_distance(moments(a), moments(a + 0.5)) == pytest.approx(30 * 0.25, rel=1e-10)


def test_a_scale_alone() -> None:
    """S_b = 9 S_a: the distance of the spreads is tr S_a (3 - 1)^2."""
    covariance = np.cov(correlated(6, 400, 30), rowvar=False)
    found = frechet_distance(gaussian(np.zeros(30), covariance), gaussian(np.zeros(30), 9 * covariance))
    assert found == pytest.approx(4 * np.trace(covariance), rel=1e-11)


@pytest.mark.parametrize("d", [64, 200])
@pytest.mark.parametrize("rotated", [False, True])
def test_commuting_covariances(d: int, rotated: bool) -> None:
    """Common eigenvectors: |m_a - m_b|^2 + sum (sqrt a_i - sqrt b_i)^2."""
    rng = np.random.default_rng(d)
    values_a, values_b, shift = rng.random(d) + 0.1, 3 * rng.random(d) + 0.1, rng.normal(size=d)
    q = rotation(d, d) if rotated else np.eye(d)
    a, b = gaussian(np.zeros(d), q * values_a @ q.T), gaussian(shift, q * values_b @ q.T)
    expected = (shift**2).sum() + ((np.sqrt(values_a) - np.sqrt(values_b)) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize(("rank_a", "rank_b"), [(10, 64), (64, 10), (10, 20), (63, 64), (0, 64), (1, 1)])
def test_commuting_covariances_of_deficient_rank(rank_a: int, rank_b: int, rotated: bool) -> None:
    """Common eigenvectors again, with eigenvalues that are 0: a rounded one must not count as a small variance."""
    rng = np.random.default_rng(rank_a + 100 * rank_b)
    values_a, values_b = np.zeros(64), np.zeros(64)
    values_a[:rank_a], values_b[:rank_b] = 50 * rng.random(rank_a) + 1, 50 * rng.random(rank_b) + 1
    q = rotation(9, 64) if rotated else np.eye(64)
    a, b = gaussian(np.zeros(64), q * values_a @ q.T), gaussian(np.zeros(64), q * values_b @ q.T)
    expected = ((np.sqrt(values_a) - np.sqrt(values_b)) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-10)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("d", [5, 64])
def test_a_single_direction(d: int) -> None:
    """S_a = u u': tr (S_a S_b)^(1/2) = sqrt(u' S_b u), whatever S_b is."""
    u = np.random.default_rng(d).normal(size=d)
    covariance = np.cov(correlated(d, 300, d), rowvar=False)
    found = frechet_distance(gaussian(np.zeros(d), np.outer(u, u)), gaussian(np.zeros(d), covariance))
    assert found == pytest.approx(u @ u + np.trace(covariance) - 2 * math.sqrt(u @ covariance @ u), rel=1e-10)


@pytest.mark.parametrize(
    ("n", "d", "rank"),
    [(30, 64, 64), (64, 64, 64), (65, 64, 64), (500, 64, 10), (500, 64, 63), (2, 64, 64), (150, 200, 200)],
)
def test_fewer_images_than_features(n: int, d: int, rank: int) -> None:
    """A covariance from n <= d images or of dependent features, against another such and against one of full rank."""
    poor, other, full = correlated(n, n, d, rank), correlated(n + 1, n, d, rank), correlated(n + 2, 5 * d, d)
    for a, b in ((poor, other), (poor, full), (full, poor)):
        assert frechet_distance(moments(a), moments(b)) == pytest.approx(by_samples(a, b), rel=1e-10)


def test_dead_dimensions() -> None:
    """Features after a ReLU that never fire, in one set or in both."""
    a, b = np.maximum(correlated(1, 800, 64), 0), np.maximum(correlated(2, 800, 64), 0)
    a[:, 40:] = 0
    b[:, 30:45] = 0
    for left, right in ((a, b), (a, np.maximum(correlated(3, 800, 64), 0))):
        assert frechet_distance(moments(left), moments(right)) == pytest.approx(by_samples(left, right), rel=1e-10)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_constant_features(value: float) -> None:
    """A generator that makes one image: distance |m_a - m_b|^2 + tr S_b."""
    collapsed, full = np.full((50, 16), value), correlated(4, 300, 16)
    expected = ((value - full.mean(0)) ** 2).sum() + np.trace(np.cov(full, rowvar=False))
    assert frechet_distance(moments(collapsed), moments(full)) == pytest.approx(expected, rel=1e-10)
    assert frechet_distance(moments(collapsed), moments(collapsed + 2)) == pytest.approx(64.0, rel=1e-9)


@pytest.mark.parametrize(("n", "d", "rank"), [(400, 64, 64), (30, 64, 64), (400, 64, 5), (2, 8, 8), (40, 8, 0)])
def test_identical_sets_are_at_distance_zero(n: int, d: int, rank: int) -> None:
    features = correlated(1, n, d, rank) if rank else np.ones((n, d))
    assert frechet_distance(moments(features), moments(features.copy())) == 0.0


@pytest.mark.parametrize(("n", "rank"), [(400, 64), (30, 64), (400, 5)])
def test_the_same_images_in_another_order(n: int, rank: int) -> None:
    features = correlated(1, n, 64, rank)
    found = frechet_distance(moments(features), moments(features[::-1].copy()))
    assert 0 <= found < 1e-10 * np.trace(np.cov(features, rowvar=False))


@pytest.mark.parametrize(("rank_a", "rank_b"), [(64, 64), (64, 7), (7, 9)])
def test_symmetric(rank_a: int, rank_b: int) -> None:
    a, b = moments(correlated(1, 300, 64, rank_a)), moments(correlated(2, 400, 64, rank_b))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-12)


def test_never_negative() -> None:
    a = correlated(1, 300, 32)
    for scale in (1e-9, 1e-8, 1e-7):
        assert frechet_distance(moments(a), moments(a * (1 + scale))) >= 0.0


def test_different_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) and \(4,\)"):
        frechet_distance(moments(np.eye(3)), moments(np.eye(4)))


def test_the_metric_is_the_function() -> None:
    a, b = moments(correlated(1, 50, 4)), moments(correlated(2, 50, 4))
    images = torch.zeros(0, 1, 28, 28)
    generated, real = Generated(a, images, Function(lambda z: images)), Real(b, images)
    assert FrechetDistance()(generated, real) == (frechet_distance(a, b),)
