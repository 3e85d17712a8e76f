"""The narrow space of the published study: 50 settings of each loss around what the wide search found."""

from search_spaces.dimensions import Choice, Constant, Dimension, LogUniform, Uniform, Value
from search_spaces.hyperparameters import ADDED
from search_spaces.space import Space

RATE = LogUniform(1e-4, 1e-3)
ON_OFF = Choice((True, False))
OFF = Constant(False)


def _gan(defaults: tuple[float, float, int, bool], batch_norm: Dimension) -> dict[str, tuple[Value, Dimension]]:
    beta1, rate, iters, switched_on = defaults
    return {
        "learning_rate": (rate, RATE),
        "beta1": (beta1, Constant(0.5)),
        "disc_iters": (iters, Constant(1)),
        "batch_norm": (switched_on, batch_norm),
    }


NARROW = Space("narrow", {
    # loss     default beta1, rate, iters, batch norm  searched batch norm   what the loss adds
    "mm":      _gan((0.0, 5e-5, 1, True), ON_OFF),
    "ns":      _gan((0.0, 5e-5, 1, True), ON_OFF),
    "ls":      _gan((0.5, 2e-4, 1, True), ON_OFF),
    "wgan":    _gan((0.5, 5e-5, 5, True), ON_OFF) | {"clip": (0.01, LogUniform(1e-2, 1.0))},
    "wgan_gp": _gan((0.5, 1e-4, 5, False), OFF)   | {"penalty_weight": (10.0, LogUniform(0.1, 10.0))},
    "dragan":  _gan((0.5, 1e-4, 1, True), OFF)    | {"penalty_weight": (10.0, LogUniform(0.1, 10.0))},
    "began":   _gan((0.5, 1e-4, 5, False), ON_OFF) | {"k_learning_rate": (1e-3, Constant(1e-3)),
                                                      "gamma": (0.75, Uniform(0.6, 0.9))},
    "vae":     {"learning_rate": (5e-5, RATE), "beta1": (0.5, Constant(0.5)), "batch_norm": (False, ON_OFF)},
}, ADDED)  # fmt: skip
