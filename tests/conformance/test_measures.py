"""What every extractor and every metric promises."""

import re

import pytest
import torch
from torch import Tensor

from study.errors import StudyError
from study.measures import EXTRACTORS, METRICS, columns, load_extractor, load_metric
from study.measures.moments import Moments, MomentsStream
from study.results import schema

PAIRS = [(metric, extractor) for metric in METRICS for extractor in EXTRACTORS]


def images(extractor: str, n: int = 4, seed: int = 0) -> Tensor:
    shape = EXTRACTORS[extractor].shape or (3, 32, 32)
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))


def moments(extractor: str, seed: int) -> Moments:
    loaded = load_extractor(extractor)
    stream = MomentsStream(loaded.dimension)
    stream.add(loaded(images(extractor, 12, seed)).features)
    return stream.moments()


@pytest.mark.parametrize("name", EXTRACTORS)
def test_an_extractor_is_what_its_entry_says(name: str) -> None:
    extractor, entry = load_extractor(name), EXTRACTORS[name]
    assert (extractor.name, entry.name, extractor.dimension) == (name, name, entry.dimension)
    assert re.fullmatch("[0-9a-f]{64}", extractor.sha256)
    assert re.fullmatch("[a-z0-9_]+", name)
    found = extractor(images(name))
    assert found.features.shape == (4, entry.dimension)
    assert found.features.dtype.is_floating_point
    assert bool(torch.isfinite(found.features).all())
    assert float(found.features.std(0).max()) > 0
    if found.probabilities is not None:
        assert found.probabilities.sum(1).tolist() == pytest.approx([1.0] * 4, abs=1e-5)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_an_extractor_is_a_fixed_function(name: str) -> None:
    extractor = load_extractor(name)
    first = extractor(images(name)).features
    assert not extractor.module.training
    assert not any(parameter.requires_grad for parameter in extractor.module.parameters())
    torch.manual_seed(5)
    assert torch.equal(load_extractor(name)(images(name)).features, first)
    assert not torch.equal(extractor(images(name, seed=1)).features, first)


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_columns_are_metric_columns_of_the_table(metric: str, extractor: str) -> None:
    names = columns(metric, extractor)
    assert len(names) == len(set(names)) > 0
    for name in names:
        assert schema.METRIC.fullmatch(name)
        assert name not in schema.COLUMNS
        assert schema.field(name).type == schema.NUMBER
        assert schema.is_measured(name)


def test_no_two_metrics_share_a_column() -> None:
    names = [name for metric, extractor in PAIRS for name in columns(metric, extractor)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_a_metric_gives_a_number_per_column(metric: str, extractor: str) -> None:
    generated, real = moments(extractor, 1), moments(extractor, 2)
    found = load_metric(metric)(generated, real)
    assert isinstance(found, tuple)
    assert len(found) == len(columns(metric, extractor))
    assert all(type(value) is float and value == value for value in found)
    assert load_metric(metric)(generated, real) == found


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_better_is_better(metric: str, extractor: str) -> None:
    """Real images against themselves are at least as good as noise against them."""
    real, noise = moments(extractor, 1), moments(extractor, 2)
    perfect, other = load_metric(metric)(real, real)[0], load_metric(metric)(noise, real)[0]
    assert perfect < other if METRICS[metric].lower_is_better else perfect > other


def test_the_distance_column_carries_its_extractor() -> None:
    assert columns("fd", "cnn28") == ("fd_cnn28",)


def test_unknown_names_name_the_known() -> None:
    with pytest.raises(StudyError, match=r"'cnn' is not an extractor; did you mean 'cnn28'\?; valid: cnn28"):
        load_extractor("cnn")
    with pytest.raises(StudyError, match=r"'fid' is not a metric.*valid: fd"):
        load_metric("fid")
