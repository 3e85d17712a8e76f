"""One pass over the rows that are compacted and the files that can be: each is read once and written once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from study.errors import StudyError
from study.results import manifest, segments
from study.results.folder import Folder
from study.results.loose import Absorbable, Loose, steps_of
from study.results.manifest import Manifest, Part
from study.results.marks import INDEX, settle
from study.results.rowfile import Key
from study.results.segments import GROUP, Past, keys_of
from study.results.snapshot import LACKING

BATCH = 100  # trials whose files are read at once


@dataclass(frozen=True)
class Absorbed:
    """Compacted files that are durable and do not count yet."""

    segments: tuple[Part, ...]
    index: Part
    sizes: dict[str, int]  # bytes of each of them
    absorbed: dict[Key, str]  # key -> sha256 of the file of rows


class Wider(Exception):
    """A file has metrics that the segments were not begun with."""

    def __init__(self, metrics: set[str]) -> None:
        super().__init__(metrics)
        self.metrics = metrics


class Absorption:
    """Of what a manifest names, and the files of rows as they are listed now."""

    def __init__(self, folder: Folder, before: Manifest) -> None:
        self._folder, self._before = folder, before
        index = manifest.read_index(folder, before)
        self._rows = dict(zip(keys_of(index), index["rows"].to_pylist(), strict=True))  # of every attempt, in the end
        self._sizes = Counter[str]()
        for (trial, _), rows in self._rows.items():
            self._sizes[trial] += rows
        self.loose = Loose(folder, dict(self._rows))
        self._absorbed: dict[Key, str] = {}
        self._written = Counter[Key]()
        self._indexes = [INDEX.empty_table()]

    def worthwhile(self) -> bool:
        """Whether there is a file to absorb."""
        return any(self.loose.absorbable(batch) for batch in self._batches())

    def run(self, name: str, metrics: set[str]) -> Absorbed:
        """name: of the compaction, of manifest.new_name. Raises Wider where the files have other metrics too: all
        segments have the same columns.
        """
        parts = segments.write(self._folder, name, self._tables(metrics))
        if self._written != self._rows:
            raise StudyError(f"not all rows of {self._folder.folder} came through its compaction; nothing was changed")
        index = segments.write_index(self._folder, name, pa.concat_tables(self._indexes))
        sizes = {part.file: (self._folder.compacted / part.file).stat().st_size for part in (*parts, index)}
        return Absorbed(tuple(parts), index, sizes, self._absorbed)

    def _tables(self, metrics: set[str]) -> Iterator[pa.Table]:
        wanted = segments.columns(metrics)
        past = Past(self._folder, self._before, wanted)
        for last, files in self._stretches():
            names = {name for file in files for name in file.table.column_names}
            if more := segments.metrics_of(names) - metrics:
                raise Wider(more)
            old = past.until(last)
            fit = [file for file in files if self._holds(file, old)]
            for key in self._rows.keys() & {file.key for file in fit}:
                old = old.filter(pc.invert(_of(key, old)))
            self._rows.update({file.key: len(file.table) for file in fit})
            self._absorbed.update({file.key: file.sha256 for file in fit})
            table, index = settle(segments.join(wanted, [old, *(file.table for file in fit)]))
            self._indexes.append(index)
            self._written.update(segments.counts([table]))
            if len(table):
                yield table

    def _stretches(self) -> Iterator[tuple[str, list[Absorbable]]]:
        """The files to absorb, stretch by stretch of trials in order, each with its last trial. A stretch has about as
        many rows as memory holds easily, those that are compacted already included.
        """
        files, rows = list[Absorbable](), 0
        batches = self._batches()
        for batch in batches:
            more = self.loose.absorbable(batch)
            files += more
            rows += sum(self._sizes[trial] for trial in batch) + sum(len(file.table) for file in more)
            if rows >= GROUP or batch is batches[-1]:
                yield batch[-1], files
                files, rows = [], 0

    def _batches(self) -> list[list[str]]:
        """All trials, in order."""
        trials = sorted({*self._sizes, *self.loose.trials})
        return [trials[i : i + BATCH] for i in range(0, len(trials), BATCH)]

    def _holds(self, file: Absorbable, old: pa.Table) -> bool:
        """Whether a file has all that was compacted of its attempt."""
        if file.key in self._rows and not steps_of(old.filter(_of(file.key, old))) <= steps_of(file.table):
            self.loose.left_out.append(f"{self._folder.row_file(*file.key)} ({LACKING})")
            return False
        return True


def _of(key: Key, rows: pa.Table) -> pa.ChunkedArray:
    """Which rows are of this attempt."""
    return pc.and_(pc.equal(rows["trial"], key[0]), pc.equal(rows["attempt"], key[1]))
