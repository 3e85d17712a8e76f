"""The dictionary of a study's table: every column of every view, with its type, its unit and its meaning."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from study.results import metrics, schema
from study.results.query import VIEWS, connect
from study.results.schema import COUNT, NUMBER, TEXT, Column

# What a row of each view is.
ROWS = {
    "trials": "one planned trial: where it stands, and its best evaluation",
    "evaluations": "one evaluation of one trial; of a step that was measured again, the newest attempt",
    "best": "the evaluation of each trial that selection chose: the least selection_score",
    "settings": "one setting: its seeds, how many of them ended well, their mean and deviation",
    "attempts": "one evaluation by one attempt at one trial: everything that was ever measured",
    "plan": "one planned trial, in the plan's order, whether or not it was begun",
}
BEST = "of the trial's best evaluation"
OWN = {  # what a name means in a view where it is no column of the table, or another one than elsewhere
    "trials": (
        Column("status", TEXT, "", f"where the trial stands: {', '.join(schema.TRIAL_STATUSES)}", True),
        Column("step", COUNT, "discriminator steps", "of the trial's last row", True),
        Column("score", NUMBER, "as the metric", f"{BEST}: the metric that `reported` names", True),
        Column("selection_score", NUMBER, "as the metric", f"{BEST}: the metric that `objective` names", True),
        Column("score_step", COUNT, "discriminator steps", f"{BEST}: when it was measured", True),
    ),
    "settings": (
        Column("seeds", COUNT, "trials", "planned of the setting"),
        Column("done", COUNT, "trials", "of them that ended with finite scores"),
        Column("diverged", COUNT, "trials", "of them that diverged"),
        Column("failed", COUNT, "trials", "of them that failed, or ended without finite scores"),
        Column("missing", COUNT, "trials", "of them that have not ended"),
        Column("mean", NUMBER, "as the metric", "of score, over the seeds that are done"),
        Column("deviation", NUMBER, "as the metric", "standard deviation of score over those seeds; null of one seed"),
        Column("choice_mean", NUMBER, "as the metric", "of selection_score, over the seeds that are done"),
        Column("score", NUMBER, "as the metric", "`mean`; infinite where a seed diverged or failed"),
        Column("choice", NUMBER, "as the metric", "`choice_mean`; infinite where a seed diverged or failed; the least "
               "is the best setting's"),
        Column("trials", pa.list_(TEXT), "", "ids, by seed"),
    ),
}  # fmt: skip
SHORT = 40  # characters of an example
TABLE = {column.name: column for column in (*schema.COLUMNS.values(), *schema.PLANNED, *schema.DERIVED)}


@dataclass(frozen=True)
class Entry:
    """One column, under one meaning."""

    column: Column
    views: tuple[str, ...]
    rows: int | None = None  # of a study's first such view that have a value
    example: str | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The line of the dictionary's table."""
        return {
            "column": self.column.name,
            "views": ", ".join(self.views),
            "type": str(self.column.type),
            "unit": self.column.unit,
            "meaning": self.column.meaning,
            "measured": self.column.measured,
            "since": schema.SINCE.get(self.column.name, schema.OLDEST),
        }


def general() -> list[Entry]:
    """The dictionary of any study, in the order of the table; the metric columns by their kinds."""
    with tempfile.TemporaryDirectory() as nowhere, connect(Path(nowhere), []) as database:
        found = _entries(_columns(database))
    tables = tuple(view for view in VIEWS if view in ("evaluations", "best", "attempts"))
    at = next(i for i, entry in enumerate(found) if entry.column in schema.PROVENANCE)
    return [*found[:at], *(Entry(kind, tables) for kind in metrics.kinds()), *found[at:]]


def of(database: duckdb.DuckDBPyConnection) -> list[Entry]:
    """The dictionary of a study that is open: every column of its views, under every meaning that it has."""
    return _entries(_columns(database))


def of_study(folder: Path) -> list[Entry]:
    """The dictionary of one study: its own metrics, how many rows have each column, and an example of it."""
    with connect(folder) as database:
        found = _entries(_columns(database))
        known = {view: _seen(database, view) for view in {entry.views[0] for entry in found}}
    return [_exemplified(entry, *known[entry.views[0]][entry.column.name]) for entry in found]


def table(entries: Iterable[Entry], *, study: bool = False) -> pa.Table:
    """The entries as a table. study: with the columns rows and example."""
    return pa.Table.from_pylist(
        [entry.facts | ({"rows": entry.rows, "example": entry.example} if study else {}) for entry in entries]
    )


def markdown(entries: Iterable[Entry], *, study: bool = False) -> str:
    """The same as Markdown: what the views are, then every column."""
    lines = ["| view | one row is |", "|---|---|", *(f"| `{view}` | {meaning} |" for view, meaning in ROWS.items()), ""]
    rows = table(entries, study=study)
    lines += [_line(rows.column_names), "|" + "---|" * rows.num_columns]
    for row in rows.to_pylist():
        row |= {"column": f"`{row['column']}`", "measured": "yes" if row["measured"] else ""}
        lines.append(_line("" if cell is None else str(cell).replace("|", "\\|") for cell in row.values()))
    return "\n".join(lines) + "\n"


def _exemplified(entry: Entry, rows: int, value: Any) -> Entry:
    text = None if value is None else " ".join(str(value).split())
    return replace(entry, rows=rows, example=text if text is None or len(text) <= SHORT else text[: SHORT - 3] + "...")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _columns(database: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """View -> the names of its columns."""
    return {view: database.table(view).columns for view in VIEWS}


def _entries(columns: Mapping[str, list[str]]) -> list[Entry]:
    """Every column under every meaning that it has, in the order of the table."""
    views = defaultdict[Column, list[str]](list)
    for view, names in columns.items():
        own = {column.name: column for column in OWN.get(view, ())}
        for name in names:
            views[own.get(name) or TABLE.get(name) or metrics.described(name)].append(view)
    order = [*TABLE.values(), *(column for columns in OWN.values() for column in columns)]
    known = sorted((column for column in views if column in order), key=order.index)
    measured = [column for column in views if column not in order]
    at = next(i for i, column in enumerate(known) if column in schema.PROVENANCE)
    return [Entry(column, tuple(views[column])) for column in (*known[:at], *measured, *known[at:])]


def _seen(database: duckdb.DuckDBPyConnection, view: str) -> dict[str, tuple[int, Any]]:
    """Column -> how many rows of the view have a value, and one of these values."""
    names = database.table(view).columns
    asked = ", ".join(f'count("{name}"), any_value("{name}")' for name in names)
    (found,) = database.sql(f"SELECT {asked} FROM {view}").to_arrow_table().to_pylist()
    values = list(found.values())
    return dict(zip(names, zip(values[::2], values[1::2], strict=True), strict=True))
