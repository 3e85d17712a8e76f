"""What a person writes in a study's YAML, validated to the last key before anything is queued."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

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

from search_spaces import SAMPLERS, SPACES
from search_spaces.samplers import check as check_sampler
from study.data.catalogue import DATASETS, Dataset
from study.data.catalogue import find as find_dataset
from study.errors import StudyError, did_you_mean, unknown
from study.measures import EXTRACTORS, METRICS, fits
from study.measures.protocol import Protocol
from study.models.losses import AS_RUN, LOSSES, VARIANTS, resolve

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
VariantName = Annotated[str, _known("a variant", VARIANTS), Field(json_schema_extra=_enum(VARIANTS))]
SpaceName = Annotated[str, _known("a search space", SPACES), Field(json_schema_extra=_enum(SPACES))]
SamplerName = Annotated[str, _known("a sampler", SAMPLERS), Field(json_schema_extra=_enum(SAMPLERS))]
ExtractorName = Annotated[str, _known("an extractor", EXTRACTORS), Field(json_schema_extra=_enum(EXTRACTORS))]
MetricName = Annotated[str, _known("a metric", METRICS), Field(json_schema_extra=_enum(METRICS))]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Variants = VariantName | dict[LossName, VariantName]  # of every loss, or loss by loss, the others as run


class Part(BaseModel):
    """Frozen, and closed to unknown keys and to silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Schedule(Part):
    """A data set's part in a study: how long its trials train and when they are measured. Left out: as published."""

    steps: int | None = Field(None, ge=1, le=MOST, description="discriminator steps")
    evaluations: Annotated[int | list[int] | None, BeforeValidator(_points)] = Field(
        None, description="how many, evenly spaced and the last at the end; or the very steps"
    )
    images: str | None = Field(None, min_length=1, description="your own: a folder of images, or an .npz file")
    size: int | None = Field(None, ge=8, le=1024, multiple_of=4, description="your own: pixels of a side")
    channels: Literal[1, 3] | None = Field(None, description="your own: 1 grey, 3 colour")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.steps is None) != (self.evaluations is None):
            raise ValueError("give steps and evaluations together, or neither")
        if len({self.images is None, self.size is None, self.channels is None}) > 1:
            raise ValueError("images of your own need all three: images, size and channels")
        if self.images is not None and self.steps is None:
            raise ValueError("images of your own have no published schedule: give steps and evaluations")
        if isinstance(self.evaluations, int) and self.steps is not None and self.evaluations > self.steps:
            raise ValueError(f"{self.evaluations} evaluations do not fit into {self.steps} steps")
        if isinstance(self.evaluations, list):
            if self.evaluations != sorted(set(self.evaluations)):
                raise ValueError(f"evaluations must rise from one to the next, got {self.evaluations}")
            if self.evaluations[-1:] != [self.steps]:
                raise ValueError(f"the last evaluation must be at the last step, {self.steps}, got {self.evaluations}")
        return self

    @property
    def own(self) -> dict[str, str | int] | None:
        """Where a person's own images are and what they become; None for a data set of the catalogue."""
        if self.images is None or self.size is None or self.channels is None:
            return None
        return {"images": self.images, "size": self.size, "channels": self.channels}

    def points(self, dataset: str) -> tuple[int, ...]:
        """The steps at which a trial on this data set is measured; the last is where it ends."""
        if self.steps is None:
            return DATASETS[dataset].evaluations
        if isinstance(self.evaluations, list):
            return tuple(self.evaluations)
        count = self.evaluations or 1
        return tuple(self.steps * i // count for i in range(1, count + 1))


class Select(Part):
    """Where a phase takes its settings from: of each loss and data set the best one of a phase that has ended."""

    study: str | None = Field(None, min_length=1, description="a preset or a YAML file; left out: this study")
    phase: Identifier


class Phase(Part):
    """A set of searches: every loss tries `settings` settings of a space on every data set, with `seeds` seeds each.

    Or, with `select`, the one setting of each search that an earlier phase found best.
    """

    name: Identifier
    space: SpaceName | None = None
    sampler: SamplerName = Field("random", description="how settings are chosen out of the space")
    settings: int | None = Field(None, ge=1, le=MOST, description="per search; the first is the loss's default")
    select: Select | None = None
    seeds: int = Field(1, ge=1, le=MOST, description="repeats of each setting")
    first_seed: int = Field(0, ge=0, le=MOST, description="so that repeats can differ from those that selected")
    search_seed: int = Field(0, ge=0, le=MOST, description="another number draws other settings")
    losses: list[LossName] | None = Field(None, min_length=1, description="left out: the study's")
    variant: Variants | None = Field(None, description="left out: the study's")
    datasets: list[Identifier] | None = Field(None, min_length=1, description="left out: the study's")

    _once = field_validator("losses", "datasets")(_unique)

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.select is None:
            if self.space is None or self.settings is None:
                raise ValueError("give space and settings, or select")
            check_sampler(self.sampler, self.space, self.settings, self.search_seed)
        elif {"space", "settings", "sampler", "search_seed"} & self.model_fields_set:
            raise ValueError("select takes the settings of another phase: leave space, settings, sampler out")
        return self


class Weights(Part):
    """A file of an extractor's weights other than those it is known by."""

    path: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the file; sha256sum prints it")


class Measure(Part):
    """How a trial is measured; all of it is in the metrics' fingerprint."""

    extractor: ExtractorName = "cnn28"
    weights: Weights | None = Field(None, description="left out: those the extractor is known by")
    metrics: list[MetricName] = Field(["fd"], min_length=1, description="the first is the objective")
    generated: int = Field(10_000, ge=2, le=MOST, description="generated images per evaluation")
    real: int = Field(10_000, ge=2, le=MOST, description="real images per split, always the first of it")
    splits: Literal["separate", "published"] = Field(
        "separate",
        description="separate: choose by one split of real images, report on another; published: one for both",
    )
    quantised: bool = Field(False, description="round generated images to 256 levels; published: no")

    _once = field_validator("metrics")(_unique)

    @model_validator(mode="after")
    def _together(self) -> Self:
        for metric in self.metrics:
            if not fits(metric, self.extractor):
                names = [name for name in METRICS if fits(name, self.extractor)]
                raise ValueError(
                    f"the metric {metric} is not one of the extractor {self.extractor}; it has {', '.join(names)}"
                )
        if self.weights is not None and EXTRACTORS[self.extractor].sha256 is None:
            raise ValueError(f"the extractor {self.extractor} ships with its weights; leave weights out")
        return self

    def protocol(self, dataset: Dataset) -> Protocol:
        """How trials on this data set are measured."""
        return Protocol(
            extractor=self.extractor,
            weights=None if self.weights is None else self.weights.sha256,
            metrics=tuple(self.metrics),
            generated=self.generated,
            real=self.real,
            selection=dataset.reporting if self.splits == "published" else dataset.selection,
            reporting=dataset.reporting,
            quantised=self.quantised,
        )


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
    variant: Variants = Field(AS_RUN, description="of every loss, or loss by loss")
    datasets: dict[Identifier, Schedule] = Field(min_length=1)
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
        for name, schedule in self.datasets.items():
            if (name in DATASETS) == (schedule.images is not None):
                own = "is a data set of the catalogue; give your own images another name"
                raise ValueError(f"{name!r} {own}" if name in DATASETS else _no_dataset(name))
            self._measurable(self.dataset(name))
        if len({phase.name for phase in self.phases}) < len(self.phases):
            raise ValueError(f"phases need names of their own, got {', '.join(phase.name for phase in self.phases)}")
        for i, phase in enumerate(self.phases):
            self._possible(phase, [before.name for before in self.phases[:i]])
        return self

    def dataset(self, name: str) -> Dataset:
        return find_dataset(name, self.datasets[name].own)

    def variant_of(self, loss: str, phase: Phase) -> str:
        """The variant that trials of this loss compute in a phase."""
        asked = self.variant if phase.variant is None else phase.variant
        return resolve(loss, asked if isinstance(asked, str) else asked.get(loss, AS_RUN))

    def _possible(self, phase: Phase, before: list[str]) -> None:
        """Raises ValueError for a phase that names what is not there."""
        for dataset in phase.datasets or []:
            if dataset not in self.datasets:
                known = ", ".join(self.datasets)
                raise ValueError(f"phase {phase.name}: {dataset!r} has no entry under datasets ({known})")
        for loss in phase.losses or self.losses:
            if phase.space is not None and loss not in SPACES[phase.space].rows:
                raise ValueError(f"phase {phase.name}: the space {phase.space} has no row for the loss {loss}")
        if phase.select is not None and phase.select.study is None and phase.select.phase not in before:
            there = ", ".join(before) or "there is none"
            raise ValueError(f"phase {phase.name}: select.phase={phase.select.phase!r} is no phase before it ({there})")

    def _measurable(self, entry: Dataset) -> None:
        extractor, protocol = EXTRACTORS[self.measure.extractor], self.measure.protocol(entry)
        if extractor.shape not in (None, entry.shape):
            raise ValueError(
                f"the extractor {extractor.name} takes {extractor.shape}, but {entry.name} is {entry.shape}"
            )
        for split in dict.fromkeys(protocol.splits.values()):
            size = entry.splits[split]
            if size is not None and self.measure.real > size:
                raise ValueError(
                    f"measure.real={self.measure.real}: the split {split} of {entry.name} has {size} images"
                )
        training = entry.splits["train"]
        if training is not None and self.batch_size > training:
            raise ValueError(f"batch_size={self.batch_size}: {entry.name} has {training} training images")


def _no_dataset(name: str) -> str:
    return f"{unknown('a data set', name, DATASETS)}; or give it images, size and channels of your own"


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
