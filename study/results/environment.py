"""What the rows of a study tell of where they come from: code, packages, machines, ways of measuring."""

import json
from typing import Any

import duckdb

from study.results import fingerprints, schema

WAYS = {"code": ("commit", "dirty", "diff", "source"), "versions": ("versions",), "hardware": ("hardware",)}


def environment(database: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Every code, set of packages, machine and way of measuring among the rows, each with the number of its trials."""
    found: dict[str, Any] = {}
    for kind, names in WAYS.items():
        rows = database.sql(
            f"SELECT {', '.join(names)}, count(DISTINCT trial) AS trials FROM attempts GROUP BY ALL ORDER BY ALL"
        )
        found[kind] = [_unpacked(row) for row in rows.to_arrow_table().to_pylist()]
    measured = fingerprints.by_dataset(database.sql("FROM measured").df())
    return {"schema_version": schema.VERSION, **found, "fingerprints": measured}


def _unpacked(row: dict[str, Any]) -> dict[str, Any]:
    """JSON texts as what they hold."""
    kept = {name: value for name, value in row.items() if name not in ("versions", "hardware")}
    told = {name: json.loads(value) for name, value in row.items() if name in ("versions", "hardware") and value}
    return {**kept, **told}
