"""Claims as a person reads them: their numbers as strings, in lines and in a table."""

import math

import pandas as pd

from analysis.claims.base import Claim
from analysis.formats import NONE, interval, value


def verdicts(claims: list[Claim]) -> pd.DataFrame:
    """One row per claim, as strings: the claim, its verdict, the statistic with its interval and threshold, and why."""
    rows = [
        {
            "claim": f"{claim.letter}. {claim.sentence}",
            "verdict": claim.verdict,
            "statistic": value(claim.value),
            "95 % interval": interval(claim.low, claim.high),
            "threshold": value(claim.threshold),
            "more trials": value(claim.more),
            "why": claim.reason,
        }
        for claim in claims
    ]
    return pd.DataFrame(rows, dtype=object)


def meanings(claims: list[Claim]) -> pd.DataFrame:
    """One row per claim, as strings: what its statistic is, what exactly was tested, and which trials it rests on."""
    rows = [
        {
            "claim": claim.letter,
            "statistic": claim.statistic,
            "what is tested": claim.definition,
            "trials": value(claim.rows.trials),
            "question": claim.rows.sql if claim.rows.trials else NONE,
        }
        for claim in claims
    ]
    return pd.DataFrame(rows, dtype=object)


def lines(claim: Claim) -> list[str]:
    """The verdict with its reason, the statistic with its interval, and what exactly was tested."""
    numbers = "" if math.isnan(claim.threshold) else f": {_numbers(claim)}"
    return [
        f"{claim.letter}. {claim.sentence}",
        f"{claim.verdict}: {claim.reason}",
        f"statistic: {claim.statistic}{numbers}",
        f"tested: {claim.definition}",
    ]


def _numbers(claim: Claim) -> str:
    known = interval(claim.low, claim.high)
    return f"{value(claim.value)} (95 % interval {known}), held against {value(claim.threshold)}"
