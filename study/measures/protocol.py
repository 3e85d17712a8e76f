"""What a study says about measuring, as data."""

from dataclasses import dataclass
from typing import Any

from study.measures import columns

SELECTION = "_selection"  # ends the columns that are measured against the selection split


@dataclass(frozen=True)
class Protocol:
    """How a trial is measured: the same generated features against the first `real` images of two splits.

    Where selection and reporting are one split (the published way), what is reported is the very number that was
    minimised, and flatters.
    """

    extractor: str
    weights: str | None  # sha256 of the extractor's weights; None: those it is known by
    metrics: tuple[str, ...]
    generated: int
    real: int
    selection: str  # split of real images that checkpoints and settings are chosen by
    reporting: str  # split of real images that a reported number is measured against
    quantised: bool  # whether generated images are rounded to 256 levels, as a file would hold them

    @property
    def splits(self) -> dict[str, str]:
        """The end of a column's name -> the split that its numbers are measured against."""
        return {"": self.reporting} | ({SELECTION: self.selection} if self.selection != self.reporting else {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The result columns that an evaluation fills."""
        names = [column for metric in self.metrics for column in columns(metric, self.extractor)]
        return tuple(name + end for end in self.splits for name in names)

    @property
    def reported(self) -> str:
        """The column that is reported: the first of the first metric."""
        return columns(self.metrics[0], self.extractor)[0]

    @property
    def objective(self) -> str:
        """The column that selection minimises: the reported one's twin on the selection split."""
        return self.reported + (SELECTION if SELECTION in self.splits else "")

    def content(self) -> dict[str, Any]:
        return vars(self) | {"metrics": list(self.metrics)}

    @staticmethod
    def from_content(content: dict[str, Any]) -> "Protocol":
        return Protocol(**{**content, "metrics": tuple(content["metrics"])})
