"""What every figure of a study costs: 8 losses on 5 data sets, 100 settings of each, 20 evaluations of a trial.

Each is laid out and written as PNG and PDF, as the report does; computing its numbers is not in its seconds. All are
seconds of the processor, so that what else the machine does counts little.
"""

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis import frames, page, pictures
from analysis.tables import (
    budget,
    compute,
    crossing,
    importance,
    pairs,
    pooled,
    practical,
    ranks,
    runs,
    seeds,
    spread,
    transfer,
)
from benchmarks import analysis_study
from benchmarks.timing import print_table

GOAL, GOAL_BUDGET = 20.0, 1.0  # seconds: all figures; the budget curves, numbers and picture
Draw = Callable[[], Figure]


def rows(folder: Path | None = None) -> list[tuple[str, ...]]:
    """Figure and seconds, then the sums. With `folder`, the pictures are left there."""
    gc.set_threshold(50_000, 20, 20)  # as the kernels of a report
    with tempfile.TemporaryDirectory() as where:
        loaded = frames.load(analysis_study.study(Path(where) / "study"))
        begin = time.process_time()
        found = {}
        for name, draw in figures(loaded, "wide", "seeds"):
            found[name] = written(draw, (folder or Path(where)) / name.replace(" ", "_"))
        whole = time.process_time() - begin
        curves = _budget_curves(loaded)
    told = [(name, f"{seconds:.2f}") for name, seconds in found.items()]
    return [
        *told,
        (f"all {len(found)} figures (goal: under {GOAL:.0f})", f"{sum(found.values()):.1f}"),
        ("all figures with their numbers", f"{whole:.1f}"),
        (f"budget curves: numbers and one picture as PNG (goal: under {GOAL_BUDGET:.0f})", f"{curves:.2f}"),
    ]


def main() -> None:
    size = f"{len(analysis_study.LOSSES)} losses x {len(analysis_study.DATASETS)} data sets x {analysis_study.SETTINGS}"
    title = f"Figures of {size} settings x {analysis_study.EVALUATIONS} evaluations, as PNG and PDF"
    print_table(title, ("figure", "CPU seconds"), rows())


def written(draw: Draw, path: Path) -> float:
    """Seconds until PATH.png and PATH.pdf are there."""
    start = time.process_time()
    page.saved(draw(), path, "")
    return time.process_time() - start


def _budget_curves(loaded: frames.Study) -> float:
    found = frames.settings(loaded)
    start = time.process_time()
    curves = budget.curves(found[found["phase"] == "wide"])
    page.png(pictures.budget(curves, loaded.objective("mnist")))
    return time.process_time() - start


def figures(loaded: frames.Study, phase: str, repeated: str) -> Iterator[tuple[str, Draw]]:
    """Every picture of the study by name, not yet drawn: of the searches of a phase, and the seeds of another."""
    everything = frames.settings(loaded)
    found, searched = everything[everything["phase"] == phase], everything[everything["phase"] != repeated]
    first = str(loaded.trials["dataset"].iloc[0])
    metric = {str(name): loaded.objective(name) for name in loaded.trials["dataset"].unique()}
    curves, published = budget.curves(found), budget.published(found)
    finished = budget.published(found[np.isfinite(found["choice"])])
    yield "budget", partial(pictures.budget, curves, metric)
    yield "budget, median", partial(pictures.budget, curves, metric, "median")
    yield "published budget", partial(pictures.published_budget, published, metric, finished)
    yield "budget bands", partial(pictures.budget_bands, curves[curves["dataset"] == first], metric)
    tuned = budget.tuning(found)
    chooses = {name: loaded.selector(name) for name in metric}
    yield "tunings", partial(pictures.tunings, tuned, chooses)
    yield "tuning", partial(pictures.tuning, tuned[tuned["dataset"] == first], chooses)
    spent = compute.curves(loaded, "seconds")
    spent = spent[spent["phase"] == phase]
    yield "compute", partial(pictures.compute, spent, metric, compute.words(loaded, "seconds"))
    quartiles = spread.quartiles(searched)
    yield "boxes", partial(pictures.boxes, found, quartiles[quartiles["phase"] == phase], metric)
    yield "boxes of phases", partial(pictures.boxes, searched, quartiles, metric)
    repeats = seeds.stability(loaded)
    repeats = repeats[repeats["phase"] == repeated].drop_duplicates(frames.SEARCH)
    yield "seeds", partial(pictures.seeds, runs.runs(loaded, repeated), repeats, metric)
    for loss, rows_of in found.groupby("loss"):
        yield f"sensitivity of {loss}", partial(pictures.sensitivity, rows_of, metric)
    yield "importances", partial(pictures.importances, importance.importances(found))
    yield "learning", partial(pictures.learning, frames.learning(loaded, found.drop_duplicates(frames.SEARCH)), metric)
    yield from _comparisons(loaded, found, repeated)


def _comparisons(loaded: frames.Study, found: pd.DataFrame, repeated: str) -> Iterator[tuple[str, Draw]]:
    phase = str(found["phase"].iloc[0])
    yield "beats", partial(pictures.beats, pairs.beats(found, 1))
    by_budget = pairs.by_budget(found, range(1, 15, 2))
    yield "beats by budget", partial(pictures.beats_by_budget, by_budget[by_budget["second"] == "ns"])
    crossed = crossing.crossings(found)
    crossed = crossed[crossed["budget"].gt(1)]  # the report draws the sure ones only, of which there may be none here
    yield "crossings", partial(pictures.crossings, crossed)
    ran = runs.runs(loaded, phase)
    yield "interquartile means", partial(pictures.interquartile_means, pooled.interquartile_means(ran))
    yield "profiles", partial(pictures.profiles, pooled.profiles(ran))
    yield "ranks", partial(pictures.ranks, ranks.ranks(loaded)[phase])
    yield "practical", partial(pictures.practical, practical.practical(runs.runs(loaded, repeated)))
    yield "transfers", partial(pictures.transfers, transfer.transfers(found))
