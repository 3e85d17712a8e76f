"""How often every interval and band holds, over simulated studies whose truth is known.

python -m benchmarks coverage [--studies 1000]
"""

import argparse
from collections.abc import Sequence

from benchmarks import coverage_budget, coverage_claims, coverage_comparisons, coverage_datasets, coverage_pooled
from benchmarks.timing import print_table

PARTS = (coverage_budget, coverage_comparisons, coverage_datasets, coverage_pooled, coverage_claims)
COLUMNS = ("interval", "of", "distribution", "n", "nominal", "held", "+-")


def main(options: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks coverage", description=__doc__)
    parser.add_argument("--studies", type=int, default=1000, help="simulated per row (default 1000)")
    studies = parser.parse_args(options).studies
    rows = [row for part in PARTS for row in part.rows(studies)]
    printed = [(*row[:3], str(row[3]), *(f"{100 * share:.1f} %" for share in row[4:])) for row in rows]
    print_table(f"Coverage over {studies:,} simulated studies; +-: standard error of the share", COLUMNS, printed)
