"""Everything a study's trials read, made once beforehand, so that they run without a network."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from study import durable
from study.data.catalogue import find
from study.data.prepare import prepare
from study.measures import load_extractor
from study.measures.cnn28 import WEIGHTS
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
    yield Thing(f"extractor {extractor.name}", "shipped", WEIGHTS, extractor.sha256, WEIGHTS.stat().st_size, made=False)
    for name in study.datasets:
        prepared, made = prepare(find(name), data)
        for split in prepared.manifest["splits"]:
            origin = ", ".join(dict.fromkeys(f"{each['origin']} ({each['path']})" for each in split["sources"][:1]))
            path = prepared.folder / split["images"]
            yield Thing(f"data {name}, {split['name']}", origin, path, split["images_sha256"], split["bytes"], made)
        measure = study.measure
        path = reference_file(prepared, measure.split, measure.real, extractor, data)
        known = path.exists()
        reference(prepared, measure.split, measure.real, extractor, data)
        made_from = f"{measure.real} images of the split {measure.split}"
        size = path.stat().st_size
        yield Thing(f"reference {name}, {extractor.name}", made_from, path, durable.sha256(path), size, not known)
