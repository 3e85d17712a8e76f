"""What a search reports for the compute it has spent: trials, steps, images, seconds or hours."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analysis.estimators import budget, compute
from analysis.estimators.order import Array
from analysis.frames import SEARCH, SETTING, Study, settings
from analysis.intervals.bootstrap import SEED
from analysis.tables import validity
from analysis.tables.budget import HIGH, LOW
from study.errors import unknown

UNITS = {
    "trials": "trials",
    "steps": "discriminator steps",
    "images": "real images shown",
    "seconds": "seconds of training",
    "hours": "hours",
}
AMOUNTS = list(UNITS)
SHARES = (LOW, 0.5, HIGH)
FEWEST = 5  # repeats of whole searches from which on their 10 and 90 % quantiles are shown
COLUMNS = [
    *SEARCH, "unit", "spent", "mean", "low", "median", "high", "n", "failed", "exact", "simulations", "seed",
]  # fmt: skip


def words(study: Study, unit: str) -> str:
    """The unit as an axis names it; hours are GPU-hours or CPU-hours where all rows were made on the one or the other.

    An hour is one of a trial. Where several trials share a GPU, it is one of that share.
    """
    if unit not in UNITS:
        raise unknown("a unit of compute", unit, UNITS)
    if unit != "hours":
        return UNITS[unit]
    hardware = study.evaluations["hardware"].dropna().unique() if "hardware" in study.evaluations else ()
    kinds = {"GPU-hours" if json.loads(text).get("accelerator") else "CPU-hours" for text in hardware}
    return kinds.pop() if len(kinds) == 1 else "device-hours"


def costs(study: Study) -> pd.DataFrame:
    """One row per setting that has begun: what its trials consumed in all their attempts, failed ones too.

    Columns: SETTING; trials that have begun; steps and images of the training behind each row; seconds of that
    training; hours from the beginning of each attempt to its last row, measuring included. NaN where no row says it.
    What an attempt did after its last row is in none of them. A trial that two phases plan is charged to both.
    """
    spent = study.attempts.groupby("trial")[["steps", "images", "seconds", "hours"]].sum(min_count=1)
    rows = study.trials[[*SETTING, "trial"]].merge(spent, left_on="trial", right_index=True)
    groups = rows.groupby(SETTING)
    found = groups[["steps", "images", "seconds", "hours"]].sum(min_count=1)
    return found.assign(trials=groups.size())[AMOUNTS].reset_index()


def curves(study: Study, unit: str) -> pd.DataFrame:
    """One row per search and amount `spent` of a unit: what a search that spends it reports; n settings run, failed.

    Of the settings that were drawn (`validity.counted`), the loss's default and its cost not among them. spent: the
    cost of all n settings in n equal parts. Where every setting of a search cost the same (exact) the numbers are those
    of `budget.curves` at k = 1 .. n; else they are over `simulations` searches that try the settings run in random
    orders, by `seed`: a setting that is not paid to its end yields nothing, a failed one costs what it cost, and until
    something has finished the search reports +infinity. mean: +infinity up to where every order has finished a setting
    that did not fail. low, median, high: 10, 50 and 90 % quantiles over orders. Searches of which the cost in this unit
    is not known are left out. Raises StudyError where settings are no independent draws.
    """
    found = settings(study)
    validity.check(found, "a curve against compute")
    run = _charged(study, unit, validity.counted(found))
    return _frame([_curve(group, unit) for _, group in run.groupby(SEARCH)])


def by_replica(study: Study, unit: str) -> pd.DataFrame:
    """The columns of `curves` for searches of any sampler, adaptive too: over independent repeats of whole searches.

    Repeats are the searches of one loss and data set, space and sampler in different phases with different search
    seeds; `phase` names them all. Each is charged in the order in which its trials were begun, the loss's default
    first, and reports the best by choice of what has finished. mean and median are over the repeats, which n counts;
    the median of an even number is the mean of the two middle ones. low, high: 10 and 90 % quantiles of FEWEST repeats
    or more, NaN of fewer, of which no such quantile can be told. spent ends at the least that a repeat spent in all.
    failed: settings at infinity in all repeats. Phases that repeat selected settings are no searches.
    """
    found = settings(study).merge(_begun(study), on=SETTING)
    run = _charged(study, unit, found[found["searched"]])
    groups = run.groupby(["dataset", "loss", "variant", "family"], sort=False)
    return _frame([_replicated(group, unit) for _, group in groups])


def _curve(group: pd.DataFrame, unit: str) -> pd.DataFrame:
    choice, score, cost = _numbers(group, unit)
    n, equal = len(group), bool(np.ptp(cost) <= compute.ROUNDING * cost.max())
    spent = cost.sum() * np.arange(1, n + 1) / n
    if equal:
        quantiles = np.array([budget.quantile_of_best(choice, score, share) for share in SHARES])
        mean = budget.expected_best(choice, score)
    else:
        reported = compute.simulated(choice, score, cost, spent, seed=SEED)
        quantiles = compute.quantiles(reported, SHARES)
        mean = compute.expectation(reported, score, cost, spent)
    numbers = {"spent": spent, "mean": mean, **_named(quantiles)}
    drawn = {"exact": equal, "simulations": 0 if equal else compute.SIMULATIONS, "seed": pd.NA if equal else SEED}
    return pd.DataFrame({**_one(group), "unit": unit, **numbers, "n": n, **_failed(group), **drawn})


def _replicated(group: pd.DataFrame, unit: str) -> pd.DataFrame:
    replicas = [rows.sort_values(["begun", "position"]) for rows in _distinct(group)]
    amount = min(float(rows[unit].sum()) for rows in replicas)
    spent = amount * np.arange(1, (points := min(map(len, replicas))) + 1) / points
    reported = np.array([compute.recorded(*_numbers(rows, unit), spent) for rows in replicas])
    quantiles = compute.quantiles(reported, SHARES)
    quantiles[1] = np.median(reported, axis=0)
    if len(replicas) < FEWEST:
        quantiles[[0, 2]] = np.nan
    numbers = {"spent": spent, "mean": reported.mean(axis=0), **_named(quantiles)}
    together = pd.concat(replicas)
    where = _one(group) | {"phase": ", ".join(together["phase"].unique())}
    counts = {"n": len(replicas), **_failed(together), "exact": True, "simulations": 0, "seed": pd.NA}
    return pd.DataFrame({**where, "unit": unit, **numbers, **counts})


def _distinct(group: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The independent repeats: of phases that would draw the same settings the one that ran most of them."""
    for _, rows in group.groupby("draws", sort=False):
        phases = [phase for _, phase in rows.groupby("phase", sort=False)]
        yield max(phases, key=len)


def _begun(study: Study) -> pd.DataFrame:
    """Per setting when its first trial began, its place in the plan, and what repeats it: `family`, by `draws`."""
    first = study.attempts.groupby("trial")["began"].min().rename("begun")
    trials = study.trials.merge(first, left_on="trial", right_index=True, how="left")
    trials["family"] = trials["space"].astype("string").fillna("") + "/" + trials["sampler"].astype("string").fillna("")
    seeded = trials["search_seed"].notna() | trials["sampler"].isin(validity.INDEPENDENT)
    trials["draws"] = trials["search_seed"].astype("string").fillna("none").where(seeded, trials["phase"])
    trials["searched"] = trials["evidence"].isna()
    how = {"begun": "min", "position": "min", "family": "first", "draws": "first", "searched": "all"}
    return trials.groupby(SETTING).agg(how).reset_index()


def _charged(study: Study, unit: str, found: pd.DataFrame) -> pd.DataFrame:
    """The settings that have ended, with what they cost; without the searches where that is not known."""
    if unit not in UNITS:
        raise unknown("a unit of compute", unit, UNITS)
    run = found.dropna(subset="choice").merge(costs(study), on=SETTING, how="left", suffixes=("_planned", ""))
    known = run[unit].notna().groupby([run[name] for name in SEARCH]).transform("all")
    return run[known.astype(bool)]


def _numbers(group: pd.DataFrame, unit: str) -> tuple[Array, Array, Array]:
    choice, score, cost = (group[name].to_numpy(dtype=float) for name in ("choice", "score", unit))
    return choice, score, cost


def _named(quantiles: Array) -> dict[str, Array]:
    return dict(zip(("low", "median", "high"), quantiles, strict=True))


def _one(group: pd.DataFrame) -> dict[str, Any]:
    return {name: group[name].iloc[0] for name in SEARCH}


def _failed(group: pd.DataFrame) -> dict[str, int]:
    return {"failed": int(np.isinf(group["choice"]).sum())}


def _frame(parts: list[pd.DataFrame]) -> pd.DataFrame:
    frame = pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)
    return frame.astype({"seed": "Int64"})
