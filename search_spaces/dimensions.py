"""Dimensions of a search space: frozen, inclusive, in natural units; a draw is a function of a number in [0, 1)."""

import math
import sys
from dataclasses import dataclass

Value = float | int | bool


@dataclass(frozen=True)
class Constant:
    """One value, never searched."""

    value: Value

    def __post_init__(self) -> None:
        if not _is_value(self.value):
            raise ValueError(f"Constant needs a finite number or a switch, got {self.value!r}")

    def at(self, u: float) -> Value:
        return self.value

    def contains(self, value: Value) -> bool:
        return type(value) is type(self.value) and value == self.value

    def __str__(self) -> str:
        return _text(self.value)


@dataclass(frozen=True)
class Uniform:
    """U[low, high]."""

    low: float
    high: float

    def __post_init__(self) -> None:
        numbers = _is_number(self.low) and _is_number(self.high)
        if not (numbers and self.low < self.high and math.isfinite(self.high - self.low)):
            raise ValueError(f"Uniform needs finite low < high, got [{self.low!r}, {self.high!r}]")

    def at(self, u: float) -> Value:
        return float(min(self.low + u * (self.high - self.low), self.high))  # the sum rounds, and may pass the end

    def contains(self, value: Value) -> bool:
        return _is_number(value) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"U[{self.low:g}, {self.high:g}]"


@dataclass(frozen=True)
class LogUniform:
    """10^U[log10 low, log10 high]."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (_is_number(self.low) and _is_number(self.high) and 0 < self.low < self.high):
            raise ValueError(f"LogUniform needs finite 0 < low < high, got [{self.low!r}, {self.high!r}]")

    def at(self, u: float) -> Value:
        value = 10 ** (math.log10(self.low) + u * (math.log10(self.high) - math.log10(self.low)))
        return float(min(max(value, self.low), self.high))  # the power rounds: 10 ** log10(x) need not be x

    def contains(self, value: Value) -> bool:
        return _is_number(value) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"logU[{self.low:g}, {self.high:g}]"


@dataclass(frozen=True)
class Choice:
    """One of several values, each as likely as the others."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        different = all(map(_is_value, self.values)) and len(set(self.values)) == len(self.values)
        if not different or len(self.values) < 2:
            raise ValueError(f"Choice needs two or more different finite numbers or switches, got {self.values}")

    def at(self, u: float) -> Value:
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def contains(self, value: Value) -> bool:
        return any(type(value) is type(member) and value == member for member in self.values)

    def __str__(self) -> str:
        return "{" + ", ".join(map(_text, self.values)) + "}"


Dimension = Constant | Uniform | LogUniform | Choice


def _is_value(value: object) -> bool:
    return isinstance(value, bool) or _is_number(value)


def _is_number(value: object) -> bool:
    """Whether this is a finite number that a float can hold; a switch is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _text(value: Value) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else f"{value:g}"
