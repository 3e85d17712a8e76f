"""How the scores of a loss's settings spread: quartiles, with diverged and failed settings kept at infinity."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.seeds import quantiles
from analysis.frames import DEFAULT, SEARCH

Array = npt.NDArray[np.float64]
COLUMNS = [*SEARCH, "n", "diverged", "failed", "missing", "q1", "median", "q3", "low", "high", "default"]


def quartiles(settings: pd.DataFrame) -> pd.DataFrame:
    """One row per search: the quartiles of the reported scores of its settings, +infinity where failures reach it.

    n: settings run; of them at infinity: diverged (a seed of theirs did) and failed (the rest); missing: settings not
    yet run, in no number. low and high: the least and greatest finite score within 1.5 interquartile ranges of the box
    (Tukey). default: the score of sample 0.
    """
    rows = [_row(group) for _, group in settings.groupby(SEARCH)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(group: pd.DataFrame) -> dict[str, object]:
    run = group["score"].dropna().to_numpy(dtype=float)
    finite = run[np.isfinite(run)]
    q1, median, q3 = (quantile(run, share) for share in (0.25, 0.5, 0.75))
    reach = 1.5 * (q3 - q1) if np.isfinite(q3) else np.inf
    within = finite[(finite >= q1 - reach) & (finite <= q3 + reach)] if np.isfinite(q1) else finite[:0]
    diverged = int((np.isinf(group["score"]) & (group["diverged"] > 0)).sum())
    default = group.loc[group["sample"] == DEFAULT, "score"]
    return {
        **{name: group[name].iloc[0] for name in SEARCH},
        "n": len(run), "missing": len(group) - len(run),
        "diverged": diverged, "failed": len(run) - len(finite) - diverged,
        "q1": q1, "median": median, "q3": q3,
        "low": within.min() if len(within) else np.nan, "high": within.max() if len(within) else np.nan,
        "default": default.iloc[0] if len(default) else np.nan,
    }  # fmt: skip


def quantile(scores: Array, share: float) -> float:
    """Linear between neighbours as numpy's; +infinity as soon as one neighbour with weight is. NaN of nothing."""
    return float(quantiles(scores, share)) if len(scores) else float("nan")
