"""A study's YAML: every fault is told with its place, its value and what is allowed, before anything runs."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import SAMPLERS, SPACES, Space
from study import identity, plan, spec
from study.data.catalogue import DATASETS
from study.errors import StudyError
from study.measures import EXTRACTORS, METRICS, ExtractorEntry
from study.models.losses import LOSSES, VARIANTS
from tests.conftest import TINY, tiny_study

PHASE: dict[str, Any] = {"name": "wide", "space": "wide", "settings": 2}
TOP = (
    "name, losses, variant, datasets, phases, width, batch_size, batch_norm_decay, measure, resources, keep_checkpoints"
)
ALL_LOSSES = "mm, ns, ls, wgan, wgan_gp, dragan, began, vae"
ALL_DATASETS = "mnist, fashion, cifar10, celeba, triangles, triangles_turned, triangles_tiny"


def fault(**changed: Any) -> str:
    """What a tiny study with these top-level keys is refused with."""
    with pytest.raises(StudyError) as caught:
        spec.validate({**TINY, **changed}, "my.yaml")
    return str(caught.value)


def scheduled(**schedule: Any) -> dict[str, Any]:
    return {"datasets": {"triangles_tiny": schedule}}


OWN: dict[str, Any] = {"images": "photos", "size": 28, "channels": 1, "steps": 20, "evaluations": 2}


def own(**changed: Any) -> dict[str, Any]:
    """A study of one's own images, with keys changed or, where None, left out."""
    return {"datasets": {"mine": {key: value for key, value in {**OWN, **changed}.items() if value is not None}}}


POLYGONS: dict[str, Any] = {"vertices": 5, "rotation": "full", "steps": 20, "evaluations": 2}


def polygons(**changed: Any) -> dict[str, Any]:
    """A study of polygons, with keys changed or, where None, left out."""
    return {"datasets": {"mine": {key: value for key, value in {**POLYGONS, **changed}.items() if value is not None}}}


def manifold(**constants: Any) -> dict[str, Any]:
    """A study that measures the manifold with these constants."""
    return {"measure": {"metrics": ["fd", "manifold"], "generated": 100, "real": 100, "manifold": constants}}


def phase(**changed: Any) -> dict[str, Any]:
    return {"phases": [{**PHASE, **changed}]}


# What is written, and the one line that answers.
NAMES: list[tuple[dict[str, Any], str]] = [
    ({"widht": 1}, f"widht: unknown key; did you mean 'width'?; valid: {TOP}"),
    ({"qqq": 1}, f"qqq: unknown key; valid: {TOP}"),
    (
        scheduled(step=4),
        "datasets.triangles_tiny.step: unknown key; did you mean 'steps'?; valid: steps, evaluations, images, size, "
        "channels, vertices, rotation",
    ),
    (
        phase(seed=2),
        "phases[0].seed: unknown key; did you mean 'seeds'?; valid: name, space, sampler, settings, select, seeds, "
        "first_seed, search_seed, losses, variant, datasets",
    ),
    (
        {"measure": {"reel": 1}},
        "measure.reel: unknown key; did you mean 'real'?; valid: extractor, weights, metrics, generated, real, "
        "splits, quantised, manifold",
    ),
    (
        {"resources": {"cpu": 2}},
        "resources.cpu: unknown key; did you mean 'cpus'?; valid: cpus, gpus, threads, retries, checkpoint_minutes",
    ),
    (
        {"losses": ["ns", "wgangp"]},
        f"losses[1]: 'wgangp' is not a loss; did you mean 'wgan_gp'?; valid: {ALL_LOSSES}",
    ),
    ({"losses": ["zzz"]}, f"losses[0]: 'zzz' is not a loss; valid: {ALL_LOSSES}"),
    (phase(losses=["gan"]), f"phases[0].losses[0]: 'gan' is not a loss; did you mean 'wgan'?; valid: {ALL_LOSSES}"),
    (
        {"datasets": {"fashon": {}}},
        f"datasets: 'fashon' is not a data set; did you mean 'fashion'?; valid: {ALL_DATASETS}; or give images, "
        "size and channels, or vertices and rotation",
    ),
    (
        phase(datasets=["triangle"]),
        "study: phase wide: 'triangle' is not an entry under datasets; did you mean 'triangles_tiny'?; valid: "
        "triangles_tiny",
    ),
    (
        phase(space="wid"),
        "phases[0].space: 'wid' is not a search space; did you mean 'wide'?; valid: wide, narrow",
    ),
    (
        {"measure": {"metrics": ["fx"]}},
        "measure.metrics[0]: 'fx' is not a metric; did you mean 'fd'?; valid: fd, fid, manifold",
    ),
    (
        {"measure": {"metrics": ["fd", "manifolds"]}},
        "measure.metrics[1]: 'manifolds' is not a metric; did you mean 'manifold'?; valid: fd, fid, manifold",
    ),
    (
        manifold(restart=3),
        "measure.manifold.restart: unknown key; did you mean 'restarts'?; valid: delta, samples, family, restarts, "
        "members, projection_steps, projection_rate, rounds, latents, inversion_steps, inversion_rate",
    ),
    (
        {"measure": {"manifolds": {}}},
        "measure.manifolds: unknown key; did you mean 'manifold'?; valid: extractor, weights, metrics, generated, "
        "real, splits, quantised, manifold",
    ),
    (
        {"measure": {"extractor": "cnn29"}},
        "measure.extractor: 'cnn29' is not an extractor; did you mean 'cnn28'?; valid: cnn28, inception",
    ),
]


@pytest.mark.parametrize(("changed", "line"), NAMES, ids=[line.partition(":")[0] for _, line in NAMES])
def test_a_wrong_name_is_told_with_the_closest_and_all_valid_ones(changed: dict[str, Any], line: str) -> None:
    assert fault(**changed) == f"my.yaml: {line}"


# What is written, where it stands, and what the line must hold beside the value.
VALUES: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"width": "1"}, "width", ["valid number", "'1'"]),
    ({"width": True}, "width", ["valid number", "True"]),
    ({"width": 0}, "width", ["greater than 0", "got 0"]),
    ({"width": float("nan")}, "width", ["got nan"]),
    ({"width": 4.5}, "width", ["less than or equal to 4", "got 4.5"]),
    ({"batch_size": 64.0}, "batch_size", ["valid integer", "64.0"]),
    ({"batch_size": 1}, "batch_size", ["greater than or equal to 2", "got 1"]),
    ({"batch_norm_decay": 1}, "batch_norm_decay", ["less than 1", "got 1"]),
    ({"name": 5}, "name", ["valid string", "got 5"]),
    ({"name": "Not good"}, "name", ["pattern", "'Not good'"]),
    ({"losses": "ns"}, "losses", ["valid list", "'ns'"]),
    ({"losses": []}, "losses", ["at least 1", "[]"]),
    ({"losses": ["ns", "ls", "ns"]}, "losses", ["named twice: ns"]),
    ({"datasets": ["fashion"]}, "datasets", ["valid dictionary", "['fashion']"]),
    ({"datasets": {}}, "datasets", ["at least 1"]),
    ({"phases": []}, "phases", ["at least 1", "[]"]),
    ({"phases": [PHASE, PHASE]}, "study", ["phases need names of their own, got wide, wide"]),
    (phase(settings=0), "phases[0].settings", ["greater than or equal to 1", "got 0"]),
    (phase(settings="10"), "phases[0].settings", ["valid integer", "'10'"]),
    (phase(seeds=-1), "phases[0].seeds", ["greater than or equal to 1", "got -1"]),
    (phase(search_seed=-1), "phases[0].search_seed", ["greater than or equal to 0", "got -1"]),
    (phase(datasets=["fashion"]), "study", ["phase wide", "'fashion'", "triangles_tiny"]),
    ({"measure": {"real": 1}}, "measure.real", ["greater than or equal to 2", "got 1"]),
    ({"measure": {"generated": 1}}, "measure.generated", ["greater than or equal to 2", "got 1"]),
    ({"measure": {"metrics": []}}, "measure.metrics", ["at least 1", "[]"]),
    ({"measure": {"real": 257}}, "study", ["measure.real=257", "test", "triangles_tiny", "256"]),
    ({"measure": {"splits": "both"}}, "measure.splits", ["'separate' or 'published'", "'both'"]),
    ({"measure": {"metrics": ["fid"]}}, "measure", ["fid", "cnn28", "it has fd"]),
    ({"measure": {"extractor": "inception"}}, "measure", ["fd", "inception", "it has fid"]),
    ({"measure": {"weights": {"path": "x", "sha256": "0" * 64}}}, "measure", ["cnn28", "ships", "leave weights out"]),
    ({"measure": {"weights": {"path": "x"}}}, "measure.weights.sha256", ["required"]),
    ({"datasets": {"cifar10": {}}}, "study", ["cnn28", "(1, 28, 28)", "cifar10", "(3, 32, 32)"]),
    ({"variant": "correct"}, "variant", ["'correct'", "'corrected'", "as_run, as_printed, corrected"]),
    ({"variant": {"lss": "corrected"}}, "variant", ["'lss'", "'ls'"]),
    ({"variant": {"ns": "fixed"}}, "variant", ["'fixed'", "as_run, as_printed, corrected"]),
    ({"variant": 3}, "variant", ["3", "as_run"]),
    (phase(sampler="publishd"), "phases[0].sampler", ["'published'", "random, published"]),
    (phase(sampler="published", settings=101), "phases[0]", ["100 settings", "wide", "101"]),
    (phase(sampler="published", search_seed=2), "phases[0]", ["search_seed=2", "leave it out"]),
    ({"phases": [{"name": "a", "settings": 2}]}, "phases[0]", ["space and settings, or select"]),
    (phase(select={"phase": "wide"}), "phases[0]", ["leave space, settings"]),
    ({"phases": [{"name": "a", "select": {"phase": "b"}}]}, "study", ["select.phase='b'", "no phase before it"]),
    ({"phases": [PHASE, {"name": "a", "select": {"phase": "a"}}]}, "study", ["select.phase='a'", "(wide)"]),
    (
        {"phases": [{"name": "a", "select": {"phase": "b", "stdy": "c"}}]},
        "phases[0].select.stdy",
        ["did you mean 'study'?", "valid: study, phase"],
    ),
    ({"variant": None}, "variant", ["None is not a variant", "as_run"]),
    ({"variant": {"ls": "corrected"}}, "study", ["variant: 'ls' is not a loss of this study", "ns, vae"]),
    (phase(variant={"mm": "corrected"}), "study", ["phase wide: variant: 'mm' is not a loss of it", "ns, vae"]),
    (phase(variant="fixed"), "phases[0].variant", ["'fixed'", "as_run, as_printed, corrected"]),
    (phase(select="wide"), "phases[0].select", ["a mapping with the keys study, phase", "'wide'"]),
    ({"measure": {"weights": "x"}}, "measure.weights", ["a mapping with the keys path, sha256", "'x'"]),
    (
        {"phases": [{**PHASE, "losses": ["ns"]}, {"name": "a", "select": {"phase": "wide"}}]},
        "study",
        ["phase a: 'vae' is not a loss of the phase wide", "valid: ns"],
    ),
    (own(size=None), "datasets.mine", ["all three", "images, size and channels"]),
    (own(steps=None, evaluations=None), "datasets.mine", ["no published schedule", "steps and evaluations"]),
    (own(size=30), "datasets.mine.size", ["multiple of 4", "30"]),
    (own(channels=2), "datasets.mine.channels", ["1 or 3", "2"]),
    ({"datasets": {"fashion": OWN}}, "datasets", ["fashion", "a name of their own"]),
    ({"datasets": {"raw": OWN}}, "datasets", ["raw", "a name of their own"]),
    (polygons(vertices=2), "datasets.mine.vertices", ["greater than or equal to 3", "got 2"]),
    (polygons(vertices=36), "datasets.mine.vertices", ["less than or equal to 35", "got 36"]),
    (polygons(vertices=5.0), "datasets.mine.vertices", ["valid integer", "5.0"]),
    (polygons(rotation="half"), "datasets.mine.rotation", ["'published' or 'full'", "'half'"]),
    (polygons(rotation=None), "datasets.mine", ["need both", "vertices and rotation"]),
    (polygons(vertices=None), "datasets.mine", ["need both", "vertices and rotation"]),
    (polygons(steps=None, evaluations=None), "datasets.mine", ["polygons of your own have no published schedule"]),
    (polygons(images="photos", size=28, channels=1), "datasets.mine", ["images of your own, or polygons", "leave"]),
    ({"datasets": {"triangles": POLYGONS}}, "datasets", ["triangles: polygons of your own", "a name of their own"]),
    ({"datasets": {"references": POLYGONS}}, "datasets", ["references: polygons of your own", "a name of their own"]),
    ({**polygons(), "measure": {"real": 10_001}}, "study", ["measure.real=10001", "the split test of mine has 10000"]),
    (manifold(delta=0), "measure.manifold.delta", ["greater than 0", "got 0"]),
    (manifold(delta=float("inf")), "measure.manifold.delta", ["finite", "got inf"]),
    (manifold(delta="0.75"), "measure.manifold.delta", ["valid number", "'0.75'"]),
    (manifold(samples=1), "measure.manifold.samples", ["greater than or equal to 2", "got 1"]),
    (manifold(samples=50.0), "measure.manifold.samples", ["valid integer", "50.0"]),
    (manifold(family="all"), "measure.manifold.family", ["'recipe' or 'free'", "'all'"]),
    (manifold(restarts=0), "measure.manifold.restarts", ["greater than or equal to 1", "got 0"]),
    (manifold(restarts=65), "measure.manifold.restarts", ["less than or equal to 64", "got 65"]),
    (manifold(projection_steps=0), "measure.manifold.projection_steps", ["greater than or equal to 1", "got 0"]),
    (manifold(projection_rate=-1), "measure.manifold.projection_rate", ["greater than 0", "got -1"]),
    (manifold(inversion_steps=0), "measure.manifold.inversion_steps", ["greater than or equal to 1", "got 0"]),
    (manifold(inversion_rate=float("nan")), "measure.manifold.inversion_rate", ["got nan"]),
    (
        {"measure": {"metrics": ["fd", "manifold"], "real": 100, "manifold": 3}},
        "measure.manifold",
        ["a mapping with the keys delta, samples", "3"],
    ),
    (manifold(samples=101), "measure", ["manifold.samples=101", "generates 100 images", "raise measure.generated"]),
    (manifold(), "measure", ["manifold.samples=1024", "generates 100 images"]),
    (
        {"measure": {"metrics": ["fd", "manifold"], "real": 100, "manifold": {"samples": 257}}},
        "study",
        ["measure.manifold.samples=257", "the split test of triangles_tiny has 256 images"],
    ),
    ({"measure": {"metrics": ["fd"], "manifold": {}}}, "measure", ["not measured", "name it under metrics"]),
    ({"measure": {"metrics": ["manifold", "fd"]}}, "measure", ["manifold is better when it is higher", "fd, fid"]),
    ({"measure": {"metrics": ["manifold"]}}, "measure", ["manifold is better when it is higher", "fd, fid"]),
    (
        {"datasets": {"fashion": {}, "mnist": {}}, "measure": {"metrics": ["fd", "manifold"]}},
        "study",
        ["the metric manifold", "none of fashion, mnist", "triangles, triangles_turned, triangles_tiny", "of your own"],
    ),
    ({"batch_size": 1025}, "study", ["batch_size=1025", "triangles_tiny", "1024"]),
    ({"resources": {"cpus": 0}}, "resources.cpus", ["greater than or equal to", "got 0"]),
    ({"resources": {"threads": 0.5}}, "resources.threads", ["valid integer", "got 0.5"]),
    ({"resources": {"gpus": -0.5}}, "resources.gpus", ["greater than or equal to 0", "got -0.5"]),
    ({"resources": {"checkpoint_minutes": 0}}, "resources.checkpoint_minutes", ["greater than 0", "got 0"]),
    ({"keep_checkpoints": "yes"}, "keep_checkpoints", ["valid boolean", "'yes'"]),
    (scheduled(steps=40), "datasets.triangles_tiny", ["steps and evaluations together"]),
    (scheduled(evaluations=2), "datasets.triangles_tiny", ["steps and evaluations together"]),
    (scheduled(steps=4, evaluations=5), "datasets.triangles_tiny", ["5 evaluations", "4 steps"]),
    (scheduled(steps=0, evaluations=1), "datasets.triangles_tiny.steps", ["greater than or equal to 1", "got 0"]),
    (scheduled(steps=4, evaluations=[2, 1, 4]), "datasets.triangles_tiny", ["must rise", "[2, 1, 4]"]),
    (scheduled(steps=4, evaluations=[2, 2, 4]), "datasets.triangles_tiny", ["must rise", "[2, 2, 4]"]),
    (scheduled(steps=4, evaluations=[1, 2]), "datasets.triangles_tiny", ["last step, 4", "[1, 2]"]),
    (scheduled(steps=4, evaluations=[]), "datasets.triangles_tiny", ["last step, 4", "[]"]),
]


@pytest.mark.parametrize(("changed", "place", "words"), VALUES, ids=[f"{c!r:.60}" for c, _, _ in VALUES])
def test_a_wrong_value_is_told_with_its_place(changed: dict[str, Any], place: str, words: list[str]) -> None:
    line = fault(**changed)
    assert line.startswith(f"my.yaml: {place}: ")
    assert "\n" not in line
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("evaluations", "value"), [(0, "0"), ("x", "'x'"), ([0, 4], "0"), ([1.5, 4], "1.5"), ({"at": 4}, "'at'")]
)
def test_wrong_evaluations_are_told_where_they_stand(evaluations: Any, value: str) -> None:
    told = fault(**scheduled(steps=4, evaluations=evaluations))
    assert "my.yaml: datasets.triangles_tiny.evaluations" in told
    assert value in told
    assert "constrained-int" not in told  # the validator's word, not the reader's


@pytest.mark.parametrize(
    "changed",
    [phase(losses=["ns", "ns"]), phase(datasets=["triangles_tiny"] * 2), {"measure": {"metrics": ["fd", "fd"]}}],
    ids=["losses", "datasets", "metrics"],
)
def test_nothing_is_named_twice(changed: dict[str, Any]) -> None:
    if "measure" in changed:
        changed = {"measure": {**changed["measure"], "real": 100}}
    assert "named twice" in fault(**changed)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(StudyError) as caught:
        spec.validate({"phases": [{"space": "wide"}]}, "my.yaml")
    assert str(caught.value).splitlines() == [
        "my.yaml: name: Field required",
        "my.yaml: datasets: Field required",
        "my.yaml: phases[0].name: Field required",
    ]


def test_faults_are_told_together() -> None:
    told = fault(widht=1, losses=["nss"], batch_size="x", measure={"real": "y", "metrics": ["f"]}).splitlines()
    assert [line.split(": ")[1] for line in told] == [
        "losses[0]", "batch_size", "measure.metrics[0]", "measure.real", "widht"
    ]  # fmt: skip


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 32, 32), (3, 28, 28)])
def test_an_extractor_must_fit_the_images(shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    other = ExtractorEntry("other", "nowhere:Nothing", shape, 8, 0.1, None, "for a test")
    monkeypatch.setitem(EXTRACTORS, "other", other)
    told = fault(measure={"extractor": "other", "real": 100})
    assert told == f"my.yaml: study: the extractor other takes {shape}, but triangles_tiny is (1, 28, 28)"


def test_an_extractor_that_resizes_fits_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRACTORS, "other", ExtractorEntry("other", "nowhere:Nothing", None, 8, 0.1, None, "for"))
    assert tiny_study(measure={"extractor": "other", "real": 100}).measure.extractor == "other"


def test_a_space_must_know_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SPACES, "small", Space("small", {"ns": SPACES["wide"].rows["ns"]}))
    assert fault(**phase(space="small")) == "my.yaml: study: phase wide: the space small has no row for the loss vae"
    assert tiny_study(**phase(space="small", losses=["ns"])).phases[0].space == "small"


@pytest.mark.parametrize("content", [None, [], 3, "text"])
def test_what_is_no_mapping_is_told_the_keys(content: object) -> None:
    with pytest.raises(StudyError) as caught:
        spec.validate(content, "my.yaml")
    assert str(caught.value) == f"my.yaml: expected a mapping with the keys {TOP}, got {content!r}"


@pytest.mark.parametrize("text", ["a: [", "\x00", "name: !!python/object/apply:os.getcwd []", "? [a]\n: 1"])
def test_what_is_no_yaml_is_told_as_such(text: str) -> None:
    with pytest.raises(StudyError, match=r"^my\.yaml is no YAML: "):
        spec.parse(text, "my.yaml")


def test_an_unknown_preset_and_a_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError) as caught:
        spec.load("dem")
    assert str(caught.value).startswith("'dem' is not a preset; did you mean 'demo'?; valid: ")
    assert "demo-triangles" in str(caught.value)
    with pytest.raises(StudyError, match=r"there is no file missing\.yaml; .*demo"):
        spec.load("missing.yaml")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(TINY))
    assert spec.load("mine.yaml") == spec.load(str(tmp_path / "mine.yaml")) == tiny_study()
    with pytest.raises(StudyError, match=r"did you mean 'mine\.yaml'"):
        spec.load("mine")


def test_the_faults_of_a_file_name_the_file(tiny_yaml: Callable[..., Path]) -> None:
    path = tiny_yaml(losses=["nss"])
    with pytest.raises(StudyError) as caught:
        spec.load(str(path))
    assert str(caught.value).startswith(f"{path}: losses[0]: 'nss' is not a loss; did you mean 'ns'?")


def test_what_is_left_out() -> None:
    study = spec.validate({"name": "least", "datasets": {"fashion": {}}, "phases": [PHASE]}, "my.yaml")
    assert study.losses == list(LOSSES) == ALL_LOSSES.split(", ")
    assert (study.width, study.batch_size, study.batch_norm_decay, study.keep_checkpoints) == (1.0, 64, 0.999, False)
    assert study.measure.model_dump() == {
        "extractor": "cnn28", "weights": None, "metrics": ["fd"], "generated": 10_000,
        "real": 10_000, "splits": "separate", "quantised": False, "manifold": None,
    }  # fmt: skip
    assert study.resources.model_dump() == {
        "cpus": 1.0, "gpus": 0.0, "threads": 1, "retries": 1, "checkpoint_minutes": 5.0
    }  # fmt: skip
    assert study.datasets["fashion"].points("fashion") == (3_906, 7_812, 11_718, 15_625)
    assert (study.phases[0].seeds, study.phases[0].search_seed) == (1, 0)
    assert (study.phases[0].losses, study.phases[0].datasets) == (None, None)


def test_constants_left_out_are_the_published_ones_and_written_out() -> None:
    """delta and samples: Lucic et al. 2018, section 5.2; whether the constants are left out, empty or null."""
    usual = {
        "delta": 0.75, "samples": 1_024, "family": "recipe", "restarts": 5, "members": 16_384, "projection_steps": 80,
        "projection_rate": 0.4, "rounds": 40, "latents": 4_096, "inversion_steps": 400, "inversion_rate": 0.2,
    }  # fmt: skip
    dumps = set()
    for said in ({}, {"manifold": {}}, {"manifold": None}):
        measure = {"metrics": ["fd", "manifold"], **said}
        study = tiny_study(datasets={"triangles": {}}, measure=measure)
        assert study.measure.manifold is not None
        assert study.measure.manifold.model_dump() == usual
        assert study.measure.protocol(DATASETS["triangles"]).constants == {"manifold": usual}
        dumps.add(spec.dump(study))
    (text,) = dumps
    assert yaml.safe_load(text)["measure"]["manifold"] == usual
    assert spec.dump(spec.parse(text, "dumped")) == text
    assert yaml.safe_load(spec.dump(tiny_study()))["measure"]["manifold"] is None


def test_every_data_set_is_measured_by_what_can_be_measured_on_it() -> None:
    study = tiny_study(
        datasets={"fashion": {}, "triangles": {}, "mine": POLYGONS}, measure={"metrics": ["fd", "manifold"]}
    )
    protocols = {name: study.measure.protocol(study.dataset(name)) for name in study.datasets}
    assert {name: protocol.metrics for name, protocol in protocols.items()} == {
        "fashion": ("fd",), "triangles": ("fd", "manifold"), "mine": ("fd", "manifold")
    }  # fmt: skip
    alone = tiny_study(datasets={"fashion": {}}, measure={"metrics": ["fd"]})
    assert protocols["fashion"] == alone.measure.protocol(DATASETS["fashion"])
    assert protocols["triangles"].objective == "fd_cnn28_selection"


@pytest.mark.parametrize(
    ("schedule", "points"),
    [
        ({"steps": 900, "evaluations": 3}, (300, 600, 900)),
        ({"steps": 10, "evaluations": 3}, (3, 6, 10)),
        ({"steps": 5, "evaluations": 5}, (1, 2, 3, 4, 5)),
        ({"steps": 7, "evaluations": 1}, (7,)),
        ({"steps": 60, "evaluations": [1, 59, 60]}, (1, 59, 60)),
        ({}, (20, 40, 60)),
    ],
)
def test_evaluation_points(schedule: dict[str, Any], points: tuple[int, ...]) -> None:
    assert tiny_study(**scheduled(**schedule)).datasets["triangles_tiny"].points("triangles_tiny") == points


@given(st.integers(1, 10_000), st.integers(1, 100))
def test_evaluation_points_rise_to_the_last_step(steps: int, count: int) -> None:
    if count <= steps:
        points = spec.Schedule(steps=steps, evaluations=count).points("triangles_tiny")
        assert len(points) == count
        assert points[-1] == steps
        assert all(a < b for a, b in zip((0, *points), points, strict=False))
        gaps = [b - a for a, b in zip((0, *points), points, strict=False)]
        assert max(gaps) - min(gaps) <= 1


def test_vertices_and_rotation_decide_what_a_trial_is() -> None:
    """Other polygons under the same name are other trials; a study read again is the same."""
    ids = set()
    for changed in ({}, {"vertices": 6}, {"rotation": "published"}):
        study = tiny_study(**polygons(**changed))
        again = spec.parse(spec.dump(study), "dumped")
        assert again == study == spec.anchored(study, Path("/elsewhere"))
        trial = plan.build(again, {})[0].trial
        assert trial.own == {"vertices": 5, "rotation": "full", **changed}
        assert trial.data == study.dataset("mine") == identity.from_content(trial.content).data
        assert (trial.protocol.selection, trial.protocol.reporting) == ("holdout", "test")
        ids.add(trial.id)
    assert len(ids) == 3


def test_a_whole_number_serves_as_a_fraction() -> None:
    whole, fraction = tiny_study(width=1), tiny_study(width=1.0)
    assert repr(whole.width) == repr(fraction.width) == "1.0"
    assert [planned.trial.id for planned in plan.build(whole, {})] == [
        planned.trial.id for planned in plan.build(fraction, {})
    ]


def test_presets_load_and_plan() -> None:
    assert {"demo", "demo-triangles"} <= set(spec.presets())
    for name in spec.presets():
        study = spec.load(name)
        assert study.name == name
        assert plan.build(study, {}) or plan.deferred(study, {})
    demo, triangles = spec.load("demo"), spec.load("demo-triangles")
    for study, dataset in ((demo, "fashion"), (triangles, "triangles")):
        trials = [planned.trial for planned in plan.build(study, {})]
        assert len(trials) == 8 * 4
        assert {trial.loss for trial in trials} == set(LOSSES)
        assert {trial.dataset for trial in trials} == {dataset}
        assert {len(trial.evaluations) for trial in trials} == {3}
    ours, theirs = (study.model_dump(exclude={"name", "datasets"}) for study in (demo, triangles))
    measure = {"metrics": ["fd", "manifold"], "manifold": theirs["measure"]["manifold"]}
    assert ours | {"measure": ours["measure"] | measure} == theirs


def test_the_json_schema_lists_every_name() -> None:
    schema = json.loads(json.dumps(spec.Study.model_json_schema()))
    parts = schema["$defs"]
    assert schema["type"] == "object"
    assert list(schema["properties"]) == TOP.split(", ")
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"name", "datasets", "phases"}
    assert schema["properties"]["losses"]["items"]["enum"] == list(LOSSES)
    assert schema["properties"]["datasets"]["propertyNames"]["anyOf"][0]["enum"] == list(DATASETS)
    assert parts["Phase"]["properties"]["space"]["anyOf"][0]["enum"] == list(SPACES)
    assert parts["Phase"]["properties"]["sampler"]["enum"] == list(SAMPLERS)
    assert schema["properties"]["variant"]["anyOf"][0]["enum"] == list(VARIANTS)
    assert parts["Measure"]["properties"]["extractor"]["enum"] == list(EXTRACTORS)
    assert parts["Measure"]["properties"]["metrics"]["items"]["enum"] == list(METRICS)
    assert set(parts) == {"Schedule", "Phase", "Select", "Measure", "Manifold", "Weights", "Resources"}
    assert all(part["additionalProperties"] is False for part in parts.values())
    for reference in _references(schema):
        assert reference.removeprefix("#/$defs/") in parts


def _references(part: object) -> list[str]:
    if isinstance(part, dict):
        return [v for k, v in part.items() if k == "$ref"] + [r for v in part.values() for r in _references(v)]
    return [reference for each in part for reference in _references(each)] if isinstance(part, list) else []


@pytest.mark.parametrize("preset", ["demo", "demo-triangles"])
def test_a_dumped_preset_is_the_same_study(preset: str) -> None:
    study = spec.load(preset)
    text = spec.dump(study)
    assert spec.parse(text, "dumped") == study
    assert spec.dump(spec.parse(text, "dumped")) == text
    assert "checkpoint_minutes: 5.0" in text  # a default, spelt out


@given(
    losses=st.lists(st.sampled_from(list(LOSSES)), min_size=1, unique=True),
    evaluations=st.lists(st.integers(1, 500), min_size=1, max_size=5, unique=True).map(sorted),
    width=st.floats(1e-6, 4),
    decay=st.floats(0, 1, exclude_max=True),
    settings=st.integers(1, 3),
    keep=st.booleans(),
)
def test_any_dumped_study_is_the_same_study(
    losses: list[str], evaluations: list[int], width: float, decay: float, settings: int, keep: bool
) -> None:
    study = tiny_study(
        losses=losses, width=width, batch_norm_decay=decay, keep_checkpoints=keep,
        **scheduled(steps=evaluations[-1], evaluations=evaluations), **phase(settings=settings),
    )  # fmt: skip
    again = spec.parse(spec.dump(study), "dumped")
    assert again == study
    assert [planned.trial.id for planned in plan.build(again, {})] == [
        planned.trial.id for planned in plan.build(study, {})
    ]


def test_planning_needs_no_torch() -> None:
    program = (
        "import sys; from study import plan, spec, cost; trials = plan.build(spec.load('demo'), {}); "
        "print(len(trials), sorted({'torch', 'ray', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "32 []\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\nname: b\n", "'name' stands twice"),
        ("name: 2020-13-45\n", "is no YAML"),
        ("[" * 3_000, "is no YAML"),
        (f"name: {'9' * 5_000}\n", "is no YAML"),
    ],
)
def test_a_text_that_yaml_cannot_mean_is_told_in_words(text: str, told: str) -> None:
    with pytest.raises(StudyError, match=told):
        spec.parse(text, "my.yaml")


def test_the_folder_of_train_is_no_name_for_a_study(tiny_yaml: Callable[..., Path]) -> None:
    with pytest.raises(StudyError, match="'train' is the folder of gan-study train"):
        spec.load(str(tiny_yaml(name="train")))


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(StudyError, match="no text in UTF-8"):
        spec.load(str(path))


def test_too_few_images_for_the_features_are_warned_of() -> None:
    """cnn28 has 64 features: 65 images are the fewest of which the covariance has full rank."""
    assert tiny_study(measure={"generated": 65, "real": 65}).measure.caution() == ""
    for measure in ({"generated": 64, "real": 100}, {"generated": 100, "real": 64}):
        told = tiny_study(measure=measure).measure.caution()
        assert "64 images for 64 features of cnn28" in told


def test_anchored_paths_mean_the_same_files_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    weights = {"path": "weights/other.pt", "sha256": "0" * 64}
    datasets = {
        "one": {**OWN, "images": "photos"},
        "two": {**OWN, "images": "../photos.npz"},
        "three": {**OWN, "images": "~/photos"},
        "four": {**OWN, "images": "/photos"},
        "fashion": {"steps": 20, "evaluations": 2},
    }
    measure = {**TINY["measure"], "extractor": "inception", "metrics": ["fid"], "weights": weights}
    study = tiny_study(datasets=datasets, measure=measure)
    anchored = spec.anchored(study, tmp_path)
    assert {name: schedule.images for name, schedule in anchored.datasets.items()} == {
        "one": f"{tmp_path}/photos", "two": f"{tmp_path}/../photos.npz", "three": "/home/me/photos",
        "four": "/photos", "fashion": None,
    }  # fmt: skip
    assert anchored.measure.weights is not None
    assert (anchored.measure.weights.path, anchored.measure.weights.sha256) == (
        f"{tmp_path}/weights/other.pt",
        "0" * 64,
    )
    assert spec.anchored(anchored, Path("/elsewhere")) == anchored
    assert spec.parse(spec.dump(anchored), "again") == anchored
    assert [planned.trial.id for planned in plan.build(anchored, {})] == [
        planned.trial.id for planned in plan.build(study, {})
    ]


@pytest.mark.parametrize("name", spec.presets())
def test_a_study_without_paths_of_its_own_is_anchored_as_it_is(name: str, tmp_path: Path) -> None:
    study = spec.load(name)
    assert spec.anchored(study, tmp_path) == study
