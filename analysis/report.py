"""A study's page: one HTML file that holds all it shows; beside it every figure as PNG and PDF, every table as CSV."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis import budget, captions, formats, frames, grids, notes, pictures, provenance, spread, style, tables
from analysis.page import Picture, embedded, environment, saved
from study.results import schema

TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class Part:
    """All that one phase on one data set has to show; pictures of what has not happened yet are not there."""

    phase: str
    dataset: str
    objective: str
    ranking: pd.DataFrame
    settings: pd.DataFrame
    pictures: dict[str, Picture]
    samples: list[Picture] = field(default_factory=list)


def write(folder: Path, out: Path, *, mixed: bool = False) -> Path:
    """The path of the page, report.html in `out`; the study may be finished, running or not yet begun.

    Raises StudyError where there is no study in `folder`, or one whose rows may not be compared (see `frames.load`).
    """
    study = frames.load(folder, mixed=mixed)
    settings, ranking = frames.settings(study), tables.ranking(study)
    curves = budget.curves(settings)
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in (("settings", settings), ("ranking", ranking), ("budget", curves)):
        frame.to_csv(out / f"{name}.csv", index=False)
    where = study.trials[["phase", "dataset"]].drop_duplicates().itertuples(index=False)
    parts = [_part(study, out, (str(phase), str(dataset)), (settings, ranking, curves)) for phase, dataset in where]
    page = environment().get_template(TEMPLATE).render(
        study=study,
        counts={status: study.count(status) for status in schema.TRIAL_STATUSES},
        parts=parts,
        failures=tables.failures(study).astype(str),
        sizes=formats.readable_sizes(tables.sizes(study)),
        notes=notes.notes(study, ranking, settings),
        facts=provenance.facts(study),
        measured=provenance.measured(study),
        styles={loss: style.of(loss) for loss in study.trials["loss"].unique()},
    )  # fmt: skip
    path = out / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _part(study: frames.Study, out: Path, where: tuple[str, str], all_of: tuple[pd.DataFrame, ...]) -> Part:
    phase, dataset = where
    settings, ranking, curves = (rows[(rows["phase"] == phase) & (rows["dataset"] == dataset)] for rows in all_of)
    objective = study.objective(dataset)
    drawn = _drawn(study, objective, settings, curves)
    found = {kind: saved(figure, out / f"{phase}.{dataset}.{kind}", alt) for kind, (figure, alt) in drawn.items()}
    found_grids = grids.of_best(study, ranking)
    if found_grids:
        figure = pictures.samples([(grid.loss, grid.image) for grid in found_grids])
        saved(figure, out / f"{phase}.{dataset}.samples", "")
    readable = formats.readable_ranking(ranking), formats.readable_settings(ranking)
    return Part(phase, dataset, objective, *readable, found, [_pictured(grid) for grid in found_grids])


def _drawn(
    study: frames.Study, objective: str, settings: pd.DataFrame, curves: pd.DataFrame
) -> dict[str, tuple[Figure, str]]:
    """Figure and alternative text by kind, those only that have something to show."""
    drawn: dict[str, tuple[Figure, str]] = {}
    if np.isfinite(settings["score"]).any():
        quartiles = spread.quartiles(settings)
        drawn["boxes"] = pictures.boxes(settings, quartiles, objective), captions.boxes(quartiles, objective)
    if (curves["n"] > 1).any() and np.isfinite(curves["median"]).any():
        text = captions.budget(curves, objective)
        drawn["budget"] = pictures.budget(curves, objective), text
        drawn["bands"] = (
            pictures.budget_bands(curves, objective),
            f"One panel per loss with its 10 to 90 % band. {text}",
        )
    learning = frames.learning(study, settings.drop_duplicates(frames.SEARCH))
    if len(learning):
        drawn["learning"] = pictures.learning(learning, objective), captions.learning(learning, objective)
    return drawn


def _pictured(grid: grids.Grid) -> Picture:
    return embedded(grid.loss, grid.path.read_bytes(), grid.alt, grid.caption)
