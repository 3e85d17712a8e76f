"""A search space: for every loss its hyperparameters, each with a dimension and a default."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from search_spaces.dimensions import Dimension, Value
from study import seeds
from study.errors import unknown

Row = Mapping[str, tuple[Value, Dimension]]


@dataclass(frozen=True)
class Space:
    """A table: loss -> hyperparameter -> (default, dimension). A default may lie outside its dimension."""

    name: str
    rows: Mapping[str, Row]
    added: Mapping[tuple[str, str], Row] = field(default_factory=dict)  # what a (loss, variant) has beyond the loss

    def for_loss(self, loss: str, variant: str) -> dict[str, Dimension]:
        return {name: dimension for name, (_, dimension) in self._row(loss, variant).items()}

    def default(self, loss: str, variant: str) -> dict[str, Value]:
        return {name: default for name, (default, _) in self._row(loss, variant).items()}

    def setting(self, loss: str, variant: str, sample: int, search_seed: int) -> dict[str, Value]:
        """Sample 0 is the default; every other value has its own seed: no draw depends on another or on their number.

        The data set and the variant are not among the names: a loss tries the same settings everywhere, as in the
        published study, and transfer between data sets or variants is a paired comparison.
        """
        if sample == 0:
            return self.default(loss, variant)
        return {
            name: dimension.at(seeds.uniform("setting", self.name, loss, search_seed, name, sample))
            for name, dimension in self.for_loss(loss, variant).items()
        }

    def _row(self, loss: str, variant: str) -> Row:
        if loss not in self.rows:
            raise unknown(f"a loss of the space {self.name}", loss, self.rows)
        return {**self.rows[loss], **self.added.get((loss, variant), {})}
