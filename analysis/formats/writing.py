"""Strings in columns as they are printed or kept: plain text, Markdown, LaTeX, CSV."""

import pandas as pd

# What LaTeX would read as something else, in a document of any encoding.
LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "|": r"\textbar{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
    "±": r"$\pm$", "∞": r"$\infty$", "†": r"$\dagger$", "−": r"$-$", "τ": r"$\tau$", "é": r"\'e",
})  # fmt: skip


def text(table: pd.DataFrame) -> str:
    """For a terminal: words to the left, numbers to the right."""
    padded = [_padded(cells, max(len(cell) for cell in cells)) for cells in _columns(table)]
    return "\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True))


def markdown(table: pd.DataFrame) -> str:
    """A table of pipes, aligned as `text`; pipes and line breaks within cells are kept apart from its own."""
    columns = [[cell.replace("|", r"\|").replace("\n", " ") for cell in cells] for cells in _columns(table)]
    widths = [max(3, *(len(cell) for cell in cells)) for cells in columns]
    rules = [
        "-" * width if _words(cells) else "-" * (width - 1) + ":" for cells, width in zip(columns, widths, strict=True)
    ]
    padded = [_padded(cells, width) for cells, width in zip(columns, widths, strict=True)]
    head, *rows = ["| " + " | ".join(line) + " |" for line in zip(*padded, strict=True)]
    return "\n".join([head, "| " + " | ".join(rules) + " |", *rows])


def latex(table: pd.DataFrame) -> str:
    r"""A tabular that needs \usepackage{booktabs}; every cell is escaped."""
    columns = _columns(table)
    lines = [" & ".join(cell.translate(LATEX) for cell in line) + r" \\" for line in zip(*columns, strict=True)]
    aligned = "".join("l" if _words(cells) else "r" for cells in columns)
    head, *rows = lines
    return "\n".join([
        rf"\begin{{tabular}}{{{aligned}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}",
    ])  # fmt: skip


def csv(table: pd.DataFrame) -> str:
    """Comma-separated, each line ended by one line feed, wherever it is written."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def _columns(table: pd.DataFrame) -> list[list[str]]:
    """Every column's heading and cells."""
    return [[str(name), *map(str, table[name])] for name in table.columns]


def _padded(cells: list[str], width: int) -> list[str]:
    return [cell.ljust(width) if _words(cells) else cell.rjust(width) for cell in cells]


def _words(cells: list[str]) -> bool:
    return any(cell[:1].isalpha() for cell in cells[1:])
