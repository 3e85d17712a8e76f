"""What is compared of two runs of one trial, how a difference reads, and the study that a record makes."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from study.parts import Manifold
from study.reproduction import Difference, differences, images_of, last_step, over, planned_of, study_of
from study.spec import dump, parse
from tests.conftest import tiny_trial

PLANNED = tiny_trial()  # measured at 10, 20 and 30
TRIAL = PLANNED.trial


def row(step: int, status: str = "ok", **more: Any) -> dict[str, Any]:
    return {"step": step, "status": status, "attempt": 1, "fd_cnn28": 1.0 + step, "exception": None, **more}


def failure(step: int, exception: str = "OSError", **more: Any) -> dict[str, Any]:
    return row(step, "failed", **{"fd_cnn28": None, "exception": exception, **more})


THREE = [row(10), row(20), row(30)]


def test_equal_runs_have_no_difference_whatever_is_not_measured() -> None:
    again = [{**each, "attempt": 7, "train_seconds": 3.0, "message": "else", "commit": "c"} for each in THREE]
    assert differences(THREE, again) == []
    nan = [{**row(10), "generator_loss": math.nan}]
    assert differences(nan, [{**row(10), "generator_loss": -math.nan}]) == []


@pytest.mark.parametrize(
    ("name", "then", "now", "told"),
    [
        ("fd_cnn28", 2.0, 2.5, "step 20: fd_cnn28 was 2.0, is 2.5 (+0.5, +0.25 of it)"),
        ("fd_cnn28", -4.0, -5.0, "step 20: fd_cnn28 was -4.0, is -5.0 (-1, -0.25 of it)"),
        ("k", 0.0, 1e-17, "step 20: k was 0.0, is 1e-17 (+1e-17)"),
        ("generator_updates", 20, 19, "step 20: generator_updates was 20, is 19 (-1, -0.05 of it)"),
        ("generator_loss", None, 0.5, "step 20: generator_loss was null, is 0.5"),
        ("generator_loss", 0.5, math.nan, "step 20: generator_loss was 0.5, is nan (+nan, +nan of it)"),
        ("status", "ok", "diverged", "step 20: status was ok, is diverged"),
        ("batch_norm", True, False, "step 20: batch_norm was True, is False"),
    ],
)
def test_a_difference_is_told_with_its_size(name: str, then: Any, now: Any, told: str) -> None:
    before, after = ([row(10), {**row(20), name: value}, row(30)] for value in (then, now))
    assert [str(each) for each in differences(before, after)] == [told]


def test_the_last_bit_counts() -> None:
    (found,) = differences([row(10)], [row(10, fd_cnn28=math.nextafter(11.0, 12.0))])
    assert found == Difference(10, "fd_cnn28", 11.0, math.nextafter(11.0, 12.0))


def test_of_json_the_fields_are_told_that_differ() -> None:
    then, now = {"a": 1, "b": "x" * 90, "gone": 2}, {"a": 1, "b": "y", "new": [3]}
    before, after = ([row(10, fingerprint=json.dumps(each))] for each in (then, now))
    assert [str(each) for each in differences(before, after)] == [
        f"step 10: fingerprint.b was {'x' * 60}..., is y",
        "step 10: fingerprint.gone was 2, is null",
        "step 10: fingerprint.new was null, is [3]",
    ]


def test_rows_without_a_counterpart() -> None:
    assert [str(each) for each in differences(THREE, THREE[:2])] == ["step 30: no row now"]
    assert [str(each) for each in differences(THREE[:2], THREE)] == ["step 30: a row that is not on record"]
    told = [str(each) for each in differences([row(10), failure(10)], [row(10), row(20)])]
    assert told == ["step 10: no row now", "step 20: a row that is not on record"]


def test_failures_are_alike_by_step_and_exception() -> None:
    then = [row(10), failure(20, message="of one folder")]
    assert differences(then, [row(10), failure(20, message="of another")]) == []
    told = [str(each) for each in differences(then, [row(10), failure(20, "ValueError")])]
    assert told == ["step 20: exception was OSError, is ValueError"]


@pytest.mark.parametrize(
    ("recorded", "last"),
    [
        (THREE, 30), (THREE[:2], 20), ([row(10), row(20, "diverged")], 20),
        ([row(10), failure(17)], 20), ([row(10), failure(20)], 20), ([failure(0)], 10), ([*THREE, failure(30)], 30),
    ],
)  # fmt: skip
def test_a_run_goes_as_far_as_is_on_record_or_to_the_evaluation_that_failed(recorded: Any, last: int) -> None:
    assert last_step(TRIAL, recorded) == last


@pytest.mark.parametrize(
    ("recorded", "again", "expected"),
    [
        (THREE, [], False), (THREE, THREE[:2], False), (THREE, THREE, True), (THREE[:2], THREE[:2], True),
        (THREE, [row(10), failure(20)], False),  # the disk was full, perhaps: it goes on
        (THREE, [row(10), row(20, "diverged")], True),  # and would never come further
        ([row(10), failure(20)], [row(10)], False), ([row(10), failure(20)], [row(10), failure(20)], True),
        ([row(10), failure(20)], [row(10), row(20)], True),  # it does not fail
        ([row(10), failure(20)], [row(10), failure(20, "ValueError")], False), ([failure(0)], [failure(0)], True),
    ],
)  # fmt: skip
def test_when_there_is_nothing_left_to_run(recorded: Any, again: Any, expected: bool) -> None:
    assert over(TRIAL, recorded, again) is expected


def test_the_study_of_a_record_is_of_the_trial_alone_and_can_be_read_again() -> None:
    study = study_of(TRIAL, {}, 3)
    assert parse(dump(study), "dumped") == study
    assert (study.name, study.losses, list(study.datasets), study.resources.threads) == (
        "reproduced", ["ns"], ["triangles_tiny"], 3
    )  # fmt: skip
    assert study.datasets["triangles_tiny"].points("triangles_tiny") == TRIAL.evaluations
    assert study.measure.protocol(TRIAL.data) == TRIAL.protocol
    assert (study.width, study.batch_size, study.batch_norm_decay) == (0.0625, 16, 0.9)


def test_one_split_for_choice_and_report_stays_one() -> None:
    protocol = replace(TRIAL.protocol, selection="test", reporting="test", quantised=True)
    published = replace(TRIAL, protocol=protocol)
    assert study_of(published, {}, 1).measure.protocol(published.data) == protocol


def test_the_constants_of_a_metric_are_in_the_trial_alone() -> None:
    constants = {"manifold": {**Manifold().model_dump(), "delta": 1.5, "samples": 50, "family": "free"}}
    protocol = replace(TRIAL.protocol, metrics=(*TRIAL.protocol.metrics, "manifold"), constants=constants)
    trial = replace(TRIAL, dataset="triangles_tiny", protocol=protocol)
    study = study_of(trial, {"measure": {"manifold": {"delta": 0.1}}}, 1)
    assert study.measure.protocol(trial.data) == protocol


def test_polygons_are_in_the_trial_alone() -> None:
    described = {"vertices": 5, "rotation": "full"}
    trial = replace(TRIAL, dataset="mine", own=described, protocol=replace(TRIAL.protocol, selection="holdout"))
    study = study_of(trial, {"datasets": {"mine": {"vertices": 4, "images": None}}}, 1)
    assert study.dataset("mine") == trial.data
    assert (study.datasets["mine"].own, study.datasets["mine"].images) == (described, None)


def test_where_files_lie_is_in_the_recorded_yaml_alone() -> None:
    protocol = replace(
        TRIAL.protocol, extractor="inception", weights="a" * 64, metrics=("fid",), selection="validation"
    )
    own = replace(TRIAL, dataset="mine", own={"size": 28, "channels": 1}, protocol=protocol)
    recorded = {"datasets": {"mine": {"images": "/far/images"}}, "measure": {"weights": {"path": "/far/weights"}}}
    study = study_of(own, recorded, 1)
    assert study.datasets["mine"].images == "/far/images"
    assert study.dataset("mine").options == {"size": 28, "channels": 1, "images": "/far/images"}
    assert study.measure.weights is not None
    assert (study.measure.weights.path, study.measure.weights.sha256) == ("/far/weights", "a" * 64)
    assert study.measure.protocol(study.dataset("mine")) == protocol
    for nothing in (
        {},
        {"datasets": None, "measure": None},
        {"datasets": {"mine": None}, "measure": {"weights": None}},
    ):
        assert study_of(own, nothing, 1).datasets["mine"].images == "not on record"


def test_its_place_is_named_by_the_study_that_it_is_from() -> None:
    made = planned_of(TRIAL, "demo", {"phase": "wide", "sample": 3, "space": "wide", "sampler": None, "search_seed": 5})
    assert (made.search, made.sample) == ("demo-wide/ns/triangles_tiny", 3)
    assert (made.space, made.sampler, made.search_seed, made.trial) == ("wide", None, 5, TRIAL)


def test_the_images_of_a_record_are_those_of_its_fingerprints() -> None:
    rows = [{"dataset": "d", "fingerprint": json.dumps({"dataset_sha256": name})} for name in "aab"]
    assert images_of([*rows, {"dataset": "d", "fingerprint": None}]) == {"d": {"a", "b"}}
