"""A computed table as a person reads it: numbers to strings, then plain text."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.frames import AS_RUN, HYPERPARAMETERS

NONE = "-"


def readable_ranking(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `tables.best` or `tables.ranking` as strings: one column per fact, named as it is to be headed."""
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
    """Rows of `tables.sizes` as strings: data set, loss and the parameters of the two networks."""
    networks = {"generator": "generator (vae: decoder)", "discriminator": "discriminator (vae: encoder)"}
    shown: dict[str, list[str]] = {"data set": table["dataset"].to_list(), "loss": table["loss"].to_list()}
    for name, title in networks.items():
        least, greatest = (table[f"{name}_parameters_{end}"] for end in ("least", "greatest"))
        shown[title] = [span(pd.Series(pair)) for pair in zip(least, greatest, strict=True)]
    return pd.DataFrame(shown, dtype=object)


def text(table: pd.DataFrame) -> str:
    """Strings in columns for a terminal: words to the left, numbers to the right."""
    columns = [[str(name), *table[name]] for name in table.columns]
    padded = [_padded(cells, max(len(cell) for cell in cells)) for cells in columns]
    return "\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True))


def value(item: object, digits: int = 3) -> str:
    """One cell: '-' for null, on/off for switches, thousands separated, fractions to that many significant digits."""
    if item is None or item is pd.NA or (isinstance(item, float) and math.isnan(item)):
        return NONE
    if isinstance(item, bool | np.bool_):
        return "on" if item else "off"
    number = float(str(item))
    return f"{int(number):,}" if number.is_integer() and number else f"{number:.{digits}g}"


def fixed(number: float, places: int) -> str:
    return NONE if math.isnan(number) else f"{number:,.{places}f}"


def decimals(numbers: pd.Series) -> int:
    """How many decimals give the smallest positive number three significant digits: 1 to 6."""
    least = numbers[numbers > 0].min()
    return 2 if math.isnan(least) else int(np.clip(2 - math.floor(math.log10(least)), 1, 6))


def of(part: object, whole: object) -> str:
    return f"{value(part)} of {value(whole)}"


def span(numbers: pd.Series) -> str:
    """'4' where all are equal, else '4 to 10'."""
    least, greatest = numbers.min(), numbers.max()
    return value(least) if least == greatest else f"{value(least)} to {value(greatest)}"


def listed(names: Sequence[str]) -> str:
    """'a, b and c'."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _where(table: pd.DataFrame) -> dict[str, list[str]]:
    """Phase and data set where the table holds more than one, and the rank where it has one."""
    several = [name for name in ("phase", "dataset") if table[name].nunique() > 1]
    place = {name: table[name].astype(str).to_list() for name in several}
    return place | ({"rank": [value(rank) for rank in table["rank"]]} if "rank" in table else {})


def _interval(low: float, high: float, places: int) -> str:
    return NONE if math.isnan(low) else f"{fixed(low, places)} to {fixed(high, places)}"


def _padded(cells: list[str], width: int) -> list[str]:
    """Words to the left, numbers to the right."""
    words = any(cell[:1].isalpha() for cell in cells[1:])
    return [cell.ljust(width) if words else cell.rjust(width) for cell in cells]
