"""What pages share: their templates, and pictures that lie beside a page and within it."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import jinja2
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A picture on a page: `data` is base64 PNG, `alt` says its content to those who cannot see it."""

    kind: str
    data: str
    alt: str
    caption: str = ""


def embedded(kind: str, png: bytes, alt: str, caption: str = "") -> Picture:
    return Picture(kind, base64.b64encode(png).decode(), alt, caption)


def saved(figure: Figure, path: Path, alt: str) -> Picture:
    """The figure as a picture, and as `path`.png and `path`.pdf."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    path.with_name(f"{path.name}.png").write_bytes(buffer.getvalue())
    # Without the date, equal results make equal files.
    figure.savefig(path.with_name(f"{path.name}.pdf"), metadata={"CreationDate": None})
    return embedded(path.name, buffer.getvalue(), alt)


def environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("analysis", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
