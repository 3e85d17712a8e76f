"""What a person writes in a study's YAML, validated to the last key before anything is queued."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from search_spaces import SPACES
from study.data.catalogue import DATASETS
from study.data.catalogue import find as find_dataset
from study.errors import StudyError, did_you_mean, unknown
from study.measures import EXTRACTORS, METRICS
from study.models.losses import LOSSES

PRESETS = Path(__file__).parent / "presets"
RESERVED = ("train",)
MOST = 2**31 - 1  # of what is counted


def _known(kind: str, registry: Mapping[str, object]) -> BeforeValidator:
    """Refuses a text that is no key of the registry, with the closest key and all of them."""

    def check(value: object) -> object:
        if isinstance(value, str) and value not in registry:
            raise ValueError(str(unknown(kind, value, registry)))
        return value

    return BeforeValidator(check)


def _enum(registry: Mapping[str, object]) -> JsonDict:
    return {"enum": list(registry)}


def _unique(names: list[str] | None) -> list[str] | None:
    twice = sorted({name for name in names or [] if (names or []).count(name) > 1})
    if twice:
        raise ValueError(f"named twice: {', '.join(twice)}")
    return names


def _points(value: object) -> object:
    """A positive whole number or a list of them, told apart here because a union would fault both."""
    for number in value if isinstance(value, list) else [value]:
        if value is not None and (type(number) is not int or number < 1):
            raise ValueError(f"expected a number of evaluations, or a list of steps, from 1 on, got {value!r:.80}")
    return value


LossName = Annotated[str, _known("a loss", LOSSES), Field(json_schema_extra=_enum(LOSSES))]
DatasetName = Annotated[str, _known("a data set", DATASETS), Field(json_schema_extra=_enum(DATASETS))]
SpaceName = Annotated[str, _known("a search space", SPACES), Field(json_schema_extra=_enum(SPACES))]
ExtractorName = Annotated[str, _known("an extractor", EXTRACTORS), Field(json_schema_extra=_enum(EXTRACTORS))]
MetricName = Annotated[str, _known("a metric", METRICS), Field(json_schema_extra=_enum(METRICS))]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Part(BaseModel):
    """Frozen, and closed to unknown keys and to silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Schedule(Part):
    """How long a data set's trials train and when they are measured. Left out: as published."""

    steps: int | None = Field(None, ge=1, le=MOST, description="discriminator steps")
    evaluations: Annotated[int | list[int] | None, BeforeValidator(_points)] = Field(
        None, description="how many, evenly spaced and the last at the end; or the very steps"
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.steps is None) != (self.evaluations is None):
            raise ValueError("give steps and evaluations together, or neither")
        if isinstance(self.evaluations, int) and self.steps is not None and self.evaluations > self.steps:
            raise ValueError(f"{self.evaluations} evaluations do not fit into {self.steps} steps")
        if isinstance(self.evaluations, list):
            if self.evaluations != sorted(set(self.evaluations)):
                raise ValueError(f"evaluations must rise from one to the next, got {self.evaluations}")
            if self.evaluations[-1:] != [self.steps]:
                raise ValueError(f"the last evaluation must be at the last step, {self.steps}, got {self.evaluations}")
        return self

    def points(self, dataset: str) -> tuple[int, ...]:
        """The steps at which a trial on this data set is measured; the last is where it ends."""
        if self.steps is None:
            return DATASETS[dataset].evaluations
        if isinstance(self.evaluations, list):
            return tuple(self.evaluations)
        count = self.evaluations or 1
        return tuple(self.steps * i // count for i in range(1, count + 1))


class Phase(Part):
    """A set of searches: every loss tries `settings` settings of a space on every data set, with `seeds` seeds each."""

    name: Identifier
    space: SpaceName
    settings: int = Field(ge=1, le=MOST, description="per search; the first is the loss's default")
    seeds: int = Field(1, ge=1, le=MOST, description="repeats of each setting")
    search_seed: int = Field(0, ge=0, le=MOST, description="another number draws other settings")
    losses: list[LossName] | None = Field(None, min_length=1, description="left out: the study's")
    datasets: list[DatasetName] | None = Field(None, min_length=1, description="left out: the study's")

    _once = field_validator("losses", "datasets")(_unique)


class Measure(Part):
    """How a trial is measured; all of it is in the metrics' fingerprint."""

    extractor: ExtractorName = "cnn28"
    metrics: list[MetricName] = Field(["fd"], min_length=1, description="the first is the objective")
    generated: int = Field(10_000, ge=2, le=MOST, description="generated images per evaluation")
    real: int = Field(10_000, ge=2, description="real images, always the first of the split")
    split: str = Field("test", description="split of real images to measure against")

    _once = field_validator("metrics")(_unique)


class Resources(Part):
    """What one trial takes of a machine, and how often it may fail."""

    cpus: float = Field(
        1.0, ge=0.01, allow_inf_nan=False, description="a trial's share of the processors; 0.5: two trials on each"
    )
    gpus: float = Field(0.0, ge=0, le=64, allow_inf_nan=False, description="0.25: four trials share a GPU")
    threads: int = Field(1, ge=1, le=1024, description="of a trial; rows are bit-identical for the same number")
    retries: int = Field(1, ge=0, description="how often a trial that fails is tried again before it counts as failed")
    checkpoint_minutes: float = Field(5.0, gt=0, description="the most training time that a crash can cost")


class Study(Part):
    """A study: what varies (losses, data sets, phases), what is shared (networks, measure) and what it may use."""

    name: Identifier
    losses: list[LossName] = Field(list(LOSSES), min_length=1)
    datasets: dict[DatasetName, Schedule] = Field(min_length=1)
    phases: list[Phase] = Field(min_length=1)
    width: float = Field(1.0, gt=0, le=4, description="of every hidden layer; 1 is the published size")
    batch_size: int = Field(64, ge=2)
    batch_norm_decay: float = Field(0.999, ge=0, lt=1, description="of the running averages; lower it for short runs")
    measure: Measure = Measure()
    resources: Resources = Resources()
    keep_checkpoints: bool = Field(False, description="keep the newest checkpoint of finished trials")

    _once = field_validator("losses")(_unique)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len({phase.name for phase in self.phases}) < len(self.phases):
            raise ValueError(f"phases need names of their own, got {', '.join(phase.name for phase in self.phases)}")
        for phase in self.phases:
            for dataset in phase.datasets or []:
                if dataset not in self.datasets:
                    raise ValueError(
                        f"phase {phase.name}: {dataset!r} has no entry under datasets ({', '.join(self.datasets)})"
                    )
            for loss in phase.losses or self.losses:
                if loss not in SPACES[phase.space].rows:
                    raise ValueError(f"phase {phase.name}: the space {phase.space} has no row for the loss {loss}")
        for name in self.datasets:
            self._measurable(name)
        return self

    def _measurable(self, dataset: str) -> None:
        entry, extractor = find_dataset(dataset), EXTRACTORS[self.measure.extractor]
        if extractor.shape not in (None, entry.shape):
            raise ValueError(f"the extractor {extractor.name} takes {extractor.shape}, but {dataset} is {entry.shape}")
        if self.measure.split not in entry.splits:
            raise ValueError(f"{dataset} has no split {self.measure.split!r}; it has {', '.join(entry.splits)}")
        if self.measure.real > entry.splits[self.measure.split]:
            size = entry.splits[self.measure.split]
            raise ValueError(
                f"measure.real={self.measure.real}: the split {self.measure.split} of {dataset} has {size} images"
            )
        if self.batch_size > entry.splits["train"]:
            raise ValueError(f"batch_size={self.batch_size}: {dataset} has {entry.splits['train']} training images")


class _Once(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, where YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(study: str) -> Study:
    """The study of a preset's name or a YAML file's path."""
    try:
        text = _path(study).read_text()
    except UnicodeDecodeError as error:
        raise StudyError(f"{study} is no text in UTF-8: {error}") from error
    found = parse(text, str(study))
    if found.name in RESERVED:
        raise StudyError(f"{study}: name: {found.name!r} is the folder of gan-study {found.name}; take another name")
    return found


def parse(text: str, source: str) -> Study:
    """The study in a YAML text. Raises StudyError with every fault: where it is, the value, what is allowed."""
    try:
        content = yaml.load(text, _Once)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise StudyError(f"{source} is no YAML: {error}") from error
    return validate(content, source)


def validate(content: object, source: str) -> Study:
    """The study in a mapping. Raises StudyError like `parse`."""
    if not isinstance(content, dict):
        raise StudyError(
            f"{source}: expected a mapping with the keys {', '.join(Study.model_fields)}, got {content!r:.60}"
        )
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        raise StudyError("\n".join(_fault(source, fault) for fault in error.errors())) from error


def presets() -> dict[str, Path]:
    return {path.stem: path for path in sorted(PRESETS.glob("*.yaml"))}


def dump(study: Study) -> str:
    """The study as YAML with every default spelt out."""
    return yaml.safe_dump(study.model_dump(), sort_keys=False, allow_unicode=True)


def _path(study: str) -> Path:
    path = Path(study)
    if study in presets():
        return presets()[study]
    if path.suffix in {".yaml", ".yml"} or "/" in study:
        if not path.is_file():
            raise StudyError(f"there is no file {study}; write one, or name a preset: {', '.join(presets())}")
        return path
    raise unknown("a preset", study, presets(), hint=f"{study}.yaml" if Path(f"{study}.yaml").is_file() else "")


def _fault(source: str, fault: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"] if part != "[key]")
    where = f"{source}: {place.lstrip('.') or 'study'}"
    if fault["type"] == "extra_forbidden":
        allowed = _keys_at(fault["loc"])
        return f"{where}: unknown key{did_you_mean(fault['loc'][-1], allowed)}; valid: {', '.join(allowed)}"
    message = fault["msg"].removeprefix("Value error, ")
    found = "" if fault["type"] in {"value_error", "missing"} else f", got {fault['input']!r:.80}"
    return f"{where}: {message}{found}"


def _keys_at(place: tuple[str | int, ...]) -> list[str]:
    models: dict[str | int, type[Part]] = {
        "datasets": Schedule,
        "phases": Phase,
        "measure": Measure,
        "resources": Resources,
    }
    return list((models[place[0]] if len(place) > 1 else Study).model_fields)
