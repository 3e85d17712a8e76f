"""The results table: what compacting, asking, writing and listing cost, and the same questions asked of plain files."""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import results_data as data
from benchmarks.timing import print_table
from study.results import Store
from study.results.questions import QUESTIONS

FULL = (200_000, 50)
LOOSE = 0.0944  # of the trials: with those that were tried again, 20,000 files of 200,000 trials
WRITTEN = 20  # trials whose evaluations are written one by one
FORMS = {"csv": "CSV, pandas", "jsonl": "JSON lines, pandas"}


def main(options: Sequence[str] = ()) -> None:
    wanted = _parse(options)
    trials, evaluations = FULL if wanted.full else (wanted.trials, wanted.evaluations)
    with tempfile.TemporaryDirectory(dir=wanted.scratch, prefix="gan-study-results-") as scratch:
        folder = Path(scratch)
        with _told(
            f"{trials:,} trials x {evaluations} evaluations, written without fsync by {data.PROCESSES} processes"
        ):
            data.write_plan(folder / "all", data.study(trials, evaluations))
            data.write_rows(folder / "all", trials)
        few = int(trials * LOOSE) // 32 * 32
        with _told(f"{few:,} of these trials by themselves, and as CSV and JSON lines"):
            data.write_plan(folder / "some", data.study(few, evaluations))
            data.link_rows(folder / "all", folder / "some", few)
            data.write_peers(folder / "some", folder / "peers", few)
        with _told(f"a plan of {trials // 2:,} trials, of which most are compacted"):
            _begun(folder, trials // 2, evaluations)
        _measure(folder, evaluations)


def _parse(options: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks results")
    parser.add_argument("--trials", type=int, default=9_600, help="a multiple of 640")
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--full", action="store_true", help="200,000 x 50: 6 GB of disk, half an hour")
    parser.add_argument("--scratch", help="where the data is made and removed; left out: the system's folder")
    return parser.parse_args(list(options))


def _begun(folder: Path, planned: int, evaluations: int) -> None:
    """Of the plan 79 % is compacted, 1 % are files, 20 % has not begun."""
    begun = folder / "begun"
    data.write_plan(begun, data.study(planned, evaluations))
    data.link_rows(folder / "all", begun, planned * 79 // 100)
    _measured("compacting", begun)
    data.link_rows(folder / "all", begun, planned * 80 // 100, planned * 79 // 100)


def _measure(folder: Path, evaluations: int) -> None:
    files = len(os.listdir(Store(folder / "some").rows))
    loose = {question.name: _measured("asking", folder / "some", question.name) for question in QUESTIONS}
    peers = {form: _measured("peers", folder / "peers", form) for form in FORMS}
    data.write_plan(folder / "new", data.study(32, evaluations))
    writing, missing = _measured("writing", folder / "new", WRITTEN), _measured("missing", folder / "begun")
    compacting = _measured("compacting", folder / "all")
    compacted = {question.name: _measured("asking", folder / "all", question.name) for question in QUESTIONS}
    print_table("the table", ("what", "measured"), [*_costs(compacting, writing, missing)])
    columns = (
        "question", f"{compacting['rows']:,} rows, compacted", "peak memory", f"{files:,} files", "peak memory",
        *(f"{title}, {len(os.listdir(folder / 'peers' / form)):,} files" for form, title in FORMS.items()),
    )  # fmt: skip
    print_table("ten questions", columns, [*_answers(compacted, loose, peers)])


def _costs(compacting: dict[str, Any], writing: dict[str, Any], missing: dict[str, Any]) -> Iterator[tuple[str, str]]:
    (files, fewer), (size, less) = compacting["files"], compacting["bytes"]
    yield "compaction in one pass", f"{compacting['seconds']:.1f} s, peak memory {_megabytes(compacting)}"
    yield "files before and after", f"{files:,} and {fewer:,}"
    yield "bytes before and after", f"{size / 1e6:,.0f} MB and {less / 1e6:,.0f} MB"
    seconds = sorted(writing["seconds"])
    median, most = statistics.median(seconds), seconds[len(seconds) * 95 // 100]
    yield (
        f"writing one of {len(seconds):,} evaluations, with fsync",
        f"median {median * 1e3:.1f} ms, 95 % {most * 1e3:.1f} ms",
    )
    what = f"{missing['missing']:,} missing of {missing['planned']:,} trials"
    yield f"listing {what}", f"{missing['standing']:.1f} s, peak memory {_megabytes(missing)}"
    yield "making and writing that plan before", f"{missing['planning']:.1f} s"


def _answers(compacted: dict[str, Any], loose: dict[str, Any], peers: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for question in QUESTIONS:
        name = question.name
        ours = [text for each in (compacted[name], loose[name]) for text in (_seconds(each), _megabytes(each))]
        theirs = [peers[form]["questions"][name] for form in FORMS]
        told = [_seconds(each) + ("" if _same(each, loose[name]) else ", another answer") for each in theirs]
        yield (name, *ours, *told)
    yield ("peak memory", "", "", "", "", *(_megabytes(peers[form]) for form in FORMS))


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["rows"] == other["rows"] and math.isclose(one["sum"], other["sum"], rel_tol=1e-6)


def _seconds(measured: dict[str, Any]) -> str:
    return f"{measured['seconds']:.2f} s"


def _megabytes(measured: dict[str, Any]) -> str:
    return f"{measured['peak'] / 1e6:,.0f} MB"


def _measured(piece: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.results_measured", piece, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def _told(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"prepared: {what}; {time.perf_counter() - start:.0f} s", flush=True)
