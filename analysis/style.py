"""How every loss looks in every picture: one table of order, name, colour, marker and line."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
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

# What all pictures share; text stays text in a PDF.
RC: dict[Any, Any] = {
    "figure.dpi": 130, "savefig.dpi": 130, "font.size": 11, "axes.titlesize": 12, "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd",
    "grid.linewidth": 0.7, "axes.axisbelow": True, "legend.frameon": False, "pdf.fonttype": 42, "svg.fonttype": "none",
}  # fmt: skip


def of(loss: str) -> Style:
    """The style of a loss; one that is not in the table gets a spare one that depends on its name only."""
    if loss in STYLES:
        return STYLES[loss]
    number = zlib.crc32(loss.encode())
    color = SPARE_COLORS[number % len(SPARE_COLORS)]
    return Style(loss, loss, color, SPARE_MARKERS[number // 7 % len(SPARE_MARKERS)], "-")


def ordered(losses: Iterable[str]) -> list[str]:
    """Distinct losses in the order of the table, those it lacks behind by name."""
    order = list(STYLES)
    return sorted(set(losses), key=lambda loss: (order.index(loss) if loss in order else len(order), loss))
