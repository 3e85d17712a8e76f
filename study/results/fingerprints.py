"""Whether numbers may be compared: the fingerprints that say how the metrics of a data set were made."""

import json
from typing import Any

import pandas as pd

from study.errors import StudyError

Fingerprint = dict[str, Any]


def check(rows: pd.DataFrame, where: str) -> None:
    """Raises StudyError for a data set whose rows were measured in more than one way; names the differing fields.

    rows: anything with the columns dataset and fingerprint.
    """
    for dataset, found in by_dataset(rows).items():
        fields = differing(found)
        if fields:
            values = "; ".join(f"{name}: {', '.join(sorted(_values(found, name)))}" for name in fields)
            raise StudyError(
                f"{where}: the rows of {dataset} were measured in {len(found)} ways "
                f"and may not be compared ({values}); measure them the same way, or say --mixed"
            )


def by_dataset(rows: pd.DataFrame) -> dict[str, list[Fingerprint]]:
    """The distinct fingerprints of every data set that has measured rows; nested fields are written a.b."""
    ways = rows[["dataset", "fingerprint"]].dropna().drop_duplicates()
    return {
        str(name): [flat(_parsed(text)) for text in sorted(group["fingerprint"])]
        for name, group in ways.groupby("dataset")
    }


def _parsed(text: str) -> Fingerprint:
    """What is no JSON object, in a file that another program wrote, differs from all that is."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"fingerprint": text}


def differing(found: list[Fingerprint]) -> list[str]:
    """The fields in which these fingerprints do not all agree, one that some of them lack included."""
    names = sorted({name for fingerprint in found for name in fingerprint})
    return [name for name in names if len(_values(found, name)) > 1]


def _values(found: list[Fingerprint], name: str) -> set[str]:
    return {json.dumps(fingerprint[name]) if name in fingerprint else "absent" for fingerprint in found}


def flat(value: Fingerprint, prefix: str = "") -> Fingerprint:
    """The same without nesting: fields within fields are written a.b."""
    found: Fingerprint = {}
    for name, item in value.items():
        found |= flat(item, f"{prefix}{name}.") if isinstance(item, dict) else {f"{prefix}{name}": item}
    return found
