"""The nearest point of a generator's range for each image: starts, and gradient descent on the latent."""

from dataclasses import dataclass

import torch
from torch import Tensor

from study.measures.contracts import Model
from study.measures.descent import Descent, descend

CHUNK = 1_280  # starts at once, of which the generator keeps some 370 KB each at full width
BATCH = 1_024  # images generated at once for the starts


@dataclass(frozen=True)
class Inverted:
    """latents [N, z], their images [N, C, H, W], and the L2 distances [N] of the images given to these."""

    latents: Tensor
    images: Tensor
    distances: Tensor


@dataclass(frozen=True)
class Inverting:
    """latents: drawn, of which those with the nearest images are the starts."""

    latents: int
    descent: Descent


def invert(images: Tensor, model: Model, how: Inverting) -> Inverted:
    """For images [N, C, H, W] in [0, 1] the nearest that the generator can make, as far as one is found.

    An image's starts are the latents with the nearest images of all that are drawn; they descend (`descend`, rate in
    units of the latent) on the squared L2 distance, batch norm in inference mode, within the
    prior's support. So a distance is never above that of the nearest drawn image.
    """
    with torch.no_grad():
        drawn = model.latents(how.latents, "inversion")
        known = torch.cat([model.sample(z).flatten(1) for z in torch.split(drawn, BATCH)])
    chunks = torch.split(images, max(1, CHUNK // how.descent.starts))
    parts = [_invert(part, model, (drawn, known), how.descent) for part in chunks]
    return Inverted(*(torch.cat([getattr(part, name) for part in parts]) for name in Inverted.__dataclass_fields__))


def _invert(images: Tensor, model: Model, drawn: tuple[Tensor, Tensor], how: Descent) -> Inverted:
    latents, known = drawn
    order = torch.cdist(images.flatten(1), known).topk(how.starts, largest=False).indices
    starts = latents[order]

    def squares(points: Tensor) -> Tensor:
        made = model.differentiable(points.flatten(0, 1)).reshape(*points.shape[:2], *images.shape[1:])
        return (made - images[:, None]).square().flatten(2).sum(2)

    found = torch.stack([starts[:, 0], descend(starts, squares, model.support, how.steps, how.rate)[:, 0]], 1)
    with torch.no_grad():
        made = model.sample(found.flatten(0, 1)).reshape(*found.shape[:2], *images.shape[1:])
        # Of a broken model a descent may end in no number; its start is one.
        distances, best = (made - images[:, None]).flatten(2).norm(dim=2).nan_to_num(torch.inf).min(1)
    rows = torch.arange(len(images), device=images.device)
    return Inverted(found[rows, best], made[rows, best], distances)
