"""How often the best of k settings on one data set is worse than the best of the same k on another."""

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from analysis.claims.bounds import Array


def worse(chosen_by: Array, choice: Array, score: Array, k: int, rope: float) -> tuple[float, Array]:
    """The share of all draws of k of n settings in which carrying over costs, and the same without each setting [n].

    Of a draw the setting with the least `chosen_by`, the choice on the one data set, is carried to the other, where
    `choice` has its own best; it costs where its `score` there exceeds (1 + rope) times that of the other's own. With
    i the a-th and j the b-th in the two orders, the draws that keep i here and j there number C(s, k - 2), s the
    settings that are behind i in the one order and behind j in the other. 2 <= k < n. Ties in choice go to the lower
    score, then to the earlier setting.
    """
    n = len(score)
    here, there = (np.lexsort((np.arange(n), score, keys)) for keys in (chosen_by, choice))
    place_here, place_there = np.argsort(here), np.argsort(there)
    behind = _behind(place_here, place_there)
    kept = (place_there[here][:, None] > np.arange(n)) & (place_here[there][None, :] > np.arange(n)[:, None])
    costs = kept & (score[here][:, None] > (1 + rope) * score[there][None, :])
    every = np.where(costs, _share(behind, k - 2, n, k), 0.0)
    fewer = np.where(costs, _share(behind - 1, k - 2, n, k), 0.0)
    # Without m: no draw keeps m, and those in which m was behind both have one setting less to take.
    lost = np.zeros((n + 1, n + 1))
    lost[1:, 1:] = np.cumsum(np.cumsum(every - fewer, axis=0), axis=1)
    left = every.sum() - every.sum(axis=1)[place_here] - every.sum(axis=0)[place_there] - lost[place_here, place_there]
    return float(every.sum()), left * n / (n - k)


def _behind(place_here: npt.NDArray[np.int64], place_there: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many settings are behind the a-th in the one order and behind the b-th in the other, [a, b]."""
    n = len(place_here)
    there = np.zeros((n + 1, n + 1), dtype=np.int64)
    there[place_here, place_there] = 1
    return there[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1][1:, 1:]


def _share(settings: npt.NDArray[np.int64], taken: int, n: int, k: int) -> Array:
    """C(settings, taken) / C(n, k)."""
    possible = settings >= taken
    s = np.where(possible, settings, taken)
    log = gammaln(s + 1.0) - gammaln(taken + 1.0) - gammaln(s - taken + 1.0)
    log -= gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return np.where(possible, np.exp(log), 0.0)
