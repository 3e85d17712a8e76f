"""Computed tables with their numbers as strings, named as their columns are to be headed."""

import math

import pandas as pd

from analysis import style
from analysis.formats.numbers import NONE, decimals, fixed, of, span, value
from analysis.frames import AS_RUN, HYPERPARAMETERS


def readable_ranking(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `searches.best` or `searches.ranking` as strings: one column per fact, named as it is to be headed."""
    rows = [row for _, row in table.iterrows()]
    places, errors = decimals(table["mean"]), table["standard_error"]
    shown = {
        **_where(table),
        "loss": [str(row["loss"]) for row in rows],
        f"score{'' if errors.isna().all() else ' ± std. error'}": [
            fixed(mean, places) + ("" if math.isnan(error) else f" ± {fixed(error, places)}")
            for mean, error in zip(table["mean"], errors, strict=True)
        ],
        "95 % interval": [_interval(row["low"], row["high"], places) for row in rows],
        "seeds done": [of(row["done"], row["seeds"]) for row in rows],
        "settings run": [of(row["settings_run"], row["settings"]) for row in rows],
        "diverged": [value(row["trials_diverged"]) for row in rows],
        "failed": [value(row["trials_failed"]) for row in rows],
        "missing": [value(row["trials_missing"]) for row in rows],
    }
    frame = pd.DataFrame(shown, dtype=object)
    return frame if table["low"].notna().any() else frame.drop(columns="95 % interval")


def readable_settings(table: pd.DataFrame) -> pd.DataFrame:
    """The best settings themselves as strings: sample, hyperparameters, network sizes, best step and a trial.

    Losses of which nothing has finished are left out. The step and the trial are those of the lowest seed that is done.
    The variant is there where not every loss is computed as_run.
    """
    used = [name for name in HYPERPARAMETERS if table[name].notna().any()]
    rows = [row for _, row in table.iterrows() if row["done"] > 0]
    shown = {
        **_where(table[table["done"] > 0]),
        "loss": [str(row["loss"]) for row in rows],
        **({"variant": [str(row["variant"]) for row in rows]} if any(row["variant"] != AS_RUN for row in rows) else {}),
        "sample": [f"{row['sample']}{' (default)' if row['sample'] == 0 else ''}" for row in rows],
        **{name: [value(row[name], 3) for row in rows] for name in used},
        "parameters G": [value(row["generator_parameters"]) for row in rows],
        "parameters D": [value(row["discriminator_parameters"]) for row in rows],
        "best at step": [of(row["step"], row["steps"]) for row in rows],
        "trial": [str(row["trial"]) for row in rows],
    }
    return pd.DataFrame(shown, dtype=object)


def readable_sizes(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `searches.sizes` as strings: data set, loss and the parameters of the two networks."""
    networks = {"generator": "generator (vae: decoder)", "discriminator": "discriminator (vae: encoder)"}
    shown: dict[str, list[str]] = {"data set": table["dataset"].to_list(), "loss": table["loss"].to_list()}
    for name, title in networks.items():
        least, greatest = (table[f"{name}_parameters_{end}"] for end in ("least", "greatest"))
        shown[title] = [span(pd.Series(pair)) for pair in zip(least, greatest, strict=True)]
    return pd.DataFrame(shown, dtype=object)


def readable_table2(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `table2.table2` as strings: per data set ours, mean ± standard deviation (seeds), and the published one.

    Its metric stands in the heading of ours; what was published is fid, and stands beside fid only. A seed that
    diverged or failed is not in the mean, and is counted.
    """
    shown: dict[str, list[str]] = {"loss": table["loss"].to_list()}
    names = [str(name) for name in table.columns]
    datasets = style.ordered_datasets(name.removesuffix("_metric") for name in names if name.endswith("_metric"))
    for dataset in datasets:
        metric = "".join(table[f"{dataset}_metric"].unique())
        shown[f"{dataset}, {metric}"] = _repeated(table, dataset)
        published = [table[f"{dataset}_{name}"] for name in ("published", "published_deviation")]
        if metric == "fid" and published[0].notna().any():
            pairs = zip(*published, strict=True)
            shown[f"{dataset}, published fid"] = [_plus_minus(mean, deviation, 1) for mean, deviation in pairs]
    return pd.DataFrame(shown, dtype=object)


def _where(table: pd.DataFrame) -> dict[str, list[str]]:
    """Phase and data set where the table holds more than one, and the rank where it has one."""
    several = [name for name in ("phase", "dataset") if table[name].nunique() > 1]
    place = {name: table[name].astype(str).to_list() for name in several}
    return place | ({"rank": [value(rank) for rank in table["rank"]]} if "rank" in table else {})


def _interval(low: float, high: float, places: int) -> str:
    return NONE if math.isnan(low) else f"{fixed(low, places)} to {fixed(high, places)}"


def _repeated(table: pd.DataFrame, dataset: str) -> list[str]:
    """'12.1 ± 0.3 (5, 1 failed)': mean, deviation, seeds that are done and that failed."""
    names = [f"{dataset}_{name}" for name in ("mean", "deviation", "seeds", "failed")]
    means, deviations, seeds, failed = (table[name] for name in names)
    places = decimals(means)
    cells = []
    for mean, deviation, done, lost in zip(means, deviations, seeds.fillna(0), failed.fillna(0), strict=True):
        counts = ", ".join(([str(done)] if done else []) + ([f"{lost} failed"] if lost else []))
        cells.append(_plus_minus(mean, deviation, places) + (f" ({counts})" if counts else ""))
    return cells


def _plus_minus(mean: float, deviation: float, places: int) -> str:
    return fixed(mean, places) + ("" if math.isnan(deviation) else f" ± {fixed(deviation, places)}")
