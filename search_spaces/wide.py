"""The wide space of the published study: 100 settings of each loss, the same for every data set."""

from search_spaces.dimensions import Choice, Dimension, LogUniform, Uniform, Value
from search_spaces.hyperparameters import ADDED
from search_spaces.space import Space

BETA1 = Uniform(0.0, 1.0)
RATE = LogUniform(1e-5, 1e-2)
ITERS = Choice((1, 5))
ON_OFF = Choice((True, False))


def _gan(beta1: float, rate: float, iters: int, batch_norm: bool) -> dict[str, tuple[Value, Dimension]]:
    return {
        "learning_rate": (rate, RATE),
        "beta1": (beta1, BETA1),
        "disc_iters": (iters, ITERS),
        "batch_norm": (batch_norm, ON_OFF),
    }


WIDE = Space("wide", {
    # loss            beta1  rate  iters batch norm    what the loss adds: (default, dimension)
    "mm":      _gan(0.0, 5e-5, 1, True),
    "ns":      _gan(0.0, 5e-5, 1, True),
    "ls":      _gan(0.5, 2e-4, 1, True),
    "wgan":    _gan(0.5, 5e-5, 5, True)  | {"clip": (0.01, LogUniform(1e-3, 1.0))},
    "wgan_gp": _gan(0.5, 1e-4, 5, False) | {"penalty_weight": (10.0, LogUniform(0.1, 100.0))},
    "dragan":  _gan(0.5, 1e-4, 1, True)  | {"penalty_weight": (10.0, LogUniform(0.1, 100.0))},
    "began":   _gan(0.5, 1e-4, 5, False) | {"k_learning_rate": (1e-3, LogUniform(1e-4, 1e-2)),
                                            "gamma": (0.75, Uniform(0.0, 1.0))},
    "vae":     {"learning_rate": (5e-5, RATE), "beta1": (0.5, BETA1), "batch_norm": (True, ON_OFF)},
}, ADDED)  # fmt: skip
