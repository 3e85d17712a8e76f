"""The plan: exact, ordered, and stable whatever is added to the study."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import NARROW, WIDE
from study import identity, plan, spec
from study.identity import Trial
from study.models.losses import LOSSES, resolve
from study.plan import Planned
from study.spec import Study
from tests.conftest import tiny_study

EIGHT = list(LOSSES)
TINY_AND_FASHION = {
    "triangles_tiny": {"steps": 30, "evaluations": 3},
    "fashion": {"steps": 50, "evaluations": [10, 50]},
}


def phase(name: str = "wide", **changed: Any) -> dict[str, Any]:
    return {"name": name, "space": "wide", "settings": 3, **changed}


def study(**changed: Any) -> Study:
    return tiny_study(**{"losses": EIGHT, "phases": [phase()], **changed})


def ids(built: list[Planned]) -> list[str]:
    return [planned.trial.id for planned in built]


def only(built: list[Planned], **wanted: Any) -> list[Planned]:
    """The planned trials with these values, in order."""
    rows = [planned.row(i) for i, planned in enumerate(built)]
    return [p for p, row in zip(built, rows, strict=True) if all(row[name] == value for name, value in wanted.items())]


def test_counts_are_products() -> None:
    built = plan.build(study(datasets=TINY_AND_FASHION, phases=[phase(settings=5, seeds=2)]), {})
    assert len(built) == len(set(ids(built))) == 8 * 2 * 5 * 2
    for loss in EIGHT:
        for dataset in TINY_AND_FASHION:
            found = only(built, loss=loss, dataset=dataset)
            assert [(p.sample, p.trial.seed) for p in found] == [(i, s) for i in range(5) for s in range(2)]
            assert {p.search for p in found} == {f"wide/{loss}/{dataset}"}
    assert {p.trial.evaluations for p in only(built, dataset="fashion")} == {(10, 50)}
    assert {p.trial.evaluations for p in only(built, dataset="triangles_tiny")} == {(10, 20, 30)}


def test_the_order_is_by_phase_then_sample_by_sample() -> None:
    built = plan.build(
        study(losses=["vae", "ns"], datasets=TINY_AND_FASHION,
              phases=[phase("b", settings=2, seeds=2), phase("a", space="narrow", settings=1, losses=["ls"])]), {}
    )  # fmt: skip
    found = [(p.phase, p.sample, p.trial.seed, p.trial.dataset, p.trial.loss) for p in built]
    expected = [
        ("b", sample, seed, dataset, loss)
        for sample in (0, 1) for seed in (0, 1) for dataset in ("triangles_tiny", "fashion") for loss in ("vae", "ns")
    ]  # fmt: skip
    assert found == [*expected, ("a", 0, 0, "triangles_tiny", "ls"), ("a", 0, 0, "fashion", "ls")]


@pytest.mark.parametrize("name", ["wide", "narrow"])
def test_sample_0_is_the_default(name: str) -> None:
    space = {"wide": WIDE, "narrow": NARROW}[name]
    built = plan.build(study(phases=[phase(space=name, seeds=2, search_seed=7)]), {})
    for loss in EIGHT:
        first, second, *rest = only(built, loss=loss)
        assert first.trial.hyperparameters == second.trial.hyperparameters == space.default(loss, "as_run")
        assert all(p.trial.hyperparameters != space.default(loss, "as_run") for p in rest)
    assert only(built, loss="ns")[0].trial.hyperparameters == {
        "learning_rate": 5e-5, "beta1": 0.0, "disc_iters": 1, "batch_norm": True
    }  # fmt: skip


def test_the_first_10_of_100_are_the_10_of_10() -> None:
    ten, hundred = (plan.build(study(phases=[phase(settings=count)]), {}) for count in (10, 100))
    assert [p.row(0) for p in hundred[: len(ten)]] == [p.row(0) for p in ten]
    assert len(set(ids(hundred))) == 800


def test_a_second_seed_repeats_the_settings_and_changes_no_id() -> None:
    one, two = (plan.build(study(phases=[phase(seeds=seeds)]), {}) for seeds in (1, 2))
    assert ids([p for p in two if p.trial.seed == 0]) == ids(one)
    for loss in EIGHT:
        settings_of = [p.trial.hyperparameters for p in only(two, loss=loss)]
        assert settings_of[0::2] == settings_of[1::2]
    assert len(set(ids(two))) == 2 * len(one)


def test_another_search_seed_draws_other_settings() -> None:
    ours, theirs = (plan.build(study(phases=[phase(search_seed=seed)]), {}) for seed in (0, 1))
    common = set(ids(ours)) & set(ids(theirs))
    assert common == {p.trial.id for p in ours if p.sample == 0}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(EIGHT), min_size=1, max_size=8, unique=True), st.integers(1, 4))
def test_what_else_is_planned_changes_no_trial(losses: list[str], count: int) -> None:
    """Any subset of the losses, in any order, with other data sets and phases beside them."""
    everything = plan.build(study(phases=[phase(settings=4)]), {})
    some = plan.build(study(losses=losses, phases=[phase(settings=count)]), {})
    more = plan.build(
        study(losses=losses, datasets=dict(reversed(TINY_AND_FASHION.items())),
              phases=[phase("first", space="narrow", settings=2), phase(settings=count)]), {}
    )  # fmt: skip
    for loss in losses:
        expected = ids(only(everything, loss=loss))[:count]
        assert ids(only(some, loss=loss)) == expected
        assert ids(only(more, loss=loss, dataset="triangles_tiny", phase="wide")) == expected


def test_ids_of_record() -> None:
    """As before metrics had constants: rows of older programs are still those of these trials."""
    assert ids(plan.build(tiny_study(), {})) == [
        "cca2b0389b45b468", "cda86d42f8943820", "0704bd14a4a86a34", "608603071b18c124"
    ]  # fmt: skip
    demo = ids(plan.build(spec.load("demo"), {}))
    assert (len(demo), identity.digest("".join(demo))) == (32, "3c97789680e73409")


def test_constants_make_another_trial_of_the_same_training() -> None:
    """On the data sets that are measured by them."""

    def built(*metrics: str, **constants: Any) -> list[Planned]:
        measure = {"metrics": ["fd", *metrics], "generated": 100, "real": 100}
        if metrics:
            measure["manifold"] = {"samples": 50, **constants}
        return plan.build(study(datasets=TINY_AND_FASHION, measure=measure), {})

    versions = [
        built(), built("manifold"), built("manifold", delta=0.8), built("manifold", samples=51),
        built("manifold", family="free"), built("manifold", restarts=4), built("manifold", projection_steps=81),
        built("manifold", projection_rate=0.5), built("manifold", inversion_steps=399),
        built("manifold", inversion_rate=0.3),
    ]  # fmt: skip
    measured = [ids(only(version, dataset="triangles_tiny")) for version in versions]
    assert len({name for each in measured for name in each}) == len(versions) * len(measured[0])
    assert len({tuple(ids(only(version, dataset="fashion"))) for version in versions}) == 1
    assert len({tuple(p.trial.key for p in version) for version in versions}) == 1
    trial = versions[2][0].trial
    assert trial.protocol.constants["manifold"]["delta"] == 0.8
    assert identity.from_content(trial.content) == trial
    assert ids(built("manifold", delta=0.75, restarts=5)) == ids(versions[1])  # said or left out


def test_equal_work_has_equal_ids_in_every_study_and_phase() -> None:
    ours = plan.build(study(), {})
    theirs = plan.build(
        study(name="other", phases=[phase("elsewhere"), phase("again")], keep_checkpoints=True,
              resources={"cpus": 2, "retries": 0, "checkpoint_minutes": 1.0}), {}
    )  # fmt: skip
    assert ids(theirs) == ids(ours) * 2
    assert {p.phase for p in theirs} == {"elsewhere", "again"}


def test_ids_are_the_same_in_another_process() -> None:
    program = (
        "from study import identity, plan, spec; "
        "print('\\n'.join(p.trial.id + ' ' + p.trial.key for p in plan.build(spec.load('demo'), {})))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    (output,) = outputs
    assert len(output.splitlines()) == 32
    assert len({line.split()[0] for line in output.splitlines()}) == 32


def a_trial() -> Trial:
    return plan.build(study(), {})[0].trial


def test_the_id_is_16_hexadecimal_digits_of_the_canonical_content() -> None:
    trial = a_trial()
    assert len(trial.id) == len(trial.key) == 16
    assert int(trial.id, 16) >= 0
    assert trial.id == identity.digest(trial.content)
    assert trial.id != trial.key
    content = json.loads(trial.content)
    assert trial.content == json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert set(content) == {
        "loss", "variant", "dataset", "own", "hyperparameters", "seed", "width", "batch_size", "batch_norm_decay",
        "evaluations", "measure",
    }  # fmt: skip


TRAINING: list[dict[str, Any]] = [
    {"loss": "ns"}, {"variant": "corrected"}, {"dataset": "fashion"}, {"own": {"size": 28, "channels": 1}},
    {"seed": 1}, {"width": 0.125}, {"batch_size": 17},
    {"batch_norm_decay": 0.91}, {"hyperparameters": {"learning_rate": 1e-3}},
]  # fmt: skip
MEASURING: list[dict[str, Any]] = [
    {"evaluations": (10, 20, 31)}, {"evaluations": (20, 30)}, {"generated": 101}, {"real": 101}, {"selection": "test"},
    {"reporting": "train"}, {"quantised": True}, {"weights": "0" * 64},
    {"metrics": ("other",)}, {"extractor": "other"},
]  # fmt: skip


@pytest.mark.parametrize("changed", TRAINING, ids=str)
def test_what_changes_the_weights_changes_id_and_randomness(changed: dict[str, Any]) -> None:
    trial = a_trial()
    if "hyperparameters" in changed:
        changed = {"hyperparameters": {**trial.hyperparameters, **changed["hyperparameters"]}}
    other = replace(trial, **changed)
    assert other.id != trial.id
    assert other.key != trial.key


@pytest.mark.parametrize("changed", MEASURING, ids=str)
def test_what_is_measured_changes_the_id_and_not_the_randomness(changed: dict[str, Any]) -> None:
    trial = a_trial()
    if "evaluations" in changed:
        other = replace(trial, **changed)
    else:
        other = replace(trial, protocol=replace(trial.protocol, **changed))
    assert other.id != trial.id
    assert other.key == trial.key


def test_a_trial_comes_back_from_its_content_and_its_row() -> None:
    for position, planned in enumerate(plan.build(study(datasets=TINY_AND_FASHION, phases=[phase(settings=4)]), {})):
        trial = identity.from_content(planned.trial.content)
        assert trial == planned.trial
        assert (trial.id, trial.key, trial.content) == (planned.trial.id, planned.trial.key, planned.trial.content)
        assert [type(value) for value in trial.hyperparameters.values()] == [
            type(planned.trial.hyperparameters[name]) for name in trial.hyperparameters
        ]
        row = planned.row(position)
        assert plan.from_row(row) == planned
        assert plan.from_row(row).row(position) == row
        assert row["position"] == position


def test_a_row_says_what_it_is() -> None:
    planned = only(plan.build(study(), {}), loss="wgan", sample=0)[0]
    row = planned.row(12)
    assert {name: row[name] for name in row if name not in {"trial", "content"}} == {
        "position": 12, "phase": "wide", "search": "wide/wgan/triangles_tiny", "sample": 0, "loss": "wgan",
        "variant": "as_run", "dataset": "triangles_tiny", "seed": 0, "steps": 30, "objective": "fd_cnn28_selection",
        "reported": "fd_cnn28", "space": "wide", "sampler": "random", "search_seed": 0, "evidence": None,
        "learning_rate": 5e-05, "beta1": 0.5, "disc_iters": 5, "batch_norm": True, "clip": 0.01,
    }  # fmt: skip


def test_the_summary_counts_a_shared_trial_once() -> None:
    """Both spaces have the same default for ns, so sample 0 of the second phase is work that the first has done."""
    ours = study(
        losses=["ns", "vae"], datasets=TINY_AND_FASHION,
        phases=[phase("a", settings=3), phase("b", space="narrow", settings=2, losses=["ns"])],
    )  # fmt: skip
    built = plan.build(ours, {})
    assert WIDE.default("ns", "as_run") == NARROW.default("ns", "as_run")
    found = plan.summary(ours, built, {})
    assert (found["study"], found["planned"], found["trials"]) == ("tiny", 12 + 4, 14)
    assert found["steps_total"] == 7 * 30 + 7 * 50
    assert found["evaluations_total"] == 7 * 3 + 7 * 2
    assert found["searches"] == [
        {"loss": "ns", "variant": "as_run", "dataset": "triangles_tiny", "phase": "a", "trials": 3, "steps": 90},
        {"loss": "vae", "variant": "as_run", "dataset": "triangles_tiny", "phase": "a", "trials": 3, "steps": 90},
        {"loss": "ns", "variant": "as_run", "dataset": "fashion", "phase": "a", "trials": 3, "steps": 150},
        {"loss": "vae", "variant": "as_run", "dataset": "fashion", "phase": "a", "trials": 3, "steps": 150},
        {"loss": "ns", "variant": "as_run", "dataset": "triangles_tiny", "phase": "b", "trials": 2, "steps": 60},
        {"loss": "ns", "variant": "as_run", "dataset": "fashion", "phase": "b", "trials": 2, "steps": 100},
    ]


def test_a_hundred_thousand_trials() -> None:
    big = study(losses=["ns", "vae"], phases=[phase(settings=10_000, seeds=5)])
    built = plan.build(big, {})
    assert len(built) == 100_000
    found = plan.summary(big, built, {})
    assert (found["trials"], found["steps_total"], found["evaluations_total"]) == (100_000, 3_000_000, 300_000)


def test_a_phase_with_select_is_in_the_plan_once_its_settings_are_known() -> None:
    """Three seeds from the second on: six trials of the setting that was selected, none of any other."""
    phases = [phase(settings=2), {"name": "seeds", "select": {"phase": "wide"}, "seeds": 3}]
    ours = study(losses=["ns", "vae"], phases=phases)
    before = plan.build(ours, {})
    assert {p.phase for p in before} == {"wide"}
    later = {"seeds": {"trials": 6, "steps": 180, "evaluations": 18}}
    assert plan.deferred(ours, {}) == later
    assert plan.summary(ours, before, later)["trials"] == 4 + 6
    assert plan.summary(ours, before, later)["steps_total"] == 10 * 30
    chosen = {(p.trial.loss, p.trial.dataset): p for p in before if p.sample == 1}
    selections = {
        "seeds": {
            search: plan.Selected(p.sample, p.trial.hyperparameters, 1, f'{{"trial":"{p.trial.id}"}}')
            for search, p in chosen.items()
        }
    }
    after = plan.build(ours, selections)
    assert plan.deferred(ours, selections) == {}
    assert after[: len(before)] == before
    repeats = after[len(before) :]
    assert [(p.phase, p.sample, p.trial.seed, p.trial.loss) for p in repeats] == [
        ("seeds", 1, seed, loss) for seed in (1, 2, 3) for loss in ("ns", "vae")
    ]
    for p in repeats:
        source = chosen[p.trial.loss, p.trial.dataset]
        assert p.trial.hyperparameters == source.trial.hyperparameters
        assert p.evidence == f'{{"trial":"{source.trial.id}"}}'
        assert plan.from_row(p.row(0)) == p


def test_variants_that_are_one_computation_are_one_trial() -> None:
    """Of the eight losses ls, dragan and began have three forms, the others one; vae two in colour."""
    ids_of = {
        variant: {p.trial.loss: p.trial.id for p in plan.build(study(variant=variant, phases=[phase(settings=1)]), {})}
        for variant in ("as_run", "as_printed", "corrected")
    }
    forms = {loss: len({ids_of[variant][loss] for variant in ids_of}) for loss in EIGHT}
    assert forms == {
        "mm": 1, "ns": 1, "ls": 3, "wgan": 1, "wgan_gp": 1, "dragan": 3, "began": 3, "vae": 1,
    }  # fmt: skip
    assert {variant: resolve("vae", variant, 3) for variant in ids_of} == {
        "as_run": "as_run", "as_printed": "as_run", "corrected": "corrected"
    }  # fmt: skip
    loss_by_loss = plan.build(study(variant={"ls": "corrected"}, phases=[phase(settings=1)]), {})
    assert {p.trial.loss: p.trial.id for p in loss_by_loss} == ids_of["as_run"] | {"ls": ids_of["corrected"]["ls"]}
    of_phase = plan.build(study(variant="as_printed", phases=[phase(settings=1, variant="corrected")]), {})
    assert {p.trial.loss: p.trial.id for p in of_phase} == ids_of["corrected"]
    mixed = study(variant="corrected", phases=[phase(settings=1, variant={"ls": "as_printed"})])
    assert {p.trial.loss: p.trial.id for p in plan.build(mixed, {})} == ids_of["corrected"] | {
        "ls": ids_of["as_printed"]["ls"]
    }


def test_a_variant_tries_the_same_settings_and_what_it_adds() -> None:
    run, printed = (
        plan.build(study(losses=["dragan"], variant=variant, phases=[phase(settings=5)]), {})
        for variant in ("as_run", "as_printed")
    )
    for ours, theirs in zip(run, printed, strict=True):
        assert theirs.trial.hyperparameters == {**ours.trial.hyperparameters, "noise_scale": 0.1}
