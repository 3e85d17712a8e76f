"""What a study says about measuring, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from study.measures import METRICS, columns

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
    constants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)  # of metrics that have any

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

    @property
    def images(self) -> int:
        """How many generated images, and how many real ones of each split, metrics ask to see."""
        asking = (self.constants[name]["samples"] for name in self.metrics if "images" in METRICS[name].needs)
        return max(asking, default=0)

    def content(self) -> dict[str, Any]:
        """Without constants where no metric has any: what was measured before there were any is the same trial."""
        content = vars(self) | {"metrics": list(self.metrics)}
        return content if self.constants else {name: value for name, value in content.items() if name != "constants"}

    @staticmethod
    def from_content(content: dict[str, Any]) -> "Protocol":
        return Protocol(**{**content, "metrics": tuple(content["metrics"])})
