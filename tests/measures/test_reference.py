"""The real images' moments: computed once, read ever after, made again where the file is damaged."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import numpy as np
import pytest
import torch
from torch import Tensor

from study.data.catalogue import find
from study.data.prepare import Prepared, open_prepared
from study.measures import load_extractor
from study.measures import reference as module
from study.measures.contracts import Extractor, Features
from study.measures.moments import Moments
from study.measures.protocol import Protocol
from study.measures.reference import reference, reference_file
from tests.conftest import APART


def protocol(real: int, *, quantised: bool = False) -> Protocol:
    return Protocol("cnn28", None, ("fd",), 100, real, "train", "test", quantised)


class Counting:
    """The extractor, counting images."""

    def __init__(self) -> None:
        self._inner: Extractor = load_extractor("cnn28", None)
        self.name, self.dimension, self.sha256 = self._inner.name, self._inner.dimension, self._inner.sha256
        self.module = self._inner.module
        self.images = 0

    def __call__(self, images: Tensor) -> Features:
        self.images += len(images)
        return self._inner(images)


@pytest.fixture
def prepared(data: Path, tmp_path: Path) -> Prepared:
    """A copy of triangles_tiny, to be damaged at will."""
    shutil.copytree(data / "triangles_tiny", tmp_path / "triangles_tiny")
    return open_prepared(find("triangles_tiny"), tmp_path)


def same(a: Moments, b: Moments) -> bool:
    parts = ((a.mean, b.mean), (a.covariance, b.covariance), (a.factor, b.factor))
    return a.count == b.count and all(x.dtype == y.dtype == torch.float64 and torch.equal(x, y) for x, y in parts)


def test_the_numbers_are_those_of_the_first_images(prepared: Prepared, tmp_path: Path) -> None:
    extractor = Counting()
    found = reference(prepared, "test", protocol(150), extractor, tmp_path)
    with torch.inference_mode():
        images = torch.from_numpy(prepared.images("test")[:150].astype(np.float32) / 64)
        features = extractor(images).features.double().numpy()
    assert found.count == 150
    np.testing.assert_allclose(found.mean.numpy(), features.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.covariance.numpy(), np.cov(features, rowvar=False), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose((found.factor @ found.factor.T).numpy(), found.covariance.numpy(), atol=1e-9)


def test_images_pass_in_batches_and_none_twice(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 64)
    extractor = Counting()
    in_batches = reference(prepared, "test", protocol(150), extractor, tmp_path)
    assert extractor.images == 150
    monkeypatch.setattr(module, "BATCH", 500)
    at_once = reference(prepared, "test", protocol(150), extractor, tmp_path / "elsewhere")
    np.testing.assert_allclose(in_batches.mean.numpy(), at_once.mean.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(in_batches.covariance.numpy(), at_once.covariance.numpy(), rtol=1e-4, atol=1e-5)


def test_the_second_call_reads_the_file(prepared: Prepared, tmp_path: Path) -> None:
    extractor = Counting()
    first = reference(prepared, "test", protocol(100), extractor, tmp_path)
    path = reference_file(prepared, "test", protocol(100), extractor, tmp_path)
    before = path.read_bytes(), path.stat().st_ino
    (tmp_path / "triangles_tiny" / "test.npy").unlink()
    again = reference(prepared, "test", protocol(100), extractor, tmp_path)
    assert same(again, first)
    assert "factor" in again.__dict__  # factored once, too
    assert extractor.images == 100
    assert (path.read_bytes(), path.stat().st_ino) == before
    with pytest.raises(FileNotFoundError):
        reference(prepared, "test", protocol(101), extractor, tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"garbage",
        lambda whole: b".",
        lambda whole: b"\x80\x02.",
        lambda whole: b"X",
    ],
    ids=["empty", "half", "text", "stop-code", "pickle-stop", "legacy"],
)
def test_a_damaged_file_is_made_again(damage: Callable[[bytes], bytes], prepared: Prepared, tmp_path: Path) -> None:
    extractor = Counting()
    first = reference(prepared, "test", protocol(100), extractor, tmp_path)
    path = reference_file(prepared, "test", protocol(100), extractor, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert same(reference(prepared, "test", protocol(100), extractor, tmp_path), first)
    assert extractor.images == 200
    assert same(reference(prepared, "test", protocol(100), extractor, tmp_path), first)
    assert extractor.images == 200


@pytest.mark.parametrize("content", [{"count": 100}, [1, 2]])
def test_a_foreign_file_is_made_again(content: object, prepared: Prepared, tmp_path: Path) -> None:
    extractor = Counting()
    path = reference_file(prepared, "test", protocol(100), extractor, tmp_path)
    path.parent.mkdir()
    torch.save(content, path)
    assert reference(prepared, "test", protocol(100), extractor, tmp_path).count == 100
    assert extractor.images == 100


def test_every_part_that_the_numbers_depend_on_has_its_own_file(prepared: Prepared, tmp_path: Path) -> None:
    extractor, other = Counting(), Counting()
    other.sha256 = "0" * 64
    files = [
        reference_file(prepared, "test", protocol(100), extractor, tmp_path),
        reference_file(prepared, "train", protocol(100), extractor, tmp_path),
        reference_file(prepared, "test", protocol(101), extractor, tmp_path),
        reference_file(prepared, "test", protocol(100), other, tmp_path),
        reference_file(replace(prepared, sha256="0" * 64), "test", protocol(100), extractor, tmp_path),
        reference_file(replace(prepared, dataset=find("triangles")), "test", protocol(100), extractor, tmp_path),
    ]
    assert len(set(files)) == 6
    assert files[0] == reference_file(prepared, "test", protocol(100), Counting(), tmp_path)


def make_reference(data: Path, log: Path) -> None:
    """Appends to the log how many images it had to look at."""
    extractor = Counting()
    reference(open_prepared(find("triangles_tiny"), data), "train", protocol(1000), extractor, data)
    with log.open("a") as file:
        file.write(f"{extractor.images}\n")


def test_of_two_processes_at_once_one_computes(prepared: Prepared, tmp_path: Path) -> None:
    log = tmp_path / "log"
    both = [APART.Process(target=make_reference, args=(tmp_path, log)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert sorted(map(int, log.read_text().split())) == [0, 1000]
    extractor = Counting()
    assert reference(prepared, "train", protocol(1000), extractor, tmp_path).count == 1000
    assert extractor.images == 0
    assert [path.suffix for path in sorted((tmp_path / "references").iterdir())] == [".lock", ".safetensors"]


def test_the_numbers_do_not_depend_on_the_threads(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 90)
    before, asked, extractor = torch.get_num_threads(), protocol(1000), load_extractor("cnn28", None)
    try:
        found = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(reference(prepared, "train", asked, extractor, tmp_path / str(threads)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert same(found[0], found[1])
    assert same(found[0], found[2])


class Meeting(Counting):
    """An extractor that goes on once two threads are in it, each with one thread of torch's."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier, self.threads = Barrier(2, timeout=60), set[int]()

    def __call__(self, images: Tensor) -> Features:
        self.threads.add(torch.get_num_threads())
        self.barrier.wait()
        return super().__call__(images)


def test_threads_take_a_batch_each(prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 50)
    before, extractor = torch.get_num_threads(), Meeting()
    torch.set_num_threads(2)
    try:
        assert reference(prepared, "test", protocol(100), extractor, tmp_path).count == 100
    finally:
        torch.set_num_threads(before)
    assert extractor.threads == {1}


def test_a_failure_leaves_the_threads_as_they_were(prepared: Prepared, tmp_path: Path) -> None:
    before, extractor = torch.get_num_threads(), Meeting()
    extractor.barrier.abort()
    torch.set_num_threads(2)
    try:
        with pytest.raises(BrokenBarrierError):
            reference(prepared, "test", protocol(100), extractor, tmp_path)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert not reference_file(prepared, "test", protocol(100), extractor, tmp_path).exists()


def test_a_quantised_protocol_rounds_real_images_too(prepared: Prepared, tmp_path: Path) -> None:
    """Triangles have 65 grey levels: v / 64 becomes the nearest of 256, as it would in a file."""
    extractor, asked = Counting(), protocol(100, quantised=True)
    plain = reference(prepared, "test", protocol(100), extractor, tmp_path)
    found = reference(prepared, "test", asked, extractor, tmp_path)
    assert extractor.images == 200
    assert "-quantised-" in reference_file(prepared, "test", asked, extractor, tmp_path).name
    assert not same(found, plain)
    pixels = np.rint(prepared.images("test")[:100].astype(np.float64) * 255 / 64).astype(np.float32) / np.float32(255)
    with torch.inference_mode():
        features = extractor(torch.from_numpy(pixels)).features.double().numpy()
    np.testing.assert_allclose(found.mean.numpy(), features.mean(0), rtol=1e-5, atol=1e-6)


def test_images_of_255_levels_have_one_reference(prepared: Prepared, tmp_path: Path) -> None:
    full = replace(prepared, dataset=replace(prepared.dataset, levels=255))
    extractor = Counting()
    first = reference(full, "test", protocol(100), extractor, tmp_path)
    assert same(reference(full, "test", protocol(100, quantised=True), extractor, tmp_path), first)
    assert extractor.images == 100
