"""Moments of real images' features: computed once per data set, split, count and extractor, and shared by processes."""

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from study import durable
from study.data.prepare import Prepared
from study.measures.contracts import Extractor
from study.measures.moments import Moments, MomentsStream

BATCH = 500
PARTS = ("mean", "covariance", "factor")


def reference(prepared: Prepared, split: str, count: int, extractor: Extractor, data: Path) -> Moments:
    """Moments of the split's first `count` images, always the same, in order; from the cache where it has them."""
    path = reference_file(prepared, split, count, extractor, data)
    with durable.lock(path.with_suffix(".lock"), wait=True):
        cached = _read(path)
        if cached is not None:
            return cached
        moments = _compute(prepared, split, count, extractor)
        tensors = {"count": torch.tensor(moments.count), **{name: getattr(moments, name) for name in PARTS}}
        durable.write_bytes(path, save(tensors, {"sha256": _digest(tensors)}))
    return moments


def reference_file(prepared: Prepared, split: str, count: int, extractor: Extractor, data: Path) -> Path:
    """The cache's name for it: every part that the numbers depend on is in the name."""
    parts = (prepared.dataset.name, prepared.sha256[:12], split, str(count), extractor.name, extractor.sha256[:12])
    return data / "references" / f"{'-'.join(parts)}.safetensors"


def _compute(prepared: Prepared, split: str, count: int, extractor: Extractor) -> Moments:
    """On one thread: more threads round otherwise, and a cache must not depend on who filled it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    images = prepared.images(split)
    stream = MomentsStream(extractor.dimension)
    with torch.inference_mode():
        for start in range(0, count, BATCH):
            batch = torch.from_numpy(images[start : min(start + BATCH, count)].copy())
            stream.add(extractor(batch.float() / prepared.dataset.levels).features)
    moments = stream.moments()
    assert moments.factor.shape == moments.covariance.shape  # factored here, once
    torch.set_num_threads(threads)
    return moments


def _read(path: Path) -> Moments | None:
    """The cached moments with their factor; None where the file is missing or damaged, so that it is made again."""
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            tensors, told = {name: file.get_tensor(name) for name in ("count", *PARTS)}, file.metadata() or {}
    except (OSError, SafetensorError):
        return None
    if told.get("sha256") != _digest(tensors):
        return None
    mean, covariance, factor = (tensors[name] for name in PARTS)
    moments = Moments(int(tensors["count"]), mean, covariance)
    moments.__dict__["factor"] = factor  # fills the cached property
    return moments


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    return hashlib.sha256(b"".join(tensors[name].numpy().tobytes() for name in ("count", *PARTS))).hexdigest()
