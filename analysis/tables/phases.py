"""Which phase of a study searched settings, and which repeated the best of them with other seeds."""

from dataclasses import dataclass

from analysis.frames import SEARCH, SETTING, Study
from study.errors import unknown


@dataclass(frozen=True)
class Phases:
    """searched: where settings are taken from. repeated: where seeds are. None: the study has no such phase."""

    searched: str | None
    repeated: str | None


def of(study: Study, phase: str | None = None) -> Phases:
    """The first phase with the most settings of a loss, and the last that repeats a setting; `phase` where it is such.

    Raises StudyError where the study has no phase of that name.
    """
    names = [str(name) for name in dict.fromkeys(study.trials["phase"])]
    if phase is not None and phase not in names:
        raise unknown(f"a phase of {study.name}", phase, names)
    settings = study.trials.groupby(SEARCH)["sample"].nunique().groupby("phase").max()
    seeds = study.trials.groupby(SETTING)["seed"].nunique().groupby("phase").max()
    repeating = [name for name in names if seeds[name] > 1]
    searched = phase if phase and settings[phase] > 1 else max(names, key=lambda name: settings[name], default=None)
    return Phases(searched, phase if phase in repeating else next(reversed(repeating), None))
