"""What pages share: their templates, style and script, and pictures that lie beside a page and within it."""

import base64
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from analysis import style
from analysis.figures.drawing import drawing, settle

DPI = 200  # a picture of 5.6 inches is shown 640 pixels wide; enlarged it has 1,120
LEVEL = 8  # of compression: 9 saves 3 % more bytes and takes twice the time
SHOWN = 114  # pixels of the page per inch of a figure
LOSSES = ("loss", "first", "second")  # headings of the columns that name a loss
EMPTY = ("", "-")
WORDS = 20  # letters of what stands in a column of numbers where there is none: "not published"
NUMBER = re.compile(
    r"[<>~]?\s*[+−-]?(∞|inf(inite)?\b|more than\b|up to\b|\d[\d,]*(\.\d+)?(e[+-]?\d+)?(?![\w.]))", re.IGNORECASE
)
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Picture:
    """A picture on a page: `data` is base64 PNG, `alt` says its content to those who cannot see it."""

    data: str
    alt: str
    title: str = ""
    caption: str = ""
    size: tuple[int, int] | None = None  # width and height in pixels of the page; None: those of the file


def embedded(data: bytes, alt: str, title: str = "", caption: str = "", size: tuple[int, int] | None = None) -> Picture:
    return Picture(base64.b64encode(data).decode(), alt, title, caption, size)


def saved(figure: Figure, path: Path, alt: str) -> Picture:
    """The figure as a picture, and as `path`.png and `path`.pdf."""
    data = png(figure)
    keep(figure, data, path)
    return embedded(data, alt, size=size(figure))


def png(figure: Figure) -> bytes:
    """A PNG in the 256 colours nearest to the figure's own: half of the bytes, and no difference to the eye."""
    drawn, packed = io.BytesIO(), io.BytesIO()
    with drawing():
        settle(figure, DPI)
        figure.savefig(drawn, format="rgba", dpi=DPI)
    image = Image.frombytes("RGBA", figure.canvas.get_width_height(), drawn.getvalue()).convert("RGB")
    image.quantize(dither=Image.Dither.NONE).save(packed, format="png", compress_level=LEVEL)
    return packed.getvalue()


def keep(figure: Figure, data: bytes, path: Path) -> None:
    """Writes `path`.png, which is `data` that `png` made of the figure, and `path`.pdf."""
    path.with_name(f"{path.name}.png").write_bytes(data)
    with drawing():  # its fonts are chosen while a PDF is written
        # Without the date, equal results make equal files.
        figure.savefig(path.with_name(f"{path.name}.pdf"), metadata={"CreationDate": None})


def size(figure: Figure) -> tuple[int, int]:
    """How many pixels wide and high a figure stands on a page that has room for it."""
    width, height = figure.get_size_inches()
    return round(SHOWN * width), round(SHOWN * height)


def rendered(template: str, **values: Any) -> str:
    """A whole page. Its policy allows this style and this script, by their hashes, and nothing from elsewhere."""
    return _environment().get_template(template).render(**values)


def table(frame: pd.DataFrame, label: str) -> str:
    """HTML of a table of strings that can be sorted; losses carry their colour. `label` names it to a screen reader."""
    return str(_macro("table")(frame, styles(frame), label))


def figure(picture: Picture) -> str:
    """HTML of a picture with its title and caption."""
    return str(_macro("figure")(picture, picture.caption))


def samples(picture: Picture) -> str:
    """HTML of a sample grid: its pixels are data, so dark mode leaves them as they are."""
    return str(_macro("samples")(picture))


def styles(frame: pd.DataFrame) -> Mapping[str, style.Style]:
    """How the losses that a table names look."""
    losses = {str(loss) for name in LOSSES if name in frame for loss in frame[name]}
    return {loss: style.of(loss) for loss in style.ordered(losses)}


def numeric(frame: pd.DataFrame) -> list[bool]:
    """Of every column, whether it is of numbers: page.js sorts by the same rule.

    It is where most cells that say something begin with a number, or some do and the others are a word or two.
    """
    return [_numbers([str(cell) for cell in frame[name] if cell not in EMPTY]) for name in frame.columns]


def _numbers(said: list[str]) -> bool:
    others = [cell for cell in said if NUMBER.match(cell) is None]
    words = all(len(cell) <= WORDS and not cell[0].isdigit() for cell in others)
    return len(others) < len(said) and (words or 2 * len(others) < len(said))


def _macro(name: str) -> Any:
    return getattr(_environment().get_template("page.html.j2").module, name)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["numeric"] = numeric
    css, script = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; img-src data:; style-src {allowed(css)}; script-src {allowed(script)}"
    environment.globals |= {"css": Markup(css), "script": Markup(script), "policy": policy}
    return environment


def allowed(text: str) -> str:
    """How a policy names an inline text that may take effect."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
