"""What there is to look at: a picture, a table or a sentence, each showing itself in a notebook and on a page."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Protocol, Self

import pandas as pd
from matplotlib.figure import Figure

from analysis import formats, page, style
from analysis.grids import Grid

FOLDED = 24  # rows of a table from which on it is folded


class Exhibit(Protocol):
    """A picture, a table or a sentence."""

    def html(self) -> str:
        """As it stands on a page, whole in itself: its picture within it, what comes from rows escaped."""

    def text(self) -> str:
        """As it stands in a terminal, in words."""

    def keep(self, folder: Path) -> None:
        """Writes its files into `folder`, which exists."""


@dataclass(frozen=True)
class Drawing:
    """A figure, what it shows in words (`alt`), and the frame it was drawn from."""

    name: str
    title: str
    figure: Figure
    alt: str
    numbers: pd.DataFrame
    caption: str = ""

    @cached_property
    def png(self) -> bytes:
        return page.png(self.figure)

    def html(self) -> str:
        return page.figure(page.embedded(self.png, self.alt, self.title, self.caption, page.size(self.figure)))

    def text(self) -> str:
        return f"{self.title}. {self.alt}"

    def keep(self, folder: Path) -> None:
        """NAME.png, NAME.pdf, and NAME.csv with the numbers in it."""
        page.keep(self.figure, self.png, folder / self.name)
        (folder / f"{self.name}.csv").write_text(formats.csv(self.numbers), encoding="utf-8")


@dataclass(frozen=True)
class Listing:
    """A table: its cells as strings for a reader, and the unrounded `numbers` behind them.

    On a page a long one is folded under its title until a reader opens it. beside: as of a place.
    """

    name: str
    title: str
    table: pd.DataFrame
    numbers: pd.DataFrame
    caption: str = ""
    beside: tuple[str, ...] = ()

    def html(self) -> str:
        title, caption = escape(self.title), f'<p class="soft">{escape(self.caption)}</p>' if self.caption else ""
        with style.beside(self.beside):
            inside = page.table(self.table, self.title) + caption
        if len(self.table) <= FOLDED:
            return f"<h4>{title}</h4>\n{inside}"
        return f"<details><summary>{title} ({len(self.table)} rows)</summary>\n{inside}</details>"

    def text(self) -> str:
        return f"{self.title}\n{formats.text(self.table)}"

    def keep(self, folder: Path) -> None:
        """NAME.csv with the unrounded numbers; NAME.txt, NAME.md and NAME.tex (it needs booktabs) as it is read."""
        for ending, text in (
            ("csv", formats.csv(self.numbers)),
            ("txt", f"{formats.text(self.table)}\n"),
            ("md", f"{formats.markdown(self.table)}\n"),
            ("tex", f"{formats.latex(self.table)}\n"),
        ):
            (folder / f"{self.name}.{ending}").write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Remark:
    """A sentence that stands where something cannot be shown, or must be known to read what is."""

    sentence: str

    def html(self) -> str:
        return f'<p class="missing">{escape(self.sentence)}</p>'

    def text(self) -> str:
        return self.sentence

    def keep(self, folder: Path) -> None:
        """Nothing: a sentence has no file."""


@dataclass(frozen=True)
class Gallery:
    """Pictures that trials left side by side, each as the trial left it; `figure` has them all."""

    name: str
    title: str
    grids: tuple[Grid, ...]
    figure: Figure
    caption: str = ""

    def html(self) -> str:
        found = (page.embedded(one.path.read_bytes(), one.alt, caption=one.caption) for one in self.grids)
        inside = "\n".join(map(page.samples, found))
        caption = f'\n<p class="soft">{escape(self.caption)}</p>' if self.caption else ""
        return f'<h4>{escape(self.title)}</h4>\n<div class="grids">{inside}</div>{caption}'

    def text(self) -> str:
        return "\n".join([self.title, *(f"{grid.caption}: {grid.path}" for grid in self.grids)])

    def keep(self, folder: Path) -> None:
        """NAME.png and NAME.pdf."""
        page.keep(self.figure, page.png(self.figure), folder / self.name)


class Exhibits(tuple[Exhibit, ...]):
    """Several exhibits in the order to look at them."""

    def kept(self, folder: str | Path | None) -> Self:
        """These exhibits, whose files now lie in `folder`; None keeps none."""
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
            for exhibit in self:
                exhibit.keep(Path(folder))
        return self

    def _repr_html_(self) -> str:
        return "\n".join(exhibit.html() for exhibit in self)

    def __repr__(self) -> str:
        return "\n\n".join(exhibit.text() for exhibit in self)


def gathered(several: Iterable[Iterable[Exhibit]]) -> Exhibits:
    """All of several, in one."""
    return Exhibits(exhibit for some in several for exhibit in some)
