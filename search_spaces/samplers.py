"""How the settings of a search are chosen out of a space: the samplers on one page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from search_spaces import published
from search_spaces.dimensions import Value
from search_spaces.space import Space
from study.errors import StudyError


@dataclass(frozen=True)
class Sampler:
    """setting(space, loss, variant, sample, search_seed); sample 0 is always the loss's default."""

    setting: Callable[[Space, str, str, int, int], dict[str, Value]]
    most: Callable[[str], int | None]  # the settings it has of a space, 0 where none; None: as many as are asked for
    seeded: bool  # whether another search_seed gives other settings
    meaning: str


def check(name: str, space: str, settings: int, search_seed: int) -> None:
    """Raises StudyError for more settings than the sampler has, or a search_seed that would change nothing."""
    sampler = SAMPLERS[name]
    most = sampler.most(space)
    if most is not None and settings > most:
        raise StudyError(f"the sampler {name} has {most} settings of the space {space}, not {settings}")
    if search_seed and not sampler.seeded:
        raise StudyError(f"search_seed={search_seed}: the sampler {name} draws nothing; leave it out")


SAMPLERS: Mapping[str, Sampler] = {
    "random": Sampler(Space.setting, lambda space: None, True,
                      "every value drawn on its own, from the space's dimensions"),
    "published": Sampler(published.setting, published.most, False,
                         "the very settings that the published study drew: 100 of wide, 50 of narrow"),
}  # fmt: skip
