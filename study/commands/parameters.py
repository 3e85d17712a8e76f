"""gan-study list losses --params: how large the networks of every loss are on every data set."""

from collections import defaultdict

import torch

from search_spaces import WIDE
from study.commands.common import console, table
from study.data.catalogue import DATASETS
from study.models import losses
from study.models.losses.base import Head
from study.models.networks import HEADS, Generator, Shape, Size, parameter_count

DECAY = 0.999  # counts nothing
USUAL: Head = "logit"


def show(width: float) -> None:
    """Parameters of the generator, and of the other network without and with batch norm, per loss and image shape.

    The last column compares the other network with the discriminator that most losses have.
    """
    shapes: dict[Shape, list[str]] = defaultdict(list)
    for dataset in DATASETS.values():
        shapes[dataset.shape].append(dataset.name)
    rows = []
    for name in losses.LOSSES:
        head = losses.load(name, losses.AS_RUN, WIDE.default(name, losses.AS_RUN)).head
        for shape, names in shapes.items():
            (generator, plain), (_, normed), (_, usual) = (
                _counts(each, Size(shape, width, on, DECAY))
                for each, on in ((head, False), (head, True), (USUAL, False))
            )
            kind = HEADS[head].__name__.lower()
            rows.append((name, ", ".join(names), generator, plain, normed, kind, f"{plain / usual:.2f}"))
    columns = ("loss", "data sets", "generator", "other network", "with batch norm", "which is a", "size to the usual")
    console.print(table(f"trainable parameters at width {width:g}", columns, rows))


def _counts(head: Head, size: Size) -> tuple[int, int]:
    """Built without memory for the weights: only their shapes count."""
    with torch.device("meta"):
        return parameter_count(Generator(size, 0.2)), parameter_count(HEADS[head](size))
