"""What every extractor and every metric promises."""

import re
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor

from study import durable
from study.errors import StudyError
from study.measures import EXTRACTORS, METRICS, columns, fits, load_extractor, load_metric
from study.measures.contracts import Extractor
from study.measures.moments import Moments, MomentsStream
from study.measures.protocol import SELECTION
from study.results import schema
from tests.measures import random_inception

PAIRS = [(metric, extractor) for metric in METRICS for extractor in EXTRACTORS if fits(metric, extractor)]
Load = Callable[[str], Extractor]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Extractors with the weights that ship, or with random numbers in their place."""
    weights = {"cnn28": None, "inception": random_inception.all_alive(tmp_path_factory.getbasetemp())}
    return lambda name: load_extractor(name, weights[name])


@pytest.fixture(scope="module")
def moments(load: Load) -> Callable[[str, int], Moments]:
    """Of 12 random images, by extractor and seed."""

    @cache
    def made(extractor: str, seed: int) -> Moments:
        loaded = load(extractor)
        stream = MomentsStream(loaded.dimension)
        stream.add(loaded(images(extractor, 12, seed)).features)
        return stream.moments()

    return made


def images(extractor: str, n: int = 4, seed: int = 0) -> Tensor:
    shape = EXTRACTORS[extractor].shape or (3, 32, 32)
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", EXTRACTORS)
def test_an_extractor_is_what_its_entry_says(name: str, load: Load) -> None:
    extractor, entry = load(name), EXTRACTORS[name]
    assert (extractor.name, entry.name, extractor.dimension) == (name, name, entry.dimension)
    assert re.fullmatch("[0-9a-f]{64}", extractor.sha256)
    assert extractor.sha256 == durable.sha256(extractor.weights)
    assert extractor.origin
    assert re.fullmatch("[a-z0-9_]+", name)
    found = extractor(images(name))
    assert found.features.shape == (4, entry.dimension)
    assert found.features.dtype.is_floating_point
    assert bool(torch.isfinite(found.features).all())
    assert float(found.features.std(0).max()) > 0
    if found.probabilities is not None:
        assert found.probabilities.sum(1).tolist() == pytest.approx([1.0] * 4, abs=1e-5)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_an_extractor_is_a_fixed_function(name: str, load: Load) -> None:
    extractor = load(name)
    first = extractor(images(name)).features
    assert not extractor.module.training
    assert not any(parameter.requires_grad for parameter in extractor.module.parameters())
    torch.manual_seed(5)
    assert torch.equal(load(name)(images(name)).features, first)
    assert not torch.equal(extractor(images(name, seed=1)).features, first)


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_columns_are_metric_columns_of_the_table(metric: str, extractor: str) -> None:
    names = columns(metric, extractor)
    assert len(names) == len(set(names)) > 0
    for name in (*names, *(name + SELECTION for name in names)):
        assert schema.METRIC.fullmatch(name)
        assert name not in schema.COLUMNS
        assert schema.field(name).type == schema.NUMBER
        assert schema.is_measured(name)


def test_no_two_metrics_share_a_column() -> None:
    names = [name for metric, extractor in PAIRS for name in columns(metric, extractor)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_a_metric_gives_a_number_per_column(
    metric: str, extractor: str, moments: Callable[[str, int], Moments]
) -> None:
    generated, real = moments(extractor, 1), moments(extractor, 2)
    found = load_metric(metric)(generated, real)
    assert isinstance(found, tuple)
    assert len(found) == len(columns(metric, extractor))
    assert all(type(value) is float and value == value for value in found)
    assert load_metric(metric)(generated, real) == found


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_better_is_better(metric: str, extractor: str, moments: Callable[[str, int], Moments]) -> None:
    """Real images against themselves are at least as good as noise against them."""
    real, noise = moments(extractor, 1), moments(extractor, 2)
    perfect, other = load_metric(metric)(real, real)[0], load_metric(metric)(noise, real)[0]
    assert perfect < other if METRICS[metric].lower_is_better else perfect > other


def test_the_distance_column_carries_its_extractor() -> None:
    assert columns("fd", "cnn28") == ("fd_cnn28",)
    assert columns("fid", "inception") == ("fid",)


def test_the_name_fid_is_inceptions() -> None:
    assert {pair: fits(*pair) for pair in ((m, e) for m in ("fd", "fid") for e in ("cnn28", "inception"))} == {
        ("fd", "cnn28"): True, ("fd", "inception"): False, ("fid", "cnn28"): False, ("fid", "inception"): True,
    }  # fmt: skip


def test_unknown_names_name_the_known() -> None:
    with pytest.raises(StudyError, match=r"'cnn' is not an extractor; did you mean 'cnn28'\?; valid: cnn28, inception"):
        load_extractor("cnn", None)
    with pytest.raises(StudyError, match=r"'fidd' is not a metric; did you mean 'fid'\?; valid: fd, fid"):
        load_metric("fidd")
