"""Streamed moments against numpy's mean and covariance, for any split into batches."""

import gc
import weakref

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from study.measures.moments import Moments, MomentsStream

Array = npt.NDArray[np.float64]


def stream(parts: list[Array]) -> MomentsStream:
    made = MomentsStream(parts[0].shape[1])
    for part in parts:
        made.add(torch.from_numpy(part))
    return made


def cut(features: Array, places: list[int]) -> list[Array]:
    return [part for part in np.split(features, sorted(places)) if len(part)]


def check(found: Moments, features: Array, tolerance: float) -> None:
    assert found.count == len(features)
    assert found.mean.dtype == found.covariance.dtype == torch.float64
    scale = features.std() + 1e-300
    np.testing.assert_allclose(found.mean.numpy(), features.mean(0), rtol=1e-14, atol=tolerance * scale)
    expected = np.cov(features, rowvar=False, ddof=1).reshape(features.shape[1], features.shape[1])
    np.testing.assert_allclose(found.covariance.numpy(), expected, rtol=0, atol=tolerance * scale**2)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(2, 60), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_any_split_gives_numpys_moments(data: st.DataObject, n: int, d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)
    places = data.draw(st.lists(st.integers(0, n), max_size=8))
    check(stream(cut(features, places)).moments(), features, 1e-12)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(7)), st.integers(0, 2**32 - 1))
def test_the_order_of_batches_does_not_matter(order: list[int], seed: int) -> None:
    parts = np.array_split(np.random.default_rng(seed).normal(size=(40, 4)) + 3, 7)
    straight, shuffled = stream(parts).moments(), stream([parts[i] for i in order]).moments()
    torch.testing.assert_close(straight.mean, shuffled.mean, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(straight.covariance, shuffled.covariance, rtol=1e-12, atol=1e-12)


def test_known_moments() -> None:
    found = stream([np.array([[0.0, 0.0]]), np.array([[2.0, 0.0], [1.0, 3.0]])]).moments()
    assert found.mean.tolist() == pytest.approx([1.0, 1.0])
    assert found.covariance.tolist() == [pytest.approx([1.0, 0.0]), pytest.approx([0.0, 3.0])]


def test_a_large_offset_cancels_nothing() -> None:
    """E x^2 - (E x)^2 at an offset of 1e6 would keep four digits of a variance of 1."""
    centred = np.random.default_rng(3).normal(size=(500, 6))
    found = stream(np.array_split(centred + 1e6, 9)).moments()
    np.testing.assert_allclose(found.covariance.numpy(), np.cov(centred, rowvar=False), rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.mean.numpy() - 1e6, centred.mean(0), rtol=0, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_short_floats_are_summed_in_float64(dtype: torch.dtype) -> None:
    values = torch.randn(300, 3, generator=torch.Generator().manual_seed(0)).add(100).to(dtype)
    made = MomentsStream(3)
    for part in values.split(7):
        made.add(part)
    check(made.moments(), values.double().numpy(), 1e-10)


def test_memory_does_not_grow() -> None:
    made = MomentsStream(5)
    sizes, kept = [], []
    for _ in range(30):
        batch = torch.ones(64, 5)
        kept.append(weakref.ref(batch))
        made.add(batch)
        del batch
        held = [value for value in vars(made).values() if isinstance(value, torch.Tensor)]
        assert all(isinstance(value, int | torch.Tensor) for value in vars(made).values())
        sizes.append(sum(value.numel() for value in held))
    gc.collect()
    assert sizes == [5 + 25] * 30
    assert [reference() for reference in kept] == [None] * 30


def test_what_was_handed_out_stays_as_it_was() -> None:
    made = stream([np.array([[0.0], [2.0]])])
    first = made.moments()
    made.add(torch.tensor([[10.0]], dtype=torch.float64))
    assert (first.count, first.mean.tolist(), first.covariance.tolist()) == (2, [1.0], [[2.0]])
    assert made.moments().mean.tolist() == [4.0]


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_vectors_have_no_covariance(n: int) -> None:
    made = MomentsStream(2)
    if n:
        made.add(torch.ones(n, 2))
    with pytest.raises(ValueError, match=f"at least 2 feature vectors, got {n}"):
        made.moments()


@pytest.mark.parametrize("first", [True, False])
def test_an_empty_batch_changes_nothing(first: bool) -> None:
    empty, full = np.zeros((0, 2)), np.array([[0.0, 1.0], [2.0, 5.0]])
    found = stream([empty, full] if first else [full, empty]).moments()
    check(found, full, 1e-14)


@pytest.mark.parametrize(("n", "rank"), [(500, 8), (500, 3), (5, 4), (2, 1)])
def test_factor_squares_to_the_covariance(n: int, rank: int) -> None:
    """Also where n is not above the dimension, or features depend on each other."""
    rng = np.random.default_rng(n + rank)
    found = stream([rng.normal(size=(n, rank)) @ rng.normal(size=(rank, 8))]).moments()
    torch.testing.assert_close(found.factor @ found.factor.T, found.covariance, rtol=0, atol=1e-13 * rank * 10)
