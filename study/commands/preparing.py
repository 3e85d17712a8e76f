"""Makes what a study's trials read, before any of them is queued."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

from study.commands.common import console
from study.data.prepare import changed, open_prepared
from study.errors import StudyError
from study.preparation import prepare_study
from study.results.query import connect
from study.results.store import Store
from study.spec import Study


def prepare_for(study: Study, store: Store, data: Path) -> None:
    """Makes what trials read, and refuses other images than those that the study was measured with."""
    prepare_like(study, _measured_images(store), store.folder, data)


def prepare_like(study: Study, measured: Mapping[str, Collection[str]], folder: Path, data: Path) -> None:
    """Makes what trials read. measured: data set -> hashes of the images that the rows in `folder` were measured with.

    Raises StudyError where it has other images now.
    """
    if study.measure.caution():
        console.print(study.measure.caution())
    for name in measured:
        if changed(study.dataset(name), data):  # before preparation replaces the arrays that were measured
            raise _other_images(folder, name)
    for thing in prepare_study(study, data):
        if thing.made:
            console.print(f"prepared {thing.name}: {thing.size_bytes:,} bytes from {thing.origin}")
    for name, hashes in measured.items():
        if set(hashes) != {open_prepared(study.dataset(name), data).sha256}:
            raise _other_images(folder, name)


def _measured_images(store: Store) -> dict[str, set[str]]:
    """Data set -> hashes of the images that the study's rows were measured with."""
    found: dict[str, set[str]] = defaultdict(set)
    with connect(store.folder) as database:
        rows = database.execute(
            "SELECT DISTINCT dataset, json_extract_string(fingerprint, '$.dataset_sha256') FROM evaluations "
            "WHERE fingerprint IS NOT NULL"
        ).fetchall()
    for name, sha256 in rows:
        found[name].add(sha256)
    return found


def _other_images(folder: Path, name: str) -> StudyError:
    return StudyError(
        f"{name}: its images are not those that {folder} was measured with, and could not be compared; bring "
        "those back, or give the study and the data set other names"
    )
