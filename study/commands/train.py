"""gan-study train"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from search_spaces import WIDE, hyperparameters
from search_spaces.dimensions import Value
from study.commands.alone import follow, options_of, register
from study.commands.common import DATA, RESULTS, Data, Results, console
from study.data.catalogue import find
from study.errors import StudyError, unknown
from study.fields import MOST
from study.measures import EXTRACTORS, METRICS, fits
from study.models.losses import AS_RUN, LOSSES
from study.plan import Planned, build, from_row
from study.preparation import prepare_study
from study.results.store import Store
from study.spec import Study, validate

STUDY = "train"  # the folder under --results; spec refuses it as the name of a YAML's study
IMAGES = 10_000  # generated and real, where the data set has as many


def command(
    loss: Annotated[str, typer.Option(help="One of gan-study list losses.")],
    dataset: Annotated[str, typer.Option(help="One of gan-study list datasets.")],
    variant: Annotated[str, typer.Option(help="Of the loss: as_run, as_printed or corrected.")] = AS_RUN,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="name=value", help="A hyperparameter.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, max=MOST, help="Left out: as published.")] = None,
    evaluations: Annotated[int, typer.Option(min=1, help="With --steps: how many.")] = 1,
    width: Annotated[float, typer.Option(help="Of every hidden layer; 1 is the published size.")] = 1.0,
    batch_norm_decay: Annotated[float, typer.Option(help="Of the running averages; lower it for short runs.")] = 0.999,
    seed: Annotated[int, typer.Option(min=0, max=MOST, help="Number of the repeat.")] = 0,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="Part of what makes rows bit-identical.")] = 1,
    results: Results = RESULTS,
    data: Data = DATA,
) -> None:
    """Run one trial in this process, without Ray. Hyperparameters that are not set have the loss's defaults.

    Running it again resumes, or does nothing when it has ended.
    Example: gan-study train --loss wgan_gp --dataset fashion --set learning_rate=2e-4 --steps 500 --width 0.25
    """
    schedule = None if steps is None else {"steps": steps, "evaluations": evaluations}
    study = _study((loss, variant), dataset, schedule, width, batch_norm_decay, threads)
    wanted = _planned(study, settings or [], seed)
    store = Store(results / STUDY)
    planned = register(study, store, lambda rows: _placed(wanted, rows))
    for thing in prepare_study(study, data):
        if thing.made:
            console.print(f"prepared {thing.name} from {thing.origin}")
    trial = planned.trial.id
    error = follow(planned, store, options_of(study, store, data))
    if isinstance(error, StudyError):
        raise error
    if error is not None:
        console.print(f"FAILED {type(error).__name__}: {error}", style="bold red")
        console.print(f"look: gan-study why {STUDY} {trial}")
        raise typer.Exit(1) from error
    console.print(f"trial {trial} has ended; look: gan-study why {STUDY} {trial}")


def _study(
    what: tuple[str, str], dataset: str, schedule: dict[str, int] | None, width: float, decay: float, threads: int
) -> Study:
    loss, variant = what
    if loss not in LOSSES:
        raise unknown("a loss", loss, LOSSES)
    entry = find(dataset)
    images = min(IMAGES, *(entry.splits[split] or IMAGES for split in (entry.selection, entry.reporting)))
    extractor = next(name for name, taken in EXTRACTORS.items() if taken.shape in (None, entry.shape))
    content: dict[str, Any] = {
        "name": STUDY,
        "losses": [loss],
        "variant": variant,
        "datasets": {dataset: schedule or {}},
        "phases": [{"name": STUDY, "space": WIDE.name, "settings": 1}],
        "width": width,
        "batch_norm_decay": decay,
        "measure": {
            "extractor": extractor,
            "metrics": [next(name for name in METRICS if fits(name, extractor))],
            "generated": images,
            "real": images,
        },
        "resources": {"threads": threads},
    }
    return validate(content, "gan-study train")


def _planned(study: Study, assignments: list[str], seed: int) -> Planned:
    """The loss's default trial with what --set changes; a phase has one variant, so each is a phase of its own."""
    (default,) = build(study, {})
    setting = _setting(default.trial.loss, dict(default.trial.hyperparameters), assignments)
    trial = dataclasses.replace(default.trial, hyperparameters=setting, seed=seed)
    return Planned(f"{STUDY}-{trial.variant}", default.sample, trial)  # chosen by a person, and by no sampler


def _setting(loss: str, values: dict[str, Value], assignments: list[str]) -> dict[str, Value]:
    names = tuple(values)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise StudyError(f"--set {assignment}: expected name=value, with a name out of {', '.join(names)}")
        hyperparameters.check_name(name, names, loss)
        values[name] = hyperparameters.parse(name, text)
    return hyperparameters.check(values, names, loss)


def _placed(planned: Planned, rows: Sequence[Mapping[str, Any]]) -> Planned:
    """The trial with its number after those of its search in this folder; repeats of a setting share theirs."""
    numbers = {_without_seed(from_row(row)): row["sample"] for row in rows if row["search"] == planned.search}
    usual = WIDE.default(planned.trial.loss, planned.trial.variant)
    default = planned.trial.hyperparameters == usual and 0 not in numbers.values()
    free = 0 if default else max([0, *numbers.values()]) + 1
    return dataclasses.replace(planned, sample=numbers.get(_without_seed(planned), free))


def _without_seed(planned: Planned) -> str:
    """What two repeats of one setting have in common, width and schedule included."""
    return dataclasses.replace(planned.trial, seed=0).content
