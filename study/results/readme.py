"""What stands in an archive beside its tables: README, dictionary and environment, for who has nothing but pandas."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pyarrow as pa

from study.results import dictionary, fingerprints, schema
from study.results.dictionary import Entry
from study.results.forms import encode
from study.results.schema import TEXT, Column

PAGE = """# The study {name}

{what}

{state}

## Reading it

With Python, pandas and pyarrow, in this folder; nothing else is needed. What is infinite in `settings.parquet` is a
setting of which a seed diverged or failed: it stands behind every one of which none did.

```python
{lines}
```

Every Parquet file opens in R (arrow), DuckDB, Spark and others as well. `gan-study import` makes this archive a study
again, which gan-study can query, report, check and go on with.

## What is in it

{files}

`MANIFEST.json` has the size and the sha256 of every other file.

## How it was made

{made}

## The columns

{columns}

## Citing it

{cite}
"""
LINES = """import pandas as pd

settings, trials, evaluations = (pd.read_parquet(f"{name}.parquet") for name in ("settings", "trials", "evaluations"))

# the best setting of every loss: the first of its search
best = settings.dropna(subset="choice").groupby(["phase", "dataset", "loss"], as_index=False).head(1)
# which share of the trials of every loss ended how
endings = trials.groupby(["dataset", "loss"])["status"].value_counts(normalize=True).unstack(fill_value=0)
# how every loss learns: the median score of its trials against the step
learning = evaluations.groupby(["dataset", "loss", "step"])["score"].median()"""
KINDS = {
    "README.md": "this page",
    "study.yaml": "the study as it was asked for",
    "dictionary.csv": "every column of every table: type, unit, meaning",
    "environment.json": "code, packages, machines and measuring that the rows tell of, with the number of their trials",
    "processes.jsonl": "who has been at which trial: host, process, job, when; one line per attempt",
    "provenance/": "what rows name by its hash: code (source), how it differed from its commit (diff), study",
    "samples/": "images that were generated at every evaluation: TRIAL.STEP.png; what a metric shows: "
    "TRIAL.STEP.METRIC.png",
    "generators/": "weights of the generators of ended trials: TRIAL.safetensors",
    "trials/": "traceback and log of every trial that failed",
}
LEFT_OUT = (
    "Not in it: checkpoints, data sets{generators}. Of {evaluations:,} evaluations {pictures:,} have their images here."
)


@dataclass(frozen=True)
class Contents:
    """What went into an archive."""

    name: str
    dictionary: Sequence[Entry]
    rows: Mapping[str, int]  # table ->
    files: Mapping[str, int]  # name, or folder/ -> how many
    pictured: tuple[int, int]  # evaluations with their sample grid, and all that should have one


def page(database: duckdb.DuckDBPyConnection, contents: Contents, environment: Mapping[str, Any]) -> str:
    """README.md."""
    return PAGE.format(
        name=contents.name,
        what=_what(database),
        state="\n\n".join([_state(database), *_mixed(environment)]),
        lines=LINES,
        files=_files(contents),
        made=_made(environment),
        columns=dictionary.markdown(contents.dictionary),
        cite=_cite(environment),
    )


def described(database: duckdb.DuckDBPyConnection) -> list[Entry]:
    """The dictionary, of the columns as the archive has them."""
    return [replace(entry, column=_plain(entry.column)) for entry in dictionary.of(database)]


def dictionary_csv(entries: Iterable[Entry]) -> bytes:
    """One line per column and meaning."""
    return encode(dictionary.table(entries), "csv")


def _what(database: duckdb.DuckDBPyConnection) -> str:
    ((trials, phases, losses, datasets),) = database.execute(
        "SELECT count(DISTINCT trial), list(DISTINCT phase ORDER BY phase), list(DISTINCT loss ORDER BY loss), "
        "list(DISTINCT dataset ORDER BY dataset) FROM plan"
    ).fetchall()
    return (
        f"A comparison of generative models: {trials:,} trials (losses: {', '.join(losses)}; data sets: "
        f"{', '.join(datasets)}; phases: {', '.join(phases)}). A trial is one setting of the hyperparameters of one "
        "loss with one seed; it was measured at several steps of its training: every evaluation is one row."
    )


def _state(database: duckdb.DuckDBPyConnection) -> str:
    counts = dict(
        database.execute("SELECT status, count(DISTINCT trial) FROM trials GROUP BY status ORDER BY status").fetchall()
    )
    ((last,),) = database.execute("SELECT strftime(max(written_at), '%Y-%m-%d %H:%M') FROM attempts").fetchall()
    told = ", ".join(f"{counts[status]:,} {status}" for status in schema.TRIAL_STATUSES if counts.get(status))
    missing = counts.get("started", 0) + counts.get("waiting", 0)
    state = f"Where its trials stand: {told or 'none is planned'}."
    if last:
        state += f" The last row was written at {last} UTC."
    if missing:
        state += (
            f" **The study is not finished**: {missing:,} of its trials have not ended, and what is best may change."
        )
    if counts.get("failed") or counts.get("diverged"):
        state += (
            " Trials that diverged or failed are rows with that status; they count as infinitely bad, and are never "
            "left out."
        )
    return state


def _mixed(environment: Mapping[str, Any]) -> list[str]:
    """What may not be compared, a sentence each."""
    return [
        f"**The rows of {dataset} were measured in {len(ways)} ways**, and only those of one fingerprint may be "
        f"compared; the ways differ in {', '.join(fingerprints.differing(ways))}."
        for dataset, ways in environment["fingerprints"].items()
        if len(ways) > 1
    ]


def _files(contents: Contents) -> str:
    lines = [
        f"| `{view}.parquet` | {contents.rows[view]:,} rows | a row is {meaning} |"
        for view, meaning in dictionary.ROWS.items()
    ]
    for name, meaning in KINDS.items():
        if contents.files.get(name):
            lines.append(f"| `{name}` | {_counted(name, contents.files[name])} | {meaning} |")
    pictures, evaluations = contents.pictured
    left_out = LEFT_OUT.format(
        generators="" if contents.files.get("generators/") else ", generators (`gan-study export --generators`)",
        pictures=pictures,
        evaluations=evaluations,
    )
    return "\n".join(["| file | size | what it is |", "|---|---|---|", *lines]) + f"\n\n{left_out}"


def _counted(name: str, count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}" if name.endswith("/") else ""


def _made(environment: Mapping[str, Any]) -> str:
    lines = []
    for code in environment["code"]:
        changed = f", with changes (`provenance/diff-{code['diff']}.patch`)" if code["diff"] else ", with changes"
        commit = f"commit {code['commit']}" if code["commit"] else "code outside of a checkout"
        files = f"`provenance/source-{code['source']}.tar.gz`, " if code["source"] else ""
        lines.append(f"- {commit}{changed if code['dirty'] else ''}: {files}{_trials(code)}")
    for kind in ("versions", "hardware"):
        for each in environment[kind]:
            told = ", ".join(f"{name} {value}" for name, value in each.get(kind, {}).items() if value is not None)
            lines.append(f"- {kind}: {told or 'not told'}: {_trials(each)}")
    for dataset, ways in environment["fingerprints"].items():
        for fields in ways:
            lines.append(f"- measured on {dataset}: " + ", ".join(f"{name} {value}" for name, value in fields.items()))
    return "\n".join(lines) or "Nothing has run yet."


def _trials(each: Mapping[str, Any]) -> str:
    return f"{each['trials']:,} trial{'' if each['trials'] == 1 else 's'}"


def _plain(column: Column) -> Column:
    """A list is one text in the archive, its items parted by spaces."""
    return replace(column, type=TEXT) if isinstance(column.type, pa.ListType) else column


def _cite(environment: Mapping[str, Any]) -> str:
    commits = sorted({code["commit"] for code in environment["code"] if code["commit"]})
    of = f"commit {' and '.join(commits)}" if commits else "the code in provenance/"
    return f"Name the study, the program (gan-study, {of}), and the sha256 of the archive that this page came in."
