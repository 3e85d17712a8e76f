"""What is stored with compacted rows: where each stands among all attempts at its trial, and a row per attempt."""

import duckdb
import pyarrow as pa

from study.results import schema, views
from study.results.segments import metrics_of

# The long texts stay out of DuckDB.
NEEDED = ("objective", "reported", "dataset", "fingerprint", "exception", "message", "train_seconds",
          "evaluation_seconds", *schema.REQUIRED)  # fmt: skip
INDEX = pa.schema(list(schema.INDEX.items()))


def settle(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rows in the order of (trial, attempt, step) with their marks, and their index.

    rows: of whole trials; a trial whose rows are not all here gets marks that hold as long as the others are unread.
    """
    metrics = sorted(metrics_of(rows.column_names))
    narrow = rows.select([*NEEDED, *metrics]).append_column("place", pa.array(range(len(rows)), pa.int64()))
    with duckdb.connect() as database:
        database.register("narrow", narrow)
        source = f"(SELECT *, {views.scores(metrics)} FROM narrow)"
        database.execute(f"CREATE TABLE marked AS {views.MARKED.format(source=source)}")
        marks = database.sql(
            f"SELECT place, {', '.join(mark.name for mark in schema.MARKS)} FROM marked "
            "ORDER BY trial, attempt, step, place"
        ).to_arrow_table()  # fmt: skip
        index = database.sql(views.SUMMARY.format(source="marked")).to_arrow_table()
    table = rows.take(marks["place"])
    for mark in schema.MARKS:
        table = table.append_column(schema.field(mark.name), marks[mark.name])
    return table, index.select(INDEX.names).cast(INDEX)
