"""Precision, recall and F1: the numbers and their intervals, a generator that knows triangles by heart, the picture."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint
from torch import Tensor

from study import parts
from study.data import triangles
from study.data.catalogue import find
from study.measures import MANIFOLD, load_metric, manifold
from study.measures.contracts import Generated, Real
from study.measures.manifold import Manifold, harmonic, values
from study.measures.moments import Moments
from study.measures.polygons import Polygons
from tests.measures.ranges import Memory

OPTIONS = find("triangles").options
NOTHING = Moments(2, torch.zeros(1), torch.eye(1))  # this metric asks for no features


def images(first: int, count: int) -> Tensor:
    grey = triangles.rasterise(triangles.polygons(range(first, first + count), OPTIONS))
    return torch.from_numpy(grey)[:, None].float() / 64


def metric(samples: int, delta: float = 0.75) -> Manifold:
    few = parts.Manifold(delta=delta, samples=samples, restarts=2, projection_steps=10, inversion_steps=4)
    loaded = load_metric("manifold", few.model_dump(), partial(Polygons, OPTIONS))
    assert isinstance(loaded, Manifold)
    return loaded


def by_heart(known: Tensor, count: int) -> Generated:
    model = Memory(known)
    return Generated(NOTHING, model.sample(model.latents(count, "evaluation")), model)


def named(distances: Tensor, others: Tensor, delta: float) -> dict[str, float]:
    return dict(zip(MANIFOLD, values(distances, others, delta), strict=True))


@pytest.mark.parametrize(("near", "of"), [((3, 7), (10, 10)), ((0, 5), (8, 12)), ((20, 1), (20, 300))])
def test_shares_and_their_intervals(near: tuple[int, int], of: tuple[int, int]) -> None:
    """Beside statsmodels; a distance of exactly delta is near."""
    distances = [torch.cat([torch.full((k,), 0.75), torch.full((n - k,), 0.76)]) for k, n in zip(near, of, strict=True)]
    found = named(*distances, 0.75)
    for name, k, n in zip(("precision", "recall"), near, of, strict=True):
        low, high = proportion_confint(k, n, alpha=0.05, method="beta")
        assert found[name] == k / n
        assert found[f"{name}_low"] == pytest.approx(0 if k == 0 else low, abs=1e-9)
        assert found[f"{name}_high"] == pytest.approx(1 if k == n else high, abs=1e-9)
    box = [proportion_confint(k, n, alpha=1 - 0.95**0.5, method="beta") for k, n in zip(near, of, strict=True)]
    for i, end in enumerate(("low", "high")):
        (p, r) = [float(np.nan_to_num(each[i], nan=i)) for each in box]
        assert found[f"f1_{end}"] == pytest.approx(2 * p * r / (p + r) if p and r else 0, abs=1e-9)
    assert found["f1_low"] <= found["f1"] <= found["f1_high"]


def test_by_hand() -> None:
    """2 of 4 and 3 of 3 are near: F1 = 2 (1/2) 1 / (3/2). None of 3 in 3: the interval ends at 1 - 0.025^(1/3)."""
    found = named(torch.tensor([0.1, 0.2, 1.0, 2.0]), torch.tensor([0.0, 0.3, 0.5]), 0.5)
    assert (found["precision"], found["recall"]) == (0.5, 1.0)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["recall_low"] == pytest.approx(0.025 ** (1 / 3))
    assert found["recall_high"] == 1
    # Of four in order quantile q lies at place 3 q: 0.3, 0.75, 1.5, 2.25, 2.7; of three at 2 q.
    quantiles = [found[f"precision_distance_{percent}"] for percent in (10, 25, 50, 75, 90)]
    assert quantiles == pytest.approx([0.13, 0.175, 0.6, 1.25, 1.7], abs=1e-6)
    quantiles = [found[f"recall_distance_{percent}"] for percent in (10, 25, 50, 75, 90)]
    assert quantiles == pytest.approx([0.06, 0.15, 0.3, 0.4, 0.46], abs=1e-6)


def test_the_order_of_columns() -> None:
    assert MANIFOLD[:3] == ("f1", "precision", "recall")
    found = values(torch.tensor([0.1, 2.0]), torch.tensor([0.2, 0.3]), 0.5)
    assert len(found) == len(MANIFOLD) == 19
    assert found[:3] == (harmonic(0.5, 1.0), 0.5, 1.0)


@pytest.mark.parametrize(("p", "r"), [(0, 1), (1, 0), (0, 0)])
def test_f1_is_0_where_one_of_both_is(p: float, r: float) -> None:
    assert harmonic(p, r) == 0
    far = [torch.full((5,), 1.0 - share) for share in (p, r)]
    found = named(*far, 0.5)
    assert found["f1"] == found["f1_low"] == 0 < found["f1_high"]


@pytest.mark.parametrize("n", [6, 15])
def test_the_box_covers_f1(n: int) -> None:
    """Its coverage at true shares (p, r), summed over all outcomes, is never below 0.95."""
    one = [torch.tensor([0.0] * k + [1.0] * (n - k)) for k in range(n + 1)]
    ends = np.array([[values(a, b, 0.5)[3:5] for b in one] for a in one])  # [n + 1, n + 1, 2]
    assert MANIFOLD[3:5] == ("f1_low", "f1_high")
    for p in (0.02, 0.1, 0.5, 0.83, 0.99):
        for r in (0.02, 0.3, 0.6, 0.97):
            chance = np.outer(binom.pmf(range(n + 1), n, p), binom.pmf(range(n + 1), n, r))
            f1 = 2 * p * r / (p + r)
            covered = (ends[..., 0] <= f1) & (f1 <= ends[..., 1])
            assert chance[covered].sum() >= 0.95


@pytest.mark.parametrize("delta", [0.3, 0.75])
def test_triangles_known_by_heart(delta: float) -> None:
    """Precision 1; recall: the share of test images that are within delta of one of the k."""
    known, tests = images(60_000, 40), images(70_000, 60)
    found = dict(zip(MANIFOLD, metric(48, delta)(by_heart(known, 48), Real(NOTHING, tests)), strict=True))
    nearest = (tests[:48, None] - known).flatten(2).norm(dim=2).min(1).values
    assert found["precision"] == 1
    assert found["precision_distance_90"] < 1e-3
    assert found["recall"] == float((nearest <= delta).double().mean())
    assert found["recall_distance_50"] == pytest.approx(float(nearest.median()), abs=0.1)


def test_precision_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For two splits: the same precision, and recalls of their own."""
    calls: list[int] = []
    project = manifold.nearest

    def counted(*given: object) -> object:
        calls.append(1)
        return project(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(manifold, "nearest", counted)
    made, measured = by_heart(images(60_000, 30), 20), metric(20)
    split, other = (
        dict(zip(MANIFOLD, measured(made, Real(NOTHING, images(at, 20))), strict=True)) for at in (60_000, 70_000)
    )
    assert len(calls) == 1
    assert split["precision"] == other["precision"] == 1
    assert split["recall"] == 1 > other["recall"]


def test_the_picture() -> None:
    """Eight generated ones, theirs, eight, theirs, then real ones likewise; each from the least distance on."""
    measured, known = metric(40), images(60_000, 30)
    made = by_heart((known + 0.2 * torch.rand(known.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1), 40)
    tests = images(70_000, 40)
    measured(made, Real(NOTHING, tests))
    picture = measured.picture()
    measured(made, Real(NOTHING, images(60_000, 40)))
    assert torch.equal(measured.picture(), picture)  # of the first split
    assert picture.shape == (64, 1, 28, 28)
    rows = picture.reshape(8, 8, 784)
    geometry = Polygons(OPTIONS, "recipe")
    valid = geometry.exact(geometry.draws(100)).unique()
    for above, below, theirs in ((0, 1, made.images), (2, 3, made.images), (4, 5, tests), (6, 7, tests)):
        flat = theirs.flatten(1)
        assert all((flat == each).all(1).any() for each in rows[above])
        distances = (rows[above] - rows[below]).norm(dim=1)
        assert (distances.diff() >= -1e-5).all()
    assert torch.isin(rows[[1, 3]].unique(), valid).all()
    assert all((made.model.images.flatten(1) == each).all(1).any() for each in rows[[5, 7]].flatten(0, 1))  # type: ignore[attr-defined]


def test_a_picture_of_few() -> None:
    """Five of each kind: four rows that end in three blanks."""
    measured = metric(5)
    measured(by_heart(images(60_000, 30), 5), Real(NOTHING, images(70_000, 5)))
    rows = measured.picture().reshape(4, 8, 784)
    assert (rows[:, 5:] == 1).all()
    assert (rows[:, :5] < 1).any(2).all()
