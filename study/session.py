"""A trial in this process: training, measuring, and what keeps both durable; nothing here knows who runs it."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from study import durable
from study.attempt import USED, Attempt
from study.data.catalogue import find
from study.data.prepare import Prepared, open_prepared
from study.errors import StudyError
from study.identity import Trial, canonical
from study.measures import load_extractor, weights
from study.measures.contracts import Extractor, Real
from study.measures.evaluation import Measurement, evaluate, fingerprint
from study.measures.grid import png
from study.measures.protocol import Protocol
from study.measures.reference import reference
from study.models.checkpoints import load_newest, remove_checkpoints, save_checkpoint, save_generator
from study.models.networks import Size, parameter_count
from study.models.training import Recipe, Training
from study.node import MEASURING, NOWHERE, RUNNING, Node
from study.results.rowfile import Row

LOOK_SECONDS = 0.2  # between two looks for the request to leave the machine
FRESH_SECONDS = 10.0  # of training: a checkpoint that is older than this is renewed before an evaluation

log = logging.getLogger("study")


@dataclass(frozen=True)
class Options:
    """How a trial runs: nothing here changes what it computes, but for the device and the number of threads."""

    data: Path
    threads: int = 1
    device: str = "cpu"
    checkpoint_seconds: float = 300.0
    keep_checkpoints: bool = False
    study_yaml: str | None = None  # hash of the study that asks for the trial, for its rows
    node: Node = NOWHERE


class Left(Exception):
    """The machine is to be left. The trial's checkpoint is safe, and another machine goes on from it."""


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
        self._due = False  # the checkpoint was saved at an evaluation whose row is still to be written
        self._resume()
        made = fingerprint(self.trial.protocol, prepared, self.shared.extractor)
        attempt.common["fingerprint"] = canonical(made)  # what fails before it measured anything has it too
        self._saved_step, self._began = self.training.step, (self.training.step, self.train_seconds)
        self._saved = time.monotonic()
        attempt.progress = self._progress

    def next_row(self) -> Row:
        """Trains to the next evaluation, measures, and makes samples, row and checkpoint durable, in that order."""
        losses = self._train(self._next_evaluation())
        self._due = False
        start = time.monotonic()
        self.options.node.tell(self.trial.id, MEASURING)
        measurement = self._measure()
        self.options.node.tell(self.trial.id, RUNNING)
        broken = _not_finite(losses, measurement)
        last = self.training.step == self.trial.steps
        self.over = last or broken is not None
        self._keep_artefacts(measurement)
        values = self._values(losses) | {"evaluation_seconds": time.monotonic() - start}
        values |= {"status": "diverged", "message": broken} if broken else {"status": "ok", **measurement.values}
        row = self.attempt.add(self.training.step, values)
        log.info("step %d: %s", self.training.step, broken or measurement.values)
        if self.over and not self.options.keep_checkpoints:
            tidy(self.folder, self.options)
        elif self._saved_step != self.training.step:
            self._checkpoint()
        return row

    def _next_evaluation(self) -> int:
        """The step of the next evaluation, which is this one where only its row was lost."""
        return next(
            step
            for step in self.trial.evaluations
            if step > self.training.step or (self._due and step == self.training.step)
        )

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
        if not measured.issuperset(point for point in self.trial.evaluations if point < step):
            log.warning("rows up to step %d are missing: starting anew instead of leaving a hole", step)
            return
        self._due = step in self.trial.evaluations and step not in measured
        self.training.restore(state["training"])
        self.train_seconds = state["train_seconds"]
        log.info("continuing from step %d", step)

    def _train(self, until: int) -> tuple[float | None, float | None]:
        """The mean losses since the last evaluation; reading them waits for the device, within the training's clock.

        A checkpoint is saved as often as the options say; also before an evaluation, which may take minutes, where the
        last one is not fresh; and when the machine is to be left, which ends in Left.
        """
        self._start = looked = time.monotonic()
        while self.training.step < until:
            self.training.advance()
            now = time.monotonic()
            if now - self._saved > self.options.checkpoint_seconds and self.training.step < until:
                self._pause_to_save()
            if now - looked > LOOK_SECONDS:
                looked = now
                self._clock()
                if self.options.node.stopping():
                    self._checkpoint()
                    raise Left(f"left the machine at step {self.training.step}, as was asked")
        if time.monotonic() - self._saved > FRESH_SECONDS:
            self._pause_to_save()
        losses = self.training.take_means()
        self._clock()
        return losses

    def _clock(self) -> None:
        """Counts the training since the last call."""
        now = time.monotonic()
        self.train_seconds += now - self._start
        self._start = now

    def _progress(self) -> dict[str, Any]:
        """For the heartbeat, which asks from another thread."""
        step, seconds = self.training.step, self.train_seconds
        images = (step - self._began[0]) * self.trial.batch_size
        trained = seconds - self._began[1]
        pace = images / trained if trained > 0 else None
        return {"step": step, "steps": self.trial.steps, "images_per_second": pace}

    def _measure(self) -> Measurement:
        shared = self.shared
        return evaluate(self.trial.protocol, shared.prepared.dataset, shared.extractor, shared.real, self.training)

    def _keep_artefacts(self, measurement: Measurement) -> None:
        """The pictures of every evaluation; at the end the generator's weights."""
        store, training = self.attempt.store, self.training
        for metric, images in measurement.pictures.items():
            durable.write_bytes(store.picture_file(self.trial.id, training.step, metric), png(images))
        durable.write_bytes(store.sample_file(self.trial.id, training.step), png(measurement.shown))
        if self.over:
            metadata = {"content": self.trial.content, "trial": self.trial.id, "step": str(training.step)}
            save_generator(store.generator_file(self.trial.id), training.nets.generator.state_dict(), metadata)

    def _values(self, losses: tuple[float | None, float | None]) -> dict[str, Any]:
        return {
            **self.used(),
            "discriminator_loss": losses[0],
            "generator_loss": losses[1],
            **{name: float(value) for name, value in self.training.memory.items()},
        }

    def _pause_to_save(self) -> None:
        """A checkpoint in the middle of training; the saving itself counts as no training."""
        self._clock()
        self._checkpoint()
        self._start = time.monotonic()

    def _checkpoint(self) -> None:
        state = {
            "training": self.training.state(),
            "train_seconds": self.train_seconds,
            "images": self.shared.prepared.sha256,
        }
        save_checkpoint(self.folder, self.training.step, state)
        self._saved_step, self._saved = self.training.step, time.monotonic()


def tidy(folder: Path, options: Options) -> None:
    """Removes what an ended trial no longer needs; again, where a kill came between its last row and this."""
    if not options.keep_checkpoints:
        remove_checkpoints(folder)


def _recipe(trial: Trial, prepared: Prepared) -> Recipe:
    batch_norm = bool(trial.hyperparameters["batch_norm"])
    size = Size(prepared.dataset.shape, trial.width, batch_norm, trial.batch_norm_decay)
    return Recipe(trial.key, trial.loss, trial.variant, dict(trial.hyperparameters), size, trial.batch_size)


@dataclass(frozen=True)
class Shared:
    """What the trials of one process share: the data on the device, the extractor and what it is measured against."""

    prepared: Prepared
    extractor: Extractor
    real: Mapping[str, Real]  # by split
    images: torch.Tensor


def _shared(trial: Trial, options: Options) -> Shared:
    own = None if trial.own is None else canonical(trial.own)
    return _load(trial.dataset, own, trial.protocol, options.data, options.device)


@lru_cache(maxsize=4)
def _load(dataset: str, own: str | None, protocol: Protocol, data: Path, device: str) -> Shared:
    prepared = open_prepared(find(dataset, None if own is None else json.loads(own)), data)
    extractor: Extractor = load_extractor(protocol.extractor, weights.find(protocol.extractor, protocol.weights, data))
    real = {}
    for split in dict.fromkeys(protocol.splits.values()):
        images = torch.from_numpy(prepared.images(split)[: protocol.images].copy()).to(device)
        moments = reference(prepared, split, protocol, extractor, data)
        real[split] = Real(moments, images.float() / prepared.dataset.levels)
    extractor.module.to(device)
    return Shared(prepared, extractor, real, torch.from_numpy(prepared.images("train")).to(device))


def _not_finite(losses: tuple[float | None, float | None], measurement: Measurement) -> str | None:
    """What is no longer a number, in words; None while everything is."""
    for name, value in zip(("discriminator loss", "generator loss"), losses, strict=True):
        if value is not None and not torch.tensor(value).isfinite():
            return f"the {name} is {value}"
    return None if measurement.finite else "a generated image is not finite"
