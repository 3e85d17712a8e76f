"""gan-study list"""

import importlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, get_args

import typer

from cluster import profile
from search_spaces import SAMPLERS, SPACES
from search_spaces.dimensions import Constant
from search_spaces.hyperparameters import HYPERPARAMETERS
from study import spec
from study.commands.common import console, table
from study.data.catalogue import DATASETS, MOST_VERTICES, ROTATIONS
from study.errors import StudyError, unknown
from study.measures import EXTRACTORS, METRICS
from study.models.losses import AS_RUN, LOSSES, VARIANTS
from study.parts import Measure
from study.results import metrics


def command(
    what: Annotated[
        str,
        typer.Argument(help="losses, datasets, spaces, samplers, metrics, extractors, presets or profiles"),
    ],
    params: Annotated[
        bool, typer.Option("--params", help="Of losses: parameters of each network per data set.")
    ] = False,
    width: Annotated[
        float | None, typer.Option(min=0.001, max=4, help="With --params: of every hidden layer; left out: 1.")
    ] = None,
) -> None:
    """What there is, with parameters and defaults.

    Example: gan-study list losses --params
    """
    if what not in KINDS:
        raise unknown("something that can be listed", what, KINDS)
    if (params or width) and what != "losses":
        raise StudyError(f"--params counts the parameters of losses, not of {what}; say gan-study list losses --params")
    if width and not params:
        raise StudyError(f"--width {width:g} is of --params; say gan-study list losses --params --width {width:g}")
    if params:
        importlib.import_module("study.commands.parameters").show(width or 1.0)  # builds networks: needs torch
    else:
        KINDS[what]()


def _losses() -> None:
    rows = [(name, entry.title, _defaults(name)) for name, entry in LOSSES.items()]
    console.print(table("losses", ("loss", "what it is", "hyperparameters and their defaults"), rows))
    names = list(VARIANTS.items())
    console.print(table("\nvariants", ("variant", "what it is"), names))
    forms = [(name, entry.differences) for name, entry in LOSSES.items() if entry.differences]
    console.print(table("\nwhere they differ; the other losses have one form", ("loss", "difference"), forms))
    meanings = [(row.name, row.symbol, row.meaning) for row in HYPERPARAMETERS.values()]
    console.print(table("\nhyperparameters", ("name", "in the paper", "meaning"), meanings))


def _defaults(loss: str) -> str:
    return ", ".join(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
                     for name, value in SPACES["wide"].default(loss, AS_RUN).items())  # fmt: skip


def _datasets() -> None:
    rows = [
        (d.name, "x".join(map(str, d.shape)), ", ".join(f"{n:,} {split}" for split, n in d.splits.items()),
         d.selection, d.reporting, d.classes or None, d.steps, _points(d.evaluations))
        for d in DATASETS.values()
    ]  # fmt: skip
    columns = ("data set", "shape", "images", "chosen by", "reported on", "classes", "steps", "measured at")
    console.print(table("data sets, with their default schedules (the published ones, where there are)", columns, rows))
    console.print(
        "\nand in a study's YAML, under a name of your own, with steps and evaluations: your images (images, size, "
        f"channels),\nor generated polygons (vertices from 3 to {MOST_VERTICES}, rotation {' or '.join(ROTATIONS)})"
    )


def _points(steps: tuple[int, ...]) -> str:
    return ", ".join(map(str, steps if len(steps) < 6 else [*steps[:2], "...", steps[-1]])) + f" ({len(steps)} times)"


def _spaces() -> None:
    for space in SPACES.values():
        rows = [
            (loss, name, str(Constant(space.default(loss, AS_RUN)[name])), str(dimension))
            for loss in space.rows
            for name, dimension in space.for_loss(loss, AS_RUN).items()
        ]
        rows += [
            (f"{loss} {variant}", name, str(Constant(default)), str(dimension))
            for (loss, variant), row in space.added.items()
            for name, (default, dimension) in row.items()
        ]
        console.print(
            table(f"space {space.name}{_replayed(space.name)}", ("loss", "hyperparameter", "default", "values"), rows)
        )
        console.print()


def _replayed(space: str) -> str:
    """The samplers that have settings of this space rather than draw them."""
    counts = {name: sampler.most(space) for name, sampler in SAMPLERS.items()}
    return "".join(f"; the sampler {name} has {count} settings of each loss" for name, count in counts.items() if count)


def _samplers() -> None:
    rows = [(name, sampler.meaning) for name, sampler in SAMPLERS.items()]
    console.print(table("samplers", ("sampler", "how it chooses settings out of a space"), rows))


def _metrics() -> None:
    rows: Iterable[tuple[str, ...]] = [
        (m.name, "lower" if m.lower_is_better else "higher", ", ".join(sorted(m.needs)), m.meaning)
        for m in METRICS.values()
    ]
    console.print(table("metrics", ("metric", "better", "needs", "meaning"), rows))
    columns = [
        (kind.name.removesuffix(f", {metrics.FOLLOWS}"), kind.unit, kind.meaning) for kind in metrics.KINDS.values()
    ]
    console.print(table(f"\ntheir columns, and each with {metrics.SELECTION}", ("columns", "unit", "meaning"), columns))
    for name in (name for name in METRICS if name in Measure.model_fields):
        constants = get_args(Measure.model_fields[name].annotation)[0].model_fields
        found = [(key, str(field.default), field.description) for key, field in constants.items()]
        console.print(table(f"\nconstants of {name}: measure.{name}", ("constant", "default", "meaning"), found))


def _extractors() -> None:
    rows = [
        (e.name, "any" if e.shape is None else "x".join(map(str, e.shape)), e.dimension, e.resize, e.meaning)
        for e in EXTRACTORS.values()
    ]
    console.print(table("extractors", ("extractor", "takes", "features", "resize", "meaning"), rows))


def _presets() -> None:
    console.print(table("presets", ("preset", "what it is"), _titles(spec.presets())))


def _profiles() -> None:
    shipped = profile.profiles()
    console.print(table("cluster profiles", ("profile", "what it is"), _titles(shipped)))
    console.print(f"\nto begin with one of them: cp {profile.PROFILES}/{next(iter(shipped))}.yaml mine.yaml")


def _titles(shipped: Mapping[str, Path]) -> list[tuple[str, str]]:
    """The first line of each file, a comment."""
    return [(name, path.read_text().splitlines()[0].removeprefix("# ")) for name, path in shipped.items()]


KINDS: dict[str, Callable[[], None]] = {
    "losses": _losses,
    "datasets": _datasets,
    "spaces": _spaces,
    "samplers": _samplers,
    "metrics": _metrics,
    "extractors": _extractors,
    "presets": _presets,
    "profiles": _profiles,
}
