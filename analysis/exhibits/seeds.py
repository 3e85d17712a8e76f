"""What other seeds would give: the best settings over their seeds, and their training."""

import pandas as pd

from analysis import captions, frames, pictures
from analysis.exhibits.exhibit import Exhibits
from analysis.exhibits.places import phases
from analysis.exhibits.show import INTERVAL, Picture, Table, anything
from analysis.frames import SETTING, Study
from analysis.tables import runs, searches
from analysis.tables import seeds as repeated

STRIPS = (
    "The reported score of every seed of the setting that each loss's search chose. Stroke: the median; shaded: its "
    "95 % interval, where these seeds did not choose the setting. Seeds that diverged or failed are counted at the "
    "edge and in every number, as infinite."
)
LEARNING = (
    "Score of the best setting of each loss while it trains: mean over its seeds that are done, from the least to the "
    "greatest shaded."
)
TABLE = (
    "Of every setting that several seeds repeat. Spread: third quartile over the first, with its 95 % interval, from "
    "and to. Intervals only where the "
    "setting stood alone: seeds that choose among several settings flatter the best. Best of its seeds: what a paper "
    "reports that shows its best run; it falls with every further seed."
)
NEEDED = "How stable the losses are needs two seeds of a best setting that have ended, and all before them."
HEADINGS = {
    "dataset": "data set", "loss": "loss", "sample": "sample", "seeds": "seeds", "failed": "failed", "median": "median",
    "low": f"{INTERVAL} of the median", "q1": "first quartile", "q3": "third quartile", "spread": "spread",
    "spread_low": "spread from", "spread_high": "spread to", "least": "best of its seeds",
}  # fmt: skip


def strips(study: Study) -> Exhibits:
    """The best setting of every loss over its seeds: a picture per phase."""
    ran = runs.runs(study)
    ran = ran[ran["in_turn"]]
    chosen = repeated.stability(study).merge(ran.loc[ran["chosen"], SETTING].drop_duplicates(), on=SETTING)
    shown = Picture(
        "seeds", "The best settings over their seeds",
        lambda rows, objective: pictures.seeds(ran, rows, objective), captions.seeds, STRIPS, NEEDED, anything,
    )  # fmt: skip
    return shown.at(phases(study), chosen)


def stability(study: Study) -> Exhibits:
    """How stable every repeated setting is: a table per phase."""
    return Table("stability", "Stability over seeds", HEADINGS, TABLE).at(phases(study), repeated.stability(study))


def learning(study: Study) -> Exhibits:
    """Score against step for the best setting of every loss: a picture per phase."""
    found: pd.DataFrame = frames.learning(study, searches.best(study).dropna(subset="sample"))
    needed = "Training curves need a best setting that is done."
    shown = Picture("learning", "Training of the best settings", pictures.learning, captions.learning, LEARNING, needed)
    return shown.at(phases(study), found)
