"""What a claim is, what testing one found, and how the verdict and the trials that are still needed follow from it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from analysis.claims.bounds import ALPHA, Bounded
from analysis.claims.evidence import Evidence
from analysis.claims.rows import Rows
from analysis.formats import value

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
MOST = 100  # times as many settings or seeds as there are: beyond, the estimate is called too near the threshold
EXACT = 0.01  # relative, of the growth that would decide


@dataclass(frozen=True)
class Claim:
    """A claim with its verdict.

    value, low, high: the statistic and its 95 % interval, NaN where there is none. threshold: what the interval is held
    against, NaN where nothing is. more: trials that would decide it if the estimates stay as they are, or without which
    it cannot be tested; None where no number would, is known or is needed. reason: why this verdict, in words.
    """

    letter: str
    sentence: str
    definition: str
    statistic: str
    value: float
    low: float
    high: float
    threshold: float
    verdict: str
    more: int | None
    reason: str
    rows: Rows


@dataclass(frozen=True)
class Size:
    """n: settings (or seeds, as `unit` says) of the smallest search. trials: of one more of them in every search.

    budget: the k at which so many times as many settings are tested, where there is a k.
    """

    n: int
    unit: str
    trials: int
    budget: Callable[[float], int] | None = None


@dataclass(frozen=True)
class Found:
    """What a test found: its interval and verdict as they are at growth 1, and as expected of growth times the size.

    where: what decides, or why nothing does; empty: where the interval lies says it. lacking: what would be needed to
    decide it but more of `size`, where there is such. remark: a sentence about the estimate; often empty.
    """

    value: float
    threshold: float
    interval: Callable[[float], tuple[float, float]]
    verdict: Callable[[float], str]
    size: Size
    remark: str = ""
    where: str = ""
    lacking: str = ""


@dataclass(frozen=True)
class Question:
    """A claim as it is asked: in its own words, precisely, and how it is tested.

    definition: of the region of practical equivalence, what exactly is tested. test: raises Undecided where there is
    nothing to test it with. rows: of what the verdict rests on.
    """

    letter: str
    sentence: str
    statistic: str
    definition: Callable[[float], str]
    test: Callable[[Evidence, float], Found]
    rows: Callable[[Evidence], Rows]


def held(
    quantity: Bounded,
    threshold: float,
    *,
    above: bool,
    size: Size,
    shown: Callable[[float], float] = float,
    remark: str = "",
) -> Found:
    """The test of a claim that a quantity is above a threshold, or at most there; both in the quantity's units.

    `shown` maps these, rising, to the units of the statistic.
    """

    def bounds(growth: float) -> tuple[float, float]:
        return quantity.low(ALPHA, growth), quantity.high(ALPHA, growth)

    def interval(growth: float) -> tuple[float, float]:
        low, high = bounds(growth)
        return shown(low), shown(high)

    return Found(
        shown(quantity.estimate), shown(threshold), interval, lambda growth: side(*bounds(growth), threshold, above),
        size, remark,
    )  # fmt: skip


def side(low: float, high: float, threshold: float, above: bool) -> str:
    """The verdict on a claim to be above a threshold, or at most there: an interval that holds it decides nothing."""
    if low > threshold:
        return SUPPORTED if above else CONTRADICTED
    if high <= threshold:
        return CONTRADICTED if above else SUPPORTED
    return UNDECIDED


def needed(test: Found) -> int | None:
    """How many more settings or seeds of every search would decide it; None where MOST times as many would not.

    Widths shrink with the root of the number, and the budget is the one of so many settings; the estimates are taken to
    stay as they are, which they will not.
    """
    if test.verdict(MOST) == UNDECIDED:
        return None
    few, enough = 1.0, float(MOST)
    while enough / few > 1 + EXACT:
        middle = math.sqrt(few * enough)
        few, enough = (middle, enough) if test.verdict(middle) == UNDECIDED else (few, middle)
    return max(math.ceil(test.size.n * (enough - 1)), 1)


def explained(test: Found, verdict: str) -> tuple[int | None, str]:
    """The trials that are still needed, and the reason of the verdict in words."""
    where = test.where or _where(test)
    if verdict != UNDECIDED:
        return None, _joined(where, test.remark)
    more = needed(test)
    if more is None:
        hopeless = f"{MOST} times as many {test.size.unit} may not decide it either"
        return None, _joined(where, test.lacking or hopeless, test.remark)
    more = _rounded(more)
    trials = _rounded(more * test.size.trials)
    return trials, _joined(
        where,
        f"about {value(more)} more {test.size.unit} of every loss and data set ({value(trials)} "
        f"trials) would decide it{_then(test.size, more)}, if the estimates stay as they are",
        test.remark,
    )


def _then(size: Size, more: int) -> str:
    """At which budget it would be tested, and at which it was reckoned where there are no estimates of so many."""
    if size.budget is None:
        return ""
    k = size.budget((size.n + more) / size.n)
    return f" (tested at k = {k}{'' if k < size.n else f'; reckoned at k = {size.n - 1}, for lack of settings'})"


def _where(test: Found) -> str:
    """Where the interval lies."""
    low, high = test.interval(1)
    if low > test.threshold:
        return f"the whole interval is above {value(test.threshold)}"
    if high <= test.threshold:
        return f"the whole interval is at or below {value(test.threshold)}"
    return f"the interval includes {value(test.threshold)}"


def _rounded(number: int) -> int:
    """To two digits, upwards: more would pretend to know."""
    unit = 10 ** max(len(str(number)) - 2, 0)
    return -(-number // unit) * unit


def _joined(*sentences: str) -> str:
    return "; ".join(sentence for sentence in sentences if sentence)
