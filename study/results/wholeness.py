"""Whether every file that holds rows is whole, and says what its name, its rows and the index say."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from study import durable
from study.errors import StudyError
from study.results import leftovers, manifest, rowfile, schema, segments
from study.results.findings import COPY, Digest, Findings
from study.results.folder import Folder
from study.results.loose import ABSORBED, steps_of
from study.results.manifest import Manifest, Part
from study.results.marks import INDEX, settle
from study.results.rowfile import Damaged, Key
from study.results.snapshot import READERS, compacted_rows, content_of, opened

MEASURE = f"{COPY}; without one move it away: gan-study run measures again what no other file has"
KEYS = ["trial", "attempt", "step", "status"]
MARKS = [mark.name for mark in schema.MARKS]
EXACT = [each.name for each in INDEX if each.type != schema.NUMBER]  # sums depend on the order in which rows came


def row_files(folder: Folder, digest: Digest, findings: Findings) -> None:
    """Every file of rows, decoded to the last value."""
    paths = sorted(folder.rows.glob("*.parquet"))
    kept = _kept(folder, paths)
    with ThreadPoolExecutor(READERS) as readers:
        looks = readers.map(partial(_row_file, kept=kept, digest=digest), paths)
        for path, (rows, wrong) in zip(paths, looks, strict=True):
            findings.files += 1
            findings.rows += rows
            for each in wrong:
                findings.fault(path, each, MEASURE)


def _kept(folder: Folder, paths: Sequence[Path]) -> Mapping[Key, int]:
    """Rows that were compacted of the attempts that these files are of. What is wrong with the index is told by those
    who look at compacted files.
    """
    try:
        index = manifest.read_index(folder, manifest.read(folder))
    except (StudyError, FileNotFoundError):
        return {}
    return compacted_rows(index, [path.name for path in paths])


def _row_file(path: Path, kept: Mapping[Key, int], digest: Digest) -> tuple[int, list[str]]:
    """How many rows it has, and what is wrong with it, in words."""
    try:
        content = content_of(path)
    except FileNotFoundError:  # it was compacted since it was listed
        return 0, []
    try:
        found = opened(path, content, kept)
        table = found.table()
    except (Damaged, pa.ArrowException, OSError, ValueError) as error:
        return 0, [str(error)]
    try:
        return len(table), list(_wrong(table, found.key, digest))
    except Exception as error:  # of one strange file; the others are to be looked at too
        return len(table), [f"it could not be checked: {type(error).__name__}: {error}"]


def _wrong(table: pa.Table, key: Key, digest: Digest) -> Iterator[str]:
    if {*segments.keys_of(table)} != {key}:
        yield "its rows are not of the trial and the attempt that its name says"
    steps = table["step"].to_pylist()
    if steps != sorted(steps):
        yield "its rows are not in the order of their steps"
    if len(steps_of(table)) < len(steps):
        yield "it has a row twice"
    if "fingerprint" in table.column_names and len(pc.unique(table["fingerprint"].drop_null())) > 1:
        yield "its rows were measured in more than one way"
    yield from _strange(table, digest)


def _strange(table: pa.Table, digest: Digest) -> Iterator[str]:
    """Numbers of which nobody says how they were made, and trials whose content is not what they are called by."""
    if rowfile.nameless(table):
        yield "it has metrics without a fingerprint"
    if "content" in table.column_names:
        for pair in table.group_by(["trial", "content"]).aggregate([]).to_pylist():
            if pair["content"] is not None and digest(pair["content"]) != pair["trial"]:
                yield f"the content of trial {pair['trial']} is that of another trial"


def compacted(folder: Folder, digest: Digest, findings: Findings) -> None:
    """The manifest and every file that it names; then what nobody names."""
    try:
        current = manifest.read(folder)
    except StudyError as error:
        findings.fault(folder.manifest_file, str(error), COPY)
        return
    indexes: list[pa.Table] | None = [INDEX.empty_table()]
    for part in current.segments:
        made = _segment(folder, part, digest, findings)
        indexes = None if indexes is None or made is None else [*indexes, *made]
    if current.index:
        findings.files += 2  # the manifest is one
        _index(folder, current, None if indexes is None else pa.concat_tables(indexes), findings)
    _left(folder, current, findings)


def _segment(folder: Folder, part: Part, digest: Digest, findings: Findings) -> list[pa.Table] | None:
    """What the index should say of its rows, group by group; None where something is wrong with it."""
    path, indexes, wrong = folder.compacted / part.file, list[pa.Table](), dict[str, None]()
    findings.files += 1
    try:
        if durable.sha256(path) != part.sha256:
            raise Damaged(segments.CHANGED)
        for group in segments.groups(path):
            rowfile.check_rows(group)
            wrong |= dict.fromkeys(_strange(group, digest))
            marked, index = settle(_unmarked(group))
            first = indexes[-1]["trial"][-1].as_py() < index["trial"][0].as_py() if indexes else True
            if not (first and marked.select(KEYS).equals(group.select(KEYS))):
                wrong["its rows are not in the order of trial, attempt and step"] = None
            elif not marked.select(MARKS).equals(group.select(MARKS)):
                wrong[f"its columns {', '.join(MARKS)} are not what its rows make of them"] = None
            indexes.append(index)
    except FileNotFoundError:
        wrong["it is missing"] = None
    except Damaged as error:
        wrong[str(error)] = None
    except Exception as error:  # of one strange file, as above
        wrong[f"it could not be checked: {type(error).__name__}: {error}"] = None
    rows = sum(sum(index["rows"].to_pylist()) for index in indexes)
    findings.rows += rows
    if rows != part.rows and not wrong:
        wrong[f"it has {rows:,} rows; {folder.manifest_file.name} says {part.rows:,}"] = None
    for each in wrong:
        findings.fault(path, each, f"{COPY}: no other file has its rows")
    return None if wrong else indexes


def _unmarked(group: pa.Table) -> pa.Table:
    return segments.join(segments.columns(segments.metrics_of(group.column_names)), [group.drop_columns(MARKS)])


def _index(folder: Folder, current: Manifest, expected: pa.Table | None, findings: Findings) -> None:
    """expected: what it should say; None where a segment is not whole."""
    assert current.index is not None
    path = folder.compacted / current.index.file
    if not path.exists():
        findings.fault(path, "it is missing", COPY)
    elif durable.sha256(path) != current.index.sha256:
        findings.fault(path, segments.CHANGED, COPY)
    elif expected and not manifest.read_index(folder, current).select(EXACT).equals(expected.select(EXACT)):
        findings.fault(path, "it does not say what the compacted rows are", COPY)


def _left(folder: Folder, current: Manifest, findings: Findings) -> None:
    """What compactions and killed processes left behind."""
    for path in leftovers.unnamed(folder, current):
        try:
            only = None if ".index" in path.name else leftovers.only_copy(folder, current, path)
        except (Damaged, StudyError, OSError) as error:
            findings.tell(path, f"it does not count, and cannot be read ({error})", "none, or remove it")
            continue
        if only:
            findings.fault(
                path, f"it does not count, and only it has some rows of attempt {only[1]} at trial {only[0]}",
                f"bring back the newest {folder.manifest_file.name}",
            )  # fmt: skip
        else:
            findings.tell(path, "it no longer counts", "none: gan-study compact removes it an hour after it was used")
    for path in sorted(folder.rows.glob(f".*{ABSORBED}")):
        findings.tell(path, "a compaction was killed", "gan-study compact gives it its name again")
    for path in sorted(folder.folder.rglob(".*.aside")):
        findings.tell(path, "a process was killed that wrote it, or is writing it now", "none: nobody reads it")
