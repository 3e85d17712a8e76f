"""Ten questions that users ask of a study, each in SQL for gan-study query and as pandas over frames of `load`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

# load(view, columns=...) of one study: functools.partial(study.results.load, study)
Load = Callable[..., pd.DataFrame]
SEARCH = ["phase", "dataset", "loss"]


@dataclass(frozen=True)
class Question:
    """Both ways give the same rows in the same columns and order. Scores that are not finite are in none of them."""

    name: str
    asked: str
    sql: str
    frame: Callable[[Load], pd.DataFrame]


QUESTIONS: list[Question] = []


def _worked(asked: str, sql: str) -> Callable[[Callable[[Load], pd.DataFrame]], Callable[[Load], pd.DataFrame]]:
    def keep(frame: Callable[[Load], pd.DataFrame]) -> Callable[[Load], pd.DataFrame]:
        QUESTIONS.append(Question(frame.__name__, asked, sql.strip(), frame))
        return frame

    return keep


@_worked(
    "Which setting of each loss is the best on each data set, and how far do its seeds differ?",
    """
SELECT phase, dataset, loss, sample, learning_rate, mean, deviation, done, seeds
FROM settings WHERE isfinite(choice)
QUALIFY row_number() OVER (PARTITION BY phase, dataset, loss ORDER BY choice, sample) = 1
ORDER BY phase, dataset, mean
""",
)
def best_settings(load: Load) -> pd.DataFrame:
    settings = load("settings").sort_values(["choice", "sample"])
    best = settings[np.isfinite(settings["choice"])].drop_duplicates(SEARCH)
    columns = [*SEARCH, "sample", "learning_rate", "mean", "deviation", "done", "seeds"]
    return best[columns].sort_values(["phase", "dataset", "mean"])


@_worked(
    "How does the score depend on the learning rate? -4 is from 1e-4 to 1e-3.",
    """
SELECT phase, dataset, loss, floor(log10(learning_rate)) AS decade,
       count(*) AS trials, median(score) AS median, min(score) AS least
FROM trials WHERE status = 'done' AND isfinite(score)
GROUP BY ALL ORDER BY ALL
""",
)
def learning_rates(load: Load) -> pd.DataFrame:
    trials = load("trials", columns=[*SEARCH, "status", "learning_rate", "score"])
    done = trials[(trials["status"] == "done") & np.isfinite(trials["score"])]
    done = done.assign(decade=np.floor(np.log10(done["learning_rate"])))
    scores = done.groupby([*SEARCH, "decade"])["score"]
    return scores.agg(trials="size", median="median", least="min").reset_index()


@_worked(
    "Which share of its trials diverges, per loss, and from which learning rate on?",
    """
SELECT phase, loss, count(*) AS ended, count(*) FILTER (WHERE status = 'diverged') AS diverged,
       diverged / ended AS share, min(learning_rate) FILTER (WHERE status = 'diverged') AS from_rate
FROM trials WHERE status IN ('done', 'diverged', 'failed')
GROUP BY phase, loss ORDER BY share DESC, phase, loss
""",
)
def divergence(load: Load) -> pd.DataFrame:
    trials = load("trials", columns=["phase", "loss", "status", "learning_rate"])
    ended = trials[trials["status"].isin(["done", "diverged", "failed"])]
    ended = ended.assign(bad=ended["status"] == "diverged")
    ended["rate"] = ended["learning_rate"].where(ended["bad"])
    groups = ended.groupby(["phase", "loss"])
    found = groups.agg(ended=("bad", "size"), diverged=("bad", "sum"), share=("bad", "mean"), from_rate=("rate", "min"))
    return found.reset_index().sort_values(["share", "phase", "loss"], ascending=[False, True, True])


@_worked(
    "What did each loss cost, failed and repeated work included? Times the share of a GPU that a trial has, these are "
    "GPU-hours. What an attempt did after its last row is not in it.",
    """
SELECT loss, count(DISTINCT trial) AS trials, count(*) AS attempts, sum(seconds) / 3600 AS hours,
       sum(measuring) / 3600 AS measuring_hours, measuring_hours / hours AS measuring_share
FROM (SELECT loss, trial, attempt, epoch(max(written_at)) - epoch(min(started_at)) AS seconds,
             coalesce(sum(evaluation_seconds), 0) AS measuring
      FROM attempts GROUP BY loss, trial, attempt)
GROUP BY loss ORDER BY hours DESC, loss
""",
)
def hours(load: Load) -> pd.DataFrame:
    keys = ["loss", "trial", "attempt"]
    rows = load("attempts", columns=[*keys, "started_at", "written_at", "evaluation_seconds"])
    attempts = rows.groupby(keys).agg({"started_at": "min", "written_at": "max", "evaluation_seconds": "sum"})
    attempts["seconds"] = (attempts["written_at"] - attempts["started_at"]).dt.total_seconds()
    losses = attempts.reset_index().groupby("loss")
    found = losses.agg(trials=("trial", "nunique"), attempts=("attempt", "size"))
    found["hours"] = losses["seconds"].sum(min_count=1) / 3600
    found["measuring_hours"] = losses["evaluation_seconds"].sum() / 3600
    found["measuring_share"] = found["measuring_hours"] / found["hours"]
    return found.reset_index().sort_values(["hours", "loss"], ascending=[False, True])


@_worked(
    "What would a smaller budget have found: the best of the first 1, 2, 5, ... settings?",
    """
SELECT phase, dataset, loss, sample + 1 AS tried,
       arg_min(mean, choice) FILTER (WHERE isfinite(choice))
           OVER (PARTITION BY phase, dataset, loss ORDER BY sample) AS score
FROM settings QUALIFY tried IN (1, 2, 5, 10, 20, 50, 100) ORDER BY ALL
""",
)
def budgets(load: Load) -> pd.DataFrame:
    settings = load("settings", columns=[*SEARCH, "sample", "mean", "choice"]).sort_values([*SEARCH, "sample"])
    settings["choice"] = settings["choice"].where(np.isfinite(settings["choice"]))
    settings["least"] = settings.groupby(SEARCH)["choice"].cummin()
    leads = settings["choice"].notna() & ~settings.duplicated([*SEARCH, "least"])
    settings["score"] = settings["mean"].where(leads)
    settings["score"] = settings.groupby(SEARCH)["score"].ffill()
    settings["tried"] = settings["sample"] + 1
    return settings.loc[settings["tried"].isin([1, 2, 5, 10, 20, 50, 100]), [*SEARCH, "tried", "score"]]


@_worked(
    "How does the best setting of each loss learn?",
    """
WITH chosen AS (
    SELECT phase, dataset, loss, unnest(trials) AS trial FROM settings WHERE isfinite(choice)
    QUALIFY row_number() OVER (PARTITION BY phase, dataset, loss ORDER BY choice, sample) = 1
    LIMIT 100000)  -- a bound: without one DuckDB expects so many that it keeps all evaluations in memory instead
SELECT phase, dataset, loss, step, count(*) AS seeds, avg(score) AS mean, min(score) AS low, max(score) AS high
FROM chosen JOIN (SELECT trial, step, score FROM evaluations WHERE status = 'ok' AND isfinite(score)) USING (trial)
GROUP BY phase, dataset, loss, step ORDER BY ALL
""",
)
def curves(load: Load) -> pd.DataFrame:
    settings = load("settings", columns=[*SEARCH, "sample", "choice", "trials"]).sort_values(["choice", "sample"])
    best = settings[np.isfinite(settings["choice"])].drop_duplicates(SEARCH)
    chosen = best[[*SEARCH, "trials"]].explode("trials").rename(columns={"trials": "trial"})
    evaluations = load("evaluations", columns=["trial", "step", "status", "score"])
    measured = evaluations[(evaluations["status"] == "ok") & np.isfinite(evaluations["score"])]
    rows = chosen.merge(measured, on="trial")
    scores = rows.groupby([*SEARCH, "step"])["score"]
    return scores.agg(seeds="size", mean="mean", low="min", high="max").reset_index()


@_worked(
    "Do seeds agree on which settings are good? Spearman's rank correlation of seeds 0 and 1.",
    """
WITH pairs AS (
    SELECT phase, dataset, loss, sample, max(selection_score) FILTER (WHERE seed = 0) AS one,
           max(selection_score) FILTER (WHERE seed = 1) AS other
    FROM trials WHERE status = 'done' AND isfinite(selection_score)
    GROUP BY ALL HAVING one IS NOT NULL AND other IS NOT NULL),
ranked AS (
    SELECT *, rank() OVER (PARTITION BY phase, dataset, loss ORDER BY one) AS x,
           rank() OVER (PARTITION BY phase, dataset, loss ORDER BY other) AS y FROM pairs)
SELECT phase, dataset, loss, count(*) AS settings, corr(x, y) AS agreement FROM ranked GROUP BY ALL ORDER BY ALL
""",
)
def agreement(load: Load) -> pd.DataFrame:
    trials = load("trials", columns=[*SEARCH, "sample", "seed", "status", "selection_score"])
    done = trials[(trials["status"] == "done") & np.isfinite(trials["selection_score"])]
    pairs = done.pivot_table(index=[*SEARCH, "sample"], columns="seed", values="selection_score")
    ranked = pairs.reindex(columns=[0, 1]).dropna().groupby(SEARCH).rank(method="min").reset_index()
    rows = [(*search, len(group), group[0].corr(group[1])) for search, group in ranked.groupby(SEARCH)]
    return pd.DataFrame(rows, columns=[*SEARCH, "settings", "agreement"])


@_worked(
    "Which trials failed, and why? Numbers in messages are folded, so that equal failures are one line.",
    """
SELECT exception, regexp_replace(message, '[0-9]+', 'N', 'g') AS reason, count(DISTINCT trial) AS trials,
       string_agg(DISTINCT loss, ', ' ORDER BY loss) AS losses, min(trial) AS example
FROM trials WHERE status = 'failed'
GROUP BY exception, reason ORDER BY trials DESC, exception, reason
""",
)
def failures(load: Load) -> pd.DataFrame:
    trials = load("trials", columns=["trial", "loss", "status", "exception", "message"])
    failed = trials[trials["status"] == "failed"]
    failed = failed.assign(reason=failed["message"].str.replace("[0-9]+", "N", regex=True)).sort_values("loss")
    groups = failed.groupby(["exception", "reason"], dropna=False)
    found = groups.agg(trials=("trial", "nunique"), losses=("loss", "unique"), example=("trial", "min"))
    found["losses"] = found["losses"].str.join(", ")
    return found.reset_index().sort_values(["trials", "exception", "reason"], ascending=[False, True, True])


@_worked(
    "What does choosing a checkpoint gain over taking the last one?",
    """
SELECT phase, dataset, loss, count(*) AS trials, avg(CAST(score_step = steps AS INTEGER)) AS last_chosen,
       avg(last / score) AS last_over_chosen
FROM trials JOIN (SELECT trial, score AS last FROM evaluations WHERE step = steps) USING (trial)
WHERE status = 'done' AND isfinite(score) AND isfinite(last) GROUP BY phase, dataset, loss ORDER BY ALL
""",
)
def checkpoints(load: Load) -> pd.DataFrame:
    trials = load("trials", columns=["trial", *SEARCH, "status", "steps", "score", "score_step"])
    rows = load("evaluations", columns=["trial", "step", "steps", "score"])
    last = rows.loc[rows["step"] == rows["steps"], ["trial", "score"]].rename(columns={"score": "last"})
    done = trials[(trials["status"] == "done") & np.isfinite(trials["score"])]
    done = done.merge(last[np.isfinite(last["last"])], on="trial")
    done = done.assign(chosen=done["score_step"] == done["steps"], ratio=done["last"] / done["score"])
    groups = done.groupby(SEARCH)
    found = groups.agg(trials=("chosen", "size"), last_chosen=("chosen", "mean"), last_over_chosen=("ratio", "mean"))
    return found.reset_index()


@_worked(
    "How long until a trial is good? Images and seconds to twice the least score on its data set.",
    """
WITH ended AS MATERIALIZED (
    SELECT trial, phase, dataset, loss, status, score FROM trials WHERE status IN ('done', 'diverged', 'failed')),
targets AS (
    SELECT dataset, 2 * min(score) AS target FROM ended WHERE status = 'done' AND isfinite(score) GROUP BY dataset),
reached AS (
    SELECT trial, min(images_seen) AS images, min(train_seconds) AS seconds
    FROM evaluations JOIN targets USING (dataset) WHERE score <= target GROUP BY trial)
SELECT phase, dataset, loss, count(*) AS trials, count(images) AS reached,
       median(images) AS images, median(seconds) AS seconds
FROM ended LEFT JOIN reached USING (trial)
GROUP BY phase, dataset, loss ORDER BY ALL
""",
)
def reaching(load: Load) -> pd.DataFrame:
    trials = load("trials", columns=["trial", *SEARCH, "status", "score"])
    done = trials[(trials["status"] == "done") & np.isfinite(trials["score"])]
    targets = 2 * done.groupby("dataset")["score"].min()
    rows = load("evaluations", columns=["trial", "dataset", "score", "images_seen", "train_seconds"])
    good = rows[rows["score"] <= rows["dataset"].map(targets)].groupby("trial")
    reached = good.agg(images=("images_seen", "min"), seconds=("train_seconds", "min")).reset_index()
    ended = trials[trials["status"].isin(["done", "diverged", "failed"])].merge(reached, on="trial", how="left")
    groups = ended.groupby(SEARCH)
    found = groups.agg(trials=("trial", "size"), reached=("images", "count"))
    return found.join(groups[["images", "seconds"]].median().astype(float)).reset_index()
