"""The parts of a study's YAML, each with what is allowed and what is usual."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from search_spaces.samplers import check as check_sampler
from study.data.catalogue import DATASETS, MOST_VERTICES, Dataset
from study.errors import StudyError
from study.fields import (
    MOST,
    ExtractorName,
    Identifier,
    LossName,
    MetricName,
    Points,
    SamplerName,
    SpaceName,
    Variants,
    unique,
)
from study.measures import EXTRACTORS, METRICS, fits
from study.measures.protocol import Protocol
from study.reading import Part


class Schedule(Part):
    """A data set's part in a study: how long its trials train and when they are measured. Left out: as published."""

    steps: int | None = Field(None, ge=1, le=MOST, description="discriminator steps")
    evaluations: Points = Field(None, description="how many, evenly spaced and the last at the end; or the very steps")
    images: str | None = Field(None, min_length=1, description="your own: a folder of images, or an .npz file")
    size: int | None = Field(None, ge=8, le=1024, multiple_of=4, description="your own: pixels of a side")
    channels: Literal[1, 3] | None = Field(None, description="your own: 1 grey, 3 colour")
    vertices: int | None = Field(None, ge=3, le=MOST_VERTICES, description="polygons: of each; published: 3")
    rotation: Literal["published", "full"] | None = Field(
        None, description="polygons: at most 6.3 degrees, as published by a slip, or any angle"
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

    @model_validator(mode="after")
    def _described(self) -> Self:
        if len({self.images is None, self.size is None, self.channels is None}) > 1:
            raise ValueError("images of your own need all three: images, size and channels")
        if (self.vertices is None) != (self.rotation is None):
            raise ValueError("polygons need both: vertices and rotation")
        if self.images is not None and self.vertices is not None:
            raise ValueError("images of your own, or polygons: leave images, size, channels or vertices, rotation out")
        if self.own is not None and self.steps is None:
            kind = "images" if self.vertices is None else "polygons"
            raise ValueError(f"{kind} of your own have no published schedule: give steps and evaluations")
        return self

    @property
    def own(self) -> dict[str, int | str] | None:
        """What decides the images of a data set that the study describes; None for one of the catalogue."""
        if self.vertices is not None and self.rotation is not None:
            return {"vertices": self.vertices, "rotation": self.rotation}
        if self.size is not None and self.channels is not None:
            return {"size": self.size, "channels": self.channels}
        return None

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
    first_seed: int | None = Field(
        None, ge=0, le=MOST, description="left out: 0, or with select the first that the selection did not use"
    )
    search_seed: int = Field(0, ge=0, le=MOST, description="another number draws other settings")
    losses: list[LossName] | None = Field(None, min_length=1, description="left out: the study's")
    variant: Variants | None = Field(None, description="left out: the study's")
    datasets: list[Identifier] | None = Field(None, min_length=1, description="left out: the study's")

    _once = field_validator("losses", "datasets")(unique)

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.select is None:
            if self.space is None or self.settings is None:
                raise ValueError("give space and settings, or select")
            try:
                check_sampler(self.sampler, self.space, self.settings, self.search_seed)
            except StudyError as error:
                raise ValueError(str(error)) from error
        elif (self.space, self.settings, self.sampler, self.search_seed) != (None, None, "random", 0):
            raise ValueError("select takes the settings of another phase: leave space, settings and sampler out")
        return self


class Weights(Part):
    """A file of an extractor's weights other than those it is known by."""

    path: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the file; sha256sum prints it")


class Manifold(Part):
    """The constants of the metric `manifold`. delta and samples are the published ones; the others were not told."""

    delta: float = Field(0.75, gt=0, allow_inf_nan=False, description="L2 of pixels in [0, 1] that counts as near")
    samples: int = Field(1_024, ge=2, le=MOST, description="generated images, and real ones of each split")
    family: Literal["recipe", "free"] = Field(
        "recipe", description="of valid images: what the recipe draws, or every convex polygon of as many vertices"
    )
    restarts: int = Field(5, ge=1, le=64, description="starts of each descent")
    members: int = Field(16_384, ge=64, le=MOST, description="valid images drawn; the nearest ones are starts")
    projection_steps: int = Field(80, ge=1, le=MOST, description="of the descent to the nearest valid image")
    projection_rate: float = Field(0.4, gt=0, allow_inf_nan=False, description="its learning rate, in pixels")
    rounds: int = Field(40, ge=1, le=MOST, description="of the search in the exact raster that follows")
    latents: int = Field(4_096, ge=64, le=MOST, description="images generated; the nearest ones are starts")
    inversion_steps: int = Field(400, ge=1, le=MOST, description="of the descent to the nearest generated image")
    inversion_rate: float = Field(0.2, gt=0, allow_inf_nan=False, description="its learning rate, in units of z")


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

    manifold: Manifold | None = Field(None, description="constants of the metric manifold; left out: the usual ones")

    _once = field_validator("metrics")(unique)

    @model_validator(mode="before")
    @classmethod
    def _spelt_out(cls, content: Any) -> Any:
        """With the constants of every metric that is named and has any."""
        metrics = content.get("metrics") if isinstance(content, dict) else None
        named = isinstance(metrics, list) and "manifold" in metrics
        return {**content, "manifold": {}} if named and content.get("manifold") is None else content

    @model_validator(mode="after")
    def _together(self) -> Self:
        if not METRICS[self.metrics[0]].lower_is_better:
            least = ", ".join(name for name in METRICS if METRICS[name].lower_is_better)
            raise ValueError(
                f"metrics: settings and checkpoints are chosen by the least of the first, and {self.metrics[0]} is "
                f"better when it is higher; put one of {least} before it"
            )
        if self.manifold is not None and "manifold" not in self.metrics:
            raise ValueError("manifold: these are constants of a metric that is not measured; name it under metrics")
        if self.manifold is not None and self.manifold.samples > self.generated:
            raise ValueError(
                f"manifold.samples={self.manifold.samples}: an evaluation generates {self.generated} images; lower it, "
                "or raise measure.generated"
            )
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
        """How trials on this data set are measured: by the metrics that can be measured on it."""
        metrics = [name for name in self.metrics if measurable(name, dataset)]
        constants = {"manifold": self.manifold.model_dump()} if self.manifold and "manifold" in metrics else {}
        return Protocol(
            extractor=self.extractor,
            weights=self._foreign_weights(),
            metrics=tuple(metrics),
            generated=self.generated,
            real=self.real,
            selection=dataset.reporting if self.splits == "published" else dataset.selection,
            reporting=dataset.reporting,
            quantised=self.quantised,
            constants=constants,
        )

    def caution(self) -> str:
        """What a reader of the numbers has to know, in a sentence; empty where nothing is unusual."""
        least, features = min(self.generated, self.real), EXTRACTORS[self.extractor].dimension
        if least > features:
            return ""
        return (
            f"measure: {least:,} images for {features:,} features of {self.extractor} leave a covariance without full "
            f"rank, and a distance that is much too large; take more than {features:,}, generated and real"
        )

    def _foreign_weights(self) -> str | None:
        """The sha256 of weights other than those the extractor is known by, wherever a copy of those lies."""
        known = self.weights is None or self.weights.sha256 == EXTRACTORS[self.extractor].sha256
        return None if known or self.weights is None else self.weights.sha256


def measurable(metric: str, dataset: Dataset) -> bool:
    """Whether the data set has what the metric needs."""
    return "geometry" not in METRICS[metric].needs or dataset.geometry is not None


def places(gpus: int, share: float) -> int:
    """How many trials fit on so many GPUs: several on each, or one on several; none lies across two with others."""
    return gpus * int(1 / share + 1e-9) if share <= 1 else int(gpus / share)


class Resources(Part):
    """What one trial takes of a machine, and how often it may fail."""

    cpus: float = Field(
        1.0, ge=0.01, allow_inf_nan=False, description="a trial's share of the processors; 0.5: two trials on each"
    )
    gpus: float = Field(0.0, ge=0, le=64, allow_inf_nan=False, description="0.25: four trials share a GPU")
    threads: int = Field(1, ge=1, le=1024, description="of a trial; rows are bit-identical for the same number")
    retries: int = Field(1, ge=0, description="how often a trial that fails is tried again before it counts as failed")
    checkpoint_minutes: float = Field(5.0, gt=0, description="the most training time that a crash can cost")
