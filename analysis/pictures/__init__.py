"""Figures laid out on paper: which axes, what size, titles and legends; one matplotlib Figure per picture.

Frames have rows: what to say where there are none is the caller's.
"""

from analysis.pictures.comparisons import (
    beats,
    beats_by_budget,
    crossings,
    interquartile_means,
    practical,
    profiles,
    ranks,
    transfers,
)
from analysis.pictures.curves import (
    budget,
    budget_bands,
    compute,
    learning,
    published_budget,
    repeats,
    tuning,
    tunings,
)
from analysis.pictures.qualities import qualities, quality_bands, score_against_f1
from analysis.pictures.searches import boxes, importances, ranges, samples, seeds, sensitivity

__all__ = [
    "beats", "beats_by_budget", "boxes", "budget", "budget_bands", "compute", "crossings", "importances",
    "interquartile_means", "learning", "practical", "profiles", "published_budget", "qualities", "quality_bands",
    "ranges", "ranks", "repeats", "samples", "score_against_f1", "seeds", "sensitivity", "transfers", "tuning",
    "tunings",
]  # fmt: skip
