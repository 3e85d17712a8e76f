"""A computed table as a person reads it: numbers to strings, then text, Markdown, LaTeX or CSV."""

from analysis.formats.commands import spelled
from analysis.formats.numbers import (
    NONE,
    Objective,
    decimals,
    fixed,
    interval,
    listed,
    measured,
    metric,
    of,
    span,
    value,
)
from analysis.formats.readable import readable_ranking, readable_settings, readable_sizes, readable_table2
from analysis.formats.writing import csv, latex, markdown, text

__all__ = [
    "NONE", "Objective", "csv", "decimals", "fixed", "interval", "latex", "listed", "markdown", "measured", "metric",
    "of", "readable_ranking", "readable_settings", "readable_sizes", "readable_table2", "span", "spelled", "text",
    "value",
]  # fmt: skip
