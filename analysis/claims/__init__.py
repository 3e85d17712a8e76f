"""The claims of the published study, tested on the results of any: statistic, interval, verdict, what is missing."""

import math

import pandas as pd

from analysis.claims import (
    base,
    beats_ns,
    carried_over,
    enough_budget,
    evidence,
    hyperparameters,
    memorisation,
    more_budget,
    robust_seeds,
    small_budget,
)  # fmt: skip
from analysis.claims.base import Claim, Question
from analysis.claims.evidence import Evidence, Undecided
from analysis.frames import Study
from study.errors import StudyError

ROPE = 0.1  # relative: scores that differ by less are practically equal
QUESTIONS = tuple(
    module.QUESTION
    for module in (
        enough_budget, small_budget, more_budget, beats_ns, hyperparameters, robust_seeds, memorisation, carried_over,
    )
)  # fmt: skip


def all_of(study: Study, phase: str | None = None, rope: float = ROPE) -> list[Claim]:
    """Claims A to H, in this order, with the verdicts of a study that is finished, running or not yet begun.

    phase: where settings and seeds come from, see `evidence.of`. rope: the region of practical equivalence, relative.
    Raises StudyError where the study has no phase of that name, and for a rope that is no share between 0 and 1.
    """
    if not 0 < rope < 1:
        raise StudyError(
            f"a region of practical equivalence of {rope:g} is none; take a share between 0 and 1, such as {ROPE} for "
            "10 %"
        )
    given = evidence.of(study, phase)
    return [_claim(question, given, rope) for question in QUESTIONS]


def table(claims: list[Claim]) -> pd.DataFrame:
    """One row per claim: the fields of `Claim`, with trials and sql for its rows."""
    names = ("letter", "sentence", "definition", "statistic", "value", "low", "high", "threshold", "verdict", "more")
    rows = [
        {name: getattr(claim, name) for name in (*names, "reason")}
        | {"trials": claim.rows.trials, "sql": claim.rows.sql}
        for claim in claims
    ]
    return pd.DataFrame(rows).astype({"more": "Int64"})


def _claim(question: Question, given: Evidence, rope: float) -> Claim:
    said = question.letter, question.sentence, question.definition(rope), question.statistic
    rows = question.rows(given)
    try:
        test = question.test(given, rope)
    except Undecided as missing:
        nothing = math.nan
        return Claim(*said, nothing, nothing, nothing, nothing, base.UNDECIDED, missing.more, str(missing), rows)
    verdict = test.verdict(1)
    more, reason = base.explained(test, verdict)
    return Claim(*said, test.value, *test.interval(1), test.threshold, verdict, more, reason, rows)
