"""Everything a study's trials read, made once beforehand, so that they run without a network."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from study import durable
from study.data.catalogue import find
from study.data.prepare import prepare
from study.measures import load_extractor
from study.measures.contracts import Extractor
from study.measures.reference import reference, reference_file
from study.spec import Study


@dataclass(frozen=True)
class Thing:
    """One file that trials read."""

    name: str
    origin: str
    path: Path
    sha256: str
    size_bytes: int
    made: bool  # just now, rather than by an earlier call


def prepare_study(study: Study, data: Path) -> Iterator[Thing]:
    """Fetches, checks and converts what is not there yet; yields every file, in the order it is needed."""
    extractor: Extractor = load_extractor(study.measure.extractor)
    yield _thing(f"extractor {extractor.name}", extractor.origin, extractor.weights, made=False)
    for name in study.datasets:
        prepared, made = prepare(find(name), data)
        for split in prepared.manifest["splits"]:
            for kind, source in zip(("images", "labels"), split["sources"], strict=False):
                if split[kind]:
                    origin = f"{source['origin']}: {source['path']}" + f", sha256 {source['sha256']}" * bool(
                        source["sha256"]
                    )
                    yield _thing(f"{name} {split['name']} {kind}", origin, prepared.folder / split[kind], made)
        measure = study.measure
        path = reference_file(prepared, measure.split, measure.real, extractor, data)
        known = durable.sha256(path) if path.exists() else None
        reference(prepared, measure.split, measure.real, extractor, data)
        made_from = f"{extractor.name} of {measure.real:,} images of the split {measure.split}"
        yield _thing(f"{name} reference statistics", made_from, path, durable.sha256(path) != known)


def _thing(name: str, origin: str, path: Path, made: bool) -> Thing:
    return Thing(name, origin, path, durable.sha256(path), path.stat().st_size, made)
