"""From which budget on one loss beats another."""

import numpy as np

from analysis.estimators.order import Array

EVEN = 0.5
ROUNDING = 1e-9  # of a sum of many probabilities: two equal searches must not beat each other by it


def crossing(probability: Array) -> Array:
    """The smallest k from which on a probability is above one half at every k up to the last, NaN where it never is.

    probability: over k = 1 .. K along the last axis, such as `pairs.along` of two searches finds.
    """
    stays = np.logical_and.accumulate((probability > EVEN + ROUNDING)[..., ::-1], axis=-1).sum(axis=-1)
    return np.where(stays > 0, probability.shape[-1] - stays + 1.0, np.nan)
