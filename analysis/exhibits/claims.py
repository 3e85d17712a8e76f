"""The claims of the published study, tested on this one."""

from analysis import claims
from analysis.claims import words
from analysis.exhibits.exhibit import Exhibits, Listing
from analysis.frames import Study

VERDICTS = (
    "Supported: the whole 95 % interval is on the claim's side of its threshold; contradicted: on the other side. F "
    "has two parts, and the interval is of the first. "
    "More trials: about how many would decide it, if the estimates stay as they are, or let it be tested at all."
)
RESTS = "Each question goes to gan-study query, and lists the trials that the verdict rests on."


def tested(study: Study) -> Exhibits:
    """Every claim with its statistic, interval and verdict, and what each means and rests on: two tables."""
    found = claims.all_of(study)
    numbers = claims.table(found)
    return Exhibits(
        [
            Listing("claims", "The claims", words.verdicts(found), numbers, VERDICTS),
            Listing("claims.evidence", "What they mean and rest on", words.meanings(found), numbers, RESTS),
        ]
    )
