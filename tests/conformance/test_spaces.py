"""What every search space promises, for every loss and variant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import SPACES, find
from search_spaces.dimensions import Choice, Constant, LogUniform, Uniform
from search_spaces.hyperparameters import HYPERPARAMETERS, check
from study.models.losses import LOSSES, VARIANTS

CASES = [(space, loss, variant) for space in SPACES for loss in LOSSES for variant in VARIANTS]


@pytest.mark.parametrize("name", SPACES)
def test_a_space_is_found_by_its_name(name: str) -> None:
    assert find(name).name == name
    assert set(find(name).rows) == set(LOSSES)


@pytest.mark.parametrize(("space", "loss", "variant"), CASES)
def test_a_loss_has_the_same_hyperparameters_everywhere(space: str, loss: str, variant: str) -> None:
    names = {tuple(found.for_loss(loss, variant)) for found in SPACES.values()}
    assert names == {tuple(find(space).default(loss, variant))}
    assert set(find(space).for_loss(loss, variant)) <= set(HYPERPARAMETERS)
    assert {"learning_rate", "beta1", "batch_norm"} <= set(find(space).for_loss(loss, variant))


@pytest.mark.parametrize(("space", "loss", "variant"), CASES)
def test_sample_zero_is_the_default(space: str, loss: str, variant: str) -> None:
    default = find(space).default(loss, variant)
    assert find(space).setting(loss, variant, 0, 0) == find(space).setting(loss, variant, 0, 99) == default
    assert check(default, tuple(default), loss) == default
    default["learning_rate"] = -1.0
    assert find(space).default(loss, variant)["learning_rate"] > 0  # what was handed out is a copy


@given(st.sampled_from(CASES), st.integers(1, 10**6), st.integers(0, 2**63))
def test_every_draw_is_inside_and_typed(case: tuple[str, str, str], sample: int, seed: int) -> None:
    space, (loss, variant) = find(case[0]), case[1:]
    drawn = space.setting(loss, variant, sample, seed)
    assert tuple(drawn) == tuple(space.for_loss(loss, variant))
    for name, dimension in space.for_loss(loss, variant).items():
        assert dimension.contains(drawn[name])
        assert type(drawn[name]) is HYPERPARAMETERS[name].kind
    assert check(drawn, tuple(drawn), loss) == drawn
    assert space.setting(loss, variant, sample, seed) == drawn


@pytest.mark.parametrize(("space", "loss", "variant"), CASES)
def test_dimensions_fit_their_hyperparameters(space: str, loss: str, variant: str) -> None:
    """Both ends of every range are values that a trial accepts."""
    for name, dimension in find(space).for_loss(loss, variant).items():
        row = HYPERPARAMETERS[name]
        if isinstance(dimension, Uniform | LogUniform):
            assert row.kind is float
            ends = [float(dimension.at(0.0)), float(dimension.at(1 - 2**-53))]
            assert row.low <= ends[0] < ends[1] <= row.high
        else:
            values = dimension.values if isinstance(dimension, Choice) else (dimension.value,)
            assert isinstance(dimension, Choice | Constant)
            assert all(type(value) is row.kind and row.low <= value <= row.high for value in values)


@pytest.mark.parametrize(("space", "loss", "variant"), CASES)
def test_settings_differ_between_samples(space: str, loss: str, variant: str) -> None:
    drawn = [tuple(find(space).setting(loss, variant, sample, 1).values()) for sample in range(50)]
    assert len(set(drawn)) == 50
