"""The hyperparameters on one page: name, the paper's symbol, type and the values that make sense at all."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces.dimensions import Constant, Dimension, Value
from study.errors import StudyError, unknown


@dataclass(frozen=True)
class Hyperparameter:
    """low and high are inclusive; an interval that is open in mathematics is closed at a number beside its end."""

    name: str
    symbol: str  # in the paper, its tables and its code
    kind: type[float] | type[int] | type[bool]
    low: float
    high: float
    meaning: str


HYPERPARAMETERS = {
    row.name: row
    for row in (
        Hyperparameter("learning_rate", "alpha", float, 1e-12, 1e3, "of Adam, the same for both networks"),
        Hyperparameter("beta1", "beta1", float, 0.0, 1 - 2**-53, "of Adam, the same for both networks"),
        Hyperparameter("disc_iters", "n_disc", int, 1, 1_000, "discriminator steps per generator step"),
        Hyperparameter("batch_norm", "discriminator_batchnorm", bool, 0, 1, "in the second network's hidden layers"),
        Hyperparameter("clip", "weight_clipping", float, 1e-12, 1e6, "wgan: bound on every discriminator variable"),
        Hyperparameter("penalty_weight", "lambda", float, 0.0, 1e9, "wgan_gp, dragan: weight of the gradient penalty"),
        Hyperparameter("k_learning_rate", "lambda", float, 0.0, 1e3, "began: step of its control variable k"),
        Hyperparameter("gamma", "gamma", float, 0.0, 1e3, "began: wanted ratio of L(G(z)) to L(x)"),
        Hyperparameter("noise_scale", "c", float, 0.0, 1e3, "dragan as_printed: standard deviation of its noise"),
    )
}

# What a (loss, variant) has beyond the loss, in every space. The printed table does not say how wide dragan's Gaussian
# noise is. As run, the noise is 0.5 std(batch) U[0, 1), of root mean square 0.5 / sqrt(3) = 0.29 std(batch); with the
# 0.35 of Fashion-MNIST's grey values that is 0.1.
ADDED: Mapping[tuple[str, str], Mapping[str, tuple[Value, Dimension]]] = {
    ("dragan", "as_printed"): {"noise_scale": (0.1, Constant(0.1))},
}


def check(values: dict[str, Value], needed: tuple[str, ...], where: str) -> dict[str, Value]:
    """The values in their types, in the order of `needed`. Raises StudyError for what is not allowed."""
    for name in values:
        check_name(name, needed, where)
    missing = [name for name in needed if name not in values]
    if missing:
        raise StudyError(f"{where} needs {', '.join(missing)}")
    return {name: _typed(HYPERPARAMETERS[name], values[name], where) for name in needed}


def check_name(name: str, needed: tuple[str, ...], where: str) -> None:
    """Raises StudyError for a name that is not needed; the paper's symbol leads to the name it has here."""
    if name not in needed:
        raise unknown(f"a hyperparameter of {where}", name, needed, hint=_by_symbol(name, needed))


def parse(name: str, text: str) -> Value:
    """A value as a person writes it: on/off and true/false for switches, numbers for the rest."""
    row = HYPERPARAMETERS[name]
    words = {"on": True, "true": True, "off": False, "false": False}
    if row.kind is bool:
        if text.lower() not in words:
            raise StudyError(f"{name}={text}: expected one of {', '.join(words)}")
        return words[text.lower()]
    try:
        return row.kind(text)
    except ValueError as error:
        raise StudyError(f"{name}={text}: expected {_expected(row)}") from error


def _typed(row: Hyperparameter, value: Value, where: str) -> Value:
    right_type = isinstance(value, bool) == (row.kind is bool) and (row.kind is not int or value % 1 == 0)
    if not right_type or not math.isfinite(value) or not row.low <= value <= row.high:
        raise StudyError(f"{row.name}={value!r} of {where}: expected {_expected(row)}")
    return row.kind(value)


def _expected(row: Hyperparameter) -> str:
    if row.kind is bool:
        return "on or off"
    return f"{'a whole number' if row.kind is int else 'a number'} from {row.low!r} to {row.high!r}"


def _by_symbol(symbol: str, needed: tuple[str, ...]) -> str:
    return next((name for name in needed if HYPERPARAMETERS[name].symbol == symbol), "")
