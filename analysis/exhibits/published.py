"""The published study's tables and figures from this one, with its numbers beside ours where they are on one scale."""

import numpy as np
import pandas as pd

from analysis import captions, formats, frames, pictures
from analysis.comparison import paper
from analysis.comparison.sides import SHARES
from analysis.exhibits.exhibit import Exhibit, Exhibits, Listing, Remark, gathered
from analysis.exhibits.places import everywhere, phases
from analysis.exhibits.show import Picture, Table, in_order
from analysis.frames import SEARCH, Study
from analysis.tables import searches, spread, table2

TOGETHER = 2  # phases whose boxes are drawn beside each other: wide and narrow
SCALE, SPACE = "fid", "wide"  # the metric that the published numbers are in, and the space they were searched in
TABLE = (
    "Mean ± standard deviation over the seeds of the setting that each loss's search chose (how many seeds); where the "
    "seeds chose it themselves, among several settings, the mean flatters. A seed "
    "that failed is in no mean, and is counted."
)
THEIRS = "The published numbers are fid too, of 50 seeds, collapsed runs left out by an unpublished rule."
ELSEWHERE = (
    "The published table is in fid, and no number here is: they would look like a replication. What lays them beside "
    "each other, with what makes that unfair: {}"
)
BOXES = (
    "Every setting is a point, the loss's default an open diamond. Box: quartiles from eight settings on, the median "
    "as a stroke below that; both count diverged and failed settings as infinite, so a box may run off the picture."
)
SPREAD = {
    "phase": "phase", "dataset": "data set", "loss": "loss", "n": "settings", "default": "default",
    "q1": "first quartile", "median": "median", "q3": "third quartile", "diverged": "diverged", "failed": "failed",
    "missing": "missing",
}  # fmt: skip


def table(study: Study) -> Exhibits:
    """Table 2: of every loss the score of its best setting over seeds."""
    if not (searches.best(study)["done"] > 0).any():
        return Exhibits([Remark("Table 2 needs a best setting of which a seed is done.")])
    found = table2.table2(study)
    alike = any(study.objective(name) == SCALE for name in study.trials["dataset"].unique())
    caption = f"{TABLE} {THEIRS if alike else ELSEWHERE.format(formats.spelled('compare', study.folder, 'paper'))}"
    shown: Exhibit = Listing(
        "table2", "Table 2", formats.readable_table2(in_order(found)), found, caption, study.losses
    )
    return Exhibits([shown])


def boxes(study: Study) -> Exhibits:
    """The scores of all settings: a picture and a table of both phases that search, or of each where there are more."""
    settings = _searched(frames.settings(study))
    where = everywhere(study) if settings["phase"].nunique() <= TOGETHER else phases(study)
    quartiles = spread.quartiles(settings)
    theirs = _published(study, settings)
    shown = Picture(
        "boxes", "All settings",
        lambda rows, objective: pictures.boxes(_of(settings, rows), rows, objective, theirs),
        captions.boxes, BOXES, "All settings are shown where one of them has finished.",
        lambda rows: bool(np.isfinite(_of(settings, rows)["score"].astype(float)).any()),
    )  # fmt: skip
    told = Table("spread", "Quartiles of the settings", SPREAD, "Failed settings count as infinite.")
    return gathered([shown.at(where, quartiles), told.at(where, quartiles[quartiles["n"] > 0])])


def _searched(settings: pd.DataFrame) -> pd.DataFrame:
    """Without the phases that plan one setting of every loss: these repeat what was chosen, and search nothing."""
    most = settings.groupby([*SEARCH])["sample"].nunique().groupby("phase").max()
    return settings[settings["phase"].map(most) > 1]


def _of(settings: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The settings of the searches that these rows are of."""
    return settings.merge(rows[SEARCH], on=SEARCH)


def _published(study: Study, settings: pd.DataFrame) -> pd.DataFrame | None:
    """Minimum, first quartile and median of the data sets that were searched and measured as the published ones."""
    trials = study.trials[study.trials["phase"].isin(settings["phase"])]
    spaces = trials.groupby("dataset")["space"].agg(set)
    names = [name for name in spaces.index if spaces[name] == {SPACE} and study.objective(name) == SCALE]
    cells = paper.side().cells
    rows = cells[cells["dataset"].isin(names) & cells["quantity"].isin(SHARES)]
    return None if rows.empty else rows
