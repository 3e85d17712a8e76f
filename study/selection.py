"""The settings of a phase with `select`: of each loss and data set the best one that another phase found."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study import spec
from study.errors import StudyError
from study.parts import Phase, Select
from study.plan import Planned, Selected, Selections, Trial, canonical, digest, from_content, from_row
from study.results.query import connect
from study.results.store import Store, read_plan
from study.spec import Study

RULE = (
    "the setting with the least mean over its seeds of the least objective over evaluations; a setting with a "
    "diverged or failed seed is out; of equal ones the lower sample"
)
# One row per setting of the phase, the best of each search first.
SETTINGS = """
    SELECT loss, dataset, sample, list(trial ORDER BY seed) AS trials, any_value(content) AS content,
           any_value(objective) AS objective, avg(selection_score) AS selection_score, avg(score) AS score,
           count(*) FILTER (WHERE status IN ('started', 'waiting')) AS missing,
           count(*) FILTER (WHERE status IN ('diverged', 'failed') OR (status = 'done' AND selection_score IS NULL))
               AS unfit
    FROM trials WHERE phase = ? GROUP BY loss, dataset, sample
    ORDER BY loss, dataset, unfit > 0, selection_score, sample
"""
FINGERPRINTS = """
    SELECT dataset, count(DISTINCT fingerprint) AS ways FROM evaluations
    WHERE trial IN (SELECT trial FROM plan WHERE phase = ?) GROUP BY dataset HAVING ways > 1
"""
Search = tuple[str, str]  # loss, data set
Found = dict[Search, list[dict[str, Any]]]  # its settings, best first


class NotYet(StudyError):
    """The settings cannot be selected before trials of another phase have ended, or have ended well."""


@dataclass(frozen=True)
class Source:
    """Where a phase's settings come from."""

    folder: Path
    study: str  # as the user may name it
    select: Select
    missing: str = "has no results yet"


def select(study: Study, store: Store, results: Path) -> tuple[Selections, dict[str, NotYet]]:
    """The selections that can be made now, and of the phases that have to wait why.

    A selection is made once: what the stored plan holds stays, as long as its source plans the same trials, so that
    a failed trial of the source that is retried later does not exchange a setting that is being repeated.
    """
    kept = _kept(store)
    made: dict[str, dict[Search, Selected]] = {}
    waiting: dict[str, NotYet] = {}
    for phase in study.phases:
        if phase.select is None:
            continue
        try:
            made[phase.name] = _of_phase(study, phase, phase.select, _source(phase.select, store, results), kept)
        except NotYet as reason:
            waiting[phase.name] = reason
    return made, waiting


def _source(chosen: Select, store: Store, results: Path) -> Source:
    """The folder that has the settings, or where they will be. What was selected before needs it no longer."""
    if chosen.study is None:
        return Source(store.folder, store.folder.name, chosen)
    direct = results / chosen.study
    if Store(direct).plan_file.exists():
        return Source(direct, chosen.study, chosen)
    try:
        return Source(results / spec.load(chosen.study).name, chosen.study, chosen)
    except StudyError as error:
        return Source(direct, chosen.study, chosen, f"has no results, and {error}")


def _of_phase(
    study: Study, phase: Phase, chosen: Select, source: Source, kept: dict[tuple[str, Search], Planned]
) -> dict[Search, Selected]:
    wanted = [(loss, dataset) for dataset in phase.datasets or study.datasets for loss in phase.losses or study.losses]
    found = _settings(source)
    selected: dict[Search, Selected] = {}
    for search in wanted:
        earlier = kept.get((phase.name, search))
        if earlier is not None and _same_source(earlier, chosen, found.get(search)):
            selected[search] = Selected(earlier.sample, earlier.trial.hyperparameters, str(earlier.evidence))
    fresh = [search for search in wanted if search not in selected]
    if fresh:
        _finished(source, found, fresh)
    for search in fresh:
        best = _best(source, found[search], search)
        _alike(study, phase, search, from_content(best["content"]))
        selected[search] = _selected(source, best, found[search])
    return {search: selected[search] for search in wanted}


def _settings(source: Source) -> Found:
    """Search -> its settings, best first; nothing where there are no results yet. Raises StudyError for mixed rows."""
    found: Found = defaultdict(list)
    if not Store(source.folder).plan_file.exists():
        return found
    with connect(source.folder) as database:
        for dataset, ways in database.execute(FINGERPRINTS, [source.select.phase]).fetchall():
            raise StudyError(
                f"{source.study}, phase {source.select.phase}: the rows of {dataset} were measured in {ways} ways and "
                "may not be compared, so no setting can be selected; measure them the same way"
            )
        rows = database.sql(SETTINGS, params=[source.select.phase]).to_arrow_table().to_pylist()
    for row in rows:
        found[row["loss"], row["dataset"]].append(row)
    return found


def _finished(source: Source, found: Found, wanted: Iterable[Search]) -> None:
    """Raises NotYet where trials of these searches are missing, or not even planned."""
    unplanned = [search for search in wanted if search not in found]
    missing = sum(row["missing"] for search in wanted for row in found.get(search, []))
    if not found:
        lacks = source.missing
    elif unplanned:
        lacks = f"has no {unplanned[0][0]} on {unplanned[0][1]}"
    elif missing:
        lacks = f"has {missing:,} trials that have not ended"
    else:
        return
    where = f"phase {source.select.phase} of {source.study}"
    raise NotYet(f"{where} ({source.folder}) {lacks}; first: gan-study run {source.study}")


def _best(source: Source, settings: list[dict[str, Any]], search: Search) -> dict[str, Any]:
    best = settings[0]
    if best["unfit"]:
        raise NotYet(
            f"{source.study}, phase {source.select.phase}: no setting of {search[0]} on {search[1]} finished all its "
            "seeds, so none can be selected; leave the loss or data set out of the phase, or retry the failed trials"
        )
    return best


def _alike(study: Study, phase: Phase, search: Search, trial: Trial) -> None:
    """Raises StudyError where the selected setting belongs to another computation than the one that would repeat it."""
    loss, dataset = search
    variant = study.variant_of(loss, phase)
    if trial.variant != variant:
        raise StudyError(
            f"phase {phase.name}: {loss} was selected as variant {trial.variant}, but would be repeated as {variant}; "
            f"say variant: {trial.variant} in the phase"
        )
    if trial.own != study.datasets[dataset].own:
        raise StudyError(
            f"phase {phase.name}: {dataset} was selected on {trial.own}, not on these images; name it anew"
        )


def _selected(source: Source, best: dict[str, Any], settings: list[dict[str, Any]]) -> Selected:
    evidence = {
        "rule": RULE,
        "select": source.select.model_dump(),
        "study": source.folder.resolve().name,
        "phase": source.select.phase,
        "sample": best["sample"],
        "trials": best["trials"],
        "objective": best["objective"],
        "selection_score": best["selection_score"],
        "score": best["score"],
        "settings": len(settings),
        "failed": sum(row["unfit"] > 0 for row in settings),
        "searched": _searched(settings),
    }
    return Selected(best["sample"], from_content(best["content"]).hyperparameters, canonical(evidence))


def _searched(settings: list[dict[str, Any]]) -> str:
    """A hash of the trials that were candidates."""
    return digest(" ".join(sorted(trial for row in settings for trial in row["trials"])))


def _kept(store: Store) -> dict[tuple[str, Search], Planned]:
    """The places of the stored plan whose settings were selected, one per phase and search."""
    rows = read_plan(store.plan_file) if store.plan_file.exists() else []
    places = [from_row(row) for row in rows if row.get("evidence")]
    return {(place.phase, (place.trial.loss, place.trial.dataset)): place for place in places}


def _same_source(earlier: Planned, chosen: Select, settings: list[dict[str, Any]] | None) -> bool:
    evidence = json.loads(str(earlier.evidence))
    return evidence["select"] == chosen.model_dump() and (
        settings is None or evidence["searched"] == _searched(settings)
    )
