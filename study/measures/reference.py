"""Moments of real images' features: computed once per data set, split, count and extractor, and shared by processes."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from study import durable
from study.data.prepare import Prepared
from study.measures.contracts import Extractor
from study.measures.moments import Moments, MomentsStream
from study.measures.protocol import Protocol
from study.measures.rounding import LEVELS, quantise

BATCH = 500
PARTS = ("mean", "covariance", "factor")


def reference(prepared: Prepared, split: str, protocol: Protocol, extractor: Extractor, data: Path) -> Moments:
    """Moments of the split's first `real` images, always the same, in order; from the cache where it has them.

    Under a quantised protocol they are rounded like generated ones, which changes those of other than 255 levels.
    """
    path = reference_file(prepared, split, protocol, extractor, data)
    with durable.lock(path.with_suffix(".lock"), wait=True):
        cached = _read(path)
        if cached is not None:
            return cached
        moments = _compute(prepared, split, protocol, extractor)
        tensors = {"count": torch.tensor(moments.count), **{name: getattr(moments, name) for name in PARTS}}
        durable.write_bytes(path, save(tensors, {"sha256": _digest(tensors)}))
    return moments


def reference_file(prepared: Prepared, split: str, protocol: Protocol, extractor: Extractor, data: Path) -> Path:
    """The cache's name for it: every part that the numbers depend on is in the name."""
    images = (prepared.dataset.name, prepared.sha256[:12], split, str(protocol.real))
    rounded = ("quantised",) if _rounds(prepared, protocol) else ()
    parts = (*images, *rounded, extractor.name, extractor.sha256[:12])
    return data / "references" / f"{'-'.join(parts)}.safetensors"


def _rounds(prepared: Prepared, protocol: Protocol) -> bool:
    """Whether rounding changes these images: of 255 levels they are what a PNG holds."""
    return protocol.quantised and prepared.dataset.levels != LEVELS


def _compute(prepared: Prepared, split: str, protocol: Protocol, extractor: Extractor) -> Moments:
    """On as many threads as torch may use, each with whole batches to itself, which are then added in order.

    Threads that share one batch's sums would round otherwise, and a cache must not depend on who filled it.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    images, rounds = prepared.images(split), _rounds(prepared, protocol)

    def features(start: int) -> Tensor:
        batch = torch.from_numpy(images[start : min(start + BATCH, protocol.real)].copy())
        with torch.inference_mode():  # holds for this thread alone
            pixels = batch.float() / prepared.dataset.levels
            return extractor(quantise(pixels) if rounds else pixels).features

    stream = MomentsStream(extractor.dimension)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for found in pool.map(features, range(0, protocol.real, BATCH)):
                stream.add(found)
        moments = stream.moments()
        assert moments.factor.shape == moments.covariance.shape  # factored here, once
    finally:
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
