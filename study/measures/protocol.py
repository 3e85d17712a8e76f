"""What a study says about measuring, as data."""

from dataclasses import dataclass
from typing import Any

from study.measures import columns


@dataclass(frozen=True)
class Protocol:
    """How every trial of a study is measured."""

    extractor: str
    metrics: tuple[str, ...]
    generated: int
    real: int
    split: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The result columns that an evaluation fills."""
        return tuple(column for metric in self.metrics for column in columns(metric, self.extractor))

    @property
    def objective(self) -> str:
        """The column that selection minimises: the first."""
        return self.columns[0]

    def content(self) -> dict[str, Any]:
        return {
            "extractor": self.extractor,
            "metrics": list(self.metrics),
            "generated": self.generated,
            "real": self.real,
            "split": self.split,
        }

    @staticmethod
    def from_content(content: dict[str, Any]) -> "Protocol":
        return Protocol(**{**content, "metrics": tuple(content["metrics"])})
