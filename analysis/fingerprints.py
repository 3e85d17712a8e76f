"""Whether numbers may be compared: the fingerprints that say how the metrics of a data set were made."""

import json
from typing import Any

import pandas as pd

from study.errors import StudyError

Fingerprint = dict[str, Any]


def check(evaluations: pd.DataFrame, where: str) -> None:
    """Raises StudyError for a data set whose rows were measured in more than one way; names the differing fields."""
    for dataset, found in by_dataset(evaluations).items():
        fields = differing(found)
        if fields:
            values = "; ".join(f"{name}: {', '.join(sorted(_values(found, name)))}" for name in fields)
            raise StudyError(
                f"{where}: the rows of {dataset} were measured in {len(found)} ways "
                f"and may not be compared ({values}); measure them the same way, or say --mixed"
            )


def by_dataset(evaluations: pd.DataFrame) -> dict[str, list[Fingerprint]]:
    """The distinct fingerprints of every data set that has measured rows; nested fields are written a.b."""
    rows = evaluations[["dataset", "fingerprint"]].dropna().drop_duplicates()
    return {
        str(name): [_flat(json.loads(text)) for text in sorted(group["fingerprint"])]
        for name, group in rows.groupby("dataset")
    }


def differing(found: list[Fingerprint]) -> list[str]:
    """The fields in which these fingerprints do not all agree, one that some of them lack included."""
    names = sorted({name for fingerprint in found for name in fingerprint})
    return [name for name in names if len(_values(found, name)) > 1]


def _values(found: list[Fingerprint], name: str) -> set[str]:
    return {json.dumps(fingerprint[name]) if name in fingerprint else "absent" for fingerprint in found}


def _flat(value: Fingerprint, prefix: str = "") -> Fingerprint:
    flat: Fingerprint = {}
    for name, item in value.items():
        flat |= _flat(item, f"{prefix}{name}.") if isinstance(item, dict) else {f"{prefix}{name}": item}
    return flat
