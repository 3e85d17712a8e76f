"""Seeds: stable for ever, even, and different for names that differ in type, place or grouping."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.seeds import Name, seed, uniform, uniforms

ROOT = Path(__file__).parents[1]
NAMES = st.lists(st.text(max_size=5) | st.integers() | st.floats(allow_nan=False) | st.booleans(), max_size=4)


def test_numbers_of_record() -> None:
    """Whoever changes these changes every draw of every study that was ever run."""
    assert seed("latent", "0123", 5) == 6791322384130943397
    assert seed("setting", 1, True, 2.5) == 1745512377327941134
    assert seed("é") == 2332956319208038033
    assert uniform("setting", "wide", "ns", 0, "beta1", 1) == 0.0160180504825419
    assert uniform("polygon", 3, 0, 0) == 0.20624307197795788


@given(NAMES, st.integers(0, 5))
def test_numbers_in_a_row_are_those_drawn_one_by_one(names: list[Name], count: int) -> None:
    assert uniforms((*names, "end"), count) == [uniform(*names, "end", i) for i in range(count)]


def test_another_process_agrees() -> None:
    program = "from study.seeds import seed, uniform; print(seed('a', 1), uniform('a', 1).hex())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == [str(seed("a", 1)), uniform("a", 1).hex()]


DIFFERENT: list[tuple[Name, ...]] = [
    (), ("",), ("", ""), ("1",), (1,), (1.0,), (True,), ("true",), ("True",), (False,), (0,), (0.0,), (-1,), ("a", "b"),
    ("b", "a"), ("ab",), ("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ('a", "b',), ("a,b",), ("a", 1),
    ("a", "1"), (1, "a"), ("é",), ("e\u0301",), ("\\u00e9",), ("null",), ("[]",), (1, 23), (12, 3), (10**30,),
]  # fmt: skip


def test_type_place_and_grouping_matter() -> None:
    assert len({seed(*names) for names in DIFFERENT}) == len(DIFFERENT)
    assert len({uniform(*names) for names in DIFFERENT}) == len(DIFFERENT)


@given(NAMES)
def test_ranges(names: list[Name]) -> None:
    assert 0 <= seed(*names) < 2**63
    assert seed(*names) == seed(*names)
    assert 0.0 <= uniform(*names) < 1.0


@given(NAMES, NAMES)
def test_different_names_have_different_seeds(left: list[Name], right: list[Name]) -> None:
    same = repr(left) == repr(right)
    assert (seed(*left) == seed(*right)) == same
    assert (uniform(*left) == uniform(*right)) == same


def test_uniform_is_even() -> None:
    """20,000 draws in 20 bins: chi squared of 19 degrees of freedom stays under 43.8 with probability 0.999."""
    draws = np.array([uniform("evenness", i) for i in range(20_000)])
    counts = np.histogram(draws, bins=20, range=(0, 1))[0]
    assert float(((counts - 1_000) ** 2 / 1_000).sum()) < 43.8
    assert abs(float(np.corrcoef(draws[:-1], draws[1:])[0, 1])) < 0.03
    assert len(set(draws)) == 20_000


def test_every_bit_of_a_seed_is_used() -> None:
    drawn = np.array([seed("bits", i) for i in range(4_000)], dtype=np.uint64)
    shares = [float(((drawn >> np.uint64(bit)) & np.uint64(1)).mean()) for bit in range(63)]
    assert shares == pytest.approx([0.5] * 63, abs=0.04)  # five standard deviations
    assert int(drawn.max()) < 2**63


def test_seed_and_uniform_are_apart() -> None:
    """A seed and a number from the same names must not be the same bits."""
    pairs = np.array([(seed("apart", i) / 2**63, uniform("apart", i)) for i in range(4_000)])
    assert abs(float(np.corrcoef(pairs.T)[0, 1])) < 0.08


def test_a_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(TypeError):
        seed("a", np.int64(3))  # type: ignore[arg-type]
