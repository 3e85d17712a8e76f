"""Weights that do not ship: found or fetched once, checked, and kept where trials look for them."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from study import durable
from study.errors import DataUnavailable, StudyError
from study.measures import EXTRACTORS


def fetch(extractor: str, given: Path | None, sha256: str | None, data: Path) -> Path | None:
    """The checked file of an extractor's weights in the data folder, put there if need be; None for those that ship.

    given, sha256: the file that a study names and what it must hash to. Without them it is the file that the extractor
    is known by, out of torch.hub's cache or off its address. Raises DataUnavailable where it is nowhere to be had.
    """
    wanted = sha256 or EXTRACTORS[extractor].sha256
    if wanted is None:
        return None
    path = kept(extractor, wanted, data)
    with durable.lock(path.with_suffix(".lock"), wait=True):
        if not path.is_file() or durable.sha256(path) != wanted:
            durable.write_bytes(path, _given(given, wanted) if given else _published(extractor, wanted, path))
    return path


def find(extractor: str, sha256: str | None, data: Path) -> Path | None:
    """What `fetch` left, hashed anew: a trial must not measure with a file that has changed since. None as there."""
    wanted = sha256 or EXTRACTORS[extractor].sha256
    if wanted is None:
        return None
    path = kept(extractor, wanted, data)
    if not path.is_file():
        raise StudyError(f"{path}: the weights of {extractor} are not there; run gan-study prepare")
    found = durable.sha256(path)
    if found != wanted:
        raise StudyError(f"{path}: expected sha256 {wanted}, found {found}; run gan-study prepare to put it right")
    return path


def kept(extractor: str, sha256: str, data: Path) -> Path:
    """Where the data folder keeps the weights with this sha256."""
    return data / "weights" / f"{extractor}-{sha256[:16]}.pth"


def _given(path: Path, wanted: str) -> bytes:
    if not path.is_file():
        raise DataUnavailable(f"measure.weights.path={path}: there is no such file; correct the path, or leave it out")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise StudyError(f"measure.weights.path={path}: its sha256 is {found}, not {wanted} as the study says")
    return content


def _published(extractor: str, wanted: str, path: Path) -> bytes:
    """The bytes that the extractor is known by. Raises DataUnavailable with every place where they are not."""
    looked = [f"{path} (not there, or damaged)"]
    for place in _cached(extractor):
        content = place.read_bytes() if place.is_file() else None
        if content is not None and hashlib.sha256(content).hexdigest() == wanted:
            return content
        looked.append(f"{place} ({'not there' if content is None else 'another sha256'})")
    url = EXTRACTORS[extractor].url
    try:
        return _downloaded(url, wanted)
    except (OSError, RuntimeError, ValueError) as error:  # no network, another content, no such address
        looked.append(f"{url} ({error})")
        raise DataUnavailable(
            f"the weights of {extractor} with sha256 {wanted} are at none of: {', '.join(looked)}; "
            f"download them where there is a network, put them at {path}, and run gan-study prepare again"
        ) from error


def _cached(extractor: str) -> Iterator[Path]:
    for name in EXTRACTORS[extractor].files:
        yield Path(torch.hub.get_dir()) / "checkpoints" / name


def _downloaded(url: str, wanted: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights"
        torch.hub.download_url_to_file(url, str(file), wanted, progress=False)
        return file.read_bytes()
