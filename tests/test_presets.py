"""The published study as presets: its counts, its schedules and the very settings it drew."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from study import plan, spec
from study.models.losses import LOSSES
from study.plan import Planned
from tests.commands.command import gan_study

FOUR = ["mnist", "fashion", "cifar10", "celeba"]
FIVE = [*FOUR, "triangles"]
TABLES = Path(__file__).parents[1] / "search_spaces"
NAMES = {
    "learning_rate": "learning_rate", "beta1": "beta1", "disc_iters": "disc_iters",
    "batch_norm": "discriminator_batchnorm", "clip": "weight_clipping", "penalty_weight": "lambda",
    "k_learning_rate": "lambda", "gamma": "gamma",
}  # fmt: skip


def built(preset: str) -> list[Planned]:
    return plan.build(spec.load(preset), {})


def test_paper_wide() -> None:
    trials = built("paper-wide")
    assert len(trials) == len({planned.trial.id for planned in trials}) == 8 * 5 * 100 == 4_000
    assert Counter((p.trial.loss, p.trial.dataset) for p in trials) == dict.fromkeys(
        [(loss, dataset) for loss in LOSSES for dataset in FIVE], 100
    )
    assert {p.trial.variant for p in trials} == {"as_run"}
    assert {(p.trial.width, p.trial.batch_size, p.trial.batch_norm_decay, p.trial.seed) for p in trials} == {
        (1.0, 64, 0.999, 0)
    }


def test_paper_narrow() -> None:
    trials = built("paper-narrow")
    assert len(trials) == 8 * 4 * 50 == 1_600
    assert {p.trial.dataset for p in trials} == set(FOUR)
    assert {p.phase for p in trials} == {"narrow"}


def test_paper_seeds_waits_for_the_wide_study() -> None:
    study = spec.load("paper-seeds")
    assert plan.build(study, {}) == []
    assert plan.deferred(study, {})["seeds"]["trials"] == 8 * 4 * 50 == 1_600


def test_paper_published_plans_the_very_settings() -> None:
    trials = built("paper-published")
    assert len(trials) == 8 * 5 * 100 + 8 * 4 * 50 == 5_600
    # The default of every loss but the vae is setting 0 of both spaces: seven losses on four data sets, run once.
    assert len({planned.trial.id for planned in trials}) == 5_600 - 7 * 4
    for space in ("wide", "narrow"):
        drawn = pd.read_csv(TABLES / f"published_{space}.csv", float_precision="round_trip")
        drawn = drawn.set_index(["loss", "sample_id"])
        assert drawn.index.is_unique
        assert len(drawn) == {"wide": 800, "narrow": 400}[space]
        mine = [p for p in trials if p.phase == space]
        assert {(p.trial.loss, p.sample) for p in mine} == set(drawn.index)
        for planned in mine:
            row = drawn.loc[(planned.trial.loss, planned.sample)]
            values = planned.trial.hyperparameters
            assert values == {name: row[NAMES[name]] for name in values}
            there = {name for name in NAMES.values() if pd.notna(row[name])} - {"disc_iters"}
            assert {NAMES[name] for name in values} - {"disc_iters"} == there


@pytest.mark.parametrize(
    ("dataset", "steps", "every", "count"),
    [("mnist", 15_625, 3_906, 4), ("fashion", 15_625, 3_906, 4), ("triangles", 15_625, 3_906, 4),
     ("cifar10", 78_125, 3_906, 20), ("celeba", 101_250, 12_656, 8)],
)  # fmt: skip
def test_the_published_schedules(dataset: str, steps: int, every: int, count: int) -> None:
    """Every multiple, the last of them replaced by the final step, which comes one to five steps later."""
    (points,) = {p.trial.evaluations for p in built("paper-wide") if p.trial.dataset == dataset}
    assert len(points) == count
    assert list(points[:-1]) == [every * i for i in range(1, count)]
    assert points[-1] == steps
    assert 0 < steps - every * count <= 5


@pytest.mark.parametrize("preset", ["paper-wide", "paper-narrow", "paper-published", "corrected-wide"])
def test_the_published_protocol(preset: str) -> None:
    protocols = {p.trial.dataset: p.trial.protocol for p in built(preset)}
    for dataset, protocol in protocols.items():
        metrics = ("fid", "manifold") if dataset == "triangles" else ("fid",)
        assert (protocol.extractor, protocol.metrics, protocol.generated, protocol.real) == (
            "inception", metrics, 10_000, 10_000
        )  # fmt: skip
        published = [(constants["delta"], constants["samples"]) for constants in protocol.constants.values()]
        assert published == [(0.75, 1_024)] * (dataset == "triangles")
        assert protocol.selection == protocol.reporting == ("validation" if dataset == "celeba" else "test")
        assert not protocol.quantised
        assert protocol.objective == protocol.reported == "fid"


def test_corrected_wide_is_paper_wide_with_four_losses_corrected() -> None:
    ours, theirs = built("corrected-wide"), built("paper-wide")
    assert len(ours) == 4_000
    changed = {
        ("vae", "cifar10"),
        ("vae", "celeba"),
        *((loss, name) for loss in ("ls", "dragan", "began") for name in FIVE),
    }
    for mine, other in zip(ours, theirs, strict=True):
        corrected = (mine.trial.loss, mine.trial.dataset) in changed
        assert mine.trial.variant == ("corrected" if corrected else "as_run")
        assert mine.trial.hyperparameters == other.trial.hyperparameters
        assert (mine.trial.id == other.trial.id) == (not corrected)


def test_the_reduced_study_is_the_published_one_scaled_down() -> None:
    trials = built("paper-published-reduced")
    assert len(trials) == 8 * 10
    full = [p for p in built("paper-published") if p.phase == "wide" and p.trial.dataset == "fashion" and p.sample < 10]
    assert [p.trial.hyperparameters for p in trials] == [p.trial.hyperparameters for p in full]
    (trial,) = {(p.trial.width, p.trial.steps, len(p.trial.evaluations)) for p in trials}
    assert trial == (1 / 8, 15_625 // 10, 4)


@pytest.mark.parametrize(("preset", "trials"), [("paper-wide", 4_000), ("paper-narrow", 1_600), ("paper-seeds", 1_600)])
def test_the_command_plans_the_published_counts(preset: str, trials: int, tmp_path: Path) -> None:
    done = gan_study("plan", preset, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["trials"] == trials
    shown = gan_study("plan", preset, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert f"{preset}: {trials:,} trials, " in shown.stdout
    assert list(tmp_path.iterdir()) == []  # planning writes nothing
