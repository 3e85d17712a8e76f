"""How stable every setting is that several seeds repeat."""

import numpy as np
import pandas as pd

from analysis.estimators import seeds
from analysis.frames import SETTING, Study
from analysis.intervals.quantiles import quantile_interval, quartile_ratio_interval
from analysis.tables import validity

COLUMNS = [
    *SETTING, "seeds", "failed", "median", "low", "high", "q1", "q3", "spread", "spread_low", "spread_high", "least",
]  # fmt: skip


def stability(study: Study) -> pd.DataFrame:
    """One row per setting of which two seeds and more ended in turn, in the order of the plan; failures at +infinity.

    seeds: how many these are (`validity.trials_in_turn`); failed: how many of them are at infinity. median with a 95 %
    interval low, high (`quantile_interval`; NaN below six seeds). q1, q3, and spread, q3 / q1, with a 95 % interval
    (`quartile_ratio_interval`; NaN below 13 seeds). No intervals in a search of several settings (`validity.given`):
    its best one was chosen by these seeds, and they flatter it. least: the best of that many seeds, which says more of
    how many there are than of the setting.
    """
    trials = study.trials.assign(given=validity.given(study.trials))
    ended = trials[validity.trials_in_turn(trials)]
    rows = [
        (*place, *_row(group["outcome"].to_numpy(dtype=float), given=bool(group["given"].all())))
        for place, group in ended.groupby(SETTING, sort=False)
        if len(group) > 1
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(scores: np.ndarray, *, given: bool) -> tuple[float, ...]:
    q1, median, q3 = (float(seeds.quantiles(scores, share)) for share in (0.25, 0.5, 0.75))
    spread = q3 / q1 if 0 < q1 < np.inf else np.nan
    ends = (np.nan,) * 4
    if given:
        middle, ratio = quantile_interval(scores), quartile_ratio_interval(scores, (q1, q3))
        ends = middle.low, middle.high, ratio.low, ratio.high
    counted = len(scores), int(np.isinf(scores).sum())
    return *counted, median, *ends[:2], q1, q3, spread, *ends[2:], float(scores.min())
