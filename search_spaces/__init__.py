"""The search spaces, by name."""

from search_spaces.narrow import NARROW
from search_spaces.samplers import SAMPLERS, Sampler
from search_spaces.space import Space
from search_spaces.wide import WIDE
from study.errors import unknown

__all__ = ["NARROW", "SAMPLERS", "SPACES", "WIDE", "Sampler", "Space", "find"]

SPACES: dict[str, Space] = {space.name: space for space in (WIDE, NARROW)}


def find(name: str) -> Space:
    if name not in SPACES:
        raise unknown("a search space", name, SPACES)
    return SPACES[name]
