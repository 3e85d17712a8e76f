"""What lies behind F1: the best of every loss, its images and what is nearest to them, extremes, and the score."""

import pandas as pd

from analysis import captions, formats, grids, pictures
from analysis.exhibits.exhibit import Exhibit, Exhibits, Gallery, gathered
from analysis.exhibits.manifold import ZERO, chosen, where
from analysis.exhibits.places import Place, told
from analysis.exhibits.show import INTERVAL, Picture, Table, in_order
from analysis.frames import Study
from analysis.grids import Grid
from analysis.tables import manifold, qualities

SHOWN = (10, 50, 90)  # percent, of the quantiles of distances; files have all
BEST = (
    "Of the setting that F1 chose: means over its seeds that have ended, at the step with the greatest F1 of each. "
    "Interval of F1: over the images that were measured, 95 %, of a setting with one seed. Seed, step and trial are of "
    "the lowest seed that is done, not of the best one. "
)
FAR = (
    "L2 distances of pixels in [0, 1], quantiles of the same runs: of generated images to the nearest valid one, and "
    "of test images to the generator's range. Those up to the study's delta count for precision and recall."
)
GALLERY = (
    "Rows, in turn twice: generated images and below each the nearest valid one; then test images and below each the "
    "nearest that the generator was found to make of a latent that its prior can draw. From the least distance to the "
    "greatest."
)
CORNERS = (
    "Generated images of single runs. High: above the median of all runs that are done; low: at most that; shown is "
    "the run nearest to each extreme. Where no run is both, there is none."
)
ORDER = (
    "Spearman's rank correlation of the score, which is better when lower, and F1, which is better when higher: -1 is "
    "one order. Settings with a failed seed are not in it: tied at the worst of both they would look like agreement."
)
DONE = "{} needs a run that is done."
HEADINGS = {
    "loss": "loss", "f1": "F1", "low": INTERVAL, "precision": "precision", "recall": "recall", "score": "score",
    "sample": "setting", "done": "seeds done", "seed": "seed", "step": "step", "trial": "trial",
}  # fmt: skip
CORNERED = {"corner": "run of"} | {
    name: HEADINGS[name] for name in HEADINGS if name not in ("low", "done")
}  # fmt: skip
IMAGES = {"precision": "generated", "recall": "test"}  # whose distances they are of
AGREED = {
    "loss": "settings of",
    "correlation": "rank correlation",
    "n": "settings",
    "failed": "failed, left out",
}


def best(study: Study) -> Exhibits:
    """The best F1 of every loss, how far its images are from valid ones, and the pictures of that."""
    found = manifold.best(manifold.settings(study))
    return gathered(_best(study, place, place.of(found)) for place in where(study))


def corners(study: Study) -> Exhibits:
    """Runs at high and low precision and recall: a table and their samples per phase and data set."""
    found = qualities.corners(manifold.trials(study))
    return gathered(_corners(study, place, place.of(found)) for place in where(study))


def against_score(study: Study) -> Exhibits:
    """F1 against the reported score: a picture and a table of rank correlations per phase and data set."""
    settings = manifold.settings(study)
    agreement = qualities.agreement(settings)
    return gathered(_against(place, settings, place.of(agreement)) for place in where(study))


def _best(study: Study, place: Place, rows: pd.DataFrame) -> Exhibits:
    done = rows[rows["done"] > 0]
    if done.empty:
        return Exhibits(told(DONE.format("The best F1 of every loss"), [place]))
    table = Table("manifold.best", "The best F1 of every loss", _headed(HEADINGS, place),
                  f"{BEST}{chosen(study, place)} {ZERO}")  # fmt: skip
    runs = done.assign(precision=done["run_precision"], recall=done["run_recall"])
    found = grids.of_distances(study, runs.sort_values("f1", ascending=False, kind="stable"))
    distances = Table("manifold.distances", "How far the images are", _distances(), FAR)
    return gathered([
        table.at([place], rows), distances.at([place], done),
        _gallery(place, "manifold.pictures", "Images and what is nearest to them", found, GALLERY),
    ])  # fmt: skip


def _corners(study: Study, place: Place, rows: pd.DataFrame) -> Exhibits:
    if rows.empty:
        return Exhibits(told(DONE.format("High and low precision and recall"), [place]))
    headings = _headed(CORNERED, place)
    table = Table("manifold.corners", "High and low precision and recall", headings, CORNERS, arranged=False)
    found = grids.of_corners(study, rows)
    samples = _gallery(place, "manifold.corners.samples", "Samples at high and low precision and recall", found)
    return gathered([table.at([place], rows), samples])


def _against(place: Place, settings: pd.DataFrame, agreement: pd.DataFrame) -> Exhibits:
    caption = ORDER
    alone = agreement["loss"] != qualities.ALL
    overall, rows = agreement[~alone], pd.concat([in_order(agreement[alone]), agreement[~alone]])
    for _, row in overall.iterrows():
        caption = f"Rank correlation over all {row['n']} settings: {formats.value(row['correlation'], 2)}. {ORDER}"
    shown = Picture(
        "manifold.score", f"F1 against {place.metric}",
        pictures.score_against_f1, captions.score_against_f1, caption,
        DONE.format("F1 against the score"), lambda rows: bool((rows["done"] == rows["seeds"]).any()),
    )  # fmt: skip
    table = Table("manifold.agreement", f"Whether {place.metric} and F1 order settings alike", AGREED, arranged=False)
    return gathered([shown.at([place], settings), table.at([place], rows)])


def _gallery(place: Place, kind: str, title: str, found: list[Grid], caption: str = "") -> list[Exhibit]:
    if not found:
        return [*told(f"{title}: none of these runs has left such a picture.", [place])]
    figure = pictures.samples([(grid.heading, grid.image) for grid in found])
    return [Gallery(place.named(kind), place.titled(title), tuple(found), figure, caption)]


def _headed(headings: dict[str, str], place: Place) -> dict[str, str]:
    """The score under the name of its metric."""
    return {name: place.metric if name == "score" else words for name, words in headings.items()}


def _distances() -> dict[str, str]:
    each = {f"{name}_distance_{share}": f"{IMAGES[name]}, {share} %" for name in IMAGES for share in SHOWN}
    return {"loss": "loss"} | each
