"""Dimensions: what they hold, what they refuse, and that a draw stays inside and is spread as it should be."""

import math
import re
import sys
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.dimensions import Choice, Constant, Dimension, LogUniform, Uniform, Value

BOUNDS = st.floats(-1e6, 1e6, allow_nan=False)
POSITIVE = st.floats(1e-12, 1e12)
PLACES = st.floats(0, 1, exclude_max=True)
ANY = st.one_of(st.floats(), st.integers(), st.booleans(), st.text(max_size=3), st.none(), st.just(10**400))
BELOW_ONE = 1 - 2**-53  # the largest number that a seed can give


@given(BOUNDS, BOUNDS, PLACES, PLACES)
def test_uniform_stays_inside_and_rises(a: float, b: float, u: float, v: float) -> None:
    low, high = sorted((a, b))
    if low < high:
        dimension = Uniform(low, high)
        for place in (u, v, 0.0, BELOW_ONE):
            assert dimension.contains(dimension.at(place))
        assert (dimension.at(min(u, v))) <= dimension.at(max(u, v))
        assert dimension.at(u) == pytest.approx(low * (1 - u) + high * u, rel=1e-9, abs=1e-9)
        assert dimension.at(0.0) == low


@given(POSITIVE, POSITIVE, PLACES, PLACES)
def test_log_uniform_stays_inside_and_rises(a: float, b: float, u: float, v: float) -> None:
    low, high = sorted((a, b))
    if low < high:
        dimension = LogUniform(low, high)
        for place in (u, v, 0.0, BELOW_ONE):
            assert dimension.contains(dimension.at(place))
        assert dimension.at(min(u, v)) <= dimension.at(max(u, v))
        assert dimension.at(u) == pytest.approx(low ** (1 - u) * high**u, rel=1e-9)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=7, unique=True), PLACES)
def test_choice_gives_every_value_an_equal_part(values: list[int], u: float) -> None:
    dimension = Choice(tuple(values))
    assert dimension.contains(dimension.at(u))
    n = len(values)
    assert [dimension.at((i + 0.5) / n) for i in range(n)] == values
    assert (dimension.at(0.0), dimension.at(BELOW_ONE)) == (values[0], values[-1])


@given(PLACES)
def test_constant_is_constant(u: float) -> None:
    assert Constant(0.5).at(u) == 0.5


def test_quantiles() -> None:
    assert [Uniform(-1, 3).at(u) for u in (0, 0.25, 0.5, 0.75)] == [-1, 0, 1, 2]
    assert [LogUniform(1e-4, 1).at(u) for u in (0, 0.25, 0.5, 0.75)] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    assert [Choice((1, 5)).at(u) for u in (0, 0.49, 0.5, 0.99)] == [1, 1, 5, 5]
    assert LogUniform(1e-5, 1e-2).at(0.5) == pytest.approx(math.sqrt(1e-5 * 1e-2))


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (1, 1), (2, 1), (0, math.inf), (-math.inf, 0), (math.nan, 1), (0, math.nan), (0.3, 0.1), (False, 2.0),
        (0, True), ("0", 1), (0, "1"), (None, 1), (0, 1j), (0, [1]), (0, 10**400), (-1.7e308, 1.7e308),
    ],
)  # fmt: skip
def test_uniform_refuses(low: Any, high: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"Uniform needs finite low < high, got [{low!r}, {high!r}]")):
        Uniform(low, high)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (1, 1), (2, 1), (0, 1), (-1, 1), (1e-3, math.inf), (math.nan, 1), (0.1, math.nan), (-2, -1), (True, 2.0),
        (0.5, True), ("1e-3", 1), (1e-3, None), (1, 10**400),
    ],
)  # fmt: skip
def test_log_uniform_refuses(low: Any, high: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"LogUniform needs finite 0 < low < high, got [{low!r}, {high!r}]")):
        LogUniform(low, high)


@pytest.mark.parametrize(
    "values", [(), (1,), (1, 1), (0.5, 1, 0.5), (1, True), (1, math.nan), (1.0, math.inf), ("a", "b"), (1, None)]
)
def test_choice_refuses(values: tuple[Any, ...]) -> None:
    message = f"Choice needs two or more different finite numbers or switches, got {values}"
    with pytest.raises(ValueError, match=re.escape(message)):
        Choice(values)


@pytest.mark.parametrize("value", [math.nan, -math.inf, "0.5", None, (1,), 10**400])
def test_constant_refuses(value: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"Constant needs a finite number or a switch, got {value!r}")):
        Constant(value)


@given(ANY, ANY)
def test_a_range_of_two_numbers_in_order_is_made_and_any_other_refused(low: Any, high: Any) -> None:
    """Never a range that a draw can leave, and never another error than the one that names the values."""
    most = sys.float_info.max
    ordered = all(type(end) in (int, float) and -most <= end <= most for end in (low, high)) and low < high
    for kind, fits in ((Uniform, ordered and high - low <= most), (LogUniform, ordered and low > 0)):
        if not fits:
            with pytest.raises(ValueError, match=re.escape(f"got [{low!r}, {high!r}]")):
                kind(low, high)
            continue
        dimension = kind(low, high)
        for drawn in (dimension.at(0.0), dimension.at(0.5), dimension.at(BELOW_ONE)):
            assert type(drawn) is float
            assert low <= drawn <= high
            assert dimension.contains(drawn)
        assert dimension.contains(low)
        assert dimension.contains(high)


def test_dimensions_are_frozen() -> None:
    for dimension in (Constant(1), Uniform(0, 1), LogUniform(1, 2), Choice((1, 5))):
        for field in fields(dimension):
            with pytest.raises(FrozenInstanceError):
                setattr(dimension, field.name, 3)


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        (Uniform(0.5, 2), [0.5, 1, 2.0], [0.4999, 2.0001, -1, math.nan, math.inf, True]),
        (LogUniform(0.5, 2), [0.5, 1, 2.0], [0.4999, 2.0001, 0, math.nan, True]),
        (Choice((1, 5)), [1, 5], [2, 1.0, True, 0]),
        (Choice((True, False)), [True, False], [1, 0, 1.0]),
        (Constant(0.5), [0.5], [0.4, 1]),
        (Constant(False), [False], [0, True]),
    ],
)
def test_contains_is_inclusive_and_typed(dimension: Dimension, inside: list[Value], outside: list[Value]) -> None:
    assert [dimension.contains(value) for value in inside] == [True] * len(inside)
    assert [dimension.contains(value) for value in outside] == [False] * len(outside)


def test_dimensions_compare_by_value_and_print_like_the_paper() -> None:
    assert Uniform(0, 1) == Uniform(0, 1) != Uniform(0, 2)
    assert len({LogUniform(1, 2), LogUniform(1, 2), Choice((1, 2)), Constant(1)}) == 3
    assert str(Uniform(0.0, 1.0)) == "U[0, 1]"
    assert str(LogUniform(1e-5, 1e-2)) == "logU[1e-05, 0.01]"
    assert (str(Choice((True, False))), str(Choice((1, 5))), str(Constant(False))) == ("{on, off}", "{1, 5}", "off")
