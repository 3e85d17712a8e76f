"""The losses and their variants on one page; a loss's file is loaded when it is used, so that plans need no torch."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from search_spaces.dimensions import Value
from study.errors import unknown

if TYPE_CHECKING:
    from study.models.losses.base import Loss

VARIANTS = {
    "as_run": "what the study's released code computes",
    "as_printed": "what the study's printed table 1 says",
    "corrected": "what the literature and later code use",
}
AS_RUN = "as_run"


@dataclass(frozen=True)
class Entry:
    """A loss that can be named in a study."""

    title: str
    module: str
    variants: Mapping[str, str]  # variant -> class; one that is not here is the same computation as `as_run`
    differences: str = ""
    in_colour: tuple[str, ...] = ()  # variants that are the same computation as `as_run` on grey images


LOSSES = {
    "mm": Entry("minimax GAN (Goodfellow et al. 2014)", "study.models.losses.mm", {"as_run": "MM"}),
    "ns": Entry("non-saturating GAN (Goodfellow et al. 2014)", "study.models.losses.ns", {"as_run": "NS"}),
    "ls": Entry("least-squares GAN (Mao et al. 2017)", "study.models.losses.ls",
                {"as_run": "LS", "as_printed": "LSPrinted", "corrected": "LSCorrected"},
                "as_run on the sigmoid output with factor 0.5; as_printed on the logit without it; corrected on the "
                "logit with it"),
    "wgan": Entry("Wasserstein GAN, weights clipped (Arjovsky et al. 2017)", "study.models.losses.wgan",
                  {"as_run": "WGAN"},
                  "the released code left the order of update and clip undefined; here the clip is always after the "
                  "update, one of the two orders it may have had and the printed one, so the variants are one"),
    "wgan_gp": Entry("Wasserstein GAN, gradient penalty (Gulrajani et al. 2017)", "study.models.losses.wgan_gp",
                     {"as_run": "WGANGP"}),
    "dragan": Entry("NS with a penalty around the data (Kodali et al. 2017)", "study.models.losses.dragan",
                    {"as_run": "DRAGAN", "as_printed": "DRAGANPrinted", "corrected": "DRAGANCorrected"},
                    "as_run one-sided uniform noise, a random point on the way, gradient of the sigmoid; as_printed "
                    "Gaussian noise, at the noisy point, minimax generator; corrected centred noise within [0, 1], "
                    "gradient of the logit"),
    "began": Entry("boundary-equilibrium GAN (Berthelot et al. 2017)", "study.models.losses.began",
                   {"as_run": "BEGAN", "as_printed": "BEGANPrinted", "corrected": "BEGANCorrected"},
                   "as_run mean absolute error, k unclipped; as_printed the L1 norm (summed over an image), k "
                   "unclipped; corrected mean absolute error, k clipped to [0, 1]"),
    "vae": Entry("variational autoencoder (Kingma and Welling 2014)", "study.models.losses.vae",
                 {"as_run": "VAE", "corrected": "VAECorrected"},
                 "as_run cross-entropy averaged over channels (the printed table has no vae); corrected summed over "
                 "them, which on grey images is the same", ("corrected",)),
}  # fmt: skip


def resolve(loss: str, variant: str, channels: int) -> str:
    """The variant that is computed: `as_run` where the loss has no other form, so that equal work has equal ids."""
    if variant not in VARIANTS:
        raise unknown("a variant", variant, VARIANTS)
    entry = LOSSES[loss]
    other = variant in entry.variants and (channels > 1 or variant not in entry.in_colour)
    return variant if other else AS_RUN


def load(name: str, variant: str, hyperparameters: Mapping[str, Value]) -> "Loss":
    """The loss with its own hyperparameters set; those of the optimiser and the networks are not its business."""
    if name not in LOSSES:
        raise unknown("a loss", name, LOSSES)
    entry = LOSSES[name]
    if variant not in VARIANTS:
        raise unknown("a variant", variant, VARIANTS)
    kind = entry.variants.get(variant, entry.variants[AS_RUN])
    return cast("Loss", getattr(importlib.import_module(entry.module), kind)(hyperparameters))
