"""How stable the score of a setting is over seeds: quartiles and their ratio, failures at +infinity."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def quantiles(scores: Array, share: float) -> Array:
    """Along the last axis, linear between neighbours; +infinity as soon as a neighbour with weight is."""
    y = np.sort(scores, axis=-1)
    position = share * (y.shape[-1] - 1)
    below, weight = int(position), position - int(position)
    if weight == 0:
        return np.asarray(y[..., below])
    return np.asarray(y[..., below] * (1 - weight) + y[..., below + 1] * weight)
