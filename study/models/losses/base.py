"""The contract of a loss: what it minimises, given networks that it may call as often as it likes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import torch
from torch import Tensor

from search_spaces.dimensions import Value
from study.models.networks import Networks

Memory = dict[str, Tensor]  # scalars on the device that checkpoints carry and rows report
Head = Literal["logit", "image", "posterior"]


class Draw(Protocol):
    """Random numbers that are a function of the trial, the step and the name asked for."""

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """U[0, 1) of this shape."""
        ...

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """N(0, 1) of this shape."""
        ...


class Loss(ABC):
    """Means are over the batch. real and fake: [N, C, H, W] in [0, 1].

    A leaf sets the class attributes that differ and writes the two losses; the trainer never asks for its name.
    """

    head: Head = "logit"  # what the second network returns: logits [N], images [N, C, H, W], (mean, std) [N, 64]
    joint = False  # one optimiser owns both networks and minimises discriminator_loss alone
    prior: Literal["uniform", "normal"] = "uniform"  # z ~ U[-1, 1]^64 or N(0, I)
    fresh_latent = False  # the generator's step draws its own z instead of reusing the discriminator's
    decoder_slope = 0.2  # of the generator's leaky ReLUs

    def __init__(self, hyperparameters: Mapping[str, Value]) -> None:
        """Takes what it needs out of the setting."""

    def memory(self) -> Memory:
        """The state at step 0; empty for a loss that remembers nothing."""
        return {}

    @abstractmethod
    def discriminator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory, draw: Draw) -> Tensor:
        """A scalar that the second network minimises; fake is detached from the generator (joint: an empty tensor)."""

    def generator_loss(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        """A scalar that the generator minimises; the second network's parameters take no gradient here."""
        raise TypeError(f"{type(self).__name__} is joint: its generator has no loss of its own")

    def constrain(self, nets: Networks) -> None:
        """Puts the second network's parameters back where they must be, after its update."""

    def remember(self, nets: Networks, real: Tensor, fake: Tensor, memory: Memory) -> None:
        """Updates the memory in place after the step's updates, without gradients; called where there is a memory."""


def gradient_norms(output: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """s [N] = sqrt(1e-4 + sum over c, h, w of (d output / d points)^2), differentiable again.

    output: images [N, C, H, W] -> [N]. The 1e-4, which the study had, keeps the root's own gradient finite at 0.
    """
    leaf = points.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(output(leaf).sum(), leaf, create_graph=True)
    return (1e-4 + gradient.square().sum(dim=(1, 2, 3))).sqrt()


def between(a: Tensor, b: Tensor, position: Tensor) -> Tensor:
    """a + position (b - a), one position [N, 1, 1, 1] per image."""
    return a + position * (b - a)
