"""docs/statistics.md: its table is the command's, and says what the page says of how often intervals hold."""

import re
from pathlib import Path

import pytest

from benchmarks import coverage

PAGE = (Path(__file__).parents[1] / "docs" / "statistics.md").read_text()
WEAK = {  # what the page says holds less often, by interval and the beginning of the distribution; its least share
    ("mean over seeds", "log-normal 0.05, 20%"): 92,
    ("mean over seeds", "log-normal 0.05, 10%"): 73,
    ("spread over seeds", "three narrow modes"): 60,
    ("practical equivalence", "density 1,800 times less"): 84,
    ("practical equivalence over data sets", "equal losses"): 84,
    ("Friedman's test", "8 equal losses, 4 data sets, correlation 0.5"): 60,
    ("Friedman's test", "8 equal losses, 4 data sets, correlation 0.9"): 0,
    ("critical difference", "8 equal losses, 4 data sets, correlation 0.5"): 70,
    ("critical difference", "8 equal losses, 4 data sets, correlation 0.9"): 0,
    ("interquartile mean", "log-normal 0.05, 40% 3 times as bad"): 92,
}
SAID = {  # of intervals whose range the page tells: its words
    "performance profile": (95, 100, "it holds at every point in 95 to 100 % of studies"),
    "crossing budget": (96, 100, "It held in 96 to 100 % of studies"),
    "spread over seeds": (93, 99, "from 13 seeds on (93 to 99 %, also of two modes"),
}


def table() -> list[list[str]]:
    """The rows that the command printed: interval, of, distribution, n, nominal, held, error."""
    block = PAGE.split("## Do the intervals hold?")[1].split("```")[1]
    lines = block.strip().splitlines()
    assert lines[0].startswith("Coverage over 1,000 simulated studies")
    assert re.split("  +", lines[1]) == list(coverage.COLUMNS)
    return [re.split("  +", line) for line in lines[2:]]


def test_the_table_has_every_row_of_the_command() -> None:
    rows = [[*row[:3], str(row[3])] for part in coverage.PARTS for row in part.rows(5)]
    assert [known(row[:4]) for row in table()] == [known(row) for row in rows]


def known(row: list[str]) -> list[str]:
    """Without the truth that the studies themselves give."""
    return [re.sub(r": 0\.\d+$", "", cell) for cell in row]


def weak(row: list[str]) -> int | None:
    """The least share in which it holds, where the page says that it does not hold as often as it should."""
    return next((least for (one, begins), least in WEAK.items() if row[0] == one and row[2].startswith(begins)), None)


def held(row: list[str]) -> float:
    return float(row[5].rstrip(" %"))


def test_every_interval_holds_or_the_page_says_that_it_does_not() -> None:
    """The standard error of a share of 95 % of 1,000 studies is 0.7 %."""
    for row in table():
        least = weak(row)
        assert held(row) >= (float(row[4].rstrip(" %")) - 2.5 if least is None else least), row


@pytest.mark.parametrize("interval", list(SAID))
def test_the_page_tells_the_range_that_its_table_has(interval: str) -> None:
    least, greatest, words = SAID[interval]
    assert words in " ".join(PAGE.split())
    rows = [row for row in table() if row[0] == interval and weak(row) is None]
    assert min(round(held(row)) for row in rows) >= least
    assert max(round(held(row)) for row in rows) <= greatest


@pytest.mark.parametrize("name", sorted(WEAK))
def test_what_does_not_hold_is_in_the_table(name: tuple[str, str]) -> None:
    assert any(row[0] == name[0] and row[2].startswith(name[1]) for row in table())
