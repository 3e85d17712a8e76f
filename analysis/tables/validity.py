"""Which searches an estimator of independent draws may be used on, why not the others, and which of their runs count.

While a study runs, those that have ended are no random part of those begun: a failure ends early, a large setting late.
So what stands for runs that could be drawn counts those that ended in turn: all before the first that has not ended,
the default, which every search begins with, among them.
"""

import pandas as pd

from analysis.frames import DEFAULT, SEARCH, SETTING
from study.errors import StudyError

INDEPENDENT = frozenset({"random", "published"})  # samplers that draw every setting without regard to the others
INSTEAD = "tables.compute.by_replica, which repeats whole searches, is valid for every sampler"
NOT_DRAWN = "its settings were not drawn: a person chose them, or they were selected elsewhere"


def reasons(settings: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """Of every search (phase, dataset, loss) whose settings are no independent draws, why they are none; in words."""
    found = {}
    for (phase, dataset, loss), samplers in settings.groupby(SEARCH, sort=False)["sampler"]:
        names = {None if pd.isna(name) else str(name) for name in samplers} - INDEPENDENT
        if names:
            found[str(phase), str(dataset), str(loss)] = "; ".join(sorted(map(_reason, names)))
    return found


def offered(settings: pd.DataFrame) -> pd.DataFrame:
    """The settings of the searches whose settings are independent draws: of all that `reasons` does not name."""
    wrong = reasons(settings)
    searches = settings[SEARCH].astype(str).itertuples(index=False, name=None)
    return settings[pd.Series([search not in wrong for search in searches], index=settings.index, dtype=bool)]


def drawn(settings: pd.DataFrame) -> pd.DataFrame:
    """The settings that are independent draws from a search space: `offered` without the loss's default, sample 0.

    Every search begins with the default, which nobody drew: it is the same in every study. What is said of settings
    that the sampler may draw rests on these; what a search reports, and its best setting, count the default too.
    """
    found = offered(settings)
    return found[found["sample"] != DEFAULT]


def without_defaults(rows: pd.DataFrame) -> pd.DataFrame:
    """Settings or trials without the defaults of searches; a sample 0 that no sampler drew was given as any other."""
    return rows[(rows["sample"] != DEFAULT) | rows["sampler"].isna()]


def counted(settings: pd.DataFrame) -> pd.DataFrame:
    """The settings that `drawn` has and that ended in turn, with all their seeds."""
    return drawn(in_turn(settings))


def in_turn(settings: pd.DataFrame) -> pd.DataFrame:
    """Of settings those before the first of their search, by sample, of which a seed is missing."""
    searches = [settings[name] for name in SEARCH]
    first = settings["sample"].where(settings["missing"] > 0).groupby(searches).transform("min")
    return settings[~(settings["sample"] >= first)]


def trials_in_turn(trials: pd.DataFrame) -> pd.Series:
    """Of trials: whether none of their search before them, by sample and seed, is missing, nor one of their setting.

    In a search of one setting every seed counts for itself.
    """
    rows = trials.sort_values([*SETTING, "seed"])
    ended = rows["outcome"].notna().groupby([rows[name] for name in SEARCH]).cummin()
    whole = ended.groupby([rows[name] for name in SETTING]).transform("min")
    return whole.where(~given(rows), ended).astype(bool).reindex(trials.index)


def even(trials: pd.DataFrame) -> pd.Series:
    """Of trials: whether they are in turn, and among as many of their search as every loss has there.

    Losses are then compared by equally many runs of every data set of a phase, while a study runs too; none of a data
    set on which a loss has none yet.
    """
    turn = trials_in_turn(trials)
    rows = trials.assign(turn=turn).sort_values([*SETTING, "seed"])
    place = rows["turn"].groupby([rows[name] for name in SEARCH]).cumsum()
    counts = rows.groupby(SEARCH)["turn"].sum()
    least = counts.groupby(level=SEARCH[:2]).min()
    most = rows[SEARCH[:2]].merge(least.rename("least").reset_index(), how="left", on=SEARCH[:2])["least"]
    return (rows["turn"] & (place <= most.to_numpy())).reindex(trials.index)


def given(rows: pd.DataFrame) -> pd.Series:
    """Of settings or trials: whether their search has one setting only, which then was given and not chosen by them.

    The seeds that chose the best of several settings flatter it: an interval over them would be about their luck.
    """
    return rows.groupby(SEARCH)["sample"].transform("nunique") == 1


def check(settings: pd.DataFrame, what: str) -> None:
    """Raises StudyError where a search's settings are no independent draws, which `what` (a text) asks for."""
    for (phase, dataset, loss), reason in reasons(settings).items():
        raise StudyError(
            f"{what} asks for settings that were drawn independently of each other, by one of the samplers "
            f"{', '.join(sorted(INDEPENDENT))}; {phase}/{dataset}/{loss} is none such: {reason}. {INSTEAD}; "
            "tables.validity.offered leaves such searches out"
        )


def _reason(sampler: str | None) -> str:
    if sampler is None:
        return NOT_DRAWN
    return f"its sampler {sampler} may choose a setting by the scores of those before it"
