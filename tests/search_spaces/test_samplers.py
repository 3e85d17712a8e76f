"""Samplers, and the published study's own settings against pandas' reading of them."""

from collections.abc import Hashable
from importlib.resources import files
from typing import Any

import pandas as pd
import pytest

import search_spaces
from search_spaces import NARROW, SAMPLERS, SPACES, WIDE, Space, published
from search_spaces.dimensions import Uniform, Value
from search_spaces.hyperparameters import HYPERPARAMETERS
from search_spaces.hyperparameters import check as check_values
from search_spaces.samplers import check
from study.errors import StudyError
from study.models.losses import LOSSES, VARIANTS

COUNTS = {"wide": 100, "narrow": 50}
CASES = [(space, loss) for space in COUNTS for loss in LOSSES]
LAMBDA = {"wgan_gp": "penalty_weight", "dragan": "penalty_weight", "began": "k_learning_rate"}


def table(space: str) -> pd.DataFrame:
    with (files(search_spaces) / f"published_{space}.csv").open() as file:
        return pd.read_csv(file)


def read(space: str, loss: str) -> list[dict[Hashable, Any]]:
    """The settings of a loss by sample, in the names of the project, as pandas reads the numbers."""
    rows = table(space).query("loss == @loss").set_index("sample_id").sort_index()
    named = rows.rename(
        columns={
            "discriminator_batchnorm": "batch_norm",
            "weight_clipping": "clip",
            "lambda": LAMBDA.get(loss, "unused"),
        }
    )
    kept = named.drop(columns=["range", "loss", "unused", *(["disc_iters"] if loss == "vae" else [])], errors="ignore")
    return [row.dropna().to_dict() for _, row in kept.iterrows()]


def replayed(space: str, loss: str, sample: int, variant: str = "as_run") -> dict[str, Value]:
    return SAMPLERS["published"].setting(SPACES[space], loss, variant, sample, 0)


@pytest.mark.parametrize(("space", "count"), COUNTS.items())
def test_the_files_hold_every_setting_once(space: str, count: int) -> None:
    whole = table(space)
    assert set(whole["range"]) == {space}
    assert set(whole["loss"]) == set(LOSSES)
    assert len(whole) == 8 * count
    for _, rows in whole.groupby("loss"):
        assert list(rows["sample_id"]) == list(range(count))  # in order: the sampler counts lines
    assert SAMPLERS["published"].most(space) == count


@pytest.mark.parametrize(("space", "loss"), CASES)
def test_exactly_the_published_settings(space: str, loss: str) -> None:
    expected = read(space, loss)
    found = [replayed(space, loss, sample) for sample in range(COUNTS[space])]
    assert len(expected) == len(found)
    for drawn, wanted in zip(found, expected, strict=True):
        assert drawn == pytest.approx(wanted, rel=1e-15)
        assert list(drawn) == list(SPACES[space].for_loss(loss, "as_run"))
        assert all(type(value) is HYPERPARAMETERS[name].kind for name, value in drawn.items())
        assert check_values(drawn, tuple(drawn), loss) == drawn
    assert len({tuple(drawn.values()) for drawn in found}) == len(found)


def test_some_of_them_by_eye() -> None:
    assert replayed("wide", "ns", 1) == {
        "learning_rate": 2.1042663234335317e-05, "beta1": 0.052363598850944326, "disc_iters": 1, "batch_norm": True
    }  # fmt: skip
    assert replayed("narrow", "ns", 2) == {
        "learning_rate": 0.0002148808427026688, "beta1": 0.5, "disc_iters": 1, "batch_norm": False
    }  # fmt: skip


@pytest.mark.parametrize(("space", "loss"), CASES)
def test_sample_zero_is_the_default_and_the_others_are_inside(space: str, loss: str) -> None:
    assert replayed(space, loss, 0) == SPACES[space].default(loss, "as_run")
    for sample in range(1, COUNTS[space]):
        for name, value in replayed(space, loss, sample).items():
            assert SPACES[space].for_loss(loss, "as_run")[name].contains(value), (sample, name)


@pytest.mark.parametrize("space", COUNTS)
def test_the_vae_has_no_disc_iters(space: str) -> None:
    assert all("disc_iters" not in replayed(space, "vae", sample) for sample in range(COUNTS[space]))
    assert table(space).query("loss == 'vae'")["disc_iters"].notna().all()  # drawn, without effect


@pytest.mark.parametrize("space", COUNTS)
def test_variants_replay_the_same_settings_and_what_they_add_has_its_default(space: str) -> None:
    for loss in LOSSES:
        for variant in VARIANTS:
            added = {"noise_scale": 0.1} if (loss, variant) == ("dragan", "as_printed") else {}
            assert replayed(space, loss, 3, variant) == replayed(space, loss, 3) | added


def test_what_is_handed_out_is_a_copy() -> None:
    replayed("wide", "ns", 1)["beta1"] = 7.0
    assert replayed("wide", "ns", 1)["beta1"] == 0.052363598850944326


def test_random_is_the_spaces_own_draw() -> None:
    sampler = SAMPLERS["random"]
    assert sampler.setting(WIDE, "began", "as_run", 5, 3) == WIDE.setting("began", "as_run", 5, 3)
    assert sampler.setting(NARROW, "ns", "as_run", 0, 3) == NARROW.default("ns", "as_run")
    assert sampler.most("wide") is None
    assert sampler.seeded


@pytest.mark.parametrize(("space", "count"), COUNTS.items())
def test_more_settings_than_were_published_are_refused(space: str, count: int) -> None:
    check("published", space, count, 0)
    check("random", space, 100 * count, 7)
    with pytest.raises(StudyError, match=f"published has {count} settings of the space {space}, not {count + 1}"):
        check("published", space, count + 1, 0)


def test_a_search_seed_that_changes_nothing_is_refused() -> None:
    with pytest.raises(StudyError, match="search_seed=3: the sampler published draws nothing; leave it out"):
        check("published", "wide", 10, 3)


def test_a_space_loss_or_sample_that_was_not_published_is_refused() -> None:
    row = {"beta1": (0.5, Uniform(0.0, 1.0))}
    mine = Space("mine", {"ns": row})
    with pytest.raises(StudyError, match="the sampler published has 0 settings of the space mine, not 1"):
        check("published", "mine", 1, 0)
    with pytest.raises(StudyError, match="drew no settings of the space 'mine'; it did of wide, narrow"):
        published.setting(mine, "ns", "as_run", 0, 0)
    with pytest.raises(StudyError, match=r"'hinge' is not a loss whose settings of wide were published.*valid: "):
        published.setting(Space("wide", {"hinge": row}), "hinge", "as_run", 0, 0)
    for sample in (100, -1):
        with pytest.raises(StudyError, match=f"sample {sample}: the published study drew 0 to 99 of wide"):
            published.setting(WIDE, "ns", "as_run", sample, 0)
