"""CelebA: the published crop and resize, the official partition, bounded memory, and what is said of wrong files."""

import dataclasses
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from study.data import celeba, pictures
from study.data.catalogue import find
from study.data.prepare import prepare
from study.errors import DataUnavailable, StudyError
from tests.data import official

ROOT = Path(__file__).parents[2]
COUNTS = {"train": 7, "validation": 3, "test": 4}
TINY = dataclasses.replace(find("celeba"), splits=COUNTS)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw" / "celeba"
    official.write_celeba(folder, COUNTS)
    return folder


def slow_bilinear(image: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.float64]:
    """TensorFlow 1's resize_bilinear, pixel by pixel, as its kernel is written."""
    height, width, channels = image.shape
    found = np.empty((side, side, channels))
    for y in range(side):
        for x in range(side):
            in_y, in_x = y * height / side, x * width / side
            top, left = int(in_y), int(in_x)
            bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
            for c in range(channels):
                corners = [[float(image[row, column, c]) for column in (left, right)] for row in (top, bottom)]
                across = [first + (second - first) * (in_x - left) for first, second in corners]
                found[y, x, c] = across[0] + (across[1] - across[0]) * (in_y - top)
    return found


@pytest.mark.parametrize(("height", "side"), [(160, 64), (10, 4), (7, 5), (4, 8)])
def test_the_resize_is_the_slow_loops(height: int, side: int) -> None:
    image = official.pixels(height, height, height, 3)
    found = celeba.bilinear(image, side)
    assert (found.shape, found.dtype) == ((side, side, 3), np.float32)
    np.testing.assert_allclose(found, slow_bilinear(image, side), rtol=0, atol=1e-4)


def test_a_ramp_by_hand() -> None:
    """Ten columns 0, 10 .. 90 to four: 0, 2.5, 5 and 7.5 columns along. The rows are all the same."""
    ramp = np.broadcast_to(np.arange(10, dtype=np.uint8)[:, None] * 10, (10, 10, 1))
    assert celeba.bilinear(ramp, 4)[2, :, 0].tolist() == [0, 25, 50, 75]
    assert celeba.bilinear(ramp.transpose(1, 0, 2), 4)[:, 1, 0].tolist() == [0, 25, 50, 75]


def test_the_last_pixel_is_its_own_neighbour() -> None:
    """Two to eight: the last three of them lie beyond the last pixel's centre, and repeat it."""
    edge = np.broadcast_to(np.array([[0], [100]], np.uint8), (2, 2, 1))
    assert celeba.bilinear(edge, 8)[0, :, 0].tolist() == [0, 25, 50, 75, 100, 100, 100, 100]


def test_it_is_not_pils() -> None:
    """PIL's bilinear averages all that a pixel covers: the lines that this one passes on are grey there."""
    image = np.zeros((160, 160, 3), np.uint8)
    image[::5] = 255  # every other row of 64 lies at a multiple of 5
    ours = np.rint(celeba.bilinear(image, 64))
    theirs = np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BILINEAR), dtype=float)
    assert ours[:, 0, 0].tolist() == [255, 0] * 32
    assert theirs.max() < 160
    smooth = official.pixels(1, 160, 160, 3)
    theirs = np.asarray(Image.fromarray(smooth).resize((64, 64), Image.Resampling.BILINEAR), dtype=float)
    assert np.abs(celeba.bilinear(smooth, 64) - theirs).mean() > 20


def published(image: Image.Image) -> npt.NDArray[np.float64]:
    """[3, 64, 64] by the independent path: PIL's crop of the box (9, 29) to (169, 189), and the slow loop."""
    return slow_bilinear(np.asarray(image.crop((9, 29, 169, 189))), 64).transpose(2, 0, 1)


def test_an_image_is_cropped_resized_and_rounded(raw: Path, tmp_path: Path) -> None:
    prepared = prepare(TINY, tmp_path)[0]
    lines = (raw / "list_eval_partition.txt").read_text().splitlines()
    names = {split: [line.split()[0] for line in lines if line.endswith(f" {part}")] for part, split in PARTS.items()}
    assert names["validation"] == ["000002.jpg", "000005.jpg", "000008.jpg"]
    with zipfile.ZipFile(raw / "img_align_celeba.zip") as archive:
        for split, members in names.items():
            images = prepared.images(split)
            assert images.shape == (COUNTS[split], 3, 64, 64)
            for name, image in zip(members, images, strict=True):
                with Image.open(io.BytesIO(archive.read(f"img_align_celeba/{name}"))) as original:
                    exact = published(original)
                assert np.abs(image - exact).max() <= 0.5
    assert {prepared.count(split) for split in COUNTS} == {7, 3, 4}
    with pytest.raises(StudyError, match="no labels"):
        prepared.labels("train")


PARTS = {0: "train", 1: "validation", 2: "test"}


def test_the_sources_are_the_two_files(raw: Path, tmp_path: Path) -> None:
    for split in celeba.build(TINY, tmp_path):
        assert [Path(source.path).name for source in split.sources] == [
            "img_align_celeba.zip",
            "list_eval_partition.txt",
        ]
        assert {source.origin for source in split.sources} == {"the data folder"}


def test_chunks_change_nothing(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = prepare(TINY, tmp_path)[0]
    monkeypatch.setattr(pictures, "CHUNK", 2)
    assert [len(chunk) for chunk in next(celeba.build(TINY, tmp_path)).images] == [2, 2, 2, 1]
    os.truncate(whole.folder / "train.npy", 500)
    again, made = prepare(TINY, tmp_path)
    assert made
    assert again == whole


def test_images_are_read_a_chunk_at_a_time(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "CHUNK", 2)
    taken: list[str] = []
    read = zipfile.ZipFile.read

    def counted(self: zipfile.ZipFile, name: str) -> bytes:
        taken.append(name)
        return read(self, name)

    monkeypatch.setattr(zipfile.ZipFile, "read", counted)
    train, _, _ = celeba.build(TINY, tmp_path)
    assert taken == []
    chunks = iter(train.images)
    next(chunks)
    assert taken == ["img_align_celeba/000001.jpg", "img_align_celeba/000004.jpg"]
    next(chunks)
    assert len(taken) == 4


MEMORY = """
import dataclasses, pathlib, sys
from study.data import pictures
from study.data.catalogue import find
from study.data.prepare import prepare
pictures.CHUNK = 100
def peak():
    return int(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
def convert(data):
    lines = (data / "raw" / "celeba" / "list_eval_partition.txt").read_text().split()
    parts = {"train": "0", "validation": "1", "test": "2"}
    splits = {name: lines.count(part) for name, part in parts.items()}
    prepare(dataclasses.replace(find("celeba"), splits=splits), data)
convert(pathlib.Path(sys.argv[1]))
before = peak()
convert(pathlib.Path(sys.argv[2]))
print(before, peak())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel keeps no peak of memory")
def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    """2,000 images are 25 MB as they are stored and 233 MB as they are decoded; a chunk of 100, 1 MB and 12 MB."""
    few, many = tmp_path / "few", tmp_path / "many"
    official.write_celeba(few / "raw" / "celeba", {"train": 200, "validation": 100, "test": 100})
    official.write_celeba(many / "raw" / "celeba", {"train": 1_800, "validation": 100, "test": 100})
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(few), str(many)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    before_kb, after_kb = map(int, done.stdout.split())
    assert after_kb - before_kb < 20_000


def rewrite(path: Path, name: str, content: bytes | None) -> None:
    """Replaces one member; None: leaves it out."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for member, old in members.items():
            if member != name:
                archive.writestr(member, old)
            elif content is not None:
                archive.writestr(member, content)


def in_format(kind: str, mode: str = "RGB", size: tuple[int, int] = (178, 218)) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


BAD = {
    "empty": b"",
    "a text": b"<html>404 not found</html>",
    "truncated": official.jpeg(official.face(3))[:900],
    "a PNG": in_format("PNG"),
    "grey": in_format("JPEG", "L"),
    "turned": in_format("JPEG", size=(218, 178)),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_image_that_is_not_right_is_named(raw: Path, tmp_path: Path, kind: str) -> None:
    rewrite(raw / "img_align_celeba.zip", "img_align_celeba/000005.jpg", BAD[kind])
    with pytest.raises(StudyError) as caught:
        prepare(TINY, tmp_path)
    message = str(caught.value)
    for part in (str(raw / "img_align_celeba.zip"), "img_align_celeba/000005.jpg", "178x218", "official file"):
        assert part in message
    assert "\n" not in message
    assert not (tmp_path / "celeba" / "validation.npy").exists()


def flip(path: Path) -> None:
    """A byte within the third image."""
    content = bytearray(path.read_bytes())
    content[content.find(b"000003.jpg") + 700] ^= 255
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, 3_000)


@pytest.mark.parametrize(("damage", "told"), [(flip, "img_align_celeba/000003.jpg"), (cut, "not a zip file")])
def test_a_damaged_zip_is_named(raw: Path, tmp_path: Path, damage: Callable[[Path], None], told: str) -> None:
    damage(raw / "img_align_celeba.zip")
    with pytest.raises(StudyError, match=rf"img_align_celeba\.zip.*{told}.*remove it and run gan-study prepare again"):
        prepare(TINY, tmp_path)


@pytest.mark.parametrize(
    ("names", "told"), [(["000007"], "000007.jpg,"), (["000004", "000007"], "000004.jpg and 1 more")]
)
def test_an_image_that_is_not_there_is_named(raw: Path, tmp_path: Path, names: list[str], told: str) -> None:
    for name in names:
        rewrite(raw / "img_align_celeba.zip", f"img_align_celeba/{name}.jpg", None)
    with pytest.raises(StudyError, match=rf"img_align_celeba\.zip lacks img_align_celeba/{told}"):
        prepare(TINY, tmp_path)
    assert not list((tmp_path / "celeba").glob("*.npy"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: [*lines[:3], "000004.jpg", *lines[4:]], "line 4: .*found '000004.jpg'"),
        (lambda lines: [*lines[:3], "000004.jpg 3", *lines[4:]], "line 4: .*found '000004.jpg 3'"),
        (lambda lines: [*lines[:3], "000001.jpg 0", *lines[4:]], "line 4: .*found '000001.jpg 0'"),
        (lambda lines: ["<html>", *lines], "line 1: .*found '<html>'"),
        (lambda lines: lines[:-1], "expected 7 of train, 3 of validation, 4 of test, found 6 of train"),
        (lambda lines: [], "found 0 of train"),
        (lambda lines: [line.replace(" 2", " 1") for line in lines], "found 7 of train, 7 of validation, 0 of test"),
    ],
)  # fmt: skip
def test_a_wrong_partition_is_named(
    raw: Path, tmp_path: Path, change: Callable[[list[str]], list[str]], told: str
) -> None:
    path = raw / "list_eval_partition.txt"
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))
    with pytest.raises(StudyError, match=rf"list_eval_partition\.txt.*{told}.*remove it and run"):
        prepare(TINY, tmp_path)


@pytest.mark.parametrize("name", ["img_align_celeba.zip", "list_eval_partition.txt"])
def test_a_missing_file_is_fetched_by_its_name(
    raw: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (raw / name).read_bytes()
    (raw / name).unlink()

    def fetch(place: str, root: str, file: str, md5: str) -> None:
        assert (root, file, len(md5)) == (str(raw), name, 32)
        assert place.startswith("0B7EVK8r0v71p")
        (Path(root) / file).write_bytes(content)

    monkeypatch.setattr(celeba, "download_file_from_google_drive", fetch)
    sources = next(celeba.build(TINY, tmp_path)).sources
    assert {Path(source.path).name: source.origin for source in sources}[name] == "download"
    assert sorted(source.origin for source in sources) == ["download", "the data folder"]


@pytest.mark.parametrize("name", ["img_align_celeba.zip", "list_eval_partition.txt"])
def test_what_cannot_be_fetched_is_named(raw: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: str, root: str, file: str, md5: str) -> None:
        raise RuntimeError("To download files\nfrom GDrive, 'gdown' is required.")

    monkeypatch.setattr(celeba, "download_file_from_google_drive", refuse)
    (raw / name).unlink()
    with pytest.raises(DataUnavailable) as caught:
        list(celeba.build(TINY, tmp_path))
    message = str(caught.value)
    for part in (f"{raw / name} is missing", "'gdown' is required", "copy", "list_eval_partition.txt to", str(raw)):
        assert part in message
    assert "\n" not in message
