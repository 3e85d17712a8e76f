"""What every extractor and every metric promises."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

import pytest
import torch
from torch import Tensor

from study import durable
from study.data import triangles
from study.data.catalogue import DATASETS
from study.errors import StudyError
from study.measures import EXTRACTORS, METRICS, columns, fits, load_extractor, load_geometry, load_metric
from study.measures.contracts import Extractor, Generated, Metric, Picturing, Real
from study.measures.moments import MomentsStream
from study.measures.protocol import SELECTION
from study.parts import Manifold, Measure, measurable
from study.results import schema
from tests.measures import random_inception
from tests.measures.models import memory

COUNT = 12  # images
SMALL = {"manifold": Manifold(samples=COUNT, restarts=2, projection_steps=5, inversion_steps=2).model_dump()}
PAIRS = [(metric, extractor) for metric in METRICS for extractor in EXTRACTORS if fits(metric, extractor)]
Load = Callable[[str], Extractor]
Look = Callable[[str, str], tuple[Generated, Real]]
Of = Callable[[str, str], tuple[float, ...]]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Extractors with the weights that ship, or with random numbers in their place."""
    weights = {"cnn28": None, "inception": random_inception.all_alive(tmp_path_factory.getbasetemp())}
    return lambda name: load_extractor(name, weights[name])


@pytest.fixture(scope="module")
def look(load: Load) -> Look:
    """What an evaluation has of polygons or of noise, by extractor, as what was generated and as what is real."""

    @cache
    def made(extractor: str, what: str) -> tuple[Generated, Real]:
        loaded = load(extractor)
        seen = shown(what)
        stream = MomentsStream(loaded.dimension)
        stream.add(loaded(seen).features)
        return Generated(stream.moments(), seen, memory(seen)), Real(stream.moments(), seen)

    return made


@pytest.fixture(scope="module")
def of_noise(look: Look) -> Of:
    """What a metric says of noise against polygons, by metric and extractor."""

    @cache
    def measured(metric: str, extractor: str) -> tuple[float, ...]:
        return metric_of(metric)(look(extractor, "noise")[0], look(extractor, "0")[1])

    return measured


def shown(what: str) -> Tensor:
    """12 grey images of 28x28: noise, or polygons from this one on."""
    if what == "noise":
        return torch.rand(COUNT, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    drawn = triangles.polygons(range(int(what), int(what) + COUNT), DATASETS["triangles"].options)
    return torch.from_numpy(triangles.rasterise(drawn))[:, None].float() / 64


def metric_of(name: str) -> Metric:
    """With small constants, where it has any, and the triangles' geometry."""
    dataset = DATASETS["triangles"]
    assert dataset.geometry is not None
    found: Metric = load_metric(name, SMALL.get(name, {}), load_geometry(dataset.geometry, dataset.options))
    return found


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
    """And one that takes no features has the same columns whatever the extractor."""
    names = [name for metric in METRICS for name in {n: None for m, e in PAIRS if m == metric for n in columns(m, e)}]
    assert len(names) == len(set(names))
    for metric in METRICS:
        found = {columns(metric, extractor) for name, extractor in PAIRS if name == metric}
        assert len(found) == 1 or "features" in METRICS[metric].needs


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_a_metric_gives_a_number_per_column(metric: str, extractor: str, look: Look, of_noise: Of) -> None:
    """The same for the same input."""
    found = of_noise(metric, extractor)
    assert isinstance(found, tuple)
    assert len(found) == len(columns(metric, extractor))
    assert all(type(value) is float and value == value for value in found)
    assert metric_of(metric)(look(extractor, "noise")[0], look(extractor, "0")[1]) == found


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_better_is_better(metric: str, extractor: str, look: Look, of_noise: Of) -> None:
    """Of the first column: real images against themselves are better than noise against them."""
    perfect, other = metric_of(metric)(*look(extractor, "0"))[0], of_noise(metric, extractor)[0]
    assert perfect < other if METRICS[metric].lower_is_better else perfect > other


class Untouchable:
    """Stands for what a metric has not asked for."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"it took {name} of what it does not say that it needs")

    def __getitem__(self, key: object) -> NoReturn:
        raise AssertionError("it took a part of what it does not say that it needs")


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_a_metric_says_what_it_needs(metric: str, extractor: str, look: Look, of_noise: Of) -> None:
    """It gives the same numbers where it gets nothing else."""
    (generated, _), (_, real), needs = look(extractor, "noise"), look(extractor, "0"), METRICS[metric].needs
    assert needs <= {"features", "images", "model", "geometry"}
    assert needs

    def given(need: str, value: Any) -> Any:
        return value if need in needs else Untouchable()

    lean = Generated(
        given("features", generated.moments), given("images", generated.images), given("model", generated.model)
    )
    against = Real(given("features", real.moments), given("images", real.images))
    geometry = load_geometry("study.measures.polygons:Polygons", DATASETS["triangles"].options)
    found = load_metric(metric, SMALL.get(metric, {}), given("geometry", geometry))(lean, against)
    assert found == of_noise(metric, extractor)


@pytest.mark.parametrize("metric", METRICS)
def test_what_a_metric_asks_for_can_be_had(metric: str) -> None:
    """Every data set that can be measured has it; a study has the constants of what it measures, and no others."""
    entry = METRICS[metric]
    extractor = next(name for name in EXTRACTORS if fits(metric, name))
    first = next(name for name, other in METRICS.items() if other.lower_is_better and fits(name, extractor))
    measure = Measure(extractor=extractor, metrics=list(dict.fromkeys([first, metric])))
    for dataset in DATASETS.values():
        protocol = measure.protocol(dataset)
        assert (metric in protocol.metrics) == measurable(metric, dataset)
        assert measurable(metric, dataset) == ("geometry" not in entry.needs or dataset.geometry is not None)
        assert set(protocol.constants) == {*protocol.metrics} & {*SMALL}
        assert ("images" in entry.needs and measurable(metric, dataset)) == (protocol.images > 0)
    assert any(measurable(metric, dataset) for dataset in DATASETS.values())


@pytest.mark.parametrize("metric", [name for name, entry in METRICS.items() if not entry.lower_is_better])
def test_what_is_better_when_higher_chooses_nothing(metric: str) -> None:
    with pytest.raises(ValueError, match=f"{metric} is better when it is higher; put one of fd, fid before it"):
        Measure(metrics=[metric, "fd"])


@pytest.mark.parametrize(("metric", "extractor"), PAIRS)
def test_what_a_metric_shows_is_images_in_rows_of_eight(metric: str, extractor: str, look: Look) -> None:
    (generated, _), (_, real), loaded = look(extractor, "noise"), look(extractor, "0"), metric_of(metric)
    if isinstance(loaded, Picturing):
        loaded(generated, real)
        found = loaded.picture()
        assert found.shape[1:] == real.images.shape[1:]
        assert len(found) % 8 == 0 < len(found)
        assert bool(((found >= 0) & (found <= 1)).all())


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
    with pytest.raises(StudyError, match=r"'fidd' is not a metric; did you mean 'fid'\?; valid: fd, fid, manifold"):
        load_metric("fidd", {})
