"""What compactions leave behind: files of generations before, and of compactions that were killed, or lost a race."""

from pathlib import Path

from study.errors import StudyError
from study.results import manifest, rowfile, segments
from study.results.folder import Folder
from study.results.loose import ABSORBED, put_back
from study.results.manifest import NAME, OF_INDEX, Manifest, Replaced
from study.results.rowfile import Damaged, Key

PATIENCE = 3600.0  # seconds for a reader with the files that a manifest named when it began, and for a slow writer


def unnamed(folder: Folder, current: Manifest) -> list[Path]:
    """Compacted files that do not count."""
    return sorted(path for path in folder.compacted.glob("*.parquet") if path.name not in current.files)


def next_generation(folder: Folder, current: Manifest) -> int:
    """A number that no file has yet, not even one that is kept because nobody can read it."""
    found = [NAME.fullmatch(path.name) for path in folder.compacted.glob("*.parquet")]
    return max(current.generation, *(int(each["generation"]) for each in found if each), 0) + 1


def replaced(folder: Folder, before: Manifest) -> tuple[Replaced, ...]:
    """What no longer counts once this manifest is replaced now, or did so earlier and is still there."""
    now = _clock(folder)
    earlier = (each for each in before.replaced if (folder.compacted / each.file).exists())
    return (*earlier, *(Replaced(name, now) for name in sorted(before.files)))


def remove(folder: Folder, name: str, current: Manifest) -> None:
    """Removes what one compaction wrote and nobody has seen; nobody else's files. name: of the compaction."""
    seen = current.files | {each.file for each in current.replaced}
    for path in folder.compacted.glob(f"{name}*.parquet"):
        if path.name not in seen:
            path.unlink(missing_ok=True)


def elsewhere(folder: Folder, path: Path) -> StudyError:
    """What to say where a file was changed that only one process may change."""
    return StudyError(
        f"{path} was replaced or removed, though {folder.compact_lock} is held here: if by a compaction on another "
        "machine, locks do not reach it on this file system, so compact on one of them; if by hand, bring it back from "
        "a copy"
    )


def clean(folder: Folder, current: Manifest) -> list[str]:
    """Removes what is of no use to anybody, and returns what looks so but cannot be read; a path each, and why.

    The compaction's lock must be held, but need not reach other machines: what is not named may be read, or be
    another's that is written just now. So it goes an hour after it was replaced; after it was written, where it was
    never named. Nothing is removed that has rows which nothing else has: the manifest that names it is gone then, and
    StudyError says so.
    """
    left = [told for aside in sorted(folder.rows.glob(f".*{ABSORBED}")) if (told := put_back(aside))]
    asides, files = list(folder.compacted.glob(".*.aside")), unnamed(folder, current)
    if not (asides or files):
        return left
    now, replaced_at = _clock(folder), {each.file: each.at for each in current.replaced}
    times = {path: replaced_at.get(path.name) or _modified(path) for path in (*asides, *files)}
    old = {path for path, time in times.items() if time is not None and now - time > PATIENCE}
    spoiled = set[str]()  # compactions of which a file cannot be read: whoever mends it needs the others
    for path in files:
        name = NAME.fullmatch(path.name)
        if name is None:
            left.append(f"{path} (no file of a compaction)")
        elif (path in old or path.name not in replaced_at) and (
            told := _examine(folder, current, path, quick=path not in old)
        ):
            left.append(told)
            spoiled.add(name["compaction"])
    for path in old:
        name = NAME.fullmatch(path.name)
        if path in asides or (name and name["compaction"] not in spoiled):
            path.unlink(missing_ok=True)
    return left


def _clock(folder: Folder) -> float:
    """Seconds since 1970, by the clock of the file system: all machines see that one, and their own ones differ."""
    folder.compact_lock.touch()
    return folder.compact_lock.stat().st_mtime


def _modified(path: Path) -> float | None:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:  # whoever wrote it removed it, or gave it its name
        return None


def _examine(folder: Folder, current: Manifest, path: Path, *, quick: bool) -> str | None:
    """Why a file that does not count cannot be read. Raises StudyError where it has rows that nothing else has."""
    try:
        precious = only_copy(folder, current, path, quick=quick) if path.exists() else None
    except Damaged as error:
        return f"{path} ({error})"
    if precious and manifest.read(folder) != current:
        raise elsewhere(folder, folder.manifest_file)
    if precious:
        raise StudyError(
            f"{path} has rows that nothing else has, such as those of attempt {precious[1]} at trial {precious[0]}: "
            f"the {folder.manifest_file} that named it is gone, or a process on another machine replaced it; bring "
            "that one back from a copy, and keep all files beside it"
        )
    return None


def only_copy(folder: Folder, current: Manifest, path: Path, *, quick: bool = False) -> Key | None:
    """An attempt of which this file has more rows than all that counts; None where there is none, as of an index.

    quick: files of rows are not opened, and taken for whole where they are there.
    """
    name = NAME.fullmatch(path.name)
    if name and name["kind"] == OF_INDEX:
        return None
    index = manifest.read_index(folder, current)
    kept = dict(zip(segments.keys_of(index), index["rows"].to_pylist(), strict=True))
    there = {each.name for each in folder.rows.glob("*.parquet")} if quick else set()
    for key, rows in segments.counts(segments.groups(path, ["trial", "attempt"])).items():
        if kept.get(key, 0) >= rows or rowfile.name_of(*key) in there:
            continue
        if _loose_rows(folder.row_file(*key)) < rows:
            return key
    return None


def _loose_rows(path: Path) -> int:
    try:
        return rowfile.open_(path.name, path.read_bytes()).rows
    except (FileNotFoundError, Damaged):
        return 0
