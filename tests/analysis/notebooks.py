"""The notebooks as they are, executed within the test's own process: without the seconds that a kernel takes."""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from analysis import chapters, frames, report

FOLDER = Path(report.__file__).parent / "notebooks"
PARAMETERS = "parameters"


def read(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", 4)


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def executed(name: str, **parameters: Any) -> NotebookNode:
    """What every cell's last expression shows, as Jupyter takes it; an error is the cell's own."""
    notebook, names = read(name), dict[str, Any]()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown = _run(cell.source, names)
            names |= parameters if PARAMETERS in tags(cell) else {}
            if hasattr(shown, "_repr_html_"):
                data = {"text/html": shown._repr_html_(), "text/plain": repr(shown)}
                cell.outputs = [v4.new_output("execute_result", data, execution_count=1)]
    return notebook


def page(folder: Path, out: Path | None = None, names: Sequence[str] | None = None) -> str:
    """The report of a study, as `report.write` makes it; of these notebooks only, where they are given."""
    study = frames.load(folder)
    parameters = {"folder": str(folder), "out": None if out is None else str(out)}
    found = [
        chapters.chapter(name, executed(name, **parameters))
        for name in (report.offered(study) if names is None else names)
    ]
    return report.html(study, found, out)


def _run(source: str, names: dict[str, Any]) -> object:
    *before, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        before.append(last)
    exec(compile(ast.Module(before, []), "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if isinstance(last, ast.Expr) else None
