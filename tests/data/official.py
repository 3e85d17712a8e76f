"""Small files in exactly the official formats: idx, batches pickled by Python 2, a zip of JPEGs with its partition."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from torchvision.datasets import CIFAR10

Bytes = npt.NDArray[np.uint8]

PREFIXES = {"train": "train", "test": "t10k"}
BATCHES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}


def pixels(seed: int, *shape: int) -> Bytes:
    """Random levels; the first is 0 and the last 255."""
    found = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    found.flat[0], found.flat[-1] = 0, 255
    return found


def idx(values: npt.NDArray[np.generic], kind: int = 0x08) -> bytes:
    """Two zero bytes, element type, number of axes, lengths as big-endian ints, elements."""
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, kind, values.ndim, *values.shape) + values.tobytes()


def write_idx(folder: Path, counts: Mapping[str, int], height: int, width: int) -> dict[str, tuple[Bytes, Bytes]]:
    """The four gzipped files; returns images [N, H, W] and labels of each split."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for name, count in counts.items():
        images, labels = pixels(count, count, height, width), (np.arange(count) % 10).astype(np.uint8)
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            (folder / f"{PREFIXES[name]}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx(values)))
        made[name] = images, labels
    return made


class Python2(pickle._Pickler):  # type: ignore[name-defined]
    """Writes bytes as Python 2's strings, which is what the official batches hold."""

    dispatch = pickle._Pickler.dispatch.copy()  # type: ignore[attr-defined]

    def save_string(self, value: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = save_string


def python2(content: object) -> bytes:
    file = io.BytesIO()
    Python2(file, protocol=2).dump(content)
    return file.getvalue()


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_cifar10(
    folder: Path, counts: Mapping[str, int], *, archived: bool = False
) -> tuple[type[CIFAR10], dict[str, tuple[Bytes, list[int]]]]:
    """Batches of those counts; returns a reader that knows their md5s, and images [N, 3, 32, 32] and labels per split.

    archived: in the .tar.gz alone, as it is published.
    """
    batches = folder / "cifar-10-batches-py"
    batches.mkdir(parents=True, exist_ok=True)
    made = {}
    for split, names in BATCHES.items():
        images = pixels(counts[split], counts[split], 3, 32, 32)
        labels = [i % 10 for i in range(len(images))]
        for k, places in enumerate(np.array_split(np.arange(len(images)), len(names))):
            entry = {
                b"batch_label": f"training batch {k + 1} of 5".encode(),
                b"labels": [labels[i] for i in places],
                b"data": images[places].reshape(len(places), 3072),
                b"filenames": [b"leptodactylus_pentadactylus_s_%06d.png" % i for i in places],
            }
            (batches / names[k]).write_bytes(python2(entry))
        made[split] = images, labels
    names = [b"airplane", b"automobile", b"bird", b"cat", b"deer", b"dog", b"frog", b"horse", b"ship", b"truck"]
    (batches / "batches.meta").write_bytes(python2({b"label_names": names, b"num_cases_per_batch": 10_000}))
    archive = folder / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(batches, batches.name)
    tgz_md5 = md5(archive)

    class Reader(CIFAR10):
        url = "http://127.0.0.1:9/cifar-10-python.tar.gz"  # nobody listens
        train_list = tuple((name, md5(batches / name)) for name in BATCHES["train"])
        test_list = tuple((name, md5(batches / name)) for name in BATCHES["test"])
        meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(batches / "batches.meta")}  # noqa: RUF012

    Reader.tgz_md5 = tgz_md5
    if archived:
        for path in batches.iterdir():
            path.unlink()
        batches.rmdir()
    else:
        archive.unlink()
    return Reader, made


def jpeg(image: Bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=95)
    return file.getvalue()


def face(i: int) -> Bytes:
    """[218, 178, 3]: black above, white below, and between them squares that spell i in the binary system."""
    image = np.zeros((218, 178, 3), np.uint8)
    image[120:] = 255
    for bit in range(14):
        image[104:112, 16 + 8 * bit : 24 + 8 * bit] = 200 * (i >> bit & 1)
    return image


def write_celeba(folder: Path, counts: Mapping[str, int]) -> list[str]:
    """The zip and the partition, whose parts take turns where the official ones are blocks; returns the lines."""
    folder.mkdir(parents=True, exist_ok=True)
    left, lines = dict(counts), []
    while any(left.values()):
        for part, split in enumerate(("train", "validation", "test")):
            if left[split]:
                left[split] -= 1
                lines.append(f"{len(lines) + 1:06d}.jpg {part}")
    (folder / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        archive.writestr("img_align_celeba/", b"")
        for i, line in enumerate(lines, start=1):
            archive.writestr(f"img_align_celeba/{line.split()[0]}", jpeg(face(i)))
    return lines
