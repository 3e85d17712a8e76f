"""The losses, by name; a loss's file is loaded when it is used, so that plans need no torch."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from search_spaces.dimensions import Value
from study.errors import unknown

if TYPE_CHECKING:
    from study.models.losses.base import Loss


@dataclass(frozen=True)
class Entry:
    """A loss that can be named in a study."""

    where: str  # module:class
    title: str


LOSSES = {
    "mm": Entry("study.models.losses.mm:MM", "minimax GAN (Goodfellow et al. 2014)"),
    "ns": Entry("study.models.losses.ns:NS", "non-saturating GAN (Goodfellow et al. 2014)"),
    "ls": Entry("study.models.losses.ls:LS", "least-squares GAN (Mao et al. 2017)"),
    "wgan": Entry("study.models.losses.wgan:WGAN", "Wasserstein GAN, weights clipped (Arjovsky et al. 2017)"),
    "wgan_gp": Entry("study.models.losses.wgan_gp:WGANGP", "Wasserstein GAN, gradient penalty (Gulrajani et al. 2017)"),
    "dragan": Entry("study.models.losses.dragan:DRAGAN", "NS with a penalty around the data (Kodali et al. 2017)"),
    "began": Entry("study.models.losses.began:BEGAN", "boundary-equilibrium GAN (Berthelot et al. 2017)"),
    "vae": Entry("study.models.losses.vae:VAE", "variational autoencoder (Kingma and Welling 2014)"),
}


def load(name: str, hyperparameters: Mapping[str, Value]) -> "Loss":
    """The loss with its own hyperparameters set; those of the optimiser and the networks are not its business."""
    if name not in LOSSES:
        raise unknown("a loss", name, LOSSES)
    module, _, attribute = LOSSES[name].where.partition(":")
    return cast("Loss", getattr(importlib.import_module(module), attribute)(hyperparameters))
