"""The files of rows that a compaction may absorb, and their removal once that is done."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from study import durable
from study.results import rowfile
from study.results.folder import Folder
from study.results.rowfile import Damaged, Key
from study.results.snapshot import LACKING, READERS, content_of

ABSORBED = ".absorbed"  # ends the name of a file on its way out


@dataclass(frozen=True)
class Absorbable:
    """One attempt's rows, and the file that they were read from."""

    key: Key
    sha256: str
    table: pa.Table


class Loose:
    """The files of rows that are there now."""

    def __init__(self, folder: Folder, compacted: Mapping[Key, int]) -> None:
        """compacted: rows of every attempt, by trial and attempt."""
        self.waiting = 0  # attempts that may have more to write
        self.left_out: list[str] = []  # what could not be read, and why; a path each
        self._folder, self._compacted = folder, compacted
        self._newest = dict(compacted.keys())  # of each trial the last
        self._attempts: dict[str, list[int]] = defaultdict(list)
        for path in sorted(folder.rows.glob("*.parquet")):
            key = rowfile.key_of(path.name)
            if key is None:
                self.left_out.append(f"{path} (not named <trial>.<attempt>.parquet)")
            else:
                self._attempts[key[0]].append(key[1])

    @property
    def trials(self) -> Iterable[str]:
        return self._attempts.keys()

    def absorbable(self, trials: Iterable[str]) -> list[Absorbable]:
        """What is over of these trials' attempts; of a trial whose lock is held nothing is."""
        keys = []
        for trial in trials:
            attempts = self._attempts.get(trial, [])
            if attempts and durable.locked(self._folder.trial_lock(trial)):
                self.waiting += len(attempts)
            else:
                keys += [(trial, attempt) for attempt in sorted(attempts)]
        with ThreadPoolExecutor(READERS) as readers:
            read = list(readers.map(self._read, keys))
        found = [each for each in read if isinstance(each, Absorbable)]
        self.left_out += [each for each in read if isinstance(each, str)]
        over = [each for each in found if self._over(each)]
        self.waiting += len(found) - len(over)
        return over

    def _read(self, key: Key) -> Absorbable | str | None:
        """What the file holds; or its path and why it cannot be used. None where it is not there any more."""
        path = self._folder.row_file(*key)
        try:
            content = content_of(path)
        except FileNotFoundError:  # another machine's process compacted it, which is noticed at the swap of manifests
            return None
        if isinstance(content, str):
            return f"{path} ({content})"
        try:
            table = rowfile.open_(path.name, content).table()
            _check(table, key)
            if len(table) < self._compacted.get(key, 0):
                raise Damaged(LACKING)
        except (Damaged, pa.ArrowException, OSError) as error:
            return f"{path} ({error})"
        return Absorbable(key, durable.sha256_bytes(content), table)

    def _over(self, file: Absorbable) -> bool:
        """Whether the attempt ended its trial, or a newer one has begun."""
        trial, attempt = file.key
        if attempt < max(self._newest.get(trial, 0), *self._attempts[trial]):
            return True
        table = file.table
        if pc.any(pc.or_(pc.not_equal(table["status"], "ok"), pc.equal(table["step"], table["steps"]))).as_py():
            return True
        return any(number > attempt for number in self._folder.attempts_of(trial))


def _check(table: pa.Table, key: Key) -> None:
    if set(zip(table["trial"].to_pylist(), table["attempt"].to_pylist(), strict=True)) != {key}:
        raise Damaged("its rows are not of the trial and the attempt that its name says")
    if "fingerprint" in table.column_names and len(pc.unique(table["fingerprint"].drop_null())) > 1:
        raise Damaged("its rows were measured in more than one way, which the index could not tell")
    if rowfile.nameless(table):
        raise Damaged("it has metrics without a fingerprint")


def steps_of(table: pa.Table) -> set[tuple[int, str]]:
    """What tells the rows of one attempt apart: a trial that fails after an evaluation has two rows of one step."""
    return set(zip(table["step"].to_pylist(), table["status"].to_pylist(), strict=True))


def remove(folder: Folder, absorbed: Mapping[Key, str]) -> int:
    """Removes the files that were absorbed; returns how many. absorbed: key -> sha256 of the file that was read.

    No row is lost here. A process that writes holds the trial's lock, and what is removed is checked while it is held.
    One that was cut off, so that another took its trial over, holds no lock, and may replace the file at any moment:
    hence a file that is still what was read is moved aside and looked at again there, where nobody writes; if it is
    another it is put back. What such a process writes after the move is a new file at the old path, which nobody
    touches.
    """
    removed = 0
    for (trial, attempt), sha256 in absorbed.items():
        lock = folder.trial_lock(trial)
        if not lock.parent.exists():  # its study was imported or merged: nobody was ever at it here
            removed += _remove(folder.row_file(trial, attempt), sha256)
        elif not durable.locked(lock):  # asked first: taking it would wait a second for one that is at the trial
            with durable.lock(lock, wait=False) as held:
                removed += held and _remove(folder.row_file(trial, attempt), sha256)
    return removed


def _remove(path: Path, sha256: str) -> bool:
    aside = path.with_name(f".{path.name}{ABSORBED}")
    try:
        if _sha256(path) != sha256:  # moved aside, nobody would see its new rows until it is put back
            return False
        os.rename(path, aside)
        if _sha256(aside) == sha256:
            aside.unlink()
            return True
    except FileNotFoundError:  # somebody was quicker
        return False
    put_back(aside)
    return False


def _sha256(path: Path) -> str:
    return durable.sha256_bytes(durable.read_bytes(path))


def put_back(aside: Path) -> str | None:
    """Gives a file that was moved aside its name again, or removes it where a newer one holds all its rows.

    Returns the path and why, where neither can be done.
    """
    path = aside.with_name(aside.name.removeprefix(".").removesuffix(ABSORBED))
    try:
        os.link(aside, path)  # unlike a rename, it never replaces what was written there meanwhile
    except FileNotFoundError:  # it was removed: another machine's process is at it
        return None
    except FileExistsError:
        try:
            mine, newer = (steps_of(rowfile.open_(path.name, each.read_bytes()).table()) for each in (aside, path))
        except Damaged as error:
            return f"{aside} (it or {path.name} is damaged: {error})"
        if not mine <= newer:
            return f"{aside} (it has rows that {path.name} has not)"
    aside.unlink(missing_ok=True)
    return None
