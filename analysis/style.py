"""How every loss and data set looks in every picture: tables of order, name, colour, marker and line."""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

LineStyle = str | tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class Style:
    """Colours keep apart for the colour-blind (Okabe and Ito 2008, yellow left out); markers do without colour."""

    loss: str
    title: str
    color: str
    marker: str
    line: LineStyle


STYLES = {
    style.loss: style
    for style in (
        Style("mm",      "minimax GAN",                        "#56B4E9", "o", "-"),
        Style("ns",      "non-saturating GAN",                 "#0072B2", "s", "-"),
        Style("ls",      "least-squares GAN",                  "#009E73", "^", "-"),
        Style("wgan",    "Wasserstein GAN, clipped",           "#E69F00", "v", "--"),
        Style("wgan_gp", "Wasserstein GAN, gradient penalty",  "#D55E00", "D", "--"),
        Style("dragan",  "DRAGAN",                             "#CC79A7", "P", "--"),
        Style("began",   "BEGAN",                              "#000000", "X", "-."),
        Style("vae",     "variational autoencoder",            "#808080", "*", ":"),
    )
}  # fmt: skip
SPARE_COLORS = ("#882255", "#44AA99", "#999933", "#332288")
SPARE_MARKERS = ("<", ">", "p", "h", "d")
SPARE_LINES = ("-", "--", "-.", ":")
_BESIDE: ContextVar[frozenset[str]] = ContextVar("losses that stand beside each other", default=frozenset())

# Data sets are coloured where one picture lays several over each other, never beside colours of losses.
DATASETS = {
    "mnist":     ("#4477AA", "o"),
    "fashion":   ("#EE6677", "s"),
    "cifar10":   ("#228833", "^"),
    "celeba":    ("#AA3377", "D"),
    "triangles": ("#CCBB44", "v"),
}  # fmt: skip

HEAD, TAIL = 13, 8  # letters that are left of a long name in a picture
LONG = re.compile(rf"[^\s:]{{{HEAD + TAIL + 2},}}")

QUIET = "#c8c8c8"  # what is there for comparison only
INK = "#333333"  # words and strokes that belong to no loss
THEIRS = "#555555"  # the other side's numbers
VERDICTS = {"better": "#0072B2", "equivalent": "#d0d0d0", "worse": "#E69F00"}
DIVERGING, RISING = "PuOr_r", "YlOrBr"  # heatmaps: about a middle; from good to bad

# What all pictures share; text stays text in a PDF.
RC: dict[Any, Any] = {
    "figure.dpi": 130, "savefig.dpi": 130, "font.size": 11, "axes.titlesize": 12, "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd",
    "grid.linewidth": 0.7, "axes.axisbelow": True, "legend.frameon": False, "pdf.fonttype": 42, "svg.fonttype": "none",
}  # fmt: skip


def of(loss: str) -> Style:
    """The style of a loss; one that is not in the table gets a spare one that depends on its name.

    And on the names of those that it stands beside, see `beside`.
    """
    return STYLES[loss] if loss in STYLES else _spare(_BESIDE.get() | {loss})[loss]


@contextmanager
def beside(losses: Iterable[str]) -> Iterator[None]:
    """Within it no two of these losses, which are all of a study, look alike, as far as there are spare looks."""
    before = _BESIDE.set(_BESIDE.get().union(losses))
    try:
        yield
    finally:
        _BESIDE.reset(before)


@cache
def _spare(losses: frozenset[str]) -> dict[str, Style]:
    """By loss, in the order of the names: what its name asks for, or what follows that and fewest have before it."""
    found: dict[str, Style] = {}
    for loss in sorted(losses - STYLES.keys()):
        number = zlib.crc32(loss.encode())
        colors, markers, lines = (
            (*those[start % len(those) :], *those[: start % len(those)])
            for those, start in ((SPARE_COLORS, number), (SPARE_MARKERS, number // 7), (SPARE_LINES, number // 41))
        )
        taken = list(found.values())
        color = min(colors, key=[style.color for style in taken].count)
        line = min(lines, key=[style.line for style in taken if style.color == color].count)
        found[loss] = Style(loss, loss, color, min(markers, key=[style.marker for style in taken].count), line)
    return found


def of_dataset(dataset: str) -> tuple[str, str]:
    """Colour and marker of a data set; one that is not in the table gets spare ones that depend on its name only."""
    number = zlib.crc32(dataset.encode())
    spare = SPARE_COLORS[number % len(SPARE_COLORS)], SPARE_MARKERS[number // 7 % len(SPARE_MARKERS)]
    return DATASETS.get(dataset, spare)


def short(words: str) -> str:
    """Words as they fit beside a row or in a legend: of a name that is too long both ends, around an ellipsis."""
    return LONG.sub(lambda found: f"{found[0][:HEAD]}…{found[0][-TAIL:]}", words)


def ordered(losses: Iterable[str]) -> list[str]:
    """Distinct losses in the order of the table, those it lacks behind by name."""
    return _in_order(losses, list(STYLES))


def ordered_datasets(datasets: Iterable[str]) -> list[str]:
    """Distinct data sets in the order of the table, those it lacks behind by name."""
    return _in_order(datasets, list(DATASETS))


def _in_order(names: Iterable[str], order: Sequence[str]) -> list[str]:
    return sorted(set(names), key=lambda name: (order.index(name) if name in order else len(order), name))
