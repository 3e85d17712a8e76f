"""The first look: how the losses rank, which settings are the best, and what these generate."""

import pandas as pd

from analysis import formats, grids, pictures
from analysis.exhibits.exhibit import Exhibit, Exhibits, Gallery, Listing, Remark
from analysis.exhibits.places import Place, places
from analysis.frames import Study
from analysis.intervals.means import FEWEST
from analysis.tables import searches

RANKED = (
    "Score: mean over the seeds that are done, of the setting that each loss's search chose. {}"
    "Diverged, failed, missing: of all its trials."
)
INTERVAL = (
    f"Interval: of that mean, from {FEWEST} seeds on, where the search had one setting; seeds that choose among "
    "several flatter their choice. "
)
BEST = (
    "Sizes are of the generator (G) and the other network (D). Best at step, trial and samples are of one seed: the "
    "lowest that is done, not the best one."
)


def overview(study: Study) -> list[tuple[Place, Exhibits]]:
    """Per phase and data set its ranking, its best settings and what they generate."""
    rows = searches.ranking(study)
    return [
        (place, Exhibits([_ranking(place, place.of(rows)), *_best(study, place, place.of(rows))]))
        for place in places(study)
    ]


def _ranking(place: Place, rows: pd.DataFrame) -> Exhibit:
    title = f"Ranking by {place.metric}, lower is better"
    caption = RANKED.format(INTERVAL if rows["low"].notna().any() else "")
    return Listing(place.named("ranking"), title, formats.readable_ranking(rows), rows, caption)


def _best(study: Study, place: Place, rows: pd.DataFrame) -> list[Exhibit]:
    table = formats.readable_settings(rows)
    if table.empty:
        return [Remark(f"{place.title}: the best settings and their samples need a trial that is done.")]
    listing = Listing(place.named("best"), "The best settings", table, rows, BEST)
    found = grids.of_best(study, rows)
    if not found:
        return [listing, Remark(f"{place.title}: none of the best settings has left a sample grid.")]
    figure = pictures.samples([(grid.heading, grid.image) for grid in found])
    return [listing, Gallery(place.named("samples"), "Samples of the best settings", tuple(found), figure)]
