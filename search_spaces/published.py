"""The settings that the published study drew, replayed: 100 of each loss in the wide space, 50 in the narrow one.

published_wide.csv and published_narrow.csv hold them under the released code's own column names.
"""

import csv
from functools import cache
from pathlib import Path

from search_spaces.dimensions import Value
from search_spaces.hyperparameters import parse
from search_spaces.space import Space
from study.errors import StudyError, unknown

FILES = {
    "wide": Path(__file__).with_name("published_wide.csv"),
    "narrow": Path(__file__).with_name("published_narrow.csv"),
}
COLUMNS = {
    "learning_rate": "learning_rate",
    "beta1": "beta1",
    "disc_iters": "disc_iters",
    "batch_norm": "discriminator_batchnorm",
    "clip": "weight_clipping",
    "penalty_weight": "lambda",
    "k_learning_rate": "lambda",
    "gamma": "gamma",
}


def setting(space: Space, loss: str, variant: str, sample: int, search_seed: int) -> dict[str, Value]:
    """The setting that the study tried as number `sample`, in the names of this project.

    What a variant adds to its loss was never drawn and has its default. The study drew disc_iters for the vae too,
    where it has no effect: no row of ours has it. search_seed is not used: nothing is drawn. Raises StudyError for a
    space, loss or sample that the study did not have.
    """
    known = _settings(space.name)
    if loss not in known:
        raise unknown(f"a loss whose settings of {space.name} were published", loss, known)
    if not 0 <= sample < len(known[loss]):
        raise StudyError(f"sample {sample}: the published study drew 0 to {len(known[loss]) - 1} of {space.name}")
    drawn = known[loss][sample]
    return space.default(loss, variant) | {name: parse(name, drawn[COLUMNS[name]]) for name in space.rows[loss]}


def most(space: str) -> int | None:
    """How many settings of a loss the study drew in this space; 0 where it had no such space."""
    return min(map(len, _settings(space).values())) if space in FILES else 0


@cache
def _settings(space: str) -> dict[str, list[dict[str, str]]]:
    """Loss -> its settings in order, as texts; a hyperparameter that the loss does not have is not there."""
    if space not in FILES:
        raise StudyError(f"the published study drew no settings of the space {space!r}; it did of {', '.join(FILES)}")
    found: dict[str, list[dict[str, str]]] = {}
    with FILES[space].open(newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["loss"], []).append({name: text for name, text in row.items() if text})
    return found
