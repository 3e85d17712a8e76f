"""Draws and the two published spaces, against the protocol's table written down a second time."""

import inspect
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import NARROW, WIDE, Space, find
from search_spaces.dimensions import Choice, Constant, Dimension, LogUniform, Uniform, Value
from search_spaces.hyperparameters import HYPERPARAMETERS, check, parse
from study.errors import StudyError

# The protocol's table: beta1, learning rate, disc_iters, batch norm, and what the loss adds.

DEFAULTS: dict[str, dict[str, Value]] = {
    "mm": {"beta1": 0.0, "learning_rate": 5e-5, "disc_iters": 1, "batch_norm": True},
    "ns": {"beta1": 0.0, "learning_rate": 5e-5, "disc_iters": 1, "batch_norm": True},
    "ls": {"beta1": 0.5, "learning_rate": 2e-4, "disc_iters": 1, "batch_norm": True},
    "wgan": {"beta1": 0.5, "learning_rate": 5e-5, "disc_iters": 5, "batch_norm": True, "clip": 0.01},
    "wgan_gp": {"beta1": 0.5, "learning_rate": 1e-4, "disc_iters": 5, "batch_norm": False, "penalty_weight": 10.0},
    "dragan": {"beta1": 0.5, "learning_rate": 1e-4, "disc_iters": 1, "batch_norm": True, "penalty_weight": 10.0},
    "began": {"beta1": 0.5, "learning_rate": 1e-4, "disc_iters": 5, "batch_norm": False, "k_learning_rate": 1e-3,
              "gamma": 0.75},
    "vae": {"beta1": 0.5, "learning_rate": 5e-5, "batch_norm": True},
}  # fmt: skip
ON_OFF = Choice((True, False))
GAN_WIDE: dict[str, Dimension] = {
    "beta1": Uniform(0, 1), "learning_rate": LogUniform(1e-5, 1e-2), "disc_iters": Choice((1, 5)), "batch_norm": ON_OFF
}  # fmt: skip
GAN_NARROW: dict[str, Dimension] = {
    "beta1": Constant(0.5), "learning_rate": LogUniform(1e-4, 1e-3), "disc_iters": Constant(1), "batch_norm": ON_OFF
}  # fmt: skip
OFF: dict[str, Dimension] = {"batch_norm": Constant(False)}
WIDE_ROWS: dict[str, Mapping[str, Dimension]] = {
    "mm": GAN_WIDE,
    "ns": GAN_WIDE,
    "ls": GAN_WIDE,
    "wgan": GAN_WIDE | {"clip": LogUniform(1e-3, 1)},
    "wgan_gp": GAN_WIDE | {"penalty_weight": LogUniform(0.1, 100)},
    "dragan": GAN_WIDE | {"penalty_weight": LogUniform(0.1, 100)},
    "began": GAN_WIDE | {"k_learning_rate": LogUniform(1e-4, 1e-2), "gamma": Uniform(0, 1)},
    "vae": {name: GAN_WIDE[name] for name in ("beta1", "learning_rate", "batch_norm")},
}
NARROW_ROWS: dict[str, Mapping[str, Dimension]] = {
    "mm": GAN_NARROW,
    "ns": GAN_NARROW,
    "ls": GAN_NARROW,
    "wgan": GAN_NARROW | {"clip": LogUniform(1e-2, 1)},
    "wgan_gp": GAN_NARROW | OFF | {"penalty_weight": LogUniform(0.1, 10)},
    "dragan": GAN_NARROW | OFF | {"penalty_weight": LogUniform(0.1, 10)},
    "began": GAN_NARROW | {"k_learning_rate": Constant(1e-3), "gamma": Uniform(0.6, 0.9)},
    "vae": {name: GAN_NARROW[name] for name in ("beta1", "learning_rate", "batch_norm")},
}


@pytest.mark.parametrize("loss", DEFAULTS)
def test_the_wide_space_is_the_published_one(loss: str) -> None:
    assert WIDE.default(loss, "as_run") == DEFAULTS[loss]
    assert WIDE.for_loss(loss, "as_run") == WIDE_ROWS[loss]


@pytest.mark.parametrize("loss", DEFAULTS)
def test_the_narrow_space_is_the_published_one(loss: str) -> None:
    assert NARROW.default(loss, "as_run") == DEFAULTS[loss] | ({"batch_norm": False} if loss == "vae" else {})
    assert NARROW.for_loss(loss, "as_run") == NARROW_ROWS[loss]


def test_a_constant_has_its_hyperparameters_type() -> None:
    """disc_iters 1 and batch norm off are a whole number and a switch, not 1.0 and 0."""
    for rows in (WIDE, NARROW):
        for loss in rows.rows:
            for name, value in (rows.default(loss, "as_run") | rows.setting(loss, "as_run", 1, 0)).items():
                assert type(value) is HYPERPARAMETERS[name].kind


# Draws.

PAIRS = [(loss, variant) for loss in DEFAULTS for variant in ("as_run", "as_printed", "corrected")]
SAMPLES = st.integers(1, 10_000)
SEEDS = st.integers(0, 2**32)


def test_a_setting_knows_no_count() -> None:
    """The first ten of a hundred are the ten of ten, in any order of asking, for any data set."""
    assert list(inspect.signature(WIDE.setting).parameters) == ["loss", "variant", "sample", "search_seed"]
    backwards = {sample: WIDE.setting("began", "as_run", sample, 3) for sample in reversed(range(100))}
    assert [WIDE.setting("began", "as_run", sample, 3) for sample in range(10)] == [
        backwards[sample] for sample in range(10)
    ]
    assert len({tuple(setting.values()) for setting in backwards.values()}) == 100


def test_what_a_variant_adds_changes_no_other_draw() -> None:
    """The variants of a loss are tried on the same settings."""
    rows, added = {"dragan": WIDE.rows["dragan"]}, {("dragan", "as_printed"): {"noise_scale": (0.1, Uniform(0.0, 1.0))}}
    space = Space("wide", rows, added)
    printed = space.setting("dragan", "as_printed", 7, 3)
    assert 0 <= printed.pop("noise_scale") <= 1
    assert printed == space.setting("dragan", "corrected", 7, 3) == WIDE.setting("dragan", "as_run", 7, 3)
    assert space.default("dragan", "as_printed") == WIDE.default("dragan", "as_run") | {"noise_scale": 0.1}


@pytest.mark.parametrize("space", [WIDE, NARROW])
def test_only_printed_dragan_has_a_noise_scale(space: Space) -> None:
    found = [pair for pair in PAIRS if "noise_scale" in space.for_loss(*pair)]
    assert found == [("dragan", "as_printed")]
    assert space.for_loss("dragan", "as_printed")["noise_scale"] == Constant(0.1)
    assert space.default("dragan", "as_printed") == space.default("dragan", "as_run") | {"noise_scale": 0.1}


def test_draws_of_record() -> None:
    """Whoever changes these changes every setting that a study has tried."""
    assert WIDE.setting("ns", "as_run", 1, 0) == {
        "learning_rate": pytest.approx(0.00016549387324169476, rel=1e-14),
        "beta1": pytest.approx(0.0160180504825419, rel=1e-14),
        "disc_iters": 5,
        "batch_norm": False,
    }


@given(st.sampled_from(sorted(DEFAULTS)), SAMPLES, SEEDS)
def test_one_more_hyperparameter_changes_no_other_draw(loss: str, sample: int, seed: int) -> None:
    rows = {name: dict(row) for name, row in WIDE.rows.items()}
    rows[loss] = {"momentum": (0.9, Uniform(0, 1)), **rows[loss], "decay": (0.1, LogUniform(1e-3, 1))}
    more = Space(WIDE.name, rows).setting(loss, "as_run", sample, seed)
    assert {"momentum", "decay"} < more.keys()
    assert {name: more[name] for name in WIDE.for_loss(loss, "as_run")} == WIDE.setting(loss, "as_run", sample, seed)


@given(SAMPLES, SEEDS)
def test_one_loss_more_or_another_range_changes_no_other_draw(sample: int, seed: int) -> None:
    rows = {name: dict(row) for name, row in WIDE.rows.items()}
    rows["new"] = rows["ns"]
    rows["ns"] |= {"learning_rate": (1e-4, LogUniform(1e-6, 1e-1))}
    changed = Space(WIDE.name, rows)
    assert changed.setting("wgan", "as_run", sample, seed) == WIDE.setting("wgan", "as_run", sample, seed)
    kept, found = WIDE.setting("ns", "as_run", sample, seed), changed.setting("ns", "as_run", sample, seed)
    assert {name for name in kept if kept[name] != found[name]} == {"learning_rate"}


def test_names_and_seeds_give_other_draws() -> None:
    one = WIDE.setting("ns", "as_run", 1, 0)["beta1"]
    others = [
        WIDE.setting("mm", "as_run", 1, 0)["beta1"],
        WIDE.setting("ns", "as_run", 2, 0)["beta1"],
        WIDE.setting("ns", "as_run", 1, 1)["beta1"],
        Space("another", WIDE.rows).setting("ns", "as_run", 1, 0)["beta1"],
    ]
    assert len({one, *others}) == 5


def test_draws_fill_their_dimensions() -> None:
    """2,000 settings: means within four standard errors, and hyperparameters independent of each other."""
    settings = [WIDE.setting("began", "as_run", sample, 0) for sample in range(1, 2_001)]
    logs = {"learning_rate": (-5, -2), "k_learning_rate": (-4, -2)}
    columns = []
    for name in ("beta1", "gamma", "learning_rate", "k_learning_rate", "batch_norm", "disc_iters"):
        values = np.array([float(setting[name]) for setting in settings])
        if name in logs:
            low, high = logs[name]
            values = (np.log10(values) - low) / (high - low)
        elif name == "disc_iters":
            assert set(values) == {1.0, 5.0}
            values = (values - 1) / 4
        spread = 0.5 if name in ("batch_norm", "disc_iters") else 12**-0.5
        assert float(values.mean()) == pytest.approx(0.5, abs=4 * spread / 2_000**0.5)
        assert float(values.std()) == pytest.approx(spread, rel=0.05)
        columns.append(values)
    assert float(np.abs(np.corrcoef(columns) - np.eye(6)).max()) < 0.09


@pytest.mark.parametrize(("name", "meant"), [("wyde", "wide"), ("narow", "narrow")])
def test_an_unknown_space_names_the_known(name: str, meant: str) -> None:
    with pytest.raises(
        StudyError, match=f"'{name}' is not a search space; did you mean '{meant}'.*valid: wide, narrow"
    ):
        find(name)


def test_an_unknown_loss_names_the_known() -> None:
    with pytest.raises(StudyError, match=r"'wgangp' is not a loss of the space wide; did you mean 'wgan_gp'"):
        WIDE.setting("wgangp", "as_run", 1, 0)


# Hyperparameters as people give them.

NEEDED = ("learning_rate", "disc_iters", "batch_norm")
GOOD: dict[str, Value] = {"batch_norm": True, "learning_rate": 1e-3, "disc_iters": 5}


def test_check_orders_and_types() -> None:
    found = check(GOOD | {"learning_rate": 1, "disc_iters": 5.0}, NEEDED, "ns")
    assert list(found.items()) == [("learning_rate", 1.0), ("disc_iters", 5), ("batch_norm", True)]
    assert [type(value) for value in found.values()] == [float, int, bool]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0), ("learning_rate", -1.0), ("learning_rate", math.nan), ("learning_rate", math.inf),
        ("learning_rate", True), ("learning_rate", 1e4), ("disc_iters", 0), ("disc_iters", 1.5), ("disc_iters", True),
        ("disc_iters", math.inf), ("disc_iters", math.nan), ("disc_iters", 1001), ("batch_norm", 1),
        ("batch_norm", 0.0), ("batch_norm", 2),
    ],
)  # fmt: skip
def test_check_refuses_values(name: str, value: Value) -> None:
    with pytest.raises(StudyError, match=f"{name}=.* of ns: expected"):
        check(GOOD | {name: value}, NEEDED, "ns")


@pytest.mark.parametrize(("value", "fits"), [(0.0, True), (1 - 2**-53, True), (1.0, False), (-1e-9, False)])
def test_beta1_is_below_one(value: float, fits: bool) -> None:
    if fits:
        assert check({"beta1": value}, ("beta1",), "ns") == {"beta1": value}
    else:
        with pytest.raises(StudyError, match="beta1"):
            check({"beta1": value}, ("beta1",), "ns")


def test_check_refuses_names() -> None:
    with pytest.raises(StudyError, match="ns needs disc_iters, batch_norm"):
        check({"learning_rate": 1e-3}, NEEDED, "ns")
    with pytest.raises(StudyError, match="'disc_iter' is not a hyperparameter of ns; did you mean 'disc_iters'"):
        check(GOOD | {"disc_iter": 1}, NEEDED, "ns")
    with pytest.raises(StudyError, match="'lambda' is not a hyperparameter of dragan; did you mean 'penalty_weight'"):
        check({"lambda": 10.0}, ("penalty_weight",), "dragan")
    with pytest.raises(StudyError, match="'lambda' is not a hyperparameter of began; did you mean 'k_learning_rate'"):
        check({"lambda": 10.0}, ("k_learning_rate", "gamma"), "began")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("batch_norm", "on", True), ("batch_norm", "False", False), ("batch_norm", "OFF", False),
        ("disc_iters", "5", 5), ("learning_rate", "1e-4", 1e-4), ("gamma", "0.75", 0.75),
    ],
)  # fmt: skip
def test_parse(name: str, text: str, value: Value) -> None:
    found = parse(name, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("batch_norm", "1", "expected one of on, true, off, false"),
        ("batch_norm", "yes", "expected one of on, true, off, false"),
        ("disc_iters", "5.0", "expected a whole number from 1 to 1000"),
        ("learning_rate", "fast", "expected a number from"),
        ("learning_rate", "", "expected a number from"),
    ],
)
def test_parse_refuses(name: str, text: str, expected: str) -> None:
    with pytest.raises(StudyError, match=f"{name}={text}: {expected}"):
        parse(name, text)
