"""Claim G: the Fréchet distance cannot see memorisation. Nothing in the table can test it yet."""

from analysis.claims import rows
from analysis.claims.base import Found, Question
from analysis.claims.evidence import Evidence, Undecided
from analysis.claims.rows import Rows


def _definition(rope: float) -> str:
    return (
        "A generator that repeats training images gets a Fréchet distance as low as one that does not, against real "
        "images that neither was trained on."
    )


def _test(given: Evidence, rope: float) -> Found:
    raise Undecided(
        "no column of the results measures memorisation, and no number of trials would decide it; needed are a metric "
        "of it (such as the distance of generated images to the nearest training images, against that of held-out "
        "images) and a generator that is known to repeat training images, scored as all others are"
    )


def _rows(given: Evidence) -> Rows:
    return Rows(0, rows.question(rows.where(None)))


QUESTION = Question("G", "The FID cannot see memorisation.", "none", _definition, _test, _rows)
