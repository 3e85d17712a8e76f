"""A person's own images: what becomes of files and arrays, who goes into which split, and what is refused."""

import dataclasses
import hashlib
import os
import pickle
import re
import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from study.data import own, pictures
from study.data.catalogue import Dataset, describe_own
from study.data.pools import drawn
from study.data.prepare import Prepared, changed, open_prepared, prepare
from study.errors import DataUnavailable, StudyError
from tests.data.official import Bytes, pixels

SPLITS = ("train", "validation", "test")


def entry(images: Path | str, size: int = 8, channels: int = 1) -> Dataset:
    return describe_own("mine", {"images": str(images), "size": size, "channels": channels})


def grey(level: int, size: int = 8) -> Image.Image:
    return Image.new("L", (size, size), level)


def fill(folder: Path, levels: range) -> Path:
    """One image per level, all of it of this level."""
    folder.mkdir(parents=True, exist_ok=True)
    for level in levels:
        grey(level).save(folder / f"{level:03d}.png")
    return folder


def levels(prepared: Prepared) -> dict[str, list[int]]:
    """Split -> the level of each image."""
    return {split: prepared.images(split)[:, 0, 0, 0].tolist() for split in SPLITS}


def refused(dataset: Dataset, data: Path) -> str:
    with pytest.raises(StudyError) as caught:
        prepare(dataset, data)
    assert "\n" not in str(caught.value)
    assert not (data / "mine" / "prepared.json").exists()
    return str(caught.value)


@pytest.mark.parametrize(("count", "share"), [(6, 2), (19, 2), (20, 2), (30, 3), (59, 5)])
def test_a_folder_without_splits_is_cut(tmp_path: Path, count: int, share: int) -> None:
    prepared = prepare(entry(fill(tmp_path / "pictures", range(count))), tmp_path)[0]
    found = levels(prepared)
    assert {split: len(images) for split, images in found.items()} == {
        "train": count - 2 * share, "validation": share, "test": share,
    }  # fmt: skip
    assert sorted(found["train"] + found["validation"] + found["test"]) == list(range(count))
    assert {split: prepared.count(split) for split in SPLITS} == {split: len(found[split]) for split in SPLITS}


def test_who_goes_where_is_a_matter_of_record(tmp_path: Path) -> None:
    """Numbers of record: whoever changes them changes every study of one's own images."""
    assert drawn(8) == [4, 2, 0, 3, 7, 6, 5, 1]
    prepared = prepare(entry(fill(tmp_path / "pictures", range(30))), tmp_path)[0]
    found = levels(prepared)
    assert (found["validation"], found["test"]) == ([6, 27, 21], [16, 23, 8])
    assert found["train"][:8] == [3, 5, 12, 2, 10, 19, 25, 7]


@given(st.integers(0, 300))
def test_a_draw_is_a_permutation(count: int) -> None:
    assert sorted(drawn(count)) == list(range(count))
    assert drawn(count) == drawn(count)


def test_a_draw_mixes_what_stood_apart() -> None:
    """Files of ten classes in ten sub-folders: the first hundredth holds all of them."""
    assert len({i // 1_000 for i in drawn(10_000)[:100]}) == 10


def test_the_folder_may_stand_anywhere_and_be_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one" / "pictures", tmp_path / "two" / "Bilder"
    for folder in (one, two):
        fill(folder / "a" / "b", range(5))
        fill(folder / "c", range(5, 12))
    first = prepare(entry(one), tmp_path / "one")[0]
    monkeypatch.setenv("HOME", str(tmp_path / "two"))
    assert prepare(entry("~/Bilder"), tmp_path / "two")[0].sha256 == first.sha256
    monkeypatch.chdir(two)
    relative = prepare(entry("../Bilder"), tmp_path / "three")[0]
    assert relative.sha256 == first.sha256
    assert sorted(chain(*levels(relative).values())) == list(range(12))


def test_sub_folders_are_splits(tmp_path: Path) -> None:
    pictures_ = tmp_path / "pictures"
    for split, part in zip(SPLITS, (range(7), range(10, 13), range(20, 25)), strict=True):
        fill(pictures_ / split / "class", part)
    (pictures_ / "notes").mkdir()  # without images it is in nobody's way
    prepared = prepare(entry(pictures_), tmp_path)[0]
    found = {split: sorted(images) for split, images in levels(prepared).items()}
    assert found == {"train": list(range(7)), "validation": [10, 11, 12], "test": [20, 21, 22, 23, 24]}
    (source,) = prepared.manifest["splits"][2]["sources"]
    assert source["path"] == str(pictures_ / "test")


@pytest.mark.parametrize("beside", ["notes", "."])
def test_images_beside_splits_are_refused(tmp_path: Path, beside: str) -> None:
    for split in ("train", "test"):
        fill(tmp_path / "pictures" / split, range(6))
    fill(tmp_path / "pictures" / beside, range(100, 103))
    assert "has images beside train and test" in refused(entry(tmp_path / "pictures"), tmp_path)


@pytest.mark.parametrize("name", ["val", "valid", "Train", "Validation", "training", "testing"])
def test_what_looks_like_a_split_is_no_pool(tmp_path: Path, name: str) -> None:
    """ImageNet's train and val would be shuffled together."""
    fill(tmp_path / "pictures" / "train", range(10))
    fill(tmp_path / "pictures" / name, range(20, 30))
    told = refused(entry(tmp_path / "pictures"), tmp_path)
    assert f"has a sub-folder {name}; call it one of train, validation, test" in told


def test_a_link_to_a_folder_is_refused_and_hidden_folders_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", range(10))
    fill(tmp_path / "pictures" / ".thumbnails", range(10))
    prepared = prepare(entry(tmp_path / "pictures"), tmp_path / "first")[0]
    assert sum(prepared.count(split) for split in SPLITS) == 10
    fill(tmp_path / "elsewhere", range(20, 30))
    (tmp_path / "pictures" / "more").symlink_to(tmp_path / "elsewhere")
    assert "more is a link to a folder" in refused(entry(tmp_path / "pictures"), tmp_path)


def test_a_copy_is_the_same_images(tmp_path: Path) -> None:
    """Other times and another place, but nothing that would have to be measured again."""
    fill(tmp_path / "pictures", range(10))
    first, made = prepare(entry(tmp_path / "pictures"), tmp_path)
    assert made
    shutil.copytree(tmp_path / "pictures", tmp_path / "copy", copy_function=shutil.copyfile)
    assert not changed(entry(tmp_path / "copy"), tmp_path)
    again, made = prepare(entry(tmp_path / "copy"), tmp_path)
    assert (again.sha256, made) == (first.sha256, False)
    fill(tmp_path / "copy", range(20, 21))
    assert changed(entry(tmp_path / "copy"), tmp_path)


def test_a_test_array_alone_is_no_pool(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", test=np.zeros((20, 8, 8), np.uint8))
    assert "expected arrays named train and test" in refused(entry(tmp_path / "mine.npz"), tmp_path)


def test_a_link_to_nowhere_is_named_and_other_files_are_counted(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", range(10))
    for name in ("a.gif", "b.tif"):
        (tmp_path / "pictures" / name).write_bytes(b"GIF89a")
    (source,) = prepare(entry(tmp_path / "pictures"), tmp_path / "first")[0].manifest["splits"][0]["sources"]
    assert source["origin"].startswith("your own images (2 files beside them are no .png")
    (tmp_path / "pictures" / "z.png").symlink_to(tmp_path / "nowhere.png")
    assert "z.png is a link to a file that is not there" in refused(entry(tmp_path / "pictures"), tmp_path)


def test_validation_is_cut_off_train_where_only_it_is_missing(tmp_path: Path) -> None:
    fill(tmp_path / "pictures" / "train", range(40))
    fill(tmp_path / "pictures" / "test", range(50, 60))
    found = levels(prepare(entry(tmp_path / "pictures"), tmp_path)[0])
    assert sorted(found["test"]) == list(range(50, 60))
    assert (len(found["train"]), len(found["validation"])) == (36, 4)
    assert sorted(found["train"] + found["validation"]) == list(range(40))


def test_train_alone_is_a_pool(tmp_path: Path) -> None:
    fill(tmp_path / "pictures" / "train", range(20))
    found = levels(prepare(entry(tmp_path / "pictures"), tmp_path)[0])
    assert [len(found[split]) for split in SPLITS] == [16, 2, 2]


@pytest.mark.parametrize("there", [["test"], ["validation"], ["train", "validation"], ["validation", "test"]])
def test_splits_that_leave_train_or_test_open_are_refused(tmp_path: Path, there: list[str]) -> None:
    for split in there:
        fill(tmp_path / "pictures" / split, range(20))
    message = refused(entry(tmp_path / "pictures"), tmp_path)
    assert all(split in message for split in there)
    assert "give it train and test (and validation)" in message


def test_the_source_is_the_hash_of_names_and_hashes(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pictures", range(6))
    shutil.move(folder / "003.png", folder / "b.png")
    (folder / "a").mkdir()
    shutil.move(folder / "004.png", folder / "a" / "4.png")
    names = ["000.png", "001.png", "002.png", "005.png", "a/4.png", "b.png"]
    lines = [f"'{name}' {hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n" for name in names]
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    for split in own.build(entry(folder), tmp_path):
        (source,) = split.sources
        assert (source.origin, source.path, source.sha256) == ("your own images", str(folder), expected)


def test_chunks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "pictures", range(30))
    whole = prepare(entry(folder), tmp_path)[0]
    monkeypatch.setattr(pictures, "CHUNK", 7)
    splits = {split.name: split for split in own.build(entry(folder), tmp_path)}
    assert [len(chunk) for chunk in splits["train"].images] == [7, 7, 7, 3]
    assert prepare(entry(folder), tmp_path / "again")[0].sha256 == whole.sha256


def six(folder: Path, name: str, image: Image.Image, **save: object) -> Path:
    """The image under six names, the least that is cut."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(6):
        image.save(folder / f"{i}{name}", **save)
    return folder


def only(folder: Path, tmp_path: Path, size: int = 8, channels: int = 3) -> Bytes:
    """[C, H, W] of the image that all in the folder are."""
    images = prepare(entry(folder, size, channels), tmp_path)[0].images("train")
    assert (images == images[0]).all()
    return images[0]


def test_colour_and_grey(tmp_path: Path) -> None:
    image = Image.fromarray(pixels(3, 8, 8, 3))
    folder = six(tmp_path / "pictures", ".png", image)
    np.testing.assert_array_equal(only(folder, tmp_path / "rgb"), np.asarray(image).transpose(2, 0, 1))
    np.testing.assert_array_equal(only(folder, tmp_path / "l", channels=1)[0], np.asarray(image.convert("L")))
    assert only(six(tmp_path / "grey", ".png", grey(77)), tmp_path)[:, 3, 3].tolist() == [77, 77, 77]


def test_the_middle_square_by_lanczos(tmp_path: Path) -> None:
    image = Image.fromarray(pixels(5, 40, 65, 3))  # 65 wide: columns 12 to 51
    found = only(six(tmp_path / "pictures", ".png", image), tmp_path, size=12)
    expected = image.crop((12, 0, 52, 40)).resize((12, 12), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(found, np.asarray(expected).transpose(2, 0, 1))


def test_a_pattern_finer_than_a_pixel_becomes_grey(tmp_path: Path) -> None:
    """Antialiased: the CelebA recipe's resize would keep one of the two."""
    lines = Image.fromarray(np.tile(np.array([[0], [255]], np.uint8), (64, 128)))
    assert abs(only(six(tmp_path / "pictures", ".png", lines), tmp_path, channels=1).astype(int) - 127).max() < 4


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".jpg", ".jpeg", ".PNG", ".JPG"])
def test_every_format_is_read(tmp_path: Path, suffix: str) -> None:
    image = Image.new("RGB", (9, 8), (200, 40, 90))
    save = {"lossless": True} if suffix == ".webp" else {}
    found = only(six(tmp_path / "pictures", suffix, image, **save), tmp_path)
    assert abs(found[:, 4, 4].astype(int) - [200, 40, 90]).max() <= (2 if "j" in suffix.lower() else 0)


def test_other_and_hidden_files_are_no_images(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pictures", range(6))
    for name in ("notes.txt", "._000.png", "Thumbs.db", "000.png.part"):
        (folder / name).write_text("no image")
    assert sum(map(len, levels(prepare(entry(folder), tmp_path)[0]).values())) == 6


def test_exif_turns(tmp_path: Path) -> None:
    """Orientation 6: the camera's top is at the right, so the picture has to be turned clockwise."""
    image = grey(0)
    image.paste(255, (0, 0, 4, 8))  # the left half is white: turned clockwise, the upper
    exif = Image.Exif()
    exif[0x0112] = 6
    found = only(six(tmp_path / "pictures", ".png", image, exif=exif), tmp_path, channels=1)[0]
    assert found[0].tolist() == [255] * 8
    assert found[7].tolist() == [0] * 8


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 255))
    image.paste((10, 10, 10, 0), (0, 0, 8, 4))
    save: dict[str, object] = {"transparency": 10} if mode == "P" else {}  # the palette's colour 10 is transparent
    changed = image.convert("L").convert("P") if mode == "P" else image.convert(mode)
    found = only(six(tmp_path / "pictures", ".png", changed, **save), tmp_path, channels=1)[0]
    assert found[0].tolist() == [255] * 8
    assert found[7].tolist() == [0] * 8


def test_what_is_half_transparent_is_half_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 51))  # a fifth red: 255, 204, 204
    assert only(six(tmp_path / "pictures", ".png", image), tmp_path)[:, 0, 0].tolist() == [255, 204, 204]


def damage(kind: str, path: Path) -> None:
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "a text":
        path.write_text("<html>404 not found</html>")
    elif kind == "truncated":
        Image.fromarray(pixels(1, 64, 64, 3)).save(path)
        os.truncate(path, 5_000)
    else:
        Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(path)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("empty", "cannot be read as an image"),
        ("a text", "cannot be read as an image"),
        ("truncated", "cannot be read as an image"),
        ("sixteen bits", "mode I;16, not of 8 bits"),
    ],
)
def test_a_file_that_is_no_image_is_named(tmp_path: Path, kind: str, told: str) -> None:
    folder = fill(tmp_path / "pictures", range(20))
    damage(kind, folder / "007.png")
    message = refused(entry(folder), tmp_path)
    assert f"{folder / '007.png'} " in message
    assert told in message


@pytest.mark.parametrize("count", [0, 1, 5])
def test_too_few_images_are_refused(tmp_path: Path, count: int) -> None:
    folder = fill(tmp_path / "pictures", range(count))
    message = refused(entry(folder), tmp_path)
    assert str(folder) in message
    assert ("give at least 6" if count else "has no images (.png, ") in message


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_of_one_image_is_refused(tmp_path: Path, split: str) -> None:
    for name in SPLITS:
        fill(tmp_path / "pictures" / name, range(1 if name == split else 5))
    assert f"the split {split} has 1 images; give it at least 2" in refused(entry(tmp_path / "pictures"), tmp_path)


def test_what_is_not_there_or_no_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailable, match=f"there is no {tmp_path / 'nowhere'}; name a folder"):
        prepare(entry(tmp_path / "nowhere"), tmp_path)
    (tmp_path / "x.zip").write_bytes(b"")
    assert "x.zip is neither a folder of images nor an .npz file" in refused(entry(tmp_path / "x.zip"), tmp_path)


LAYOUTS: dict[str, tuple[int, Callable[[Bytes], Bytes]]] = {
    "N, H, W": (1, lambda images: images[:, 0]),
    "N, 1, H, W": (1, lambda images: images),
    "N, H, W, 1": (1, lambda images: images.transpose(0, 2, 3, 1)),
    "N, 3, H, W": (3, lambda images: images),
    "N, H, W, 3": (3, lambda images: images.transpose(0, 2, 3, 1)),
    "in Fortran's order": (3, lambda images: np.asfortranarray(images)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_shuffled_within_their_splits(tmp_path: Path, layout: str, save: Callable[..., None]) -> None:
    channels, turn = LAYOUTS[layout]
    made = {split: pixels(i, 5 + i, channels, 8, 8) for i, split in enumerate(SPLITS)}
    save(tmp_path / "mine.npz", **{split: turn(images) for split, images in made.items()})
    prepared = prepare(entry(tmp_path / "mine.npz", 8, channels), tmp_path)[0]
    for split, images in made.items():
        np.testing.assert_array_equal(prepared.images(split), images[drawn(len(images))])


@pytest.mark.parametrize("name", ["images", "arr_0", "train"])
def test_one_array_is_a_pool(tmp_path: Path, name: str) -> None:
    images = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None, None], (40, 8, 8))
    np.savez(tmp_path / "mine.npz", **{name: images})
    found = levels(prepare(entry(tmp_path / "mine.npz"), tmp_path / "array")[0])
    assert [len(found[split]) for split in SPLITS] == [32, 4, 4]
    assert sorted(chain(*found.values())) == list(range(40))


def test_arrays_without_validation(tmp_path: Path) -> None:
    images = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None, None], (40, 8, 8))
    np.savez(tmp_path / "mine.npz", train=images[:30], test=images[30:])
    found = levels(prepare(entry(tmp_path / "mine.npz"), tmp_path)[0])
    assert sorted(found["test"]) == list(range(30, 40))
    assert found["test"] != list(range(30, 40))  # a study measures the first images, which may stand class by class
    assert [len(found[split]) for split in SPLITS] == [27, 3, 10]


def wrong_arrays() -> dict[str, tuple[dict[str, object], str]]:
    good = pixels(1, 6, 8, 8)
    return {
        "floats": ({"x": good / 255}, r"x: expected uint8 .*found float64 \[6, 8, 8\]"),
        "another size": ({"x": pixels(1, 6, 9, 9)}, r"found uint8 \[6, 9, 9\]"),
        "colour": ({"x": pixels(1, 6, 8, 8, 3)}, r"found uint8 \[6, 8, 8, 3\]"),
        "flat": ({"x": pixels(1, 6, 64)}, r"found uint8 \[6, 64\]"),
        "a number": ({"x": np.uint8(3)}, r"found uint8 \[\]"),
        "objects": ({"x": np.array([{}], dtype=object)}, "cannot be read as an .npz of plain arrays.*allow_pickle"),
        "two pools": ({"x": good, "y": good}, r"expected arrays named train and test .*found x, y"),
        "no test": ({"train": good, "validation": good}, "found train, validation"),
        "labels": ({"train": good, "test": good, "labels": good}, "found train, test, labels"),
        "nothing": ({}, "found none"),
        "a test of one": ({"train": good, "test": good[:1]}, "the split test has 1 images"),
        "too few": ({"x": good[:5]}, "5 images are too few"),
    }


@pytest.mark.parametrize("kind", wrong_arrays())
def test_other_arrays_are_refused(tmp_path: Path, kind: str) -> None:
    arrays, told = wrong_arrays()[kind]
    np.savez(tmp_path / "mine.npz", **arrays)
    message = refused(entry(tmp_path / "mine.npz"), tmp_path)
    assert str(tmp_path / "mine.npz") in message
    assert re.search(told, message)


def test_a_damaged_npz_is_refused_and_no_pickle_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, x=pixels(1, 60, 8, 8))
    content = path.read_bytes()
    array = pickle.dumps(np.zeros(3))
    for wrong in (b"", b"text", array, content[:-30], content[:900] + b"\xff\xff\xff\xff" + content[904:]):
        path.write_bytes(wrong)
        assert f"{path} cannot be read as an .npz of plain arrays" in refused(entry(path), tmp_path)


def touch(folder: Path) -> None:
    os.utime(folder / "003.png", ns=(10**18, 10**18))


def add(folder: Path) -> None:
    grey(200).save(folder / "added.png")


def remove(folder: Path) -> None:
    (folder / "003.png").unlink()


def rename(folder: Path) -> None:
    (folder / "003.png").rename(folder / "z.png")


@pytest.mark.parametrize("change", [touch, add, remove, rename])
def test_changed_images_are_prepared_again(tmp_path: Path, change: Callable[[Path], None]) -> None:
    folder = fill(tmp_path / "pictures", range(10))
    first, made = prepare(entry(folder), tmp_path)
    assert made
    assert prepare(entry(folder), tmp_path) == (first, False)
    change(folder)
    again, made = prepare(entry(folder), tmp_path)
    assert made == (change is not touch)  # a file that is only younger is the same file
    assert (again.sha256 == first.sha256) == (change is touch)
    assert prepare(entry(folder), tmp_path) == (again, False)


def test_a_changed_npz_is_prepared_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, x=pixels(1, 10, 8, 8))
    first = prepare(entry(path), tmp_path)[0]
    np.savez(path, x=pixels(2, 11, 8, 8))
    again, made = prepare(entry(path), tmp_path)
    assert made
    assert again.sha256 != first.sha256


@pytest.mark.parametrize("emptied", [False, True])
def test_originals_that_are_gone_are_not_missed(tmp_path: Path, emptied: bool) -> None:
    """Moved away, or on a disk that is not mounted."""
    folder = fill(tmp_path / "pictures", range(10))
    first = prepare(entry(folder), tmp_path)[0]
    shutil.rmtree(folder)
    if emptied:
        folder.mkdir()
    assert prepare(entry(folder), tmp_path) == (first, False)
    assert open_prepared(entry(folder), tmp_path) == first
    (tmp_path / "mine" / "test.npy").unlink()
    assert refused(entry(folder), tmp_path)


def test_another_size_is_prepared_again(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pictures", range(10))
    prepare(entry(folder), tmp_path)
    with pytest.raises(StudyError, match="mine is not prepared"):
        open_prepared(entry(folder, size=12), tmp_path)
    assert prepare(entry(folder, size=12), tmp_path)[0].images("test").shape == (2, 1, 12, 12)


def test_the_catalogues_have_no_signature() -> None:
    assert own.signature(dataclasses.replace(entry("nowhere"), options={})) is None
