"""Spaces in Ray's and Optuna's words: they say the same, and whoever draws from them draws from the dimension."""

import math
from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.samplers import RandomSampler
from ray.tune.search.optuna import OptunaSearch
from ray.tune.search.variant_generator import generate_variants

from search_spaces import SPACES, Space
from search_spaces.dimensions import Choice, Constant, Dimension, LogUniform, Uniform, Value
from search_spaces.hyperparameters import check
from search_spaces.to_optuna import to_optuna
from search_spaces.to_ray import to_ray
from study.errors import StudyError
from study.models.losses import LOSSES, VARIANTS

CASES = [(space, loss, variant) for space in SPACES for loss in LOSSES for variant in VARIANTS]
DRAWS = 1_500
DIMENSIONS: dict[str, Dimension] = {  # in a space of its own, so that each kind is drawn from many times
    "unit": Uniform(0.0, 1.0),
    "shifted": Uniform(-3.0, -0.5),
    "rate": LogUniform(1e-5, 1e-2),
    "wide": LogUniform(1e-3, 1e3),
    "counts": Choice((1, 5, 7)),
    "numbers": Choice((0.1, 0.2)),
    "switch": Choice((True, False)),
    "half": Constant(0.5),
    "one": Constant(1),
    "off": Constant(False),
}
SPACE = Space("all", {"loss": {name: (0.0, dimension) for name, dimension in DIMENSIONS.items()}})


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.mark.parametrize(("space", "loss", "variant"), CASES)
def test_ray_makes_of_the_one_the_other(space: str, loss: str, variant: str) -> None:
    found = OptunaSearch.convert_search_space(to_ray(SPACES[space], loss, variant))
    expected = to_optuna(SPACES[space], loss, variant)
    assert found == expected
    assert list(found) == list(expected) == list(SPACES[space].for_loss(loss, variant))
    for name, distribution in expected.items():  # Optuna finds True == 1 and 1 == 1.0
        assert kinds(found[name]) == kinds(distribution)


def kinds(distribution: object) -> list[type]:
    return (
        [type(choice) for choice in distribution.choices] if isinstance(distribution, CategoricalDistribution) else []
    )


def test_every_kind_of_dimension_in_optunas_words() -> None:
    assert to_optuna(SPACE, "loss", "as_run") == {
        "unit": FloatDistribution(0.0, 1.0),
        "shifted": FloatDistribution(-3.0, -0.5),
        "rate": FloatDistribution(1e-5, 1e-2, log=True),
        "wide": FloatDistribution(1e-3, 1e3, log=True),
        "counts": CategoricalDistribution((1, 5, 7)),
        "numbers": CategoricalDistribution((0.1, 0.2)),
        "switch": CategoricalDistribution((True, False)),
        "half": CategoricalDistribution((0.5,)),
        "one": CategoricalDistribution((1,)),
        "off": CategoricalDistribution((False,)),
    }
    assert OptunaSearch.convert_search_space(to_ray(SPACE, "loss", "as_run")) == to_optuna(SPACE, "loss", "as_run")


def test_what_a_variant_adds_is_there() -> None:
    assert to_optuna(SPACES["wide"], "dragan", "as_printed")["noise_scale"] == CategoricalDistribution((0.1,))
    assert "noise_scale" not in to_ray(SPACES["wide"], "dragan", "as_run")


def test_a_translation_is_the_callers_own() -> None:
    to_optuna(SPACES["wide"], "ns", "as_run").clear()
    to_ray(SPACES["wide"], "ns", "as_run").clear()
    assert len(to_optuna(SPACES["wide"], "ns", "as_run")) == len(to_ray(SPACES["wide"], "ns", "as_run")) == 4


@pytest.mark.parametrize("translate", [to_ray, to_optuna])
def test_an_unknown_loss_names_the_known(translate: Callable[[Space, str, str], object]) -> None:
    with pytest.raises(StudyError, match="'wgangp' is not a loss of the space wide; did you mean 'wgan_gp'"):
        translate(SPACES["wide"], "wgangp", "as_run")


# Who draws from them.

Settings = list[dict[str, Value]]


def draw_by_ray(space: Space, loss: str, variant: str, count: int) -> Settings:
    """As Tune resolves a param_space, trial by trial."""
    state = np.random.RandomState(20180317)
    domains = {"config": to_ray(space, loss, variant)}
    return [next(generate_variants(domains, random_state=state))[1]["config"] for _ in range(count)]


def draw_by_optuna(space: Space, loss: str, variant: str, count: int) -> Settings:
    study, distributions = optuna.create_study(sampler=RandomSampler(20180317)), to_optuna(space, loss, variant)
    return [study.ask(distributions).params for _ in range(count)]


def draw_by_both(space: Space, loss: str, variant: str, count: int) -> Settings:
    """Optuna as a searcher of Tune's."""
    searcher = OptunaSearch(
        to_optuna(space, loss, variant), metric="score", mode="min", sampler=RandomSampler(20180317)
    )
    return [searcher.suggest(str(trial)) or {} for trial in range(count)]


DRAWERS = {"ray": draw_by_ray, "optuna": draw_by_optuna, "both": draw_by_both}


@pytest.fixture(scope="module", params=DRAWERS)
def settings(request: pytest.FixtureRequest) -> Settings:
    return DRAWERS[request.param](SPACE, "loss", "as_run", DRAWS)


@pytest.mark.parametrize("drawer", DRAWERS)
@pytest.mark.parametrize(("space", "loss", "variant"), CASES)
def test_a_suggestion_is_a_whole_setting_that_a_trial_takes(space: str, loss: str, variant: str, drawer: str) -> None:
    dimensions = SPACES[space].for_loss(loss, variant)
    for setting in DRAWERS[drawer](SPACES[space], loss, variant, 5):
        assert list(setting) == list(dimensions)
        assert all(dimension.contains(setting[name]) for name, dimension in dimensions.items())
        assert check(setting, tuple(dimensions), loss) == setting


@pytest.mark.parametrize("name", DIMENSIONS)
def test_draws_are_inside_and_typed(name: str, settings: Settings) -> None:
    drawn = [setting[name] for setting in settings]
    assert all(DIMENSIONS[name].contains(value) for value in drawn)
    kind = type(DIMENSIONS[name].at(0.0))
    assert {type(value) for value in drawn} == {kind}


@pytest.mark.parametrize("name", ["unit", "shifted", "rate", "wide"])
def test_draws_are_distributed_as_the_dimension_is(name: str, settings: Settings) -> None:
    """Kolmogorov and Smirnov's distance, whose 99.9 % point is 1.95 / sqrt(n); with logarithm for none it is large."""
    drawn, dimension = np.array([setting[name] for setting in settings]), DIMENSIONS[name]
    assert distance(drawn, dimension) < 1.95 / math.sqrt(DRAWS)
    if isinstance(dimension, LogUniform):
        assert distance(drawn, Uniform(dimension.low, dimension.high)) > 0.3


def distance(drawn: np.ndarray[tuple[int], np.dtype[np.float64]], dimension: Dimension) -> float:
    """The largest difference between a quantile's place and the share of draws up to it."""
    places = np.arange(1, 200) / 200
    return max(abs(float(np.mean(drawn <= dimension.at(float(place)))) - float(place)) for place in places)


@pytest.mark.parametrize("name", ["counts", "numbers", "switch"])
def test_choices_are_equally_likely(name: str, settings: Settings) -> None:
    """Within four standard errors."""
    dimension = DIMENSIONS[name]
    assert isinstance(dimension, Choice)
    share = 1 / len(dimension.values)
    for value in dimension.values:
        found = np.mean([setting[name] == value for setting in settings])
        assert found == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / DRAWS))
