"""What a person writes in a study's YAML, validated to the last key before anything is queued."""

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, field_validator, model_validator

from search_spaces import SPACES
from study import reading
from study.data.catalogue import DATASETS, Dataset
from study.data.catalogue import find as find_dataset
from study.errors import StudyError, unknown
from study.fields import Identifier, LossName, Variants, unique
from study.measures import EXTRACTORS
from study.models.losses import AS_RUN, LOSSES, resolve
from study.parts import Measure, Phase, Resources, Schedule, measurable
from study.reading import Part

PRESETS = Path(__file__).parent / "presets"
RESERVED = {
    "train": "the folder of gan-study train",
    "reproduced": "the folder of gan-study reproduce",
    "paper": "what gan-study compare calls the published numbers",
}
RESERVED_DATA = ("raw", "references", "weights")  # folders beside those of the prepared data sets


class Study(Part):
    """A study: what varies (losses, data sets, phases), what is shared (networks, measure) and what it may use."""

    name: Identifier
    losses: list[LossName] = Field(list(LOSSES), min_length=1)
    variant: Variants = Field(AS_RUN, description="of every loss, or loss by loss")
    datasets: dict[Identifier, Schedule] = Field(
        min_length=1,
        description="of the catalogue, or images of your own or polygons under a new name",
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
            if schedule.own is None and name not in DATASETS:
                others = "images, size and channels, or vertices and rotation"
                raise ValueError(f"{unknown('a data set', name, DATASETS)}; or give {others}")
            if schedule.own is not None and (name in DATASETS or name in RESERVED_DATA):
                kind = "polygons" if schedule.images is None else "images"
                taken = ", ".join([*DATASETS, *RESERVED_DATA])
                raise ValueError(f"{name}: {kind} of your own need a name of their own, unlike {taken}")
        return datasets

    @model_validator(mode="before")
    @classmethod
    def _is_one(cls, content: Any) -> Any:
        if isinstance(content, dict) and "merged" in content:
            of = ", ".join(content["merged"]) if isinstance(content["merged"], dict) else content["merged"]
            raise ValueError(f"gan-study merge united it out of {of}: run those, and merge again")
        return content

    @model_validator(mode="after")
    def _fits(self) -> Self:
        entries = [self.dataset(name) for name in self.datasets]
        for metric in self.measure.metrics:
            if not any(measurable(metric, entry) for entry in entries):
                exact = ", ".join(name for name, other in DATASETS.items() if measurable(metric, other))
                raise ValueError(
                    f"the metric {metric} asks for a data set whose valid images are known exactly, and none of "
                    f"{', '.join(self.datasets)} is one; such are {exact}, and polygons of your own"
                )
        for entry in entries:
            self._measurable(entry)
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
        """The catalogue's entry, or that of what the study describes, with the place where a person's images are."""
        schedule = self.datasets[name]
        place: dict[str, int | str] = {} if schedule.images is None else {"images": schedule.images}
        return find_dataset(name, None if schedule.own is None else schedule.own | place)

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
            for key, asked in (("real", self.measure.real), ("manifold.samples", protocol.images)):
                if size is not None and asked > size:
                    raise ValueError(f"measure.{key}={asked}: the split {split} of {entry.name} has {size} images")
        training = entry.splits["train"]
        if training is not None and self.batch_size > training:
            raise ValueError(f"batch_size={self.batch_size}: {entry.name} has {training} training images")


class Merged(Part):
    """What gan-study merge writes where no one study describes its plan: a study to read, and not to run."""

    name: Identifier
    merged: dict[str, str] = Field(min_length=1, description="the studies that it unites, and what each was asked for")

    @property
    def resources(self) -> Resources:
        return Resources()


def load(study: str) -> Study:
    """The study of a preset's name or a YAML file's path."""
    found = reading.load(Study, study, presets(), "a preset")
    if found.name in RESERVED:
        raise StudyError(f"{study}: name: {found.name!r} is {RESERVED[found.name]}; take another name")
    return found


def parse(text: str, source: str) -> Study:
    """The study in a YAML text. Raises StudyError with every fault: where it is, the value, what is allowed."""
    return reading.parse(Study, text, source)


def stored(text: str, source: str) -> Study | Merged:
    """What a study's folder keeps of what was asked for. Raises StudyError like `parse`."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        content = None  # parse says what is wrong
    if isinstance(content, dict) and "merged" in content:
        return reading.parse(Merged, text, source)
    return parse(text, source)


def renamed(text: str, name: str) -> str:
    """The YAML of the same study under another name. Raises StudyError like `parse`."""
    study = stored(text, "study.yaml")
    return yaml.safe_dump({**study.model_dump(), "name": name}, sort_keys=False, allow_unicode=True)


def validate(content: object, source: str) -> Study:
    """The study in a mapping. Raises StudyError like `parse`."""
    return reading.validate(Study, content, source)


def anchored(study: Study, folder: Path) -> Study:
    """The same study with absolute paths, for who reads it from another working directory."""
    content = study.model_dump()
    for schedule in content["datasets"].values():
        if schedule["images"] is not None:
            schedule["images"] = str(folder / Path(schedule["images"]).expanduser())
    weights = content["measure"]["weights"]
    if weights is not None:
        weights["path"] = str(folder / Path(weights["path"]).expanduser())
    return Study.model_validate(content)


def presets() -> dict[str, Path]:
    return reading.shipped(PRESETS)


def dump(study: Study) -> str:
    """The study as YAML with every default spelt out."""
    return yaml.safe_dump(study.model_dump(), sort_keys=False, allow_unicode=True)
