"""What executed notebooks have to show on a page: their text with its headings, and the exhibits of their cells."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from nbformat import NotebookNode

ALONE = re.compile(r"##(?!#)[^\n]*\s*")  # a cell that is the heading of a section and no more
HIDDEN = "remove-cell"  # the tag of cells that speak to who runs the notebook, as Jupyter Book has it


@dataclass(frozen=True)
class Chapter:
    """One notebook: its title, the headings in it as (anchor, words), and its content as HTML."""

    anchor: str
    title: str
    headings: Sequence[tuple[str, str]]
    html: str


def chapter(name: str, notebook: NotebookNode) -> Chapter:
    """A notebook's # is the page's second level. Where a notebook has no title its name is one.

    A heading of the next level below which its cells show nothing is left out: what they would show the study has not.
    """
    title, headings, parts = name, list[tuple[str, str]](), list[str]()
    for cell in _filled([cell for cell in notebook.cells if HIDDEN not in cell.metadata.get("tags", [])]):
        if cell.cell_type == "code":
            parts += _shown(cell.outputs)
        else:
            html, found = _read(cell.source, name)
            parts.append(html)
            title = next((words for level, _, words in found if level == 1), title)
            headings += [(anchor, words) for level, anchor, words in found if level == 2]
    return Chapter(name, title, headings, "\n".join(parts))


def _filled(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Without the cells that are a section's heading and no more where nothing follows in the section."""
    kept, follows = list[NotebookNode](), False
    for cell in reversed(cells):
        if cell.cell_type == "code":
            follows = follows or bool(_shown(cell.outputs))
        elif ALONE.fullmatch(cell.source) and not follows:
            continue
        else:
            follows = not cell.source.startswith(("# ", "## "))
        kept.append(cell)
    return kept[::-1]


def _read(source: str, name: str) -> tuple[str, list[tuple[int, str, str]]]:
    """Markdown as HTML, its headings a level down, and these as level, anchor and words. HTML in it stays text."""
    reader = MarkdownIt("commonmark", {"html": False})
    tokens, found = reader.parse(source), []
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and after is not None:
            level, words = int(token.tag[1]), after.content
            anchor = f"{name}-{_slug(words)}" if level > 1 else name
            token.attrSet("id", anchor)
            found.append((level, anchor, words))
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1]) + 1}"
    return reader.renderer.render(tokens, reader.options, {}), found


def _shown(outputs: Iterable[NotebookNode]) -> list[str]:
    return [html for output in outputs if (html := output.get("data", {}).get("text/html"))]


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
