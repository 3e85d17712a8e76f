"""What a study keeps beside its rows, brought into the study that unites it with others."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from study import durable
from study.results import schema
from study.results.folder import Folder
from study.results.history import History
from study.results.metrics import PICTURED
from study.results.names import PICTURE
from study.results.schema import COUNT, TEXT

UNPICTURED = """
    SELECT count(*) FROM (SELECT DISTINCT trial, step FROM united WHERE {where}) ANTI JOIN
    (FROM pictures WHERE metric IS NOT DISTINCT FROM ?) USING (trial, step)
"""
PICTURES = pa.schema([("trial", TEXT), ("step", COUNT), ("metric", TEXT)])
ENDED = "SELECT DISTINCT trial FROM united WHERE status = 'diverged' OR (status = 'ok' AND step = steps)"


def bring(sources: Sequence[Folder], target: Folder, histories: Mapping[str, History]) -> None:
    """Links or copies provenance, pictures and generators, and what attempts left, under their new numbers.

    histories: of the trials that several of the sources have been at. Of such a trial pictures and generator are those
    of the study with its newest attempt, and another's where that has none.
    """
    for source in sources:
        _provenance(source, target)
        for path in _there(source.trial_folder("")):
            if path.name not in histories:
                _alone(source, target, path.name)
    for trial, history in histories.items():
        _united(sources, target, trial, history)
    for newest in (True, False):  # what is linked first stays
        for number, source in enumerate(sources):
            for path in (*_there(source.samples), *_there(source.generators)):
                if _wanted(histories.get(path.name.partition(".")[0]), number, newest=newest):
                    _link(path, target.folder / path.relative_to(source.folder))


def missing(target: Folder, database: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What rows name, or should have beside them, and is not there: kind -> how many. `united` are the rows."""
    told = {"tracebacks": database.execute("SELECT DISTINCT trace FROM united WHERE trace IS NOT NULL").fetchall()}
    lost = {kind: sum(not (target.folder / name).exists() for (name,) in names) for kind, names in told.items()}
    for column in schema.FILES:
        named = database.execute(f"SELECT DISTINCT {column} FROM united WHERE {column} IS NOT NULL").fetchall()
        lost[f"files of {column}"] = sum(not target.provenance_file(column, digest).exists() for (digest,) in named)
    lost |= _unpictured(target, database)
    ended = database.execute(ENDED).fetchall()
    lost["generators"] = sum(not target.generator_file(trial).exists() for (trial,) in ended)
    return {kind: count for kind, count in lost.items() if count}


def _unpictured(target: Folder, database: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Pictures that evaluations should have: sample grids, and what metrics show."""
    found = [each.groupdict() for path in _there(target.samples) if (each := PICTURE.fullmatch(path.name))]
    rows = [each | {"step": int(each["step"])} for each in found]
    database.register("pictures", pa.Table.from_pylist(rows, PICTURES))
    columns = database.table("united").columns
    asked: dict[str | None, str] = {None: "status <> 'failed'"}
    asked |= {metric: f"{column} IS NOT NULL" for metric, column in PICTURED.items() if column in columns}
    lost = dict[str, int]()
    for metric, where in asked.items():
        ((count,),) = database.execute(UNPICTURED.format(where=where), [metric]).fetchall()
        lost[f"pictures of {metric}" if metric else "sample grids"] = count
    return lost


def _alone(source: Folder, target: Folder, trial: str) -> None:
    """Of a trial that nobody else has been at. Checkpoints stay where they are."""
    here = source.trial_folder(trial)
    for path in [*source.attempts_of(trial).values(), *here.glob("trace-*.txt")]:
        _link(path, target.trial_folder(trial) / path.name)
    _copy_log([source], target, trial)


def _united(sources: Sequence[Folder], target: Folder, trial: str, history: History) -> None:
    for (source, number), new in history.numbers.items():
        marker, trace = sources[source].marker_file(trial, number), sources[source].trace_file(trial, number)
        if marker.exists():
            durable.write_json(target.marker_file(trial, new), {**json.loads(marker.read_text()), "attempt": new})
        if trace.exists():
            _link(trace, target.trace_file(trial, new))
    _copy_log([sources[number] for number in history.sources], target, trial)


def _copy_log(sources: Sequence[Folder], target: Folder, trial: str) -> None:
    """One after another; of logs that begin alike the longest. They are copied, as attempts append to theirs."""
    texts = [path.read_bytes() for source in sources if (path := source.log_file(trial)).exists()]
    kept = [
        text for i, text in enumerate(texts)
        if not any(other.startswith(text) and (other != text or j < i) for j, other in enumerate(texts) if j != i)
    ]  # fmt: skip
    if kept:
        durable.write_bytes(target.log_file(trial), b"".join(kept))


def _provenance(source: Folder, target: Folder) -> None:
    """What rows name by its hash, and the study itself as one of these files."""
    for path in _there(source.provenance):
        _link(path, target.provenance / path.name)
    text = source.study_file.read_bytes()
    durable.write_bytes(target.provenance_file("study_yaml", durable.sha256_bytes(text)[:16]), text)


def _wanted(history: History | None, source: int, *, newest: bool) -> bool:
    """Whether a trial's pictures are taken from this study: at first from the one that made its newest attempt."""
    if history is None:
        return newest
    return history.newest.source == source if newest else source in history.sources


def _there(folder: Path) -> list[Path]:
    """What is in the folder, but for what is being written aside."""
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))


def _link(path: Path, target: Path) -> None:
    """The same file under another name where the file system allows it, else a copy; the first one stays.

    No program changes such a file: what replaces it is another.
    """
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(path, target)
