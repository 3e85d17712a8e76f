"""What a person writes in a study's YAML, validated to the last key before anything is queued."""

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from search_spaces import SPACES
from study.data.catalogue import DATASETS, Dataset
from study.data.catalogue import find as find_dataset
from study.errors import StudyError, did_you_mean, unknown
from study.fields import Identifier, LossName, Variants, unique
from study.measures import EXTRACTORS
from study.models.losses import AS_RUN, LOSSES, resolve
from study.parts import Measure, Part, Phase, Resources, Schedule, Select, Weights

PRESETS = Path(__file__).parent / "presets"
RESERVED = {"train": "the folder of gan-study train", "paper": "what gan-study compare calls the published numbers"}
RESERVED_DATA = ("raw", "references", "weights")  # folders beside those of the prepared data sets


class Study(Part):
    """A study: what varies (losses, data sets, phases), what is shared (networks, measure) and what it may use."""

    name: Identifier
    losses: list[LossName] = Field(list(LOSSES), min_length=1)
    variant: Variants = Field(AS_RUN, description="of every loss, or loss by loss")
    datasets: dict[Identifier, Schedule] = Field(
        min_length=1,
        description="of the catalogue, or images of your own under a new name",
        json_schema_extra={"propertyNames": {"anyOf": [{"enum": list(DATASETS)}, {"pattern": "^[a-z0-9]"}]}},
    )
    phases: list[Phase] = Field(min_length=1)
    width: float = Field(1.0, gt=0, le=4, description="of every hidden layer; 1 is the published size")
    batch_size: int = Field(64, ge=2)
    batch_norm_decay: float = Field(0.999, ge=0, lt=1, description="of the running averages; lower it for short runs")
    measure: Measure = Measure()
    resources: Resources = Resources()
    keep_checkpoints: bool = Field(False, description="keep the newest checkpoint of finished trials")

    _once = field_validator("losses")(unique)

    @field_validator("datasets")
    @staticmethod
    def _known_or_own(datasets: dict[str, Schedule]) -> dict[str, Schedule]:
        for name, schedule in datasets.items():
            if schedule.images is None and name not in DATASETS:
                raise ValueError(f"{unknown('a data set', name, DATASETS)}; or give images, size and channels")
            if schedule.images is not None and (name in DATASETS or name in RESERVED_DATA):
                taken = ", ".join([*DATASETS, *RESERVED_DATA])
                raise ValueError(f"{name}: images of your own need a name of their own, unlike {taken}")
        return datasets

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in self.datasets:
            self._measurable(self.dataset(name))
        losses = {loss for phase in self.phases for loss in phase.losses or self.losses}
        for loss in self.variant if isinstance(self.variant, dict) else []:
            if loss not in losses:
                raise ValueError(f"variant: {unknown('a loss of this study', loss, sorted(losses))}")
        if len({phase.name for phase in self.phases}) < len(self.phases):
            raise ValueError(f"phases need names of their own, got {', '.join(phase.name for phase in self.phases)}")
        for i, phase in enumerate(self.phases):
            self._possible(phase, [before.name for before in self.phases[:i]])
        return self

    def dataset(self, name: str) -> Dataset:
        """The catalogue's entry, or that of a person's own images with the place where they are."""
        schedule = self.datasets[name]
        return find_dataset(name, None if schedule.own is None else schedule.own | {"images": schedule.images})

    def variant_of(self, loss: str, dataset: str, phase: Phase) -> str:
        """The variant that trials of a loss compute on a data set in a phase, which may leave losses to the study."""
        asked = AS_RUN
        for said in (self.variant, phase.variant):
            if said is not None:
                asked = said if isinstance(said, str) else said.get(loss, asked)
        return resolve(loss, asked, self.dataset(dataset).shape[0])

    def _possible(self, phase: Phase, before: list[str]) -> None:
        """Raises ValueError for a phase that names what is not there."""
        for dataset in phase.datasets or []:
            if dataset not in self.datasets:
                raise ValueError(f"phase {phase.name}: {unknown('an entry under datasets', dataset, self.datasets)}")
        for loss in phase.variant if isinstance(phase.variant, dict) else []:
            if loss not in (phase.losses or self.losses):
                raise ValueError(
                    f"phase {phase.name}: variant: {unknown('a loss of it', loss, phase.losses or self.losses)}"
                )
        for loss in phase.losses or self.losses:
            if phase.space is not None and loss not in SPACES[phase.space].rows:
                raise ValueError(f"phase {phase.name}: the space {phase.space} has no row for the loss {loss}")
        if phase.select is not None and phase.select.study is None:
            self._selectable(phase, phase.select.phase, before)

    def _selectable(self, phase: Phase, source: str, before: list[str]) -> None:
        """Raises ValueError for a phase that selects what an earlier phase of this study does not search."""
        if source not in before:
            there = ", ".join(before) or "there is none"
            raise ValueError(f"phase {phase.name}: select.phase={source!r} is no phase before it ({there})")
        (earlier,) = (other for other in self.phases if other.name == source)
        for kind, mine, theirs in (
            ("a loss", phase.losses or self.losses, earlier.losses or self.losses),
            ("a data set", phase.datasets or self.datasets, earlier.datasets or self.datasets),
        ):
            for name in mine:
                if name not in theirs:
                    raise ValueError(f"phase {phase.name}: {unknown(f'{kind} of the phase {source}', name, theirs)}")

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
        raise StudyError(f"{study}: name: {found.name!r} is {RESERVED[found.name]}; take another name")
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
    if fault["type"] == "model_type":
        message = f"expected a mapping with the keys {', '.join(_keys_at((*fault['loc'], '')))}"
    found = "" if fault["type"] in {"value_error", "missing"} else f", got {fault['input']!r:.80}"
    return f"{where}: {message}{found}"


def _keys_at(place: tuple[str | int, ...]) -> list[str]:
    models: dict[str, type[Part]] = {
        "datasets": Schedule,
        "phases": Phase,
        "phases.select": Select,
        "measure": Measure,
        "measure.weights": Weights,
        "resources": Resources,
    }
    nested = ".".join(str(part) for part in (place[0], *place[2:-1]) if isinstance(part, str))
    direct = ".".join(str(part) for part in place[:-1] if isinstance(part, str))
    return list((models.get(direct) or models.get(nested) or models.get(str(place[0])) or Study).model_fields)
