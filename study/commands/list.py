"""gan-study list"""

from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from search_spaces import SPACES
from search_spaces.hyperparameters import HYPERPARAMETERS
from study import spec
from study.commands.common import console, table
from study.data.catalogue import DATASETS
from study.errors import unknown
from study.measures import EXTRACTORS, METRICS
from study.models.losses import LOSSES


def command(
    what: Annotated[str, typer.Argument(help="losses, datasets, spaces, metrics, extractors or presets")],
) -> None:
    """What there is, with parameters and defaults.

    Example: gan-study list losses
    """
    if what not in KINDS:
        raise unknown("something that can be listed", what, KINDS)
    KINDS[what]()


def _losses() -> None:
    rows = [(name, entry.title, _defaults(name)) for name, entry in LOSSES.items()]
    console.print(table("losses", ("loss", "what it is", "hyperparameters and their defaults"), rows))
    meanings = [(row.name, row.symbol, row.meaning) for row in HYPERPARAMETERS.values()]
    console.print(table("\nhyperparameters", ("name", "in the paper", "meaning"), meanings))


def _defaults(loss: str) -> str:
    return ", ".join(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
                     for name, value in SPACES["wide"].default(loss).items())  # fmt: skip


def _datasets() -> None:
    rows = [
        (d.name, "x".join(map(str, d.shape)), ", ".join(f"{n:,} {split}" for split, n in d.splits.items()),
         d.classes or None, d.steps, ", ".join(map(str, d.evaluations)))
        for d in DATASETS.values()
    ]  # fmt: skip
    columns = ("data set", "shape", "images", "classes", "steps", "measured at")
    console.print(table("data sets, with their default schedules (the published ones, where there are)", columns, rows))


def _spaces() -> None:
    for space in SPACES.values():
        rows = [
            (loss, name, f"{space.default(loss)[name]:g}", str(dimension))
            for loss in space.rows
            for name, dimension in space.for_loss(loss).items()
        ]
        console.print(table(f"space {space.name}", ("loss", "hyperparameter", "default", "values"), rows))
        console.print()


def _metrics() -> None:
    rows: Iterable[tuple[str, ...]] = [
        (m.name, ", ".join(m.columns), "lower" if m.lower_is_better else "higher", m.meaning) for m in METRICS.values()
    ]
    console.print(table("metrics", ("metric", "columns", "better", "meaning"), rows))


def _extractors() -> None:
    rows = [
        (e.name, "any" if e.shape is None else "x".join(map(str, e.shape)), e.dimension, e.meaning)
        for e in EXTRACTORS.values()
    ]
    console.print(table("extractors", ("extractor", "takes", "features", "meaning"), rows))


def _presets() -> None:
    rows = []
    for name, path in spec.presets().items():
        title = path.read_text().splitlines()[0].removeprefix("# ")
        rows.append((name, title))
    console.print(table("presets", ("preset", "what it is"), rows))


KINDS: dict[str, Callable[[], None]] = {
    "losses": _losses,
    "datasets": _datasets,
    "spaces": _spaces,
    "metrics": _metrics,
    "extractors": _extractors,
    "presets": _presets,
}
