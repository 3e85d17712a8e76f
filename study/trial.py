"""One trial, from its place in the plan to its rows: resume, train to the next evaluation, measure, write, yield."""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from study import durable
from study.attempt import USED, Attempt, begin, ended
from study.data.catalogue import find
from study.data.prepare import Prepared, open_prepared
from study.errors import StudyError
from study.identity import Trial, canonical
from study.measures import load_extractor, weights
from study.measures.contracts import Extractor
from study.measures.evaluation import Measurement, evaluate, fingerprint
from study.measures.grid import png
from study.measures.moments import Moments
from study.measures.protocol import Protocol
from study.measures.reference import reference
from study.models.checkpoints import load_newest, remove_checkpoints, save_checkpoint, save_generator
from study.models.networks import Size, parameter_count
from study.models.training import Recipe, Training
from study.plan import Planned
from study.provenance import provenance
from study.results.store import Row, Store

log = logging.getLogger("study")


@dataclass(frozen=True)
class Options:
    """How a trial runs: nothing here changes what it computes, but for the device and the number of threads."""

    data: Path
    threads: int = 1
    device: str = "cpu"
    checkpoint_seconds: float = 300.0
    keep_checkpoints: bool = False


def run(planned: Planned, store: Store, options: Options) -> Iterator[Row]:
    """Yields each evaluation's row once it is on disk; ends at the last step, or early when the trial diverges.

    Starts from the newest checkpoint, so that calling it again after any interruption continues, bit for bit. An
    exception becomes a row with status failed and is raised again. Nothing is yielded for a trial that has ended.
    """
    torch.set_num_threads(options.threads)
    with begin(planned, store, provenance(options.device, options.threads)) as attempt:
        if attempt is None:
            _tidy(store.trial_folder(planned.trial.id), options)
            return
        session = None
        try:
            session = Session(attempt, options)
            while not session.over:
                yield session.next_row()
        except Exception as error:
            log.exception("failed")
            if not ended(attempt.rows):  # what fails after the last row takes nothing away from it
                attempt.fail(session.training.step if session else 0, error, session.used() if session else {})
            raise


class Session:
    """A trial in this process: what it trains, what it measures against, and what it has used so far."""

    def __init__(self, attempt: Attempt, options: Options) -> None:
        self.attempt, self.options = attempt, options
        self.trial: Trial = attempt.planned.trial
        self.folder = attempt.store.trial_folder(self.trial.id)
        self.shared = _shared(self.trial, options)
        prepared = self.shared.prepared
        self.training = Training(_recipe(self.trial, prepared), self.shared.images, prepared.dataset.levels)
        self.train_seconds = 0.0
        self.over = False
        self._earlier = attempt.store.read(self.trial.id)
        self._resume()

    def next_row(self) -> Row:
        """Trains to the next evaluation, measures, and makes samples, row and checkpoint durable, in that order."""
        losses = self._train(next(step for step in self.trial.evaluations if step > self.training.step))
        start = time.monotonic()
        measurement = self._measure()
        broken = _not_finite(losses, measurement)
        last = self.training.step == self.trial.steps
        self.over = last or broken is not None
        self._keep_artefacts(measurement)
        values = self._values(losses) | {"evaluation_seconds": time.monotonic() - start}
        values |= {"status": "diverged", "message": broken} if broken else {"status": "ok", **measurement.values}
        row = self.attempt.add(self.training.step, values)
        log.info("step %d: %s", self.training.step, broken or measurement.values)
        if not self.over or self.options.keep_checkpoints:
            self._checkpoint()
        else:
            _tidy(self.folder, self.options)
        return row

    def used(self) -> dict[str, Any]:
        """What the trial has had until now; `attempt.USED` names it."""
        training = self.training
        seen = training.step * self.trial.batch_size
        sizes = (parameter_count(training.nets.generator), parameter_count(training.nets.discriminator))
        return dict(zip(USED, (training.generator_updates, seen, self.train_seconds, *sizes), strict=True))

    def _resume(self) -> None:
        """Goes on from the newest checkpoint, if every evaluation up to it still has its row; else starts anew.

        Raises StudyError where rows or checkpoint are of other images than are prepared now.
        """
        state = load_newest(self.folder)
        shown = {json.loads(row["fingerprint"])["dataset_sha256"] for row in self._earlier if row.get("fingerprint")}
        if (shown | ({state["images"]} if state else set())) - {self.shared.prepared.sha256}:
            raise StudyError(
                f"the images of {self.trial.dataset} are not those that this trial began with; bring those back and "
                "run gan-study prepare, or give the study another name"
            )
        if state is None:
            return
        step = state["training"]["step"]
        measured = {row["step"] for row in self._earlier if row["status"] == "ok"}
        if not measured.issuperset(point for point in self.trial.evaluations if point <= step):
            log.warning("rows up to step %d are missing: starting anew instead of leaving a hole", step)
            return
        self.training.restore(state["training"])
        self.train_seconds = state["train_seconds"]
        log.info("continuing from step %d", step)

    def _train(self, until: int) -> tuple[float | None, float | None]:
        """The mean losses since the last evaluation; reading them waits for the device, within the training's clock."""
        start = saved = time.monotonic()
        while self.training.step < until:
            self.training.advance()
            now = time.monotonic()
            if now - saved > self.options.checkpoint_seconds and self.training.step < until:
                self.train_seconds += now - start
                self._checkpoint()
                start = saved = time.monotonic()
        losses = self.training.take_means()
        self.train_seconds += time.monotonic() - start
        return losses

    def _measure(self) -> Measurement:
        protocol = self.trial.protocol
        latents = self.training.latents(protocol.generated, "evaluation")  # the same for every model and step
        return evaluate(protocol, self.shared.extractor, self.shared.real, latents, self.training.sample)

    def _keep_artefacts(self, measurement: Measurement) -> None:
        """The sample grid of every evaluation; at the end the generator's weights."""
        store, training = self.attempt.store, self.training
        durable.write_bytes(store.sample_file(self.trial.id, training.step), png(measurement.shown))
        if self.over:
            metadata = {"content": self.trial.content, "trial": self.trial.id, "step": str(training.step)}
            save_generator(store.generator_file(self.trial.id), training.nets.generator.state_dict(), metadata)

    def _values(self, losses: tuple[float | None, float | None]) -> dict[str, Any]:
        training = self.training
        made = fingerprint(self.trial.protocol, self.shared.prepared, self.shared.extractor)
        return {
            **self.used(),
            "discriminator_loss": losses[0],
            "generator_loss": losses[1],
            **{name: float(value) for name, value in training.memory.items()},
            "fingerprint": canonical(made),
        }

    def _checkpoint(self) -> None:
        state = {
            "training": self.training.state(),
            "train_seconds": self.train_seconds,
            "images": self.shared.prepared.sha256,
        }
        save_checkpoint(self.folder, self.training.step, state)


def _tidy(folder: Path, options: Options) -> None:
    """Removes what an ended trial no longer needs; again, where a kill came between its last row and this."""
    if not options.keep_checkpoints:
        remove_checkpoints(folder)


def _recipe(trial: Trial, prepared: Prepared) -> Recipe:
    batch_norm = bool(trial.hyperparameters["batch_norm"])
    size = Size(prepared.dataset.shape, trial.width, batch_norm, trial.batch_norm_decay)
    return Recipe(trial.key, trial.loss, trial.variant, dict(trial.hyperparameters), size, trial.batch_size)


@dataclass(frozen=True)
class Shared:
    """What the trials of one process share: the data on the device, the extractor and the real images' moments."""

    prepared: Prepared
    extractor: Extractor
    real: Mapping[str, Moments]  # split -> moments
    images: torch.Tensor


def _shared(trial: Trial, options: Options) -> Shared:
    own = None if trial.own is None else canonical(trial.own)
    return _load(trial.dataset, own, trial.protocol, options.data, options.device)


@lru_cache(maxsize=4)
def _load(dataset: str, own: str | None, protocol: Protocol, data: Path, device: str) -> Shared:
    prepared = open_prepared(find(dataset, None if own is None else json.loads(own)), data)
    extractor: Extractor = load_extractor(protocol.extractor, weights.find(protocol.extractor, protocol.weights, data))
    real = {
        split: reference(prepared, split, protocol, extractor, data)
        for split in dict.fromkeys(protocol.splits.values())
    }
    extractor.module.to(device)
    return Shared(prepared, extractor, real, torch.from_numpy(prepared.images("train")).to(device))


def _not_finite(losses: tuple[float | None, float | None], measurement: Measurement) -> str | None:
    """What is no longer a number, in words; None while everything is."""
    for name, value in zip(("discriminator loss", "generator loss"), losses, strict=True):
        if value is not None and not torch.tensor(value).isfinite():
            return f"the {name} is {value}"
    return None if measurement.finite else "a generated image is not finite"
