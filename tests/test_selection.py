"""The settings of a phase with `select`: the best of another phase, with the evidence, chosen once."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from analysis import frames
from analysis.tables import searches
from study import plan, spec
from study.errors import StudyError
from study.plan import Planned
from study.results.store import Store
from study.selection import NotYet, select
from study.spec import Study
from tests.conftest import TINY, tiny_study

WIDE = {"name": "wide", "space": "wide", "settings": 3, "seeds": 2}
SEEDS = {"name": "seeds", "select": {"phase": "wide"}, "seeds": 3}
DATASET = "triangles_tiny"
# (loss, sample, seed) -> value on the selection split. Of ns, sample 2 has the least mean and 1 the least single value.
VALUES = {
    ("ns", 0, 0): 9.0, ("ns", 0, 1): 9.0, ("ns", 1, 0): 1.0, ("ns", 1, 1): 8.0, ("ns", 2, 0): 4.0, ("ns", 2, 1): 4.0,
    ("vae", 0, 0): 3.0, ("vae", 0, 1): 3.0, ("vae", 1, 0): 3.0, ("vae", 1, 1): 3.0, ("vae", 2, 0): 5.0,
    ("vae", 2, 1): 5.0,
}  # fmt: skip


def one_study() -> Study:
    return tiny_study(phases=[WIDE, SEEDS])


def write(store: Store, study: Study, values: Mapping[tuple[str, int, int], float | None]) -> list[Planned]:
    """A study's folder with the plan as far as it is known and an ended trial for every value; None: it diverged."""
    built = plan.build(study, {})
    store.write_plan([planned.row(i) for i, planned in enumerate(built)], spec.dump(study))
    for planned in built:
        key = (planned.trial.loss, planned.sample, planned.trial.seed)
        if key in values:
            store.write(planned.trial.id, 1, [row(planned, values[key])])
    return built


def row(planned: Planned, value: float | None, **changed: Any) -> dict[str, Any]:
    trial = planned.trial
    measured = {"status": "diverged"} if value is None else {
        "status": "ok", trial.protocol.objective: value, trial.protocol.reported: value + 100
    }  # fmt: skip
    return {
        "trial": trial.id, "phase": planned.phase, "search": planned.search, "sample": planned.sample,
        "loss": trial.loss, "variant": trial.variant, "dataset": trial.dataset, "seed": trial.seed,
        "content": trial.content, **trial.hyperparameters, "attempt": 1, "step": trial.steps, "steps": trial.steps,
        "objective": trial.protocol.objective, "reported": trial.protocol.reported, "fingerprint": "{}",
        **measured, **changed,
    }  # fmt: skip


def test_the_best_mean_over_seeds_is_selected_with_its_evidence(tmp_path: Path) -> None:
    study, store = one_study(), Store(tmp_path / "tiny")
    built = write(store, study, VALUES)
    selections, waiting = select(study, store, tmp_path)
    assert waiting == {}
    chosen = selections["seeds"]
    assert {search: each.sample for search, each in chosen.items()} == {("ns", DATASET): 2, ("vae", DATASET): 0}
    source = [p for p in built if p.trial.loss == "ns" and p.sample == 2]
    assert chosen["ns", DATASET].hyperparameters == source[0].trial.hyperparameters
    evidence = json.loads(chosen["ns", DATASET].evidence)
    assert evidence["trials"] == [p.trial.id for p in source]
    assert (evidence["study"], evidence["phase"], evidence["sample"]) == ("tiny", "wide", 2)
    assert (evidence["objective"], evidence["selection_score"], evidence["score"]) == ("fd_cnn28_selection", 4.0, 104.0)
    assert (evidence["settings"], evidence["failed"]) == (3, 0)
    assert "least mean" in evidence["rule"]
    repeats = plan.build(study, selections)[len(built) :]
    assert [(p.sample, p.trial.seed, p.trial.loss) for p in repeats] == [
        (2, 2, "ns"), (0, 2, "vae"), (2, 3, "ns"), (0, 3, "vae"), (2, 4, "ns"), (0, 4, "vae")
    ]  # fmt: skip
    assert not {p.trial.id for p in repeats} & {p.trial.id for p in built}


def test_a_setting_with_a_diverged_seed_is_out(tmp_path: Path) -> None:
    study, store = one_study(), Store(tmp_path / "tiny")
    write(store, study, {**VALUES, ("ns", 2, 1): None})
    chosen = select(study, store, tmp_path)[0]["seeds"]["ns", DATASET]
    assert chosen.sample == 1  # mean 4.5
    assert json.loads(chosen.evidence)["failed"] == 1


def test_where_every_setting_failed_nothing_can_be_selected(tmp_path: Path) -> None:
    study, store = one_study(), Store(tmp_path / "tiny")
    write(store, study, {**VALUES, ("ns", 0, 0): None, ("ns", 1, 0): None, ("ns", 2, 1): None})
    selections, waiting = select(study, store, tmp_path)
    assert set(selections["seeds"]) == {("vae", DATASET)}
    assert "no setting of ns on triangles_tiny finished all its seeds" in str(waiting["seeds"])
    assert "or retry the failed trials" in str(waiting["seeds"])


def test_an_unfinished_phase_is_waited_for(tmp_path: Path) -> None:
    study, store = one_study(), Store(tmp_path / "tiny")
    selections, waiting = select(study, store, tmp_path)
    assert selections == {"seeds": {}}
    assert "phase wide of tiny has 12 trials that have not ended" in str(waiting["seeds"])
    write(store, study, {key: value for key, value in VALUES.items() if key != ("vae", 1, 1)})
    selections, waiting = select(study, store, tmp_path)
    assert set(selections["seeds"]) == {("ns", DATASET)}  # its search has ended
    assert isinstance(waiting["seeds"], NotYet)
    assert "phase wide of tiny has 1 trials that have not ended" in str(waiting["seeds"])
    assert plan.deferred(study, selections)["seeds"]["trials"] == 3


def another(**changed: Any) -> Study:
    """A study that repeats what the study `tiny` found."""
    phase = {**SEEDS, "select": {"study": "tiny", "phase": "wide"}}
    return spec.validate({**TINY, "name": "repeats", "phases": [phase], **changed}, "repeats")


def test_another_study_is_read_from_the_same_results(tmp_path: Path) -> None:
    write(Store(tmp_path / "tiny"), tiny_study(phases=[WIDE]), VALUES)
    selections, waiting = select(another(), Store(tmp_path / "repeats"), tmp_path)
    assert waiting == {}
    assert {search: each.sample for search, each in selections["seeds"].items()} == {
        ("ns", DATASET): 2, ("vae", DATASET): 0
    }  # fmt: skip
    some = select(another(losses=["vae"]), Store(tmp_path / "repeats"), tmp_path)[0]
    assert list(some["seeds"]) == [("vae", DATASET)]


def test_a_search_that_the_source_does_not_have_is_named(tmp_path: Path) -> None:
    write(Store(tmp_path / "tiny"), tiny_study(phases=[WIDE]), VALUES)
    _, waiting = select(another(losses=["ns", "ls"]), Store(tmp_path / "repeats"), tmp_path)
    assert "has no ls on triangles_tiny" in str(waiting["seeds"])


def test_a_phase_that_the_source_does_not_have_is_told_at_once(tmp_path: Path) -> None:
    write(Store(tmp_path / "tiny"), tiny_study(phases=[WIDE]), VALUES)
    for study, there in (("tiny", "wide"), ("paper-wide", "wide")):
        wrong = another(phases=[{**SEEDS, "select": {"study": study, "phase": "wid"}}])
        with pytest.raises(StudyError, match=f"'wid' is not a phase of {study}; did you mean '{there}'"):
            select(wrong, Store(tmp_path / "repeats"), tmp_path)
    gone = another(phases=[{**SEEDS, "select": {"study": "nix", "phase": "wide"}}])
    told = str(select(gone, Store(tmp_path / "repeats"), tmp_path)[1]["seeds"])
    assert "phase wide of nix has no results yet" in told
    assert "'nix' is not a preset" in told
    assert "first:" not in told


def test_another_loss_exchanges_no_selection(tmp_path: Path) -> None:
    """While the loss that came later is searched, what was selected before stays, retried or not."""
    store = Store(tmp_path / "tiny")
    alone = tiny_study(phases=[WIDE, SEEDS], losses=["ns"])
    built = write(store, alone, {**VALUES, ("ns", 2, 1): None})
    first, _ = select(alone, store, tmp_path)
    assert first["seeds"]["ns", DATASET].sample == 1
    store.write_plan([planned.row(i) for i, planned in enumerate(plan.build(alone, first))], spec.dump(alone))
    (failed,) = [p for p in built if (p.sample, p.trial.seed) == (2, 1)]
    store.write(failed.trial.id, 2, [row(failed, 4.0, attempt=2)])
    both = tiny_study(phases=[WIDE, SEEDS])
    second, waiting = select(both, store, tmp_path)
    assert second["seeds"] == first["seeds"]
    assert "6 trials that have not ended" in str(waiting["seeds"])


def test_what_was_selected_stays_selected(tmp_path: Path) -> None:
    """A failed trial that is retried later, or a source that is gone, exchanges no setting."""
    source, store = Store(tmp_path / "tiny"), Store(tmp_path / "repeats")
    built = write(source, tiny_study(phases=[WIDE]), {**VALUES, ("ns", 2, 1): None})
    study = another()
    first, _ = select(study, store, tmp_path)
    assert first["seeds"]["ns", DATASET].sample == 1
    store.write_plan([planned.row(i) for i, planned in enumerate(plan.build(study, first))], spec.dump(study))
    (failed,) = [p for p in built if (p.trial.loss, p.sample, p.trial.seed) == ("ns", 2, 1)]
    source.write(failed.trial.id, 2, [row(failed, 4.0, attempt=2)])
    assert select(study, store, tmp_path)[0] == first
    assert select(study, Store(tmp_path / "fresh"), tmp_path)[0]["seeds"]["ns", DATASET].sample == 2
    source.plan_file.unlink()
    assert select(study, store, tmp_path)[0] == first


def test_another_search_space_at_the_source_is_selected_from_anew(tmp_path: Path) -> None:
    source, store = Store(tmp_path / "tiny"), Store(tmp_path / "repeats")
    write(source, tiny_study(phases=[WIDE]), VALUES)
    study = another()
    first, _ = select(study, store, tmp_path)
    store.write_plan([planned.row(i) for i, planned in enumerate(plan.build(study, first))], spec.dump(study))
    more = {(loss, 3, seed): 0.5 for loss in ("ns", "vae") for seed in (0, 1)}
    write(source, tiny_study(phases=[{**WIDE, "settings": 4}]), {**VALUES, **more})
    assert {each.sample for each in select(study, store, tmp_path)[0]["seeds"].values()} == {3}


def test_rows_that_were_measured_in_two_ways_are_not_compared(tmp_path: Path) -> None:
    study, store = one_study(), Store(tmp_path / "tiny")
    built = write(store, study, VALUES)
    store.write(built[0].trial.id, 1, [row(built[0], 1.0, fingerprint='{"real":2}')])
    with pytest.raises(StudyError, match=r"triangles_tiny were measured in 2 ways"):
        select(study, store, tmp_path)


def test_a_selected_setting_is_repeated_as_the_variant_it_was_selected_as(tmp_path: Path) -> None:
    values = {("dragan", sample, seed): 1.0 for sample in range(3) for seed in (0, 1)}
    printed = {"losses": ["dragan"], "variant": "as_printed"}
    write(Store(tmp_path / "tiny"), tiny_study(phases=[WIDE], **printed), values)
    with pytest.raises(StudyError, match=r"dragan was searched as variant as_printed, .* as as_run; say variant"):
        select(another(losses=["dragan"]), Store(tmp_path / "repeats"), tmp_path)
    selections, _ = select(another(**printed), Store(tmp_path / "repeats"), tmp_path)
    assert selections["seeds"]["dragan", DATASET].hyperparameters["noise_scale"] == 0.1


def test_the_trials_that_are_planned_now_are_selected_from(tmp_path: Path) -> None:
    """The folder still has the plan of three settings; a fourth is planned now, and has to run first."""
    store = Store(tmp_path / "tiny")
    write(store, tiny_study(phases=[WIDE]), VALUES)
    wider = tiny_study(phases=[{**WIDE, "settings": 4}, SEEDS])
    selections, waiting = select(wider, store, tmp_path)
    assert selections == {"seeds": {}}
    assert "4 trials that have not ended" in str(waiting["seeds"])
    assert "4 trials" in str(
        select(tiny_study(phases=[{**WIDE, "seeds": 3, "settings": 2}, SEEDS]), store, tmp_path)[1]
    )


def test_a_kept_selection_falls_with_what_it_was_selected_as(tmp_path: Path) -> None:
    """What was selected as run is not repeated as corrected, whatever the stored plan says."""
    source, store = Store(tmp_path / "tiny"), Store(tmp_path / "repeats")
    values = {("ls", sample, seed): 1.0 for sample in range(3) for seed in (0, 1)}
    write(source, tiny_study(phases=[WIDE], losses=["ls"]), values)
    study = another(losses=["ls"])
    first, _ = select(study, store, tmp_path)
    store.write_plan([planned.row(i) for i, planned in enumerate(plan.build(study, first))], spec.dump(study))
    with pytest.raises(StudyError, match="ls was searched as variant as_run, but would be repeated as corrected"):
        select(another(losses=["ls"], variant="corrected"), store, tmp_path)


def test_seeds_that_selected_are_not_repeated(tmp_path: Path) -> None:
    write(Store(tmp_path / "tiny"), tiny_study(phases=[WIDE]), VALUES)
    phase = {"name": "seeds", "select": {"study": "tiny", "phase": "wide"}, "seeds": 2}
    left_out, _ = select(another(phases=[phase]), Store(tmp_path / "repeats"), tmp_path)
    assert {each.first_seed for each in left_out["seeds"].values()} == {2}
    later = another(phases=[{**phase, "first_seed": 7}])
    built = plan.build(later, select(later, Store(tmp_path / "repeats"), tmp_path)[0])
    assert {planned.trial.seed for planned in built} == {7, 8}
    store = Store(tmp_path / "repeats")
    store.write_plan([planned.row(i) for i, planned in enumerate(built)], spec.dump(later))  # kept or not: the same
    with pytest.raises(StudyError, match=r"seeds from 1 on include .*\(0 to 1\).*begin at 2"):
        select(another(phases=[{**phase, "first_seed": 1}]), Store(tmp_path / "repeats"), tmp_path)


def test_a_study_cannot_wait_for_itself(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"select\.study=paper-wide is this very study"):
        select(another(phases=[{**SEEDS, "select": {"study": "paper-wide", "phase": "wide"}}]),
               Store(tmp_path / "paper-wide"), tmp_path)  # fmt: skip


def test_a_phase_may_select_from_one_that_selected(tmp_path: Path) -> None:
    store = Store(tmp_path / "tiny")
    third = {"name": "more", "select": {"phase": "seeds"}, "seeds": 2}
    study = tiny_study(phases=[WIDE, SEEDS, third])
    write(store, study, VALUES)
    selections, waiting = select(study, store, tmp_path)
    assert selections["more"] == {}
    assert "phase seeds of tiny has 6 trials" in str(waiting["more"])
    for planned in plan.build(study, selections):
        if planned.phase == "seeds":
            store.write(planned.trial.id, 1, [row(planned, 6.0)])
    selections, waiting = select(study, store, tmp_path)
    assert waiting == {}
    assert {each.sample for each in selections["more"].values()} == {
        each.sample for each in selections["seeds"].values()
    }
    assert {each.first_seed for each in selections["more"].values()} == {5}


@pytest.mark.parametrize("seed", range(5))
def test_the_rule_is_the_one_that_tables_rank_by(seed: int, tmp_path: Path) -> None:
    """The best setting of `gan-study best` is the one that is repeated, divergences and ties included."""
    draw = random.Random(seed)
    keys = [(loss, sample, repeat) for loss in ("ns", "vae") for sample in range(3) for repeat in (0, 1)]
    values: dict[tuple[str, int, int], float | None] = {
        key: None if draw.random() < 0.15 else float(draw.randrange(1, 4)) for key in keys
    }
    values |= {("ns", 0, 0): 2.0, ("ns", 0, 1): 2.0, ("vae", 0, 0): 2.0, ("vae", 0, 1): 2.0}  # one is sound
    store, study = Store(tmp_path / "tiny"), one_study()
    write(store, study, values)
    table = searches.best(frames.load(store.folder))
    best = {(row["loss"], row["dataset"]): row["sample"] for _, row in table.iterrows()}
    found = select(study, store, tmp_path)[0]["seeds"]
    assert {search: each.sample for search, each in found.items()} == best
