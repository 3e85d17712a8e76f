"""Where a trial's numbers come from: seeds, measure, and by attempt its study, code, packages, machine and job."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from study.commands.recorded import Row, data_of
from study.results.store import Store

PLACE = ("study_yaml", "source", "commit", "dirty", "diff", "versions", "hardware", "job", "slurm")


def tell(store: Store, facts: Row, newest: Sequence[Row]) -> Iterator[str]:
    """Line by line. facts: the trial's row of the view trials. newest: the last row of every attempt that left any."""
    yield from ("", "seeds", *outline(_seeds(facts), 1))
    if facts["fingerprint"]:
        yield from ("", "how it is measured", *outline(json.loads(facts["fingerprint"]), 1))
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in newest:  # attempts on the same machine, of the same code, are told once
        groups.setdefault(tuple(row[name] for name in PLACE), []).append(row)
    for rows in groups.values():
        numbers = ", ".join(str(row["attempt"]) for row in rows)
        yield from ("", f"where attempt {numbers} ran", *outline(_place(store, rows[-1]), 1))


def outline(content: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Names and values, one a line, and what is inside of others further in."""
    for name, value in content.items():
        if isinstance(value, Mapping) and value:
            yield f"{'  ' * depth}{name}:"
            yield from outline(value, depth + 1)
        else:
            yield f"{'  ' * depth}{name}: {_words(value)}"


def _seeds(facts: Row) -> dict[str, Any]:
    """All that chance decides follows from these and from the configuration."""
    drawn = {"space": facts["space"], "sampler": facts["sampler"], "search_seed": facts["search_seed"]}
    return {"seed": facts["seed"]} | ({"setting": drawn} if facts["space"] else {})


def _place(store: Store, row: Row) -> dict[str, Any]:
    commit = row["commit"] or "none, the code was no checkout"
    return {
        "study": _kept(store, row, "study_yaml"),
        "source": _kept(store, row, "source"),
        "commit": commit + (", with uncommitted changes" if row["dirty"] else ""),
        "diff": _kept(store, row, "diff"),
        "versions": _parsed(row["versions"]),
        "hardware": _parsed(row["hardware"]),
        "job": row["job"],
        "slurm": _parsed(row["slurm"]),
        "data": data_of(store, row),
    }


def _kept(store: Store, row: Row, column: str) -> str | None:
    """The file of provenance that a row names, and whether it is missing; None where it names none."""
    if row[column] is None:
        return None
    path = store.provenance_file(column, row[column])
    return f"{path}{'' if path.exists() else ' (not there)'}"


def _parsed(text: str | None) -> dict[str, Any] | None:
    return None if text is None else dict(json.loads(text))


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    return value if isinstance(value, str) else json.dumps(value)
