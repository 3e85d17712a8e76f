"""The views of a study's table, in SQL: plan, attempts, evaluations, trials, best, settings."""

from study.results import schema

KEY = ("trial", "attempt", "step", "status")  # of a row; an attempt that fails after measuring has two of one step
# What questions mostly need of the files of rows, beside the metrics: a third of the columns, which saves seconds where
# there are 20,000 files. A question for another one fails with UNREAD, and is asked again where all are read.
USUAL = frozenset((
    *schema.REQUIRED, "objective", "reported", "dataset", "loss", "fingerprint", "generator_updates", "images_seen",
    "train_seconds", "evaluation_seconds", "generator_parameters", "discriminator_parameters", "exception", "message",
))  # fmt: skip
UNREAD = "this column of the files of rows was not read"
ENDING = "status <> 'ok' OR step = steps"
# Numbers of which nobody says how they were measured are a way of their own. Compaction refuses them.
WAY = """
    CASE WHEN fingerprint IS NULL AND coalesce(score, selection_score) IS NOT NULL THEN '{}' ELSE fingerprint END
    AS fingerprint
"""
PLACES = "places"  # a table, made once: windows over narrow rows, which need not hold the long texts
# Where every row stands among all attempts at its trial, as schema.MARKS says; reads and keeps the columns of `source`,
# and needs score and selection_score among them. newest: of the trial's attempts; measured, reached: of those that were
# at this step and measured it, or did anything but fail. Two rows never stand alike, so equal rows have equal marks.
MARKED = """
    SELECT * EXCLUDE (newest, measured, reached),
           counts AND row_number() OVER (PARTITION BY trial, counts
               ORDER BY ending DESC, step DESC, attempt DESC, status DESC) = 1 AS last,
           counts AND status = 'ok' AND selection_score IS NOT NULL AND row_number() OVER (PARTITION BY trial, counts,
               status = 'ok' ORDER BY selection_score NULLS LAST, step) = 1 AS best
    FROM (SELECT *, CASE WHEN status = 'ok' THEN attempt = measured AND (attempt = newest OR reached < newest)
                    ELSE attempt = newest AND (status = 'failed' OR measured IS DISTINCT FROM newest) END AS counts
          FROM (SELECT *, {ending} AS ending, max(attempt) OVER (PARTITION BY trial) AS newest,
                       max(attempt) FILTER (WHERE status = 'ok') OVER at_step AS measured,
                       max(attempt) FILTER (WHERE status <> 'failed') OVER at_step AS reached
                FROM {source}
                WINDOW at_step AS (PARTITION BY trial ORDER BY step RANGE BETWEEN CURRENT ROW AND CURRENT ROW)))
""".replace("{ending}", ENDING)
# One row per attempt, with the columns of schema.INDEX; `source` needs the mark `counts`.
SUMMARY = """
    SELECT trial, attempt, count(*) AS rows, count(*) FILTER (WHERE counts) AS counting,
           any_value(dataset) AS dataset, any_value(fingerprint) AS fingerprint, max(step) AS step,
           any_value(steps) AS steps, coalesce(any_value(status) FILTER (WHERE status <> 'ok'), 'ok') AS status,
           max(step) FILTER (WHERE status = 'ok') AS measured_step, max(train_seconds) AS train_seconds,
           sum(evaluation_seconds) AS evaluation_seconds, count(evaluation_seconds) AS evaluations,
           any_value(exception) AS exception, any_value(message) AS message
    FROM {source} GROUP BY trial, attempt ORDER BY trial, attempt
"""
# One row per planned trial (a trial planned in two phases has two rows, one id), with where it stands and its best
# evaluation: as `score` what is reported of it, as `selection_score` what it was chosen by.
TRIALS = """
    WITH kept AS MATERIALIZED (
        SELECT trial, last, best, status, ending, step, score, selection_score, attempt, generator_updates, images_seen,
               train_seconds, generator_parameters, discriminator_parameters, fingerprint, exception, message
        FROM marked WHERE last OR best)
    SELECT plan.* EXCLUDE (content, evidence),
           CASE WHEN final.trial IS NULL THEN 'waiting' WHEN NOT final.ending THEN 'started'
                WHEN final.status = 'ok' THEN 'done' ELSE final.status END AS status,
           final.step, chosen.score, chosen.step AS score_step, chosen.selection_score,
           final.attempt, final.generator_updates, final.images_seen, final.train_seconds,
           final.generator_parameters, final.discriminator_parameters, final.fingerprint, final.exception,
           final.message, plan.evidence, plan.content
    FROM plan LEFT JOIN (FROM kept WHERE last) AS final USING (trial)
         LEFT JOIN (FROM kept WHERE best) AS chosen USING (trial)
    ORDER BY position
"""
# One row per setting. A seed that diverged, failed, or ended without finite scores makes its setting's score and choice
# infinite: what fails sometimes stands behind everything that never does. They are null until a seed has ended.
# Scores are summed in the order of their size: in the order in which rows happen to come the last bits of a mean may
# differ, and equal studies would not be equal files. (An aggregate's own ORDER BY takes twice as long.)
SETTINGS = """
    SELECT phase, search, dataset, loss, variant, sample, {hyperparameters}, count(*) AS seeds,
           count(*) FILTER (WHERE good) AS done, count(*) FILTER (WHERE status = 'diverged') AS diverged,
           count(*) FILTER (WHERE status = 'failed' OR (status = 'done' AND NOT good)) AS failed,
           count(*) FILTER (WHERE status IN ('started', 'waiting')) AS missing,
           list_avg(list_sort(list(score) FILTER (WHERE good))) AS mean,
           list_stddev_samp(list_sort(list(score) FILTER (WHERE good))) AS deviation,
           list_avg(list_sort(list(selection_score) FILTER (WHERE good))) AS choice_mean,
           CASE WHEN done = seeds - missing THEN mean ELSE CAST('inf' AS DOUBLE) END AS score,
           CASE WHEN done = seeds - missing THEN choice_mean ELSE CAST('inf' AS DOUBLE) END AS choice,
           list(trial ORDER BY seed) AS trials
    FROM (SELECT *, status = 'done' AND coalesce(isfinite(score) AND isfinite(selection_score), false) AS good
          FROM trials)
    GROUP BY phase, search, dataset, loss, variant, sample, {hyperparameters}
    ORDER BY phase, dataset, loss, choice NULLS LAST, choice_mean, sample
"""


def define(names: list[str], *, reopened: bool, twins: bool, strangers: bool) -> dict[str, str]:
    """View -> SQL, in the order of their making, over the tables that query.connect registers.

    `measured` has every way in which the rows that count were measured, `measured_ever` also those of the others.

    names: of the table's columns. reopened: whether some trials have compacted rows and others. twins: whether some
    attempts are in both. strangers: whether there are rows of trials that the plan has not.
    """
    columns = ", ".join(f'"{name}"' for name in names)
    scored = f"{columns}, {scores(names)}"
    marks = ", ".join(mark.name for mark in schema.MARKS)
    past = f"SELECT {columns} FROM compacted {'ANTI JOIN twins USING (trial, attempt)' if twins else ''}"
    rest, settled = f"SELECT {columns} FROM loose", ""
    if reopened:
        rest += f" UNION ALL {past} SEMI JOIN reopened USING (trial)"
        settled = "ANTI JOIN reopened USING (trial)"
    planned = "AND trial IN (SELECT trial FROM plan)" if strangers else ""
    narrow = ", ".join((*schema.REQUIRED, "selection_score"))
    places = MARKED.format(source=f"(SELECT {narrow} FROM (SELECT {scored} FROM ({rest})))")
    kept = f"SELECT {scored}, {ENDING} AS ending, {marks} FROM compacted {settled}"
    counting = f"({kept} UNION ALL BY NAME (FROM open ORDER BY trial, step, attempt))"
    return {
        "plan": "FROM plan_rows",
        "attempts": f"SELECT {scored} FROM (SELECT {columns} FROM loose UNION ALL {past})",
        PLACES: f"SELECT {', '.join(KEY)}, {marks} FROM ({places})",
        "open": f"SELECT {scored}, {ENDING} AS ending, {marks} FROM ({rest}) JOIN {PLACES} USING ({', '.join(KEY)})",
        "marked": f"{kept} UNION ALL BY NAME FROM open",
        "evaluations": f"SELECT * EXCLUDE ({marks}) FROM {counting} WHERE counts {planned}",
        "best": f"SELECT * EXCLUDE ({marks}) FROM {counting} WHERE best {planned}",
        "trials": TRIALS,
        "measured": f"SELECT dataset, fingerprint FROM attempts_index {settled} WHERE counting > 0 {planned} "
        f"UNION SELECT dataset, {WAY} FROM open WHERE counts {planned}",
        "measured_ever": "SELECT dataset, fingerprint FROM attempts_index "
        f"UNION SELECT dataset, {WAY} FROM (SELECT {scored} FROM loose)",
        "settings": SETTINGS.format(hyperparameters=", ".join(column.name for column in schema.SETTING)),
    }


def scores(names: list[str]) -> str:
    """The columns score and selection_score of schema.DERIVED, out of the metrics among these columns."""
    metrics = [name for name in names if schema.METRIC.fullmatch(name)]
    return f"{_value_of('reported', metrics)} AS score, {_value_of('objective', metrics)} AS selection_score"


def _value_of(column: str, metrics: list[str]) -> str:
    """The value of the metric column that another column names."""
    cases = "".join(f" WHEN '{name}' THEN \"{name}\"" for name in metrics)
    return f"CAST(CASE {column}{cases} END AS DOUBLE)" if cases else "CAST(NULL AS DOUBLE)"
