"""What every data set promises: an entry that makes sense and a recipe that fills it."""

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pytest

from study.data import fashion
from study.data.catalogue import DATASETS, Dataset, find
from study.data.source import Split
from study.errors import StudyError

PUBLISHED = {  # training and test images, steps, evaluations
    "fashion": (60_000, 10_000, 15_625, (3_906, 7_812, 11_718, 15_625)),
    "triangles": (60_000, 10_000, 15_625, (3_906, 7_812, 11_718, 15_625)),
}


@pytest.mark.parametrize("name", DATASETS)
def test_the_entry_makes_sense(name: str) -> None:
    dataset = find(name)
    assert dataset.name == name
    assert {"train", "test"} <= set(dataset.splits)
    assert all(count > 0 for count in dataset.splits.values())
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
def test_the_published_counts(name: str) -> None:
    dataset = find(name)
    assert (dataset.splits["train"], dataset.splits["test"], dataset.steps, dataset.evaluations) == PUBLISHED[name]
    assert dataset.shape == (1, 28, 28)


def small(dataset: Dataset) -> Dataset:
    """A generated set is tried with few images; official files come with all of theirs."""
    if dataset.recipe == "study.data.fashion":
        return dataset
    return dataclasses.replace(dataset, splits=dict.fromkeys(dataset.splits, 200))


@pytest.fixture(scope="module", params=DATASETS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, list[Split]]:
    dataset = find(request.param)
    if dataset.recipe == "study.data.fashion" and not fashion.DEBIAN.is_dir():
        pytest.skip(f"{fashion.DEBIAN} is not there")
    dataset = small(dataset)
    recipe = importlib.import_module(dataset.recipe)
    return dataset, list(recipe.build(dataset, tmp_path_factory.mktemp("data")))


def test_the_recipe_fills_the_entry(built: tuple[Dataset, list[Split]]) -> None:
    dataset, splits = built
    assert [split.name for split in splits] == list(dataset.splits)
    for split in splits:
        assert split.images.shape == (dataset.splits[split.name], *dataset.shape)
        assert split.images.dtype == np.uint8
        assert (int(split.images.min()), int(split.images.max())) == (0, dataset.levels)


def test_labels_are_there_where_there_are_classes(built: tuple[Dataset, list[Split]]) -> None:
    dataset, splits = built
    for split in splits:
        if dataset.classes:
            assert split.labels is not None
            assert split.labels.dtype == np.uint8
            assert np.bincount(split.labels).tolist() == [len(split.images) // dataset.classes] * dataset.classes
        else:
            assert split.labels is None


def test_every_split_says_where_it_is_from(built: tuple[Dataset, list[Split]]) -> None:
    for split in built[1]:
        assert split.sources
        for source in split.sources:
            assert source.origin
            assert source.path
            assert (source.sha256 is None) == source.origin.startswith("generated")
            assert source.sha256 is None or (len(source.sha256) == 64 and Path(source.path).is_file())


def test_no_image_is_in_two_splits(built: tuple[Dataset, list[Split]]) -> None:
    """Fashion-MNIST shares no image between its official splits either; a shared seed would share them all."""
    seen = [{image.tobytes() for image in split.images[:200]} for split in built[1]]
    assert sum(map(len, seen)) == len(set().union(*seen))


def test_an_unknown_data_set_names_the_known() -> None:
    with pytest.raises(StudyError, match=r"'triangle' is not a data set; did you mean 'triangles'\?; valid: fashion"):
        find("triangle")
