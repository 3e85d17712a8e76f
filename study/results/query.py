"""Reading: the newest truth about every trial as two tables, `trials` and `evaluations`, and SQL over them."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from study.errors import StudyError
from study.results import schema
from study.results.store import Row, Store, plan_table, read_files, read_plan_table

# Of the plan's trials alone: what an earlier plan of the same name measured stays in `attempts`. An evaluation measured
# twice counts once, by its newest attempt; an end that a later attempt went past (failed, then retried) is history.
# `ending` is true on the row that ended its trial.
EVALUATIONS = """
    SELECT * EXCLUDE (newest, latest), status <> 'ok' OR step = steps AS ending
    FROM (SELECT *, max(attempt) OVER (PARTITION BY trial) AS newest,
                 row_number() OVER (PARTITION BY trial, step, status ORDER BY attempt DESC) AS latest
          FROM attempts WHERE trial IN (SELECT trial FROM plan))
    WHERE latest = 1 AND (status = 'ok' OR attempt = newest)
    ORDER BY trial, step, attempt
"""
# One row per planned trial (a trial planned in two phases has two rows, one id), with where it stands and its best:
# the evaluation with the least selection_score, and as `score` what is reported of it.
TRIALS = """
    WITH last AS (SELECT DISTINCT ON (trial) * FROM evaluations ORDER BY trial, ending DESC, step DESC, attempt DESC),
         best AS (SELECT trial, min(selection_score) AS selection_score, arg_min(score, selection_score) AS score,
                         arg_min(step, selection_score) AS score_step
                  FROM evaluations WHERE status = 'ok' GROUP BY trial)
    SELECT plan.* EXCLUDE (content),
           CASE WHEN last.trial IS NULL THEN 'waiting' WHEN NOT last.ending THEN 'started'
                WHEN last.status = 'ok' THEN 'done' ELSE last.status END AS status,
           last.step, best.score, best.score_step, best.selection_score, {settings},
           last.attempt, last.generator_updates, last.images_seen, last.train_seconds,
           last.generator_parameters, last.discriminator_parameters, last.fingerprint, last.exception, last.message,
           plan.content
    FROM plan LEFT JOIN last USING (trial) LEFT JOIN best USING (trial) ORDER BY position
"""


def connect(folder: Path, planned: Sequence[Row] | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database with the tables plan, attempts, evaluations and trials; it can reach no file afterwards.

    planned: the plan's rows, where they are other than those that the folder keeps.
    """
    store = Store(folder)
    if planned is None and not store.plan_file.exists():
        raise StudyError(f"no results in {folder}; run gan-study run first, or name another folder with --results")
    database = duckdb.connect()
    plan = read_plan_table(store.plan_file) if planned is None else plan_table(planned)
    attempts = read_attempts(store)
    metrics = [name for name in attempts.column_names if schema.METRIC.fullmatch(name)]
    database.register("plan_rows", plan)
    database.register("attempt_rows", attempts)
    database.execute("CREATE TABLE plan AS SELECT * FROM plan_rows")
    database.execute(
        f"CREATE TABLE attempts AS SELECT *, {_named_in('reported', metrics)} AS score, "
        f"{_named_in('objective', metrics)} AS selection_score FROM attempt_rows"
    )
    database.execute(f"CREATE TABLE evaluations AS {EVALUATIONS}")
    settings = ", ".join(map(_setting, schema.SETTING))
    database.execute(f"CREATE TABLE trials AS {TRIALS.format(settings=settings)}")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database


def load(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `trials` and `evaluations` of one study's folder as pandas frames."""
    with connect(folder) as database:
        return database.table("trials").df(), database.table("evaluations").df()


def read_attempts(store: Store) -> pa.Table:
    """The rows of every attempt, with all columns of the schema."""
    empty = schema.schema(list(schema.COLUMNS)).empty_table()
    tables = read_files(sorted(store.rows.glob("*.parquet")))
    whole = pa.concat_tables([empty, *tables], promote_options="default")
    return whole.combine_chunks()  # one chunk a file would cost DuckDB twenty times as much


def _named_in(column: str, metrics: list[str]) -> str:
    """The value of the metric column that another column names."""
    cases = "".join(f" WHEN '{name}' THEN \"{name}\"" for name in metrics)
    return f"CAST(CASE {column}{cases} END AS DOUBLE)" if cases else "CAST(NULL AS DOUBLE)"


def _setting(column: schema.Column) -> str:
    """A hyperparameter out of the plan, which has it before the trial has a row."""
    kind = {schema.NUMBER: "DOUBLE", schema.COUNT: "BIGINT", schema.SWITCH: "BOOLEAN"}[column.type]
    return f"CAST(json_extract_string(plan.content, '$.hyperparameters.{column.name}') AS {kind}) AS {column.name}"
