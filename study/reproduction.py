"""The very same trial once more: the study that it takes, and where its rows differ from those on record. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.identity import Trial
from study.plan import Planned
from study.results import schema
from study.results.rowfile import Row
from study.spec import Study, validate

NAME = "reproduced"  # of the study; spec refuses it as the name of a YAML's
ENDS = ("exception",)  # beside the measured columns what two runs that end too early must agree on
DIGITS = 60  # of a text, before it is cut


@dataclass(frozen=True)
class Difference:
    """One number that is another than on record; column is empty where a whole row has no counterpart."""

    step: int
    column: str
    recorded: Any
    now: Any

    def __str__(self) -> str:
        if not self.column:
            return f"step {self.step}: " + ("a row that is not on record" if self.recorded is None else "no row now")
        told = f"step {self.step}: {self.column} was {_short(self.recorded)}, is {_short(self.now)}"
        if not (_is_number(self.recorded) and _is_number(self.now)):
            return told
        apart = self.now - self.recorded
        share = f", {apart / abs(self.recorded):+.2g} of it" if self.recorded else ""
        return f"{told} ({apart:+.6g}{share})"


def study_of(trial: Trial, recorded: Mapping[str, Any], threads: int) -> Study:
    """A study of this one trial alone, from its content.

    recorded: the study that the trial was run for, as its YAML says: only there it stands where files lie.
    """
    protocol, schedule = trial.protocol, {"steps": trial.steps, "evaluations": list(trial.evaluations)}
    measure = {
        "extractor": protocol.extractor,
        "metrics": list(protocol.metrics),
        "generated": protocol.generated,
        "real": protocol.real,
        "splits": "published" if protocol.selection == protocol.reporting else "separate",
        "quantised": protocol.quantised,
        **{name: dict(constants) for name, constants in protocol.constants.items()},
    }
    if protocol.weights is not None:
        path = ((recorded.get("measure") or {}).get("weights") or {}).get("path", "not on record")
        measure["weights"] = {"path": path, "sha256": protocol.weights}
    if trial.own is not None:
        schedule |= trial.own
    if "size" in (trial.own or {}):  # a person's own images; what is generated lies nowhere
        path = ((recorded.get("datasets") or {}).get(trial.dataset) or {}).get("images", "not on record")
        schedule["images"] = path
    content = {
        "name": NAME,
        "losses": [trial.loss],
        "variant": trial.variant,
        "datasets": {trial.dataset: schedule},
        "phases": [{"name": NAME, "space": "wide", "settings": 1}],  # the plan's file says which setting it is
        "width": trial.width,
        "batch_size": trial.batch_size,
        "batch_norm_decay": trial.batch_norm_decay,
        "measure": measure,
        "resources": {"threads": threads},
    }
    return validate(content, f"the record of trial {trial.id}")


def planned_of(trial: Trial, study: str, row: Row) -> Planned:
    """Its place among what was reproduced: phases of several studies may have one name."""
    draw = {name: row[name] for name in ("space", "sampler", "search_seed")}
    return Planned(f"{study}-{row['phase']}", row["sample"], trial, **draw)


def images_of(recorded: Sequence[Row]) -> dict[str, set[str]]:
    """Data set -> hashes of the images that the rows were measured with."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in recorded:
        if row["fingerprint"]:
            found[row["dataset"]].add(json.loads(row["fingerprint"])["dataset_sha256"])
    return found


def last_step(trial: Trial, recorded: Sequence[Row]) -> int:
    """The evaluation after which there is nothing left to compare: the last on record, or the one that failed."""
    measured = max((row["step"] for row in recorded if row["status"] != "failed"), default=0)
    if failed(recorded) is None:
        return measured
    return min((step for step in trial.evaluations if step > measured), default=trial.steps)


def failed(rows: Iterable[Row]) -> Row | None:
    """The row of the exception that a trial ended with."""
    return next((row for row in rows if row["status"] == "failed"), None)


def over(trial: Trial, recorded: Sequence[Row], again: Sequence[Row]) -> bool:
    """Whether a run has shown what can be compared: all the evaluations, or the same failure."""
    if any(row["status"] == "diverged" or row["step"] >= last_step(trial, recorded) for row in _measured(again)):
        return True
    was, now = failed(recorded), failed(again)
    return was is not None and now is not None and _key(was) == _key(now) and was["exception"] == now["exception"]


def differences(recorded: Sequence[Row], again: Sequence[Row]) -> list[Difference]:
    """Every measured column of every row, bit for bit; of failures also the kind of exception. By step."""
    was, now = {_key(row): row for row in recorded}, {_key(row): row for row in again}
    found: list[Difference] = []
    for key in sorted(was.keys() | now.keys()):
        if key in was and key in now:
            found += _between(was[key], now[key])
        else:
            found.append(Difference(key[0], "", was.get(key), now.get(key)))
    return found


def compared(row: Row) -> list[str]:
    """The columns of a row in which two runs of a trial agree."""
    return [name for name in row if schema.is_measured(name) or name in ENDS]


def _between(was: Row, now: Row) -> Iterator[Difference]:
    for name in dict.fromkeys([*compared(was), *compared(now)]):
        before, after = was.get(name), now.get(name)
        if before == after or (before != before and after != after):  # the second: both are not a number
            continue
        if name in schema.COLUMNS and schema.COLUMNS[name].unit == "json" and before and after:
            yield from _fields(now["step"], name, json.loads(before), json.loads(after))
        else:
            yield Difference(now["step"], name, before, after)


def _fields(step: int, column: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Difference(step, f"{column}.{name}", before.get(name), after.get(name))


def _key(row: Row) -> tuple[int, bool]:
    return row["step"], row["status"] == "failed"


def _measured(rows: Sequence[Row]) -> Iterator[Row]:
    return (row for row in rows if row["status"] != "failed")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= DIGITS else f"{text[:DIGITS]}..."
