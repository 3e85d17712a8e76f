"""Names that have to be valid, or to differ from each other."""

import re
from collections.abc import Sequence

NAME = r"[a-z0-9][a-z0-9_-]{0,63}"  # of a study or a phase
TRIAL = r"[0-9a-f]{16}"
# A picture of an evaluation: its sample grid, or what a metric shows of it.
PICTURE = re.compile(rf"(?P<trial>{TRIAL})\.(?P<step>\d+)(\.(?P<metric>[a-z0-9_]+))?\.png")


def identifier(text: str) -> str:
    """The text where a study may have it as its name, or else a name made of it."""
    if re.fullmatch(NAME, text):
        return text
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:64] or "study"


def distinct(names: Sequence[str], mark: str, first: int) -> list[str]:
    """The names, each once: one that was there before gets the mark and the next number, from this one on, if free."""
    taken, made = set(names), list[str]()
    for name in names:
        number, free = first, name
        while free in made or (free != name and free in taken):
            free = f"{name}{mark}{number}"
            number += 1
        made.append(free)
    return made
