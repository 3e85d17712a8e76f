"""Every cause of unfairness: said once with both values where it holds, and not where it does not."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis import frames
from analysis.comparison import fairness, paper, sides
from tests.analysis.synthetic import Recipe, write
from tests.analysis.test_compare import FID, POINTS, recipe, side

FAIR = "fashion: nothing known makes it unfair"


def published(**more: object) -> tuple[Recipe, Recipe]:
    """A search of 100 settings and 50 repeats of the one it chose, as published."""
    evidence = {"study": "x", "phase": "wide", "settings": 100, "failed": 0, "objective": "fid", "rule": "least"}

    def score(loss: str, sample: int, seed: int) -> float:
        return 30.0 + sample + 0.1 * seed

    search = recipe(score, ("mm",), settings=100, **more)
    return search, recipe(score, ("mm",), samples=(3,), seeds=50, phase="seeds", evidence=evidence, **more)


def told(tmp_path: Path, *recipes: Recipe, mixed: bool = False) -> list[str]:
    ours = side(write(tmp_path / "study", *recipes), mixed=mixed)
    return fairness.sentences(ours, paper.side(), mixed=mixed)["fashion"]


def test_nothing_is_unfair_and_that_is_said(tmp_path: Path) -> None:
    (sentence,) = told(tmp_path, *published())
    assert sentence.startswith(FAIR)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"measure": FID | {"generated": 5000}}, "generated images per evaluation: 5,000 here and 10,000 published"),
        ({"measure": FID | {"real": 2000}}, "real images per evaluation: 2,000 here and 10,000 published"),
        ({"measure": FID | {"selection": "train"}}, "the split that chooses is train here and test published"),
        ({"measure": FID | {"quantised": True}}, "generated images rounded to 256 levels: yes here and no published"),
        ({"content": {"width": 0.25}}, "the width of every hidden layer is 0.25 here and 1 published"),
        ({"content": {"batch_size": 128}}, "the batch size is 128 here and 64 published"),
        ({"content": {"batch_norm_decay": 0.9}}, "the decay of batch norm's averages is 0.9 here and 0.999 published"),
        ({"points": (100, 200, 300, 1000)}, "discriminator steps: 1,000 here and 15,625 published"),
        ({"points": POINTS[2:]}, "checkpoints measured: 2 here and 4 published"),
        ({"variants": {"mm": "corrected"}}, "variants other than as_run: mm corrected here and none published"),
    ],
)
def test_one_fact_that_differs_is_one_sentence_with_both_values(
    tmp_path: Path, more: dict[str, object], said: str
) -> None:
    few = recipe(lambda loss, sample, seed: 30.0 + sample, settings=2)
    as_published = told(tmp_path / "before", few)
    found = told(tmp_path / "after", replace(few, **more))  # type: ignore[arg-type]
    (sentence,) = set(found) - set(as_published)
    assert sentence.startswith(f"fashion: {said}; ")
    assert len(found) == len(as_published) + 1


def test_another_reporting_split_chooses_otherwise_too(tmp_path: Path) -> None:
    found = told(tmp_path, *published(measure=FID | {"reporting": "validation", "selection": "validation"}))
    assert [text.split(";")[0] for text in found] == [
        "fashion: the split that is reported is validation here and test published",
        "fashion: the split that chooses is validation here and test published",
    ]


def test_another_metric_and_other_weights_leave_no_difference(tmp_path: Path) -> None:
    found = told(tmp_path, *published(column="fd_cnn28"))
    assert found[0].startswith("fashion: the metric is fd_cnn28 here and fid published; the scales differ")
    assert (
        found[1]
        == "fashion: no difference is given between numbers of different making; --mixed gives them all the same."
    )
    ours = side(write(tmp_path / "weights", *published(measure=FID | {"weights": "cd" * 32})), mixed=True)
    sentences = fairness.sentences(ours, paper.side(), mixed=True)["fashion"]
    assert sentences[0].startswith("fashion: the extractor's weights are sha256 cdcdcdcdcdcd here and the usual ones")
    assert sentences[1].endswith("mean little; --mixed asked for them.")


def test_fewer_settings_and_seeds(tmp_path: Path) -> None:
    search, repeats = published()
    fewer = {"study": "x", "phase": "wide", "settings": 40, "failed": 0, "objective": "fid", "rule": "least"}
    found = told(tmp_path, replace(search, settings=10), replace(repeats, seeds=5, evidence=fewer))
    assert [text.split(";")[0] for text in found] == [
        "fashion: settings of a loss: 10 here and 100 published",
        "fashion: the best setting was chosen among 40 here and 100 published",
        "fashion: seeds of the best setting: 5 here and 50 published",
    ]


def test_failures_gaps_and_lost_seeds_are_counted(tmp_path: Path) -> None:
    search, repeats = published()
    found = told(
        tmp_path,
        replace(search, ending=lambda loss, sample, seed: "failed" if sample in (7, 8) else "done"),
        replace(repeats, ending=lambda loss, sample, seed: {0: "diverged", 1: "waiting"}.get(seed, "done")),
    )
    assert [text.split(" here ")[0] for text in found if " here have" in text or "diverged" in text] == [
        "fashion: 1 of 150 trials",
        "fashion: 2 of 100 settings",
        "fashion: 1 of 49 runs of best settings",
    ]


def test_seeds_that_chose_their_setting_flatter_it(tmp_path: Path) -> None:
    found = told(tmp_path, recipe(lambda loss, sample, seed: 30.0 + sample, ("mm",), settings=3, seeds=2))
    assert any("repeated by the very seeds that chose them" in text for text in found)


def test_celeba_is_published_on_its_validation_images(tmp_path: Path) -> None:
    facts = paper.side().facts["celeba"]
    assert (facts["reporting"], facts["selection"]) == ("validation", "validation")
    assert [paper.side().facts[name]["evaluations"] for name in ("mnist", "cifar10", "celeba")] == ["4", "20", "8"]


def test_fields_of_fingerprints_that_no_cause_names(tmp_path: Path) -> None:
    ours = side(write(tmp_path / "study", *published()))
    other = {**ours.facts["fashion"]}
    other["fingerprint"] = other["fingerprint"].replace("ab12", "cd34")
    theirs = replace(ours, where="there", facts={"fashion": other})
    assert fairness.sentences(ours, theirs)["fashion"] == [
        "fashion: the metrics were made differently (extractor_sha256), so the scales differ.",
        "fashion: no difference is given between numbers of different making; --mixed gives them all the same.",
    ]
    assert not fairness.comparable(ours.facts["fashion"], other)


def test_what_two_phases_do_differently_is_said_as_either(tmp_path: Path) -> None:
    search, repeats = published()
    folder = write(tmp_path / "study", search, replace(repeats, content={"width": 0.5}))
    ours = sides.of_study(frames.load(folder), None, "here")
    assert ours.facts["fashion"]["width"] == "1 or 0.5"
