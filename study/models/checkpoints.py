"""A trial's state on disk: tensors and plain data only, so that reading a stranger's checkpoint runs no code."""

import logging
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save

from study import durable

FORMAT = 2
KEPT = 2  # the newest, and one to fall back on

log = logging.getLogger(__name__)


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> None:
    """Writes checkpoint-<step>.pt, whole or not at all, then removes all but the newest two."""
    durable.write(folder / f"checkpoint-{step}.pt", lambda file: torch.save({"format": FORMAT, **state}, file))
    for stale in _checkpoints(folder)[KEPT:]:
        stale.unlink(missing_ok=True)  # another attempt, on a machine that was given up too early, removes them too


def load_newest(folder: Path) -> dict[str, Any] | None:
    """The newest checkpoint that can be read; None where there is none. A damaged one is named in the log."""
    for path in _checkpoints(folder):
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged pickle raises whatever its bytes happen to say
            log.warning("%s is damaged (%r); going back to the one before", path, error)
            continue
        if isinstance(state, dict) and state.get("format") == FORMAT:
            return cast(dict[str, Any], state)
        log.warning("%s is no checkpoint of format %d; going back to the one before", path, FORMAT)
    return None


def newest_step(folder: Path) -> int | None:
    """The step of the newest checkpoint, without a look inside; None where there is none."""
    paths = _checkpoints(folder)
    return int(paths[0].stem.partition("-")[2]) if paths else None


def remove_checkpoints(folder: Path) -> None:
    for path in _checkpoints(folder):
        path.unlink(missing_ok=True)


def save_generator(path: Path, weights: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """The generator alone, as safetensors, with what it takes to build it again."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    durable.write_bytes(path, save(tensors, metadata))


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*.pt"), key=lambda path: int(path.stem.partition("-")[2]), reverse=True)
