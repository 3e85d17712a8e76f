"""Which searches the exhibits about independent draws show, which they leave out, and why."""

from collections.abc import Callable
from dataclasses import replace

from analysis import frames
from analysis.exhibits.exhibit import Exhibits, Remark
from analysis.formats import listed
from analysis.frames import SEARCH, Study
from analysis.tables import validity

Search = tuple[str, str, str]


def independent(study: Study) -> Study:
    """The study without the searches whose settings are no independent draws."""
    wrong = validity.reasons(frames.settings(study))
    return _only(study, lambda search: search not in wrong)


def adaptive(study: Study) -> Study:
    """The study with only the searches whose sampler may choose a setting by the scores of those before it."""
    settings = frames.settings(study)
    wrong = validity.reasons(settings[settings["sampler"].notna()])
    return _only(study, lambda search: search in wrong)


def refused(study: Study) -> Exhibits:
    """Which searches are left out, a sentence per reason; all those of a phase are named by it."""
    reasons = validity.reasons(frames.settings(study))
    phases: dict[str, list[Search]] = {}
    for search in study.trials[SEARCH].astype(str).drop_duplicates().itertuples(index=False, name=None):
        phases.setdefault(search[0], []).append(search)
    named: dict[str, list[str]] = {}
    for phase, searches in phases.items():
        why = [reasons.get(search) for search in searches]
        for reason in dict.fromkeys(reason for reason in why if reason):
            whole = all(one == reason for one in why)
            names = [f"phase {phase}"] if whole else ["/".join(s) for s in searches if reasons.get(s) == reason]
            named.setdefault(reason, []).extend(names)
    return Exhibits(Remark(f"Left out here, {listed(names)}: {reason}.") for reason, names in named.items())


def _only(study: Study, wanted: Callable[[Search], bool]) -> Study:
    searches = study.trials[SEARCH].astype(str).itertuples(index=False, name=None)
    return replace(study, trials=study.trials.loc[[wanted(search) for search in searches]])
