"""The settings of a phase with `select`: of each loss and data set the best one that another phase found."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study import spec
from study.errors import StudyError, unknown
from study.identity import Trial, canonical, digest, from_content
from study.parts import Phase, Select
from study.plan import Planned, Selected, Selections, build, from_row
from study.results.query import connect
from study.results.rowfile import Row
from study.results.store import Store, read_plan
from study.spec import Merged, Study

RULE = (
    "the setting with the least mean over its seeds of the least objective over evaluations; a setting with a "
    "diverged or failed seed is out; of equal ones the lower sample"
)
# One row per setting of the phase, the best of each search first.
SETTINGS = """
    SELECT loss, dataset, sample, list(trial ORDER BY seed) AS trials, list(seed ORDER BY seed) AS seeds,
           arg_min(content, seed) AS content, any_value(objective) AS objective,
           avg(selection_score) AS selection_score, avg(score) AS score,
           count(*) FILTER (WHERE status IN ('started', 'waiting')) AS missing,
           count(*) FILTER (WHERE status IN ('diverged', 'failed') OR (status = 'done' AND
               NOT (coalesce(isfinite(selection_score), false) AND coalesce(isfinite(score), false)))) AS unfit
    FROM trials WHERE phase = ? GROUP BY loss, dataset, sample
    ORDER BY loss, dataset, unfit > 0, selection_score, sample
"""
FINGERPRINTS = """
    SELECT dataset, count(DISTINCT fingerprint) AS ways FROM evaluations
    WHERE trial IN (SELECT trial FROM plan WHERE phase = ?) GROUP BY dataset HAVING ways > 1
"""
Search = tuple[str, str]  # loss, data set
Settings = list[dict[str, Any]]  # of one search, best first
Kept = Mapping[tuple[str, Search], Planned]  # (phase, search) -> a place of the stored plan


class NotYet(StudyError):
    """The settings cannot be selected before trials of another phase have ended, or have ended well."""


class Unfit(NotYet):
    """No setting of some search finished all its seeds: the other searches can go on."""


@dataclass(frozen=True)
class Origin:
    """Where a phase's settings come from."""

    folder: Path
    study: str  # as the user may name it
    phase: str
    planned: Sequence[Row] | None  # the plan's rows where they are of this very study; else its folder has them
    first: str  # what has to be done where it has not ended

    def __str__(self) -> str:
        return f"phase {self.phase} of {self.study}"


def select(study: Study, store: Store, results: Path) -> tuple[Selections, dict[str, NotYet]]:
    """The selections that can be made now, search by search, and of the phases that lack some why.

    A selection is made once: what the stored plan holds stays, as long as its source plans the same trials, so that
    a failed trial of the source that is retried later does not exchange a setting that is being repeated.
    """
    kept = _kept(store) if any(phase.select for phase in study.phases) else {}
    made: dict[str, dict[Search, Selected]] = {}
    waiting: dict[str, NotYet] = {}
    for phase in study.phases:
        if phase.select is None:
            continue
        rows = [planned.row(i) for i, planned in enumerate(build(study, made))]
        origin = _origin(phase.select, rows, store, results)
        found = _settings(origin)
        selected = {
            search: _of_search(study, phase, search, found.get(search), origin, kept)
            for search in _searches(study, phase)
        }
        made[phase.name] = {search: each for search, each in selected.items() if each is not None}
        missing = [search for search, each in selected.items() if each is None]
        if missing:
            waiting[phase.name] = _not_yet(origin, found, missing)
    return made, waiting


def _searches(study: Study, phase: Phase) -> list[Search]:
    return [(loss, dataset) for dataset in phase.datasets or study.datasets for loss in phase.losses or study.losses]


def _origin(chosen: Select, rows: Sequence[Row], store: Store, results: Path) -> Origin:
    """The folder that has the settings, or where they will be. What was selected before needs it no longer.

    Raises StudyError where the study that is named has no such phase.
    """
    if chosen.study is None:
        return Origin(store.folder, store.folder.name, chosen.phase, rows, "")
    direct = Store(results / chosen.study)
    try:
        named: Study | Merged = spec.load(chosen.study)
    except StudyError as error:
        if not direct.plan_file.exists():
            return Origin(direct.folder, chosen.study, chosen.phase, None, f"; {error}")
        named = spec.stored(direct.study_file.read_text(), str(direct.study_file))
    if named.name == store.folder.name:
        raise StudyError(f"select.study={chosen.study} is this very study; leave study out, and name one of its phases")
    if isinstance(named, Merged):
        phases = list(dict.fromkeys(row["phase"] for row in read_plan(direct.plan_file)))
    else:
        phases = [phase.name for phase in named.phases]
    if chosen.phase not in phases:
        raise unknown(f"a phase of {chosen.study}", chosen.phase, phases)
    folder = direct.folder if direct.plan_file.exists() else results / named.name
    return Origin(folder, chosen.study, chosen.phase, None, f"; first: gan-study run {chosen.study}")


def _of_search(
    study: Study, phase: Phase, search: Search, settings: Settings | None, origin: Origin, kept: Kept
) -> Selected | None:
    """The one that was selected before, if it still may stand; else the best one; None while it cannot be told."""
    earlier = kept.get((phase.name, search))
    if earlier is not None and _stands(study, phase, earlier, settings):
        _check_seeds(phase, json.loads(str(earlier.evidence))["seeds"])
        return _from_evidence(earlier.sample, earlier.trial, str(earlier.evidence))
    if not settings:
        return None
    _check(study, phase, search, settings)
    if any(row["missing"] for row in settings) or settings[0]["unfit"]:
        return None
    evidence = canonical(_evidence(phase, origin, settings))
    return _from_evidence(settings[0]["sample"], from_content(settings[0]["content"]), evidence)


def _stands(study: Study, phase: Phase, earlier: Planned, settings: Settings | None) -> bool:
    evidence, trial = json.loads(str(earlier.evidence)), earlier.trial
    same = phase.select is not None and evidence["select"] == phase.select.model_dump()
    return (
        same
        and (settings is None or evidence["searched"] == _searched(settings))
        and trial.variant == study.variant_of(trial.loss, trial.dataset, phase)
        and trial.own == study.datasets[trial.dataset].own
    )


def _check(study: Study, phase: Phase, search: Search, settings: Settings) -> None:
    """Raises StudyError where a setting would be repeated as another computation than it was searched as."""
    trial, (loss, dataset) = from_content(settings[0]["content"]), search
    variant = study.variant_of(loss, dataset, phase)
    if trial.variant != variant:
        raise StudyError(
            f"phase {phase.name}: {loss} was searched as variant {trial.variant}, but would be repeated as {variant}; "
            f"say variant: {trial.variant} in the phase"
        )
    if trial.own != study.datasets[dataset].own:
        raise StudyError(
            f"phase {phase.name}: {dataset} was searched as {trial.own}; give the other images another name"
        )
    _check_seeds(phase, [seed for row in settings for seed in row["seeds"]])


def _check_seeds(phase: Phase, used: Sequence[int]) -> None:
    """Raises StudyError where a setting would be repeated by a seed that selected it."""
    if phase.first_seed is not None and set(used) & set(range(phase.first_seed, phase.first_seed + phase.seeds)):
        raise StudyError(
            f"phase {phase.name}: the seeds from {phase.first_seed} on include those that its settings are selected by "
            f"({min(used)} to {max(used)}), whose luck would count twice; leave first_seed out, or begin at "
            f"{max(used) + 1}"
        )


def _settings(origin: Origin) -> dict[Search, Settings]:
    """The settings of every search; nothing where there are no results. Raises StudyError for mixed rows."""
    found: dict[Search, Settings] = defaultdict(list)
    if origin.planned is None and not Store(origin.folder).plan_file.exists():
        return found
    with connect(origin.folder, origin.planned) as database:
        for dataset, ways in database.execute(FINGERPRINTS, [origin.phase]).fetchall():
            raise StudyError(
                f"{origin}: the rows of {dataset} were measured in {ways} ways and may not be compared, so no setting "
                "can be selected; measure them the same way"
            )
        rows = database.sql(SETTINGS, params=[origin.phase]).to_arrow_table().to_pylist()
    for row in rows:
        found[row["loss"], row["dataset"]].append(row)
    return found


def _not_yet(origin: Origin, found: Mapping[Search, Settings], searches: list[Search]) -> NotYet:
    """Why these searches have no setting to repeat, and what to do."""
    trials = sum(row["missing"] for search in searches for row in found.get(search, []))
    if not found:
        return NotYet(f"{origin} has no results yet in {origin.folder}{origin.first}")
    if trials:
        return NotYet(f"{origin} has {trials:,} trials that have not ended{origin.first}")
    loss, dataset = searches[0]
    if searches[0] not in found:
        return NotYet(f"{origin} has no {loss} on {dataset}; leave it out of the phase that selects")
    return Unfit(
        f"{origin}: no setting of {loss} on {dataset} finished all its seeds, so none can be selected; leave it out of "
        "the phase that selects, or retry the failed trials"
    )


def _evidence(phase: Phase, origin: Origin, settings: Settings) -> dict[str, Any]:
    best = settings[0]
    assert phase.select is not None
    return {
        "rule": RULE,
        "select": phase.select.model_dump(),
        "study": origin.folder.resolve().name,
        "phase": origin.phase,
        "sample": best["sample"],
        "trials": best["trials"],
        "content": json.loads(best["content"]),  # of the first of them: where and how it was searched
        "objective": best["objective"],
        "selection_score": best["selection_score"],
        "score": best["score"],
        "settings": len(settings),
        "failed": sum(row["unfit"] > 0 for row in settings),
        "seeds": sorted({seed for row in settings for seed in row["seeds"]}),
        "searched": _searched(settings),
    }


def _from_evidence(sample: int, trial: Trial, evidence: str) -> Selected:
    return Selected(sample, trial.hyperparameters, max(json.loads(evidence)["seeds"]) + 1, evidence)


def _searched(settings: Settings) -> str:
    """A hash of the trials that were candidates."""
    return digest(" ".join(sorted(trial for row in settings for trial in row["trials"])))


def _kept(store: Store) -> Kept:
    """The places of the stored plan whose settings were selected, one per phase and search."""
    rows = read_plan(store.plan_file) if store.plan_file.exists() else []
    places = [from_row(row) for row in rows if row["evidence"]]
    return {(place.phase, (place.trial.loss, place.trial.dataset)): place for place in places}
