"""Everything a study's trials read, made once beforehand, so that they run without a network."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from study import durable
from study.data.prepare import Prepared, open_prepared, prepare
from study.errors import StudyError
from study.measures import EXTRACTORS, load_extractor, weights
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
    measure = study.measure
    given = measure.weights
    path, sha256 = (Path(given.path).expanduser(), given.sha256) if given else (None, None)
    wanted = sha256 or EXTRACTORS[measure.extractor].sha256
    made = wanted is not None and not weights.kept(measure.extractor, wanted, data).exists()
    extractor: Extractor = load_extractor(measure.extractor, weights.fetch(measure.extractor, path, sha256, data))
    yield _thing(f"extractor {extractor.name}", extractor.origin, extractor.weights, made)
    for name in study.datasets:
        prepared, made = prepare(study.dataset(name), data)
        _enough(study, prepared)
        for split in prepared.manifest["splits"]:
            origins = "; ".join(map(_origin, split["sources"]))
            for kind in ("images", "labels"):
                if split[kind]:
                    yield _thing(f"{name} {split['name']} {kind}", origins, prepared.folder / split[kind], made)
        protocol = measure.protocol(prepared.dataset)
        for split in dict.fromkeys(protocol.splits.values()):
            file = reference_file(prepared, split, protocol, extractor, data)
            known = durable.sha256(file) if file.exists() else None
            reference(prepared, split, protocol, extractor, data)
            made_from = f"{extractor.name} of {measure.real:,} images of the split {split}"
            yield _thing(f"{name} {split} reference statistics", made_from, file, durable.sha256(file) != known)


def unprepared(study: Study, data: Path) -> list[str]:
    """What `prepare_study` would have to make or fetch, as far as can be seen without reading images or weights."""
    measure = study.measure
    wanted = measure.weights.sha256 if measure.weights else EXTRACTORS[measure.extractor].sha256
    missing = []
    if wanted is not None and not weights.kept(measure.extractor, wanted, data).is_file():
        missing.append(f"the weights of {measure.extractor}")
    for name in study.datasets:
        dataset = study.dataset(name)
        try:
            prepared = open_prepared(dataset, data)
        except StudyError:
            missing.append(f"the data set {name}")
            continue
        if not all((prepared.folder / split["images"]).is_file() for split in prepared.manifest["splits"]):
            missing.append(f"the images of {name}")
        for split in dict.fromkeys(measure.protocol(dataset).splits.values()):
            computed = f"{name}-{prepared.sha256[:12]}-{split}-{measure.real}-*{measure.extractor}-*.safetensors"
            if not any((data / "references").glob(computed)):
                missing.append(f"the reference statistics of {name}, split {split}")
    return missing


def _enough(study: Study, prepared: Prepared) -> None:
    """Raises StudyError where images of one's own are fewer than the study asks for; a catalogue's are known before."""
    measure = study.measure
    splits = measure.protocol(prepared.dataset).splits.values()
    wanted = [("train", "batch_size", study.batch_size), *((split, "measure.real", measure.real) for split in splits)]
    for split, key, number in wanted:
        if prepared.count(split) < number:
            raise StudyError(
                f"{key}={number}: the split {split} of {prepared.dataset.name} has {prepared.count(split)} images; "
                f"lower {key}, or add images"
            )


def _origin(source: dict[str, str | None]) -> str:
    return f"{source['origin']}: {source['path']}" + (f", sha256 {source['sha256']}" if source["sha256"] else "")


def _thing(name: str, origin: str, path: Path, made: bool) -> Thing:
    return Thing(name, origin, path, durable.sha256(path), path.stat().st_size, made)
