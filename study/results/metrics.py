"""Metric columns: in which unit they are, what they mean, and which of them come with a picture."""

import re
from dataclasses import replace

from study.results.schema import NUMBER, Column

SELECTION = "_selection"
FOLLOWS = "..._selection"  # how a table that lists kinds of columns writes that each has a twin
# Metrics that leave a picture beside the sample grid, and a column that every evaluation by them has.
PICTURED = {"manifold": "f1"}
# Against the images of one split: of one split for what is reported, of another one for what is chosen by.
KINDS = {
    re.compile(pattern): Column(f"{name}, {FOLLOWS}", NUMBER, unit, meaning, True)
    for pattern, name, unit, meaning in (
        ("fid|fd_[a-z0-9_]+", "fid, fd_EXTRACTOR", "Fréchet distance",
         "between the features of generated and of real images; least is best"),
        ("f1", "f1", "share", "harmonic mean of precision and recall; highest is best"),
        ("precision", "precision", "share",
         "of generated images whose distance to the nearest valid image is at most delta; it hangs on no real image"),
        ("recall", "recall", "share",
         "of real images whose distance to the nearest image that the generator can make is at most delta"),
        ("(f1|precision|recall)_(low|high)",
         "f1_low, f1_high, precision_low, precision_high, recall_low, recall_high", "share",
         "ends of the 95 % interval: Clopper and Pearson's; of f1, those of a joint 95 % box of precision and recall"),
        (r"precision_distance_\d\d", "precision_distance_PERCENT", "L2",
         "quantile of the distances of generated images to the nearest valid ones, pixels in [0, 1]"),
        (r"recall_distance_\d\d", "recall_distance_PERCENT", "L2",
         "quantile of the distances of real images to the nearest that the generator can make, pixels in [0, 1]"),
    )
}  # fmt: skip
TWIN = "; against the images that checkpoints and settings are chosen by"
BOTH = f"those that end in {SELECTION} are measured against the images that checkpoints and settings are chosen by"


def kinds() -> list[Column]:
    """The columns of any study: a kind of them each."""
    return [replace(column, meaning=f"{column.meaning}; {BOTH}") for column in KINDS.values()]


def described(name: str) -> Column:
    """The column of this name. Raises ValueError for a name that is no metric column's."""
    plain = name.removesuffix(SELECTION)
    (column,) = (column for pattern, column in KINDS.items() if pattern.fullmatch(plain))
    return replace(column, name=name, meaning=column.meaning + ("" if name == plain else TWIN))
