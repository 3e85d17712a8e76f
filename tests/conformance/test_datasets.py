"""What every data set promises: an entry that makes sense and a recipe that fills it."""

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pytest

from study.data import cifar10, idx
from study.data.catalogue import DATASETS, Dataset, describe_own, find
from study.data.source import Split
from study.errors import StudyError
from tests.data import official

FOUR = (3_906, 7_812, 11_718, 15_625)
GREY = ((1, 28, 28), {"train": 60_000, "test": 10_000}, 15_625, FOUR)
POLYGONS = ((1, 28, 28), {"train": 60_000, "test": 10_000, "holdout": 10_000}, 15_625, FOUR)
PUBLISHED = {  # shape, images per split, steps, evaluations
    "mnist": GREY,
    "fashion": GREY,
    "cifar10": (
        (3, 32, 32), {"train": 50_000, "test": 10_000}, 78_125, (*range(3_906, 74_215, 3_906), 78_125),
    ),
    "celeba": (
        (3, 64, 64), {"train": 162_770, "validation": 19_867, "test": 19_962}, 101_250,
        (12_656, 25_312, 37_968, 50_624, 63_280, 75_936, 88_592, 101_250),
    ),
    "triangles": POLYGONS,
    "triangles_turned": POLYGONS,
}  # fmt: skip
REPORTED = {"celeba": "validation"}  # of all others: test


@pytest.mark.parametrize("name", DATASETS)
def test_the_entry_makes_sense(name: str) -> None:
    dataset = find(name)
    assert dataset.name == name
    assert {"train", dataset.selection, dataset.reporting} <= set(dataset.splits)
    assert dataset.selection != dataset.reporting != "train"
    assert all(count is not None and count > 0 for count in dataset.splits.values())
    channels, height, width = dataset.shape
    assert channels in (1, 3)
    assert height % 4 == width % 4 == 0
    assert 1 <= dataset.levels <= 255
    assert dataset.classes >= 0
    assert list(dataset.evaluations) == sorted(set(dataset.evaluations))
    assert dataset.evaluations[0] > 0
    assert dataset.evaluations[-1] == dataset.steps
    assert callable(importlib.import_module(dataset.recipe).build)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_numbers(name: str) -> None:
    dataset = find(name)
    assert (dataset.shape, dataset.splits, dataset.steps, dataset.evaluations) == PUBLISHED[name]
    assert dataset.reporting == REPORTED.get(name, "test")


def test_ones_own_images_make_an_entry() -> None:
    dataset = describe_own("mine", {"images": "a/folder", "size": 32, "channels": 3})
    assert (dataset.name, dataset.shape, dataset.levels, dataset.classes) == ("mine", (3, 32, 32), 255, 0)
    assert dataset.splits == dict.fromkeys(("train", "validation", "test"))
    assert (dataset.selection, dataset.reporting) == ("validation", "test")
    assert callable(importlib.import_module(dataset.recipe).build)


def test_described_polygons_make_an_entry() -> None:
    """Like the triangles of the catalogue but for their vertices and rotation, and without a published schedule."""
    dataset, triangles = describe_own("mine", {"vertices": 5, "rotation": "full"}), find("triangles")
    options = {"vertices": 5, "rotation_turns": 1.0}
    assert dataset == dataclasses.replace(triangles, name="mine", steps=None, evaluations=(), options=options)
    again = describe_own("triangles", {"vertices": 3, "rotation": "published"})
    assert again == dataclasses.replace(triangles, steps=None, evaluations=())


def test_polygons_alone_have_exact_geometry() -> None:
    for dataset in (*DATASETS.values(), describe_own("mine", {"images": "a", "size": 32, "channels": 3})):
        assert (dataset.geometry is not None) == ("vertices" in dataset.options)
        if dataset.geometry is not None:
            module, _, name = dataset.geometry.partition(":")
            assert isinstance(getattr(importlib.import_module(module), name), type)


def small(dataset: Dataset, data: Path, patch: pytest.MonkeyPatch) -> Dataset:
    """The entry with fewer images, and files of so many in their official format; Fashion-MNIST with all of its own."""
    if dataset.name == "fashion":
        if not idx.DEBIAN.is_dir():
            pytest.skip(f"{idx.DEBIAN} is not there")
        return dataset
    counts = {split: 200 - 50 * i for i, split in enumerate(dataset.splits)}
    if dataset.recipe == "study.data.idx":
        official.write_idx(data / "raw" / dataset.name, counts, *dataset.shape[1:])
    elif dataset.recipe == "study.data.cifar10":
        reader, _ = official.write_cifar10(data / "raw" / dataset.name, counts)
        patch.setattr(cifar10, "CIFAR10", reader)
    elif dataset.recipe == "study.data.celeba":
        official.write_celeba(data / "raw" / dataset.name, counts)
    return dataclasses.replace(dataset, splits=counts)


Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module", params=DATASETS)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Dataset, list[Split], Arrays]:
    data = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        dataset = small(find(request.param), data, patch)
        splits = list(importlib.import_module(dataset.recipe).build(dataset, data))
        return dataset, splits, {split.name: np.concatenate(list(split.images)) for split in splits}


def test_the_recipe_fills_the_entry(built: tuple[Dataset, list[Split], Arrays]) -> None:
    dataset, splits, arrays = built
    assert [split.name for split in splits] == list(dataset.splits)
    for name, images in arrays.items():
        assert images.shape == (dataset.splits[name], *dataset.shape)
        assert images.dtype == np.uint8
        assert (int(images.min()), int(images.max())) == (0, dataset.levels)


def test_labels_are_there_where_there_are_classes(built: tuple[Dataset, list[Split], Arrays]) -> None:
    dataset, splits, arrays = built
    for split in splits:
        if dataset.classes:
            assert split.labels is not None
            assert split.labels.dtype == np.uint8
            per_class = len(arrays[split.name]) // dataset.classes
            assert np.bincount(split.labels).tolist() == [per_class] * dataset.classes
        else:
            assert split.labels is None


def test_every_split_says_where_it_is_from(built: tuple[Dataset, list[Split], Arrays]) -> None:
    for split in built[1]:
        assert split.sources
        for source in split.sources:
            assert source.origin
            assert source.path
            assert (source.sha256 is None) == source.origin.startswith("generated")
            assert source.sha256 is None or (len(source.sha256) == 64 and Path(source.path).is_file())


def test_no_image_is_in_two_splits(built: tuple[Dataset, list[Split], Arrays]) -> None:
    """Fashion-MNIST shares no image between its official splits either; a shared seed would share them all."""
    seen = [{image.tobytes() for image in images[:200]} for images in built[2].values()]
    assert sum(map(len, seen)) == len(set().union(*seen))


def test_an_unknown_data_set_names_the_known() -> None:
    with pytest.raises(StudyError, match=r"'triangle' is not a data set; did you mean 'triangles'\?; valid: mnist, fa"):
        find("triangle")
