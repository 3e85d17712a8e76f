"""A trial: one setting with one seed, and the hash of its content that it is known by."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from search_spaces.dimensions import Value
from study.data import catalogue
from study.data.catalogue import Dataset
from study.measures.protocol import Protocol


@dataclass(frozen=True)
class Trial:
    """One setting with one seed, from the first step to the last. Equal content, equal id, in every study."""

    loss: str
    variant: str  # of the loss
    dataset: str
    own: Mapping[str, Any] | None  # describes a data set that is not in the catalogue
    hyperparameters: Mapping[str, Value]
    seed: int
    width: float
    batch_size: int
    batch_norm_decay: float
    evaluations: tuple[int, ...]  # steps at which it is measured; it ends at the last
    protocol: Protocol

    @property
    def steps(self) -> int:
        return self.evaluations[-1]

    @property
    def data(self) -> Dataset:
        return catalogue.find(self.dataset, self.own)

    @property
    def training(self) -> dict[str, Any]:
        """What decides the weights at every step: not how long it trains, nor what is measured."""
        return {
            "loss": self.loss,
            "variant": self.variant,
            "dataset": self.dataset,
            "own": None if self.own is None else dict(self.own),
            "hyperparameters": dict(self.hyperparameters),
            "seed": self.seed,
            "width": self.width,
            "batch_size": self.batch_size,
            "batch_norm_decay": self.batch_norm_decay,
        }

    @cached_property
    def content(self) -> str:
        """Canonical JSON of everything that makes the trial what it is."""
        return canonical({**self.training, "evaluations": self.evaluations, "measure": self.protocol.content()})

    @cached_property
    def id(self) -> str:
        return digest(self.content)

    @cached_property
    def key(self) -> str:
        """The source of the trial's randomness: measuring more, or training longer, changes nothing before."""
        return digest(canonical(self.training))


def from_content(content: str) -> Trial:
    """The trial that a plan's or a row's `content` describes."""
    values = json.loads(content)
    protocol = Protocol.from_content(values.pop("measure"))
    return Trial(**{**values, "evaluations": tuple(values["evaluations"]), "protocol": protocol})


def canonical(content: Mapping[str, Any]) -> str:
    """One text per content: sorted keys, no spaces, numbers as their shortest exact decimal form."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """16 hexadecimal digits: among a million trials two collide with probability 3e-8."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
