"""What a picture shows, in words for those who cannot see it; each has the name of its picture."""

from analysis.captions.comparisons import (
    beats,
    beats_by_budget,
    crossings,
    interquartile_means,
    practical,
    profiles,
    ranks,
    transfers,
)
from analysis.captions.curves import (
    budget,
    budget_bands,
    compute,
    learning,
    published_budget,
    repeats,
    tuning,
    tunings,
)
from analysis.captions.qualities import qualities, quality_bands, score_against_f1
from analysis.captions.searches import boxes, importances, ranges, seeds, sensitivity

__all__ = [
    "beats", "beats_by_budget", "boxes", "budget", "budget_bands", "compute", "crossings", "importances",
    "interquartile_means", "learning", "practical", "profiles", "published_budget", "qualities", "quality_bands",
    "ranges", "ranks", "repeats", "score_against_f1", "seeds", "sensitivity", "transfers", "tuning", "tunings",
]  # fmt: skip
