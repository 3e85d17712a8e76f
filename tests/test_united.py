"""What a merge writes as study.yaml: one study where one has that plan, else what can be read and not be run."""

from typing import Any

import pytest

from study import plan, spec
from study.errors import StudyError
from study.plan import Selected
from study.results.rowfile import Row
from study.spec import Merged, Study
from study.united import describe
from tests.conftest import tiny_study

Rows = list[dict[str, Any]]


def planned(study: Study, selections: plan.Selections | None = None) -> Rows:
    return [each.row(i) for i, each in enumerate(plan.build(study, selections or {}))]


def together(*several: Rows) -> list[Row]:
    return list({(row["phase"], row["trial"], row["sample"]): row for rows in several for row in rows}.values())


def united(*studies: Study, name: str = "ours") -> Study | Merged:
    """What the text of their union is read as."""
    texts = {f"s{i}": spec.dump(study) for i, study in enumerate(studies)}
    return spec.stored(describe(name, texts, together(*map(planned, studies))), "study.yaml")


def test_copies_of_one_study_are_that_study() -> None:
    study = tiny_study()
    assert united(study, study) == study.model_copy(update={"name": "ours"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"losses": ["ns"]}, {"losses": ["vae", "began"]}),
        ({"phases": [{"name": "wide", "space": "wide", "settings": 2}]},
         {"phases": [{"name": "wide", "space": "wide", "settings": 5}]}),
        ({"phases": [{"name": "wide", "space": "wide", "settings": 2, "seeds": 2}]},
         {"phases": [{"name": "wide", "space": "wide", "settings": 2, "first_seed": 2, "seeds": 3}]}),
        ({"phases": [{"name": "wide", "space": "wide", "settings": 2}]},
         {"phases": [{"name": "other", "space": "wide", "settings": 2, "search_seed": 5}]}),
        ({"resources": {"retries": 4}}, {"keep_checkpoints": True}),
    ],
)  # fmt: skip
def test_parts_of_one_study_are_one_study(one: dict[str, Any], other: dict[str, Any]) -> None:
    studies = tiny_study(**one), tiny_study(**other)
    found = united(*studies)
    assert isinstance(found, Study)
    places = [{(row["phase"], row["sample"], row["trial"]) for row in planned(each)} for each in (*studies, found)]
    assert places[2] == places[0] | places[1]


@pytest.mark.parametrize(
    "other",
    [
        {"width": 0.125},
        {"variant": "as_printed"},
        {"datasets": {"triangles_tiny": {"steps": 40, "evaluations": 2}}},
        {"losses": ["began"], "phases": [{"name": "wide", "space": "wide", "settings": 3}]},  # not all of 2 x 3
        {"phases": [{"name": "wide", "space": "wide", "settings": 2, "first_seed": 2}]},  # seed 1 of neither
    ],
)
def test_what_no_study_plans_can_be_read_and_not_be_run(other: dict[str, Any]) -> None:
    studies = tiny_study(), tiny_study(**other)
    found = united(*studies)
    assert isinstance(found, Merged)
    assert (found.name, list(found.merged), found.resources) == ("ours", ["s0", "s1"], tiny_study().resources)
    assert all(file.startswith("study-") for file in found.merged.values())
    texts = {"a": spec.dump(studies[0]), "b": spec.dump(studies[1])}
    text = describe("ours", texts, together(*map(planned, studies)))
    with pytest.raises(StudyError, match="gan-study merge united it out of a, b: run those, and merge again"):
        spec.parse(text, "study.yaml")


def test_a_text_that_is_no_study_of_this_version_is_kept_by_name() -> None:
    study = tiny_study()
    text = describe("ours", {"old": "name: old\nbudget: 7\n", "new": spec.dump(study)}, planned(study))
    assert isinstance(spec.stored(text, ""), Merged)


def test_selected_settings_are_part_of_the_plan() -> None:
    phases: list[dict[str, Any]] = [
        {"name": "wide", "space": "wide", "settings": 2},
        {"name": "seeds", "select": {"phase": "wide"}, "seeds": 2},
    ]
    study = tiny_study(losses=["ns"], phases=phases)
    (_, second) = plan.build(study, {})
    chosen = [
        {"seeds": {("ns", "triangles_tiny"): Selected(each.sample, each.trial.hyperparameters, 1, '{"seeds": [0]}')}}
        for each in plan.build(study, {})
    ]
    rows = planned(study, chosen[1])
    assert [row["sample"] for row in rows] == [0, 1, 1, 1]
    texts = {"a": spec.dump(study), "b": spec.dump(study)}
    assert isinstance(spec.stored(describe("ours", texts, rows), ""), Study)
    assert second.sample == 1
    other = planned(study, chosen[0])  # two studies that selected differently: no study plans both
    assert isinstance(spec.stored(describe("ours", texts, together(rows, other)), ""), Merged)


def test_another_name_is_put_into_what_is_stored() -> None:
    study = tiny_study()
    assert spec.parse(spec.renamed(spec.dump(study), "other"), "") == study.model_copy(update={"name": "other"})
    merged = describe("ours", {"old": "name: old\n"}, planned(study))
    found = spec.stored(spec.renamed(merged, "other"), "")
    assert isinstance(found, Merged)
    assert (found.name, list(found.merged)) == ("other", ["old"])
