"""What a plan will cost: from recorded throughput where there is any, else from a stated assumption."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.identity import Trial
from study.measures import EXTRACTORS, METRICS
from study.plan import Planned
from study.results.query import connect

# A step of ns at width 1, 28x28x1 and batch 64: three passes' worth through the generator and eight through the
# discriminator, 13 million multiply-adds each: 11 x 13e6 x 2 x 64 = 18 GFLOP; 21 with what is wasted and not counted.
STEP_GFLOP = 21.0
IMAGE_GFLOP = 0.026  # a generated image at width 1 and 28x28x1
GFLOP_PER_SECOND = 60.0  # of one worker with one thread
PIXELS = 28 * 28
BATCH = 64
ASSUMPTION = (
    f"assumed: {STEP_GFLOP:g} GFLOP a step at width 1, 28x28 and batch {BATCH}, in proportion to width squared, pixels "
    f"and batch, at {GFLOP_PER_SECOND:g} GFLOP/s a worker"
)


@dataclass(frozen=True)
class Pace:
    """Seconds per step and per evaluation."""

    step: float
    evaluation: float

    def seconds(self, trial: Trial) -> float:
        return self.step * trial.steps + self.evaluation * len(trial.evaluations)


Kind = tuple[str, str, float]  # loss, data set, width: trials that take their time alike


def kind_of(trial: Trial) -> Kind:
    return trial.loss, trial.dataset, trial.width


def recorded(folder: Path) -> dict[Kind, Pace]:
    """The mean pace of every (loss, data set, width) that a study's results hold; empty where there are no results."""
    if not (folder / "plan.parquet").exists():
        return {}
    with connect(folder) as database:
        rows = database.execute("""
            SELECT loss, dataset, CAST(json_extract(content, '$.width') AS DOUBLE) AS width,
                   sum(seconds) / sum(steps) AS step, sum(evaluation) / sum(evaluations) AS evaluation
            FROM (SELECT trial, loss, dataset, any_value(content) AS content, max(train_seconds) AS seconds,
                         max(step) AS steps, sum(evaluation_seconds) AS evaluation,
                         count(evaluation_seconds) AS evaluations
                  FROM attempts WHERE train_seconds IS NOT NULL AND trial IN (SELECT trial FROM plan)
                  GROUP BY trial, loss, dataset)
            GROUP BY loss, dataset, width""").fetchall()
    return {(loss, dataset, width): Pace(step, evaluation) for loss, dataset, width, step, evaluation in rows}


def assumed(trial: Trial) -> Pace:
    """The pace by the stated assumption."""
    _, height, width = trial.data.shape
    scale = trial.width**2 * height * width / PIXELS
    protocol = trial.protocol
    step = STEP_GFLOP * scale * trial.batch_size / BATCH / GFLOP_PER_SECOND
    passes = sum(METRICS[name].passes(protocol.constants.get(name, {})) for name in protocol.metrics)
    images = protocol.generated + passes * len(protocol.splits)
    gflop = EXTRACTORS[protocol.extractor].gflop * protocol.generated + IMAGE_GFLOP * scale * images
    gflop += sum(METRICS[name].gflop(protocol.constants.get(name, {})) for name in protocol.metrics)
    return Pace(step, gflop / GFLOP_PER_SECOND)


def cost(plan: Iterable[Planned], paces: Mapping[Kind, Pace], workers: int) -> dict[str, Any]:
    """Hours on this many workers, and what the number rests on."""
    trials = {planned.trial.id: planned.trial for planned in plan}.values()
    known = [trial for trial in trials if kind_of(trial) in paces]
    guessed = [trial for trial in trials if kind_of(trial) not in paces]
    seconds = sum(paces[kind_of(trial)].seconds(trial) for trial in known)
    seconds += sum(assumed(trial).seconds(trial) for trial in guessed)
    basis = [f"recorded for {len(known)} of {len(trials)} trials"] if known else []
    return {
        "workers": workers,
        "trials": len(trials),
        "hours": seconds / workers / 3600 if trials else None,  # of what has still to be selected nothing is known
        "basis": "; ".join(basis + ([ASSUMPTION] if guessed else [])),
    }
