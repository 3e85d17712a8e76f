"""The losses, by name; a loss's file is loaded when it is used, so that plans need no torch."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from search_spaces.dimensions import Value
from study.errors import unknown

if TYPE_CHECKING:
    from study.models.losses.base import Loss

LOSSES: dict[str, str] = {
    "mm": "study.models.losses.mm:MM",
    "ns": "study.models.losses.ns:NS",
    "ls": "study.models.losses.ls:LS",
    "wgan": "study.models.losses.wgan:WGAN",
    "wgan_gp": "study.models.losses.wgan_gp:WGANGP",
    "dragan": "study.models.losses.dragan:DRAGAN",
    "began": "study.models.losses.began:BEGAN",
    "vae": "study.models.losses.vae:VAE",
}


def load(name: str, hyperparameters: Mapping[str, Value]) -> "Loss":
    """The loss with its own hyperparameters set; those of the optimiser and the networks are not its business."""
    if name not in LOSSES:
        raise unknown("a loss", name, LOSSES)
    module, _, attribute = LOSSES[name].partition(":")
    return cast("Loss", getattr(importlib.import_module(module), attribute)(hyperparameters))
